"""Webhooks, what was sent to them, and what a receiver gets."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from writeback_client.models.base import AS_ITS_ID, AnyMode, AnyRecordStatus, AnySeverity, AnyStatus, Model
from writeback_client.models.writebacks import AnyEvent, WritebackId


class Disabled(Model):
    """Why and since when nothing is sent."""

    reason: str
    """`by_app`, `by_staff` (at the console), `gone` (it answered 410) or `always_failing`."""
    since: datetime


class Webhook(Model):
    """A webhook of an app, without its secret."""

    id: str
    app: str
    url: str
    description: str = ""
    statuses: tuple[str, ...] = ()
    """Changes to one of these are sent."""
    schools: tuple[str, ...] | None = None
    """Null: all."""
    format: str = "standard"
    """`standard`, `wonde`, or `xporter` for the callbacks that requests to the Xporter drop-in endpoint ask for."""
    enabled: bool
    disabled: Disabled | None = None
    failing_since: datetime | None = None
    """The first failure since the last success."""
    paused_until: datetime | None = None
    """The receiver asked for a pause (`Retry-After`)."""
    old_secret_until: datetime | None = None
    """Until when a replaced secret signs beside the new one."""
    waiting: int = 0
    """Deliveries that have not ended."""
    created_at: datetime
    updated_at: datetime


class NewWebhook(Webhook):
    """A webhook whose secret was just made."""

    secret: Annotated[str, Field(repr=False)]
    """`whsec_…`, for `verify_webhook` and any library of Standard Webhooks: shown only now."""


class Delivery(Model):
    """One message to a webhook, and how far it is. What the receiver answers is not kept, only its status."""

    id: str
    """The `webhook-id` of every attempt."""
    sequence: int
    """Counts the webhook's messages without gaps."""
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
    """`http_…`, `timeout`, `dns`, `connect`, `tls`, `broken` or `address_refused`."""
    delivered_at: datetime | None = None
    created_at: datetime


class Recovered(Model):
    """How many deliveries that were given up are sent again."""

    deliveries: int
    more: int = 0
    """There are so many more than one call takes: call once more."""


class FindingPayload(Model):
    """A finding as webhooks tell it."""

    code: str
    """Stable: decide by it."""
    severity: AnySeverity
    message: str
    """What is wrong."""


class RecordPayload(Model):
    """How far one record is: nothing of what it says, nor of whom."""

    index: int
    ref: str | None = None
    """The app's own name for it."""
    status: AnyRecordStatus
    findings: tuple[FindingPayload, ...] = ()


class WritebackPayload(Model):
    """What a webhook tells of a writeback."""

    event_id: int
    """As in the stream of events."""
    event: AnyEvent
    """What happened."""
    writeback_id: WritebackId
    app: str
    school: str
    mode: AnyMode = AS_ITS_ID
    """`test`: of a test school, whose requests go to the sandbox alone; else `live`."""
    kind: str
    ref: str | None = None
    """The app's own name for it."""
    status: AnyStatus
    """Where the writeback is since then."""
    hold_reason: str | None = None
    """What it waits for, where it is held."""
    records: tuple[RecordPayload, ...] = ()
    """How far each is when the message is made, which is a moment after the event."""


class WebhookMessage(Model):
    """The body of a webhook (Standard Webhooks)."""

    type: Annotated[str, Field(json_schema_extra={"pattern": r"^writeback\.[a-z_]+$"})]
    """`writeback.` and the status, e.g. `writeback.confirmed`."""
    timestamp: datetime
    """When it happened."""
    sequence: Annotated[int, Field(ge=1)]
    """Counts this webhook's messages without gaps: order by it, for they may arrive in another order."""
    data: WritebackPayload


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
    writeback: WritebackPayload | None = None
    """None in a test, and in messages of a newer service that are about something else."""
