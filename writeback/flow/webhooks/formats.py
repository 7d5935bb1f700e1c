"""The payload of an event in each webhook format: ours, Wonde's `writeback` webhook, Xporter's callback.

Called by the outbox inside its transaction, with the webhook locked: so the last payload's result is read and written
safely.
"""

import json
from dataclasses import dataclass
from enum import StrEnum

from sqlmodel import Session

from writeback.domain.states import Status
from writeback.flow.webhooks import dropin_results
from writeback.flow.webhooks.dropin_results import Outcome
from writeback.flow.webhooks.payload import message_of, type_of
from writeback.store.apps import dropin
from writeback.store.tables import WebhookRow, WritebackRow
from writeback.store.writebacks.event_log import LoggedEvent


class WebhookFormat(StrEnum):
    """What a webhook's messages look like."""

    STANDARD = "standard"
    """Ours (schemas/webhook.json)."""
    WONDE = "wonde"
    """Wonde's `writeback` webhook, about requests to the Wonde drop-in endpoint."""
    XPORTER = "xporter"
    """Xporter's callbacks; the drop-in endpoint adds one for each host that requests name, nobody adds them by hand."""


ID_NAMES = {"ConductAsync": "IncidentId", "Conduct": "IncidentId", "DetentionAsync": "DetentionId"}
"""What a result calls the Id of the request's record (Xporter 14357, 14604)."""


@dataclass(frozen=True)
class WebhookPayload:
    """One message to be delivered. `url` None: to the webhook's own."""

    type: str
    body: str
    url: str | None = None


def compose(
    session: Session, webhook: WebhookRow, event: LoggedEvent, row: WritebackRow, sequence: int
) -> WebhookPayload | None:
    """Return the event's payload for the webhook; None: nothing is sent."""
    match webhook.format:
        case WebhookFormat.WONDE:
            return _wonde(session, event)
        case WebhookFormat.XPORTER:
            return _xporter(session, webhook, event)
        case _:
            return WebhookPayload(type_of(event), message_of(event, row, sequence))


def _wonde(session: Session, event: LoggedEvent) -> WebhookPayload | None:
    """Wonde tells the end alone (Wonde 181-190)."""
    if not Status(event.status).is_final:
        return None
    drop_in = dropin.of_writeback(session, event.writeback_id)
    if drop_in is None or drop_in.door != WebhookFormat.WONDE:
        return None
    outcome = dropin_results.Part("", Status(event.status), ()).outcome
    body = {"payload_type": "writeback", "writeback_id": drop_in.ref, "status": outcome.value, "type": drop_in.type}
    return WebhookPayload("writeback", json.dumps(body))


def _xporter(session: Session, webhook: WebhookRow, event: LoggedEvent) -> WebhookPayload | None:
    """Return the callback when all of the request has ended, and again only where it ends in another way later."""
    drop_in = dropin.of_writeback(session, event.writeback_id)
    if drop_in is None or drop_in.webhook_id != webhook.id or drop_in.callback is None:
        return None
    parts = [dropin_results.part_of(*pair) for pair in dropin.members(session, drop_in.ref)]
    if dropin_results.outcome_of(parts) is Outcome.PENDING:
        return None
    completed, message = dropin_results.xod_completed(parts), dropin_results.error_message(parts)
    if drop_in.told == completed:
        return None
    drop_in.told = completed
    session.add(drop_in)
    body = {}
    if drop_in.type in ID_NAMES and (found := dropin_results.actual_ids(parts, ID_NAMES[drop_in.type])):
        body = {"result": found}
    url = dropin_results.callback_url(drop_in.callback, drop_in.ref, completed, message)
    return WebhookPayload("xporter.callback", json.dumps(body), url)
