"""Webhooks and deliveries as people see them: never a secret, never what was sent."""

from datetime import datetime

from writeback.core.secrets import SecretBox
from writeback.flow.webhooks.signing_secrets import replaced_until
from writeback.store.tables import DeliveryRow, WebhookRow
from writeback_client.models.webhooks import Delivery, Disabled, Webhook


def webhook_view(row: WebhookRow, waiting: int, box: SecretBox, now: datetime) -> Webhook:
    disabled = None
    if row.disabled_at is not None:
        disabled = Disabled(reason=row.disabled_reason or "", since=row.disabled_at)
    return Webhook(
        id=row.id,
        app=row.app_id,
        url=row.url,
        description=row.description,
        statuses=row.statuses,
        schools=row.schools,
        format=row.format,
        enabled=disabled is None,
        disabled=disabled,
        failing_since=row.failing_since,
        paused_until=row.not_before if row.not_before is not None and row.not_before > now else None,
        old_secret_until=replaced_until(box, row.secrets, now),
        waiting=waiting,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def delivery_view(row: DeliveryRow) -> Delivery:
    return Delivery(
        id=row.id,
        sequence=row.sequence,
        type=row.type,
        event_id=row.event_id,
        writeback_id=row.writeback_id,
        state=row.state,
        attempts=row.attempts,
        next_attempt_at=row.next_attempt_at,
        last_attempt_at=row.last_attempt_at,
        http_status=row.http_status,
        error=row.error,
        delivered_at=row.delivered_at,
        created_at=row.created_at,
    )
