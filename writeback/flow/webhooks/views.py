"""Webhooks and deliveries as people see them: never a secret, never what was sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from writeback.core.secrets import SecretBox
from writeback.flow.registry.views import SHOWN
from writeback.flow.webhooks.signing_secrets import replaced_until
from writeback.store.tables import DeliveryRow, WebhookRow


@dataclass(frozen=True)
class DisabledView:
    """Why and since when nothing is sent."""

    __pydantic_config__ = SHOWN

    reason: str
    """`by_app`, `gone` (it answered 410) or `always_failing`."""
    since: datetime


@dataclass(frozen=True)
class WebhookView:
    """A webhook of an app, without its secret."""

    __pydantic_config__ = SHOWN

    id: str
    app: str
    url: str
    description: str
    statuses: Sequence[str]
    """Changes to one of these are told."""
    schools: Sequence[str] | None
    """Null: all."""
    format: str
    """`standard`, `wonde`, or `xporter` for the callbacks that requests at Xporter's door ask for."""
    enabled: bool
    disabled: DisabledView | None
    failing_since: datetime | None
    """The first failure since the last success."""
    paused_until: datetime | None
    """The receiver asked for a pause (`Retry-After`)."""
    old_secret_until: datetime | None
    """Until when a replaced secret signs beside the new one."""
    waiting: int
    """Deliveries that have not ended."""
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class DeliveryView:
    """One message to a webhook, and how far it is. What the receiver answers is not kept, only its status."""

    __pydantic_config__ = SHOWN

    id: str
    """The `webhook-id` of every attempt."""
    sequence: int
    """Counts the webhook's messages without gaps."""
    type: str
    event_id: int | None
    writeback_id: str | None
    state: str
    """`pending`, `sending`, `delivered` or `failed`."""
    attempts: int
    next_attempt_at: datetime | None
    last_attempt_at: datetime | None
    http_status: int | None
    error: str | None
    """`http_…`, `timeout`, `dns`, `connect`, `tls`, `broken` or `address_refused`."""
    delivered_at: datetime | None
    created_at: datetime


@dataclass(frozen=True)
class NewWebhookView(WebhookView):
    """A webhook whose secret was just made."""

    secret: str
    """`whsec_…`, for any library of Standard Webhooks: shown only now."""


def webhook_view(row: WebhookRow, waiting: int, box: SecretBox, now: datetime) -> WebhookView:
    disabled = None
    if row.disabled_at is not None:
        disabled = DisabledView(row.disabled_reason or "", row.disabled_at)
    return WebhookView(
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


def delivery_view(row: DeliveryRow) -> DeliveryView:
    return DeliveryView(
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
