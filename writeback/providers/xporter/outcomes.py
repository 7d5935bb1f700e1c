"""Reads what Xporter answers and calls back into our outcomes. Pure; `adapter` asks.

Errors stand in `ExceptionMessage`, with HTTP 200 too: the text decides before the status does.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from writeback.core.errors import BadInput
from writeback.domain.outcome import (
    Blocked,
    Evidenced,
    GaveUp,
    NotReached,
    Outcome,
    Pending,
    Refused,
    Rejected,
    Taken,
    Uncertain,
    Unclear,
    Verdict,
)
from writeback.domain.school import HoldReason
from writeback.providers.base import Hint, SentRequest
from writeback.providers.http import Answer, clean, reference_of, shorten, trouble_of
from writeback.providers.times import parse_instant
from writeback.providers.xporter.fields import is_false, is_true, table_of, text_of, value_of
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

N_RULE = "N rule: another mark in the MIS would have been left as it was"
"""What a callback leaves open of an N: the MIS keeps any other mark that it held (Xporter 14061-14064)."""

_HOOK_PARAMETERS = ("id", "estab", "trackingid", "XodCompleted", "ErrorMessage")
_TOKEN_LIFE = timedelta(minutes=5)
"""How long a token is used whose expiry cannot be read."""


@dataclass(frozen=True)
class Token:
    """A school's token and when it stops working."""

    value: str = field(repr=False)
    expires_at: datetime


def judge(answer: Answer, places: Sequence[Place] = ()) -> Trouble | None:
    """Return what is wrong with an answer; None where nothing is. `places`: the marks that were sent."""
    said = text_of(answer.body, "ExceptionMessage")
    if said:
        return _read_exception(said, answer, places)
    trouble = trouble_of(answer, "Xporter")
    if trouble is not None:
        return trouble
    if not answer.is_success:
        return Refused(f"Xporter answered {answer.status}")
    return None


def _read_exception(said: str, answer: Answer, places: Sequence[Place]) -> Trouble:
    if _PAUSED.search(said):
        return Blocked(HoldReason.PAUSED, shorten(said))
    findings = read_message(said, places)
    if findings is not None:
        return Refused(shorten(said), findings)
    if _SECRET.search(said) or answer.status == 401 or (answer.status != 403 and _TOKEN.search(said)):
        return Blocked(HoldReason.TOKEN_REFUSED, shorten(said))
    if answer.status == 403 or _SCOPE.search(said):
        return Blocked(HoldReason.SCOPE_MISSING, shorten(said))
    trouble = trouble_of(answer, "Xporter")
    if trouble is not None:
        return trouble
    if AGENT_UNREACHABLE.search(said) or _PASSING.search(said):
        return Uncertain(f"Xporter says: {shorten(said)}")
    return Refused(shorten(said))


def refuses_token(answer: Answer) -> bool:
    """Whether a new token may help."""
    trouble = judge(answer)
    return isinstance(trouble, Blocked) and trouble.reason is HoldReason.TOKEN_REFUSED


def read_answer(answer: Answer, marks: Sequence[Mapping[str, Any]]) -> Outcome:
    """Return what the answer to a POST of `marks` means (Xporter 14025-14041)."""
    places = [Place.of_mark(mark) for mark in marks]
    trouble = judge(answer, places)
    if isinstance(trouble, Refused) and answer.status in (404, 405) and not _is_about_marks(answer, places):
        return Blocked(HoldReason.UNKNOWN_THERE, trouble.message)
    if trouble is not None:
        return trouble
    given = text_of(answer.body, "TrackingId") and value_of(answer.body, "TrackingId")
    if not given:
        tracked = table_of(value_of(answer.body, "DataSet"), "trackingid") or [{}]
        given = value_of(tracked[0], "trackingid")
    reference = reference_of(given)
    if reference is None:
        return Uncertain(f"Xporter answered {answer.status} without a TrackingId that could be one")
    return Taken(reference)


def _is_about_marks(answer: Answer, places: Sequence[Place]) -> bool:
    return read_message(text_of(answer.body, "ExceptionMessage"), places) is not None


def read_token(answer: Answer, now: datetime) -> Token | NotReached | Blocked:
    """Return the token that the STS gave (Xporter 73-107). Nothing was written yet: no failure leaves doubt."""
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


def read_hints(sent: SentRequest) -> Verdict:
    """Return what the callbacks say; Pending while none has come. The latest that says anything counts."""
    places = [Place.of_record(record) for record in sent.records]
    for hint in reversed(sent.hints):
        # A callback is not signed: one that does not know the TrackingId of our POST is not about it.
        if sent.provider_ref is not None and text_of(hint, "trackingid") != sent.provider_ref:
            continue
        return _read_callback(hint, places)
    # It retries the agent itself for an hour (14119).
    return Pending(detail="Xporter has not called back yet", awaits_callback=True)


def _read_callback(hint: Mapping[str, Any], places: Sequence[Place]) -> Verdict:
    """XodCompleted True: written. False: failed validation. Empty, with a text: the MIS refused (14123-14129)."""
    completed, said = value_of(hint, "XodCompleted"), text_of(hint, "ErrorMessage")
    if is_true(completed):
        notes = {position: N_RULE for position, place in enumerate(places) if place.mark == "N"}
        return Evidenced("callback", notes=notes)
    if said and AGENT_UNREACHABLE.search(said):
        return GaveUp(HoldReason.OFFLINE, shorten(said))
    if said:
        return Rejected(shorten(said), read_message(said, places) or {})
    if is_false(completed):
        return Rejected("Xporter could not write it and gives no reason")
    return Unclear("Xporter's callback says neither that it is done nor why not")


def parse_hook(query: Mapping[str, str], body: bytes) -> Hint:
    """Return what a callback says (Xporter 14123-14129); raise BadInput when it says about nothing."""
    told = _json_object(body)
    said = {name: text_of(query, name) or text_of(told, name) for name in _HOOK_PARAMETERS}
    said |= {name: reference_of(said[name]) or "" for name in ("id", "trackingid")}
    if not said["id"] and not said["trackingid"]:
        raise BadInput("callback_unreadable", "the callback has neither id nor trackingid")
    if "%" in said["ErrorMessage"]:  # the document has it URL-encoded (14129), and it may be so twice
        said["ErrorMessage"] = clean(unquote(said["ErrorMessage"]))
    return Hint(said, provider_ref=said["trackingid"] or None, request_id=said["id"] or None)


def _json_object(body: bytes) -> Mapping[str, Any]:
    """Return the body as an object; an empty one where it is empty or is none: what counts is in the query."""
    try:
        parsed = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, Mapping) else {}
