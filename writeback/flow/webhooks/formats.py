"""What each format of webhook is told of an event: ours, Wonde's `writeback` webhook, Xporter's callback.

Called by the outbox inside its transaction, with the webhook locked: so what was told last is read and written safely.
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
    """Wonde's `writeback` webhook, of what came through Wonde's door."""
    XPORTER = "xporter"
    """Xporter's callbacks; made by the door for each host that requests name, never by hand."""


ID_NAMES = {"ConductAsync": "IncidentId", "Conduct": "IncidentId", "DetentionAsync": "DetentionId"}
"""What a result calls the Id of the request's record (Xporter 14357, 14604)."""


@dataclass(frozen=True)
class Told:
    """One message to be delivered. `url` None: to the webhook's own."""

    type: str
    body: str
    url: str | None = None


def compose(session: Session, webhook: WebhookRow, event: LoggedEvent, row: WritebackRow, sequence: int) -> Told | None:
    """Return what the webhook is to be told of the event; None: nothing."""
    match webhook.format:
        case WebhookFormat.WONDE:
            return _wonde(session, event)
        case WebhookFormat.XPORTER:
            return _xporter(session, webhook, event)
        case _:
            return Told(type_of(event), message_of(event, row, sequence))


def _wonde(session: Session, event: LoggedEvent) -> Told | None:
    """Wonde tells the end alone (Wonde 181-190)."""
    if not Status(event.status).is_final:
        return None
    door = dropin.of_writeback(session, event.writeback_id)
    if door is None or door.door != WebhookFormat.WONDE:
        return None
    outcome = dropin_results.Part("", Status(event.status), ()).outcome
    body = {"payload_type": "writeback", "writeback_id": door.ref, "status": outcome.value, "type": door.type}
    return Told("writeback", json.dumps(body))


def _xporter(session: Session, webhook: WebhookRow, event: LoggedEvent) -> Told | None:
    """Return the callback when all of the request has ended, and again only where it ends in another way later."""
    door = dropin.of_writeback(session, event.writeback_id)
    if door is None or door.webhook_id != webhook.id or door.callback is None:
        return None
    parts = [dropin_results.part_of(*pair) for pair in dropin.members(session, door.ref)]
    if dropin_results.outcome_of(parts) is Outcome.PENDING:
        return None
    completed, message = dropin_results.xod_completed(parts), dropin_results.error_message(parts)
    if door.told == completed:
        return None
    door.told = completed
    session.add(door)
    body = {}
    if door.type in ID_NAMES and (found := dropin_results.actual_ids(parts, ID_NAMES[door.type])):
        body = {"result": found}
    url = dropin_results.callback_url(door.callback, door.ref, completed, message)
    return Told("xporter.callback", json.dumps(body), url)
