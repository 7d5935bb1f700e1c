"""Reads what Xporter answers into our outcomes; `callbacks` reads what it calls back. Pure; `adapter` asks.

Errors stand in `ExceptionMessage`, with HTTP 200 too: the text decides before the status does.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from writeback.domain.outcome import Applied, Blocked, NotReached, Outcome, Refused, Taken, Uncertain
from writeback.domain.school import HoldReason
from writeback.providers.answers import Answer
from writeback.providers.error_bodies import says_it_failed, texts_of
from writeback.providers.status_meanings import trouble_of
from writeback.providers.texts import reference_of, shorten
from writeback.providers.times import parse_instant
from writeback.providers.xporter.fields import table_of, text_of, value_of
from writeback.providers.xporter.messages import AGENT_UNREACHABLE, Place, read_message

Trouble = Refused | NotReached | Uncertain | Blocked

_PAUSED = re.compile(r"authori[sz]ation\s+is\s+currently\s+paused", re.IGNORECASE)  # Xporter 104
_SECRET = re.compile(r"relying\s*party\s+not\s+found|secret\s+not\s+correct", re.IGNORECASE)  # Xporter 93
_TOKEN = re.compile(
    r"token\b.{0,40}(?:expired|invalid|not\s+valid|missing|required)|(?:expired|invalid)\s+(?:\w+\s+){0,2}token"
    r"|authori[sz]ation\s+has\s+been\s+denied|\bunauthori[sz]ed\b",
    re.IGNORECASE,
)
_SCOPE = re.compile(r"\bscopes?\b|\bpermission|\bconsent|not\s+(?:been\s+)?authori[sz]ed|not\s+grant", re.IGNORECASE)
_PASSING = re.compile(r"try\s+again|temporar|too\s+many\s+requests|timed?\s*out|deadlock", re.IGNORECASE)
_BROKEN = re.compile(
    r"\bSystem\.\w+|\b[A-Z]\w+Exception\b|object\s+reference\s+not\s+set|index\s+was\s+out|nullable\s+object"
    r"|sequence\s+contains\s+(?:no|more)|value\s+cannot\s+be\s+null|operation\s+was\s+cancell?ed|task\s+was\s+cancell?ed"
    r"|cannot\s+access\s+a\s+disposed|updating\s+the\s+entries|underlying\s+connection|transport-level\s+error"
    r"|an\s+error\s+(?:has\s+)?occurred|unexpected\s+error|internal\s+(?:server\s+)?error|connection\s+pool",
    re.IGNORECASE,
)
"""The words of .NET when a program fails in the middle of its work: it may have written by then."""

_CHANGESET = re.compile(r"changed\s*rows|change\s*sets?\b", re.IGNORECASE)

_TOKEN_LIFE = timedelta(minutes=5)
"""How long a token is used whose expiry cannot be read."""


@dataclass(frozen=True)
class Token:
    """A school's token and when it stops working."""

    value: str = field(repr=False)
    expires_at: datetime


def judge(answer: Answer, places: Sequence[Place] = ()) -> Trouble | None:
    """Return what is wrong with an answer; None where nothing is. `places`: those of the records that were sent."""
    said = text_of(answer.body, "ExceptionMessage")
    if said:
        return _read_exception(said, answer, places)
    trouble = trouble_of(answer, "Xporter")
    if trouble is not None:
        return trouble
    return None if answer.is_success else _read_words(answer, places)


def _says_it_failed(body: Any) -> bool:
    """Whether an answer of success without an exception has errors in it, and no TrackingId."""
    has_more = value_of(body, "TrackingId") is not None or value_of(body, "DataSet") is not None
    return not has_more and says_it_failed(body) and bool(texts_of(body))


def _read_words(answer: Answer, places: Sequence[Place]) -> Refused:
    """Return the refusal in whatever words there are; the documented ones name records wherever they stand."""
    said = texts_of(answer.body)
    findings = read_message(said, places) if said else None
    message = f"{answer.in_words('Xporter')}: {said}" if said else answer.in_words("Xporter")
    return Refused(shorten(message), findings or {}, said=said)


def _read_exception(said: str, answer: Answer, places: Sequence[Place]) -> Trouble:
    if _PAUSED.search(said):
        return Blocked(HoldReason.PAUSED, shorten(said))
    findings = read_message(said, places)
    if findings is not None:
        return Refused(shorten(said), findings, said=shorten(said))
    if _SECRET.search(said) or answer.status == 401 or (answer.status != 403 and _TOKEN.search(said)):
        return Blocked(HoldReason.TOKEN_REFUSED, shorten(said))
    if answer.status == 403 or _SCOPE.search(said):
        return Blocked(HoldReason.SCOPE_MISSING, shorten(said))
    trouble = trouble_of(answer, "Xporter")
    if trouble is not None:
        return trouble
    if AGENT_UNREACHABLE.search(said) or _PASSING.search(said) or _is_broken(said, answer):
        return Uncertain(f"Xporter says: {shorten(said)}")
    return Refused(shorten(said), said=shorten(said))


def _is_broken(said: str, answer: Answer) -> bool:
    """Whether the text, or the type beside it, is that of a program that failed, not of a check that refused."""
    return _BROKEN.search(f"{text_of(answer.body, 'ExceptionType')} {said}") is not None


def is_about_changeset(said: str) -> bool:
    """Whether what was said is about the changeset that was asked for (600), in whatever kind of exception."""
    return _CHANGESET.search(said) is not None


def refuses_token(answer: Answer) -> bool:
    """Whether a new token may help."""
    trouble = judge(answer)
    return isinstance(trouble, Blocked) and trouble.reason is HoldReason.TOKEN_REFUSED


def read_answer(answer: Answer, places: Sequence[Place]) -> Outcome:
    """Return what the answer to an asynchronous POST means (Xporter 14025-14041, 14332-14349)."""
    trouble = _trouble_of_post(answer, places)
    if trouble is not None:
        return trouble
    reference = _tracking_id(answer)
    if reference is None:
        return Uncertain(f"Xporter answered {answer.status} without a TrackingId that could be one")
    return Taken(reference)


def read_sync_answer(answer: Answer, places: Sequence[Place]) -> Outcome:
    """Return what the answer to a synchronous POST with a Callback means.

    A success says no more than that Xporter has it: who names a Callback need not "wait around for it to finish"
    (13954, 14237), so the callback decides. It names our request, and no TrackingId (13958, 14239): none is kept.
    """
    trouble = _trouble_of_post(answer, places)
    if trouble is not None:
        return trouble
    return Taken(None) if answer.is_json else Uncertain(f"Xporter answered {answer.status} with what cannot be read")


def read_raw_answer(answer: Answer) -> Outcome:
    """Return what the answer to something undocumented means: with a TrackingId it is taken, else it is done."""
    trouble = _trouble_of_post(answer, ())
    if trouble is not None:
        return trouble
    reference = _tracking_id(answer)
    if reference is not None:
        return Taken(reference)
    is_readable = answer.is_json or answer.status == 204
    return Applied("answer") if is_readable else Uncertain(f"Xporter answered {answer.status} with what cannot be read")


def _trouble_of_post(answer: Answer, places: Sequence[Place]) -> Trouble | None:
    trouble = judge(answer, places)
    if trouble is None and _says_it_failed(answer.body):
        return _read_words(answer, places)
    if isinstance(trouble, Refused) and answer.status in (404, 405) and not _is_about_records(answer, places):
        return Blocked(HoldReason.UNKNOWN_THERE, trouble.message)
    return trouble


def _tracking_id(answer: Answer) -> str | None:
    given = text_of(answer.body, "TrackingId") and value_of(answer.body, "TrackingId")
    if not given:
        tracked = table_of(value_of(answer.body, "DataSet"), "trackingid") or [{}]
        given = value_of(tracked[0], "trackingid")
    return reference_of(given)


def _is_about_records(answer: Answer, places: Sequence[Place]) -> bool:
    return read_message(text_of(answer.body, "ExceptionMessage"), places) is not None


def read_token(answer: Answer, now: datetime) -> Token | NotReached | Blocked:
    """Return the token that the STS gave (Xporter 73-107). Nothing was written yet: no failure leaves anything in
    doubt."""
    match judge(answer):
        case Uncertain(reason=reason):
            return NotReached(reason)
        case NotReached() | Blocked(reason=HoldReason.PAUSED) as outcome:
            return outcome
        case Blocked(detail=detail):
            return Blocked(HoldReason.TOKEN_REFUSED, detail)
        case Refused() if answer.status in (404, 405):
            return NotReached(f"the STS answered {answer.status}: check its address")
        case Refused(message=message):
            return Blocked(HoldReason.TOKEN_REFUSED, message)
    token = value_of(answer.body, "token")
    value = text_of(token, "token", "value") if isinstance(token, Mapping) else text_of(answer.body, "token")
    if not value:
        return NotReached("the STS answered without a token")
    expires_at = parse_instant(value_of(answer.body, "expires"), ZoneInfo("UTC"))
    return Token(value, expires_at or now + _TOKEN_LIFE)
