"""Reads what Wonde answers and tells into our outcomes. Pure; `adapter` asks."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from writeback.core.errors import BadInput
from writeback.domain.outcome import (
    Blocked,
    Evidenced,
    NotReached,
    Outcome,
    Pending,
    Rejected,
    Taken,
    Uncertain,
    Unclear,
    Verdict,
)
from writeback.domain.school import HoldReason
from writeback.providers.base import Hint, SentRequest
from writeback.providers.http import Answer, shorten, trouble_of
from writeback.providers.wonde.errors import read_refusal
from writeback.providers.wonde.fields import data_of, id_of, instant_of, mapping_of

UNSEEN_FOR = timedelta(minutes=5)
"""How long after sending a writeback may still be unknown to the status endpoint."""

# What is kept of a webhook (Wonde 181-262). Not `school_token`: it is a credential. Not names.
_KEPT = (
    *("payload_type", "writeback_id", "status", "type", "school_id", "revoke_reason", "decline_reason"),
    *("migrate_from", "migrate_to", "scheduled_at", "completed_at"),
)


def read_answer(answer: Answer, count: int) -> Outcome:
    """Return what the answer to a POST of `count` records means."""
    trouble = trouble_of(answer, "Wonde")
    if trouble is not None:
        return trouble
    if answer.is_success:
        reference = _writeback_id(answer.body)
        if reference is None:
            return Uncertain(f"Wonde answered {answer.status} without a writeback_id that could be one")
        return Taken(reference)
    refused = read_refusal(answer.status, answer.body, count)
    if answer.status in (404, 405) and not refused.findings:  # no record is meant: the path itself is not there
        return Blocked(HoldReason.UNKNOWN_THERE, f"Wonde answered {answer.status}: it knows no such school here")
    return refused


def _writeback_id(body: Any) -> str | None:
    return id_of(mapping_of(body).get("writeback_id")) or id_of(mapping_of(data_of(body)).get("writeback_id"))


def read_status(answer: Answer, sent: SentRequest, now: datetime) -> Verdict:
    """Return what `GET /writebacks/{id}` says (Wonde 8744-8777)."""
    if answer.status == 404:
        if now - sent.sent_at < UNSEEN_FOR:
            return Pending(detail="Wonde does not know the writeback yet")
        return Unclear("Wonde does not know the writeback")
    trouble = trouble_of(answer, "Wonde")
    if isinstance(trouble, Uncertain):  # it was a question: asking again is harmless
        return NotReached(trouble.reason)
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
    return Rejected("Wonde could not write it into the MIS and gives no reason")


def parse_hook(body: bytes) -> Hint:
    """Return what a webhook says (Wonde 181-262); raise BadInput when it is not one of Wonde's."""
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadInput("webhook_unreadable", "the webhook's body is not JSON") from error
    if not isinstance(payload, Mapping) or not isinstance(payload.get("payload_type"), str):
        raise BadInput("webhook_unreadable", "the webhook has no payload_type")
    event = shorten(payload["payload_type"])
    kept = {key: _kept(payload[key]) for key in _KEPT if isinstance(payload.get(key), str | int | bool)}
    if event != "writeback":
        return Hint(kept, event=event)
    reference = id_of(payload.get("writeback_id"))
    if reference is None:
        raise BadInput("webhook_unreadable", "the writeback webhook has no writeback_id")
    return Hint(kept, provider_ref=reference)


def _kept(value: str | int | bool) -> str | int | bool:
    return shorten(value) if isinstance(value, str) else value
