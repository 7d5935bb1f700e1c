"""Every table. Migrations in `migrations/` are kept equal to this by a test."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, Table, Text
from sqlmodel import Field, SQLModel

from writeback.store.types import UtcDateTime

_BIG_PK = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts only INTEGER PRIMARY KEY up by itself


def _instant(*, nullable: bool = False, index: bool = False) -> Any:
    return Field(default=None, sa_column=Column(UtcDateTime(), nullable=nullable, index=index))


def table_of(row: type[SQLModel]) -> Table:
    """Return the table behind a row class, for statements without the ORM."""
    table: Table = row.__table__  # type: ignore[attr-defined]
    return table


class App(SQLModel, table=True):
    """A school app that submits writebacks."""

    __tablename__ = "app"

    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    created_at: datetime = _instant()


class ApiKey(SQLModel, table=True):
    """A key of an app. Only its hash is kept."""

    __tablename__ = "api_key"

    id: str = Field(primary_key=True)
    app_id: str = Field(foreign_key="app.id", index=True)
    name: str = ""
    hash: str = Field(unique=True)
    scopes: list[str] = Field(sa_column=Column(JSON, nullable=False))
    schools: list[str] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    """School ids that it may touch; null: all."""
    created_at: datetime = _instant()
    revoked_at: datetime | None = _instant(nullable=True)
    last_used_at: datetime | None = _instant(nullable=True)


class SchoolRow(SQLModel, table=True):
    """A school in the registry."""

    __tablename__ = "school"

    id: str = Field(primary_key=True)
    name: str
    provider: str
    mis: str
    provider_school_id: str
    base_url: str = ""
    credentials: str = Field(default="", repr=False)
    """Sealed JSON."""
    overrides: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    """This school's own feature rules, kind by kind."""
    facts: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    """What the provider last said of it."""
    hold_reason: str | None = None
    hold_detail: str | None = None
    held_at: datetime | None = _instant(nullable=True)
    rechecks: int = 0
    """How often in a row it was looked at, or let go, in vain; the next look comes the later."""
    recheck_at: datetime | None = _instant(nullable=True, index=True)
    """When a hold is looked at again; null for one by staff."""
    sync_at: datetime | None = _instant(nullable=True, index=True)
    """When its lookups are synced next."""
    created_at: datetime = _instant()
    updated_at: datetime = _instant()


class LookupRow(SQLModel, table=True):
    """One list of one school."""

    __tablename__ = "lookup"

    school_id: str = Field(primary_key=True, foreign_key="school.id")
    list: str = Field(primary_key=True)
    version: int = 0
    fetched_at: datetime = _instant()
    """When it was last known to be complete and fresh."""
    cursor: str | None = Field(default=None, sa_column=Column(Text))
    rows: str = Field(default="{}", sa_column=Column(Text, nullable=False))
    """JSON object of rows by id."""


class Lane(SQLModel, table=True):
    """The queue of one school and one family, and who is serving it."""

    __tablename__ = "lane"

    id: str = Field(primary_key=True)
    """`{school}:{family}`."""
    school_id: str = Field(foreign_key="school.id", index=True)
    family: str
    fence: int = 0
    """Counts up with every lease; a result commits only if it still matches."""
    lease_owner: str | None = None
    lease_until: datetime | None = _instant(nullable=True, index=True)
    not_before: datetime | None = _instant(nullable=True)
    """The provider asked us to wait so long (`Retry-After`)."""


class WritebackRow(SQLModel, table=True):
    """What an app asked for, and where it is."""

    __tablename__ = "writeback"
    __table_args__ = (
        Index("ix_writeback_due", "status", "next_attempt_at"),
        Index("ix_writeback_deadline", "status", "expires_at"),
        Index("ix_writeback_of_school", "school_id", "status"),
        Index("ix_writeback_lane", "lane_id", "status", "seq"),
        Index("ix_writeback_list", "app_id", "seq"),
        Index("ix_writeback_school", "school_id", "seq"),
    )

    seq: int | None = Field(default=None, sa_column=Column(_BIG_PK, primary_key=True, autoincrement=True))
    """The order of acceptance; for a slot, the highest wins."""
    id: str = Field(unique=True)
    app_id: str
    school_id: str
    lane_id: str
    kind: str
    status: str
    priority: int = 0
    """0 interactive, 10 batch; lower goes first."""
    ref: str | None = None
    records: str = Field(sa_column=Column(Text, nullable=False))
    """JSON array, as accepted."""
    progress: str = Field(default="", sa_column=Column(Text, nullable=False))
    """JSON array, one object a record; empty: all queued without findings."""
    attempts: int = 0
    """How many requests have carried it."""
    failures: int = 0
    """How many of them ended without an answer that settles it; the backoff grows with it."""
    next_attempt_at: datetime | None = _instant(nullable=True)
    """Not before then; null: at once."""
    expires_at: datetime | None = _instant(nullable=True)
    hold_reason: str | None = None
    evidence: str | None = None
    created_at: datetime = _instant()
    updated_at: datetime = _instant()


class EventRow(SQLModel, table=True):
    """Each change of a writeback, in the same transaction; `id` is the number by which receivers order."""

    __tablename__ = "event"

    id: int | None = Field(default=None, sa_column=Column(_BIG_PK, primary_key=True, autoincrement=True))
    writeback_id: str = Field(index=True)
    app_id: str
    at: datetime = _instant()
    actor: str
    """`app:…`, `worker`, `provider:…`, `staff:…`."""
    event: str
    status: str
    detail: str | None = Field(default=None, sa_column=Column(Text))


class RequestRow(SQLModel, table=True):
    """One HTTP call to a provider and what is awaited of it."""

    __tablename__ = "request"
    __table_args__ = (
        Index("ix_request_ref", "provider", "provider_ref"),
        Index("ix_request_lane", "lane_id", "state"),
        Index("ix_request_check", "state", "check_at"),
    )

    id: str = Field(primary_key=True)
    lane_id: str
    school_id: str
    provider: str
    kind: str
    state: str
    """sending, taken, in_doubt, settled."""
    fence: int
    members: list[list[Any]] = Field(sa_column=Column(JSON, nullable=False))
    """`[writeback id, [record indexes]]`, in the order of the request's records."""
    slots: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    """What its records overwrite: no later record for one of these may leave before it has settled."""
    provider_ref: str | None = None
    hints: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    check_at: datetime | None = _instant(nullable=True)
    checks: int = 0
    created_at: datetime = _instant()
    sent_at: datetime | None = _instant(nullable=True)
    settled_at: datetime | None = _instant(nullable=True)
    result: str | None = None
    """confirmed, refused, rejected, retried, …: how it ended."""
    evidence: str | None = None


class AttemptRow(SQLModel, table=True):
    """One try of a request: written before it is sent, completed after."""

    __tablename__ = "attempt"

    id: int | None = Field(default=None, sa_column=Column(_BIG_PK, primary_key=True, autoincrement=True))
    request_id: str = Field(foreign_key="request.id", index=True)
    number: int
    started_at: datetime = _instant()
    finished_at: datetime | None = _instant(nullable=True)
    outcome: str | None = None
    """taken, applied, refused, not_reached, uncertain, blocked, lost."""
    detail: str | None = Field(default=None, sa_column=Column(Text))


class IdempotencyRow(SQLModel, table=True):
    """The answer that a key of an app has had."""

    __tablename__ = "idempotency"

    app_id: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    body_hash: str
    answer: str = Field(sa_column=Column(Text, nullable=False))
    created_at: datetime = _instant(index=True)
