"""What a provider answered, read once: its JSON or what stands in its place, and when to come again. Pure."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx

from writeback.domain.outcome import (
    Blocked,
    NotReached,
    Outcome,
    RawAnswer,
    Refused,
    Rejected,
    Uncertain,
    Unclear,
    Verdict,
)
from writeback.providers.texts import MAX_REFERENCE, clean

MAX_RETRY_AFTER_S = 86_400.0
"""A provider that asks for more than a day is asked again after a day."""
_SECONDS = re.compile(r"[+-]?[0-9]+(?:\.[0-9]*)?")
_PAGE_TYPES = ("text/html", "application/xhtml+xml")
_PAGE_LOOK = 4_096
_PAGE_START = re.compile(rb"\s*+(?:<!--.*?-->\s*+)*+<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
Said = TypeVar("Said", bound=Outcome | Verdict)


@dataclass(frozen=True)
class Answer:
    """What a provider answered. `body` is the parsed JSON; None where `is_json` is false."""

    status: int
    body: Any = field(repr=False)  # a token of the STS, or pupil data
    is_json: bool
    retry_after_s: float | None = None
    size: int = field(default=0, compare=False)
    """Bytes of the body, unpacked."""
    is_page: bool = False
    """Whether the body is a web page."""
    raw: RawAnswer | None = field(default=None, repr=False, compare=False)
    """The beginning of it as it came, without our credential; None where none of it is to be kept."""

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    @property
    def is_providers_own(self) -> bool:
        """Whether the provider itself speaks: both answer with JSON objects, in errors too. Whose an empty body is,
        nobody can tell."""
        return self.is_json and isinstance(self.body, Mapping) and bool(self.body)

    @property
    def is_foreign(self) -> bool:
        """Whether the body is what neither provider sends: a web page, or any other text that is not JSON."""
        return not self.is_json and (self.is_page or self.size > 0)

    def in_words(self, provider: str) -> str:
        """Return who answered what, in words."""
        if self.is_page:
            return f"answered {self.status} with a web page: a firewall or proxy in between, not {provider}"
        if self.is_foreign:
            return f"answered {self.status} with a text that is not JSON: broken off, or not by {provider}"
        return f"{provider} answered {self.status}"


def with_answer(outcome: Said, answer: Answer) -> Said:
    """Return what an answer means with the answer itself, where that is kept: for what has failed."""
    if answer.raw is not None and isinstance(outcome, Refused | NotReached | Uncertain | Blocked | Rejected | Unclear):
        return replace(outcome, raw=answer.raw)
    return outcome


def raw_of(response: httpx.Response, content: bytes, authorization: str, kept: int) -> RawAnswer:
    """Return the beginning of an answer; pages about an error may repeat what they were sent, our credential too."""
    credential = authorization.rpartition(" ")[2].encode()
    start = content[: kept + 2 * len(credential)]
    for shown in (credential, credential.replace(b"/", rb"\/")) if credential else ():
        start = start.replace(shown, b"[credential]")
    content_type = clean(response.headers.get("content-type", ""))[:MAX_REFERENCE]
    return RawAnswer(response.status_code, content_type, start[:kept], len(content))


def answer_of(response: httpx.Response, content: bytes, now: datetime) -> Answer:
    retry_after_s = read_retry_after(response.headers.get("retry-after"), now)
    try:
        return Answer(response.status_code, json.loads(content), True, retry_after_s, len(content))
    except (ValueError, RecursionError):  # not JSON, nested without end, or a number without end
        is_typed = response.headers.get("content-type", "").lower().startswith(_PAGE_TYPES)
        is_page = bool(content.strip()) and (is_typed or _PAGE_START.match(content[:_PAGE_LOOK]) is not None)
        return Answer(response.status_code, None, False, retry_after_s, len(content), is_page)


def read_retry_after(value: str | None, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for: a number or an HTTP date; None when it says neither.

    At least 0 and at most a day: a provider's slip must not park a school for years, nor overflow a date.
    """
    text = (value or "").strip()
    if _SECONDS.fullmatch(text):
        return _clamp(float(text))
    try:
        at = parsedate_to_datetime(text)
        return _clamp(((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds())
    except (ValueError, OverflowError):
        return None


def _clamp(seconds: float) -> float:
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_S)
