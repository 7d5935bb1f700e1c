"""Webhooks, what was sent to them, and what a receiver gets."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from writeback_client.models.base import AnyRecordStatus, AnyStatus, Model
from writeback_client.words import Severity


class Disabled(Model):
    """Why and since when nothing is sent."""

    reason: str
    """`by_app`, `gone` or `always_failing`."""
    since: datetime


class Webhook(Model):
    """A webhook of an app, without its secret."""

    id: str
    app: str
    url: str
    description: str = ""
    statuses: tuple[str, ...] = ()
    schools: tuple[str, ...] | None = None
    """None: all."""
    format: str = "standard"
    """`standard`, `wonde` or `xporter`: whose messages it gets."""
    enabled: bool
    disabled: Disabled | None = None
    failing_since: datetime | None = None
    paused_until: datetime | None = None
    old_secret_until: datetime | None = None
    waiting: int = 0
    """Deliveries that have not ended."""
    created_at: datetime
    updated_at: datetime


class NewWebhook(Webhook):
    """A webhook whose secret was just made."""

    secret: Annotated[str, Field(repr=False)]
    """For `verify_webhook`: shown only now."""


class Delivery(Model):
    """One message to a webhook, and how far it is."""

    id: str
    """The `webhook-id` of every attempt."""
    sequence: int
    type: str
    event_id: int | None = None
    writeback_id: str | None = None
    state: str
    """`pending`, `sending`, `delivered` or `failed`."""
    attempts: int = 0
    next_attempt_at: datetime | None = None
    last_attempt_at: datetime | None = None
    http_status: int | None = None
    error: str | None = None
    delivered_at: datetime | None = None
    created_at: datetime


class ToldFinding(Model):
    """A finding as webhooks tell it."""

    code: str
    severity: Annotated[Severity | str, Field(union_mode="left_to_right")]
    message: str


class ToldRecord(Model):
    """How far one record is."""

    index: int
    ref: str | None = None
    status: AnyRecordStatus
    findings: tuple[ToldFinding, ...] = ()


class ToldWriteback(Model):
    """What a webhook tells of a writeback."""

    event_id: int
    """As in the stream of events."""
    event: str
    writeback_id: str
    app: str
    school: str
    kind: str
    ref: str | None = None
    status: AnyStatus
    hold_reason: str | None = None
    records: tuple[ToldRecord, ...] = ()


class WebhookEvent(Model):
    """What a receiver has got, once `verify_webhook` has checked it."""

    id: str
    """The `webhook-id`: the same over all attempts, so drop what you have had."""
    type: str
    """`writeback.` and the status, or `webhook.test`."""
    timestamp: datetime
    """When it happened."""
    sequence: int
    """Counts the webhook's messages without gaps: order by it."""
    writeback: ToldWriteback | None = None
    """None in a test, and in messages of a newer service that are about something else."""
