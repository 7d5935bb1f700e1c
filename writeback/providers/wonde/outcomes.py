"""Reads what Wonde answers to a writeback and says of it later. Pure; `adapter` asks."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from writeback.domain.finding import Finding
from writeback.domain.outcome import (
    Blocked,
    Evidenced,
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
from writeback.providers.answers import Answer
from writeback.providers.base import SentRequest
from writeback.providers.error_bodies import says_it_failed, texts_of
from writeback.providers.status_meanings import trouble_of
from writeback.providers.texts import shorten
from writeback.providers.wonde.errors import read_refusal
from writeback.providers.wonde.fields import data_of, id_of, instant_of, mapping_of
from writeback.providers.wonde.operations import OPERATIONS, Operation

UNSEEN_FOR = timedelta(minutes=5)
"""How long after sending a writeback may still be unknown to the status endpoint."""

_NO_REASON = "Wonde could not write it into the MIS and gives no reason"
_REASONS = ("errors", "error", "message", "reason", "failure_reason")
"""Where a reason may stand, although the document shows none (Wonde 8744-8770)."""


def read_answer(answer: Answer, kind: str, count: int) -> Outcome:
    """Return what the answer to a request of `count` records of `kind` means."""
    operation = OPERATIONS[kind]
    trouble = _blocked(answer) or trouble_of(answer, "Wonde")
    if trouble is not None:
        return trouble
    if answer.is_success:
        return _taken(answer, kind, count)
    if answer.status in (404, 410) and operation.target is not None and not answer.is_foreign:
        return _not_found(answer, operation, operation.target)
    refused = read_refusal(answer, count, kind)
    if answer.status in (404, 405) and not refused.findings:  # no record is meant: the path itself is not there
        return Blocked(HoldReason.UNKNOWN_THERE, f"{answer.in_words('Wonde')}: it knows no such address for the school")
    return refused


def _blocked(answer: Answer) -> Blocked | None:
    """A 403 says in its own words which permission is missing."""
    said = texts_of(answer.body) if answer.status == 403 else ""
    if not said:
        return None
    return Blocked(HoldReason.SCOPE_MISSING, shorten(f"Wonde answered 403: the school has not granted this ({said})"))


def _taken(answer: Answer, kind: str, count: int) -> Taken | Refused | Uncertain:
    """Where the document promises no writeback_id, a success without one is taken all the same (Wonde 1300, 5421).

    Under which status validation errors come it does not say (2186): without an id they count under this one too.
    """
    reference = _writeback_id(answer.body)
    if reference is not None:
        return Taken(reference)
    said, has_failed = texts_of(answer.body), says_it_failed(answer.body)
    if has_failed and said:
        return read_refusal(answer, count, kind)
    if has_failed or OPERATIONS[kind].promises_id:
        reason = f"Wonde answered {answer.status} without a writeback_id that could be one"
        return Uncertain(shorten(f"{reason}; it says: {said}" if said else reason))
    return Taken(None)


def _not_found(answer: Answer, operation: Operation, target: str) -> Refused:
    """What was to be changed or removed is not there; the path has no other id that could be wrong but the school's."""
    message = f"Wonde knows no such {operation.noun}"
    hint = "It may have been removed already: look in the MIS, and send the id that it has now."
    said = texts_of(answer.body)
    found = Finding(
        "record_not_found",
        message,
        hint,
        pointer=f"/{target}",
        provider_message=said or None,
        provider_answered=bool(said),
    )
    return Refused(shorten(": ".join(filter(None, (answer.in_words("Wonde"), said)))), {0: [found]}, said=said)


def _writeback_id(body: Any) -> str | None:
    return id_of(mapping_of(body).get("writeback_id")) or id_of(mapping_of(data_of(body)).get("writeback_id"))


def without_reference() -> Unclear:
    """Return what is known of a taken request that Wonde gave no id: only the MIS can tell (Wonde 1300)."""
    return Unclear("no writeback_id is known")


def read_status(answer: Answer, sent: SentRequest, now: datetime) -> Verdict:
    """Return what `GET /writebacks/{id}` says (Wonde 8744-8777)."""
    if answer.status == 404:
        if now - sent.sent_at < UNSEEN_FOR:
            return Pending(detail="Wonde does not know the writeback yet")
        return Unclear("Wonde does not know the writeback")
    trouble = trouble_of(answer, "Wonde")
    if isinstance(trouble, Uncertain):  # it was a question: asking again is harmless
        return NotReached(trouble.reason, trouble.retry_after_s)
    if trouble is not None:
        return trouble
    data = data_of(answer.body)
    if not answer.is_success or not isinstance(data, Mapping):
        return Unclear(f"Wonde's answer {answer.status} about the writeback cannot be read")
    return _verdict(data, sent, now)


def _verdict(data: Mapping[str, Any], sent: SentRequest, now: datetime) -> Verdict:
    """Only SUCCESS and FAILED are shown in the document; anything else is still in progress."""
    status = str(data.get("status") or "").strip().upper()
    if status == "SUCCESS":
        return Evidenced("webhook+poll" if sent.hints else "poll")
    if status != "FAILED":
        return Pending(detail=f"Wonde says {shorten(status or 'nothing')}")
    if data.get("next_attempt"):  # Wonde retries by itself until this is null (8777)
        at = instant_of(data["next_attempt"])
        return Pending(at if at is not None and at > now else None, "Wonde will try again by itself")
    said = texts_of({name: value for name, value in data.items() if name in _REASONS})
    return Rejected(shorten(f"Wonde could not write it into the MIS: {said}" if said else _NO_REASON), said=said)
