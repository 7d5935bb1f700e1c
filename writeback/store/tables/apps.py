"""Apps, their keys, where they are told of changes, and what came through drop-in endpoints."""

from datetime import datetime

from sqlalchemy import JSON, BigInteger, Column, Index, Text
from sqlmodel import Field

from writeback.store.sql.types import UtcDateTime
from writeback.store.tables.columns import SEALED, Stored, instant


class App(Stored, table=True):
    """A school app that submits writebacks."""

    __tablename__ = "app"

    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    created_at: datetime = instant()


class ApiKey(Stored, table=True):
    """A key of an app. Only its hash is kept."""

    __tablename__ = "api_key"
    __table_args__ = (Index("ix_api_key_old_hash", "old_hash", unique=True),)

    id: str = Field(primary_key=True)
    app_id: str = Field(foreign_key="app.id", index=True)
    name: str = ""
    hash: str = Field(unique=True)
    old_hash: str | None = None
    """Of what it was before it was last rotated."""
    old_until: datetime | None = instant(nullable=True)
    """So long the old one works as well."""
    scopes: list[str] = Field(sa_column=Column(JSON, nullable=False))
    schools: list[str] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    """School ids that it may touch; null: all."""
    kinds: list[str] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    """Kinds, or families of them, that it may send, change and see; null: all."""
    created_at: datetime = instant()
    revoked_at: datetime | None = instant(nullable=True)
    last_used_at: datetime | None = instant(nullable=True)


class WebhookRow(Stored, table=True):
    """Where an app is notified of changes, and how far it has been notified."""

    __tablename__ = "webhook"

    id: str = Field(primary_key=True)
    app_id: str = Field(foreign_key="app.id", index=True)
    url: str
    description: str = ""
    statuses: list[str] = Field(sa_column=Column(JSON, nullable=False))
    """Changes to one of these are sent."""
    schools: list[str] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    """Only these schools' changes; null: all."""
    format: str = "standard"
    """standard, wonde, or xporter: what its messages look like."""
    secrets: str = Field(repr=False, sa_column=Column(Text, nullable=False, **SEALED))
    """Sealed JSON: the secret that signs, and those replaced that still sign beside it."""
    disabled_at: datetime | None = instant(nullable=True)
    disabled_reason: str | None = None
    cursor: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    """The last event that has been handled: what is to be sent of it is a delivery."""
    sequence: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    """The number of the last delivery."""
    failing_since: datetime | None = instant(nullable=True)
    """The first failure since the last success."""
    not_before: datetime | None = instant(nullable=True)
    """The receiver asked us to wait so long (`Retry-After`)."""
    created_at: datetime = instant()
    updated_at: datetime = instant()


class DeliveryRow(Stored, table=True):
    """One message to one webhook: the outbox. What the receiver answers is not kept, only its status."""

    __tablename__ = "delivery"
    __table_args__ = (
        Index("ix_delivery_sequence", "webhook_id", "sequence", unique=True),
        Index("ix_delivery_due", "webhook_id", "state", "next_attempt_at"),
        Index("ix_delivery_writeback", "writeback_id"),
    )

    id: str = Field(primary_key=True)
    """The `webhook-id` of every attempt."""
    webhook_id: str = Field(foreign_key="webhook.id")
    sequence: int = Field(sa_column=Column(BigInteger, nullable=False))
    """The number by which the receiver orders; without gaps."""
    event_id: int | None = Field(default=None, sa_column=Column(BigInteger))
    writeback_id: str | None = None
    type: str
    url: str | None = Field(default=None, repr=False, sa_column=Column(Text))
    """Where it goes, where that is not the webhook's own URL: a callback of one request."""
    payload: str = Field(sa_column=Column(Text, nullable=False))
    """JSON, as it is sent each time."""
    state: str
    """pending, sending, delivered, failed."""
    attempts: int = 0
    tries: int = 0
    """Attempts since it was made or asked for again: where it is in the schedule."""
    next_attempt_at: datetime | None = instant(nullable=True)
    """While it is being sent: when it counts as lost, and goes again."""
    last_attempt_at: datetime | None = instant(nullable=True)
    http_status: int | None = None
    error: str | None = None
    """`http_500`, `timeout`, `address_refused`, …: the class of the last failure."""
    delivered_at: datetime | None = instant(nullable=True)
    created_at: datetime = instant()


class UsageRow(Stored, table=True):
    """How often within an hour an app made a call, or had one kind of finding. No pupil is in it."""

    __tablename__ = "usage_count"
    __table_args__ = (Index("ix_usage_count_hour_at", "hour_at"),)

    app_id: str = Field(primary_key=True)
    hour_at: datetime = Field(sa_column=Column(UtcDateTime(), primary_key=True))
    what: str = Field(primary_key=True)
    """call, finding."""
    route: str = Field(primary_key=True)
    """Method and template of the path; of a finding empty."""
    code: str = Field(primary_key=True)
    """Of the problem, or of the finding; empty: the call was not refused."""
    number: int = 0
    examples: str | None = Field(default=None, sa_column=Column(Text))
    """JSON: the latest that were refused, each `request_id`, `at`, `pointers`."""


class DropInRow(Stored, table=True):
    """A request to a drop-in endpoint: its id for the app, and where its result is to be sent."""

    __tablename__ = "door"
    __table_args__ = (Index("ix_door_created_at", "created_at"),)

    ref: str = Field(primary_key=True)
    """Wonde's writeback_id or Xporter's TrackingId, as we gave it."""
    door: str
    """wonde, xporter."""
    app_id: str
    school_id: str
    type: str
    """The provider's word for what was asked, e.g. `attendance.session`, `ConductAsync`."""
    callback: str | None = Field(default=None, repr=False, sa_column=Column(Text))
    """The URL that the request gave."""
    webhook_id: str | None = None
    """The webhook that calls it back."""
    told: str | None = None
    """The payload of the last callback."""
    created_at: datetime = instant()


class DropInMemberRow(Stored, table=True):
    """One writeback of a drop-in request; a request that mixes kinds has several."""

    __tablename__ = "door_member"

    writeback_id: str = Field(primary_key=True)
    ref: str = Field(index=True)
    position: int = 0
    """Which of the request's writebacks it is."""
    ids: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    """What the request called each of its records, where it names them."""
