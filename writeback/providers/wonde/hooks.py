"""Reads Wonde's webhooks (Wonde 181-262): of a writeback, or of a school as a whole. Pure; `adapter` passes them on."""

import json
from collections.abc import Mapping
from typing import Any

from writeback.core.errors import BadInput
from writeback.providers.base import Hint
from writeback.providers.texts import header_value, shorten
from writeback.providers.wonde.fields import id_of

# What is kept of a webhook. Not `school_token`: it is a credential. Not names.
_KEPT = (
    *("payload_type", "writeback_id", "status", "type", "school_id", "revoke_reason", "decline_reason"),
    *("migrate_from", "migrate_to", "scheduled_at", "completed_at"),
)


def parse_hook(body: bytes) -> Hint:
    """Return what a webhook says; raise BadInput when it is not one of Wonde's.

    The token that comes with an approval is passed on beside the payload, never in it (Wonde 250).
    """
    payload = _read(body)
    event = shorten(payload["payload_type"])
    kept = {key: _kept(payload[key]) for key in _KEPT if isinstance(payload.get(key), str | int | bool)}
    if event == "writeback":
        reference = id_of(payload.get("writeback_id"))
        if reference is None:
            raise BadInput("webhook_unreadable", "the writeback webhook has no writeback_id")
        return Hint(kept, provider_ref=reference)
    name = payload.get("school_name")
    return Hint(
        kept,
        event=event,
        provider_school_id=id_of(payload.get("school_id")),
        name=shorten(name) if isinstance(name, str) and name.strip() else None,
        credential=_token(payload) if event == "schoolApproved" else None,
    )


def _read(body: bytes) -> Mapping[str, Any]:
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadInput("webhook_unreadable", "the webhook's body is not JSON") from error
    if not isinstance(payload, Mapping) or not isinstance(payload.get("payload_type"), str):
        raise BadInput("webhook_unreadable", "the webhook has no payload_type")
    return payload


def _token(payload: Mapping[str, Any]) -> str | None:
    token = payload.get("school_token")
    return header_value(token) if isinstance(token, str) else None


def _kept(value: str | int | bool) -> str | int | bool:
    return shorten(value) if isinstance(value, str) else value
