"""Writebacks and their lanes, what happened to them, and what is remembered of what they say."""

from datetime import datetime

from sqlalchemy import Column, Index, Text, text
from sqlmodel import Field

from writeback.store.tables.columns import BIG_PK, Stored, instant


def _partial(name: str, *columns: str) -> Index:
    """Return an index of the rows whose first column has a value.

    It is so on both databases, as the migrations say; to name PostgreSQL's option here would load its dialect.
    """
    return Index(name, *columns, sqlite_where=text(f"{columns[0]} IS NOT NULL"))


IS_ENDED = "status IN ('cancelled', 'confirmed', 'expired', 'failed', 'partial', 'superseded')"
"""SQL: nothing happens to the writeback any more. As a text, so that a database knows the index that has it."""
BROWSED = ("seq", "app_id", "school_id", "kind", "status", "hold_reason", "batch_id", "created_at")
"""Columns that lists of writebacks are filtered and ordered by."""


class Lane(Stored, table=True):
    """The queue of one school and one family, and who is serving it."""

    __tablename__ = "lane"

    id: str = Field(primary_key=True)
    """`{school}:{family}`."""
    school_id: str = Field(foreign_key="school.id", index=True)
    family: str
    fence: int = 0
    """Counts up with every lease; a result commits only if it still matches."""
    lease_owner: str | None = None
    lease_until: datetime | None = instant(nullable=True, index=True)
    not_before: datetime | None = instant(nullable=True)
    """It is not served before: a breaker is open, or the provider asked for a moment."""
    hold_reason: str | None = None
    """Why this family alone is held; null: it is not."""
    hold_detail: str | None = None
    held_at: datetime | None = instant(nullable=True)
    rechecks: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """How often in a row it was resumed and held again; each time the next try comes later."""
    recheck_at: datetime | None = instant(nullable=True, index=True)
    """When the school is asked about next for its sake."""


class WritebackRow(Stored, table=True):
    """What an app asked for, and where it is."""

    __tablename__ = "writeback"
    __table_args__ = (
        Index("ix_writeback_due", "status", "next_attempt_at"),
        Index("ix_writeback_deadline", "status", "expires_at"),
        Index("ix_writeback_of_school", "school_id", "status", "app_id"),
        Index("ix_writeback_lane", "lane_id", "status", "seq"),
        Index("ix_writeback_list", "app_id", "seq"),
        Index("ix_writeback_school", "school_id", "seq"),
        # Of few writebacks, so that the others do without their upkeep.
        _partial("ix_writeback_batch", "batch_id", "seq", "status"),
        _partial("ix_writeback_held", "hold_reason", "app_id", "school_id", "status", "kind", "created_at"),
        # What may be forgotten, school by school, the longest ended first; of writebacks that have ended alone.
        Index("ix_writeback_ended", "school_id", "kept", "updated_at", sqlite_where=text(IS_ENDED)),
        # All that lists filter by, in the order in which they show it: one pass over it does without the rows.
        Index("ix_writeback_browse", *BROWSED),
    )

    seq: int | None = Field(default=None, sa_column=Column(BIG_PK, primary_key=True, autoincrement=True))
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
    next_attempt_at: datetime | None = instant(nullable=True)
    """Not before then; null: at once."""
    expires_at: datetime | None = instant(nullable=True)
    hold_reason: str | None = None
    evidence: str | None = None
    created_at: datetime = instant()
    updated_at: datetime = instant()
    batch_id: str | None = None
    """The batch that it came in; null: it was submitted by itself."""
    kept: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """What of it is left: `domain/kept.py`."""
    forgotten_at: datetime | None = instant(nullable=True)
    """When its content was deleted."""
    traceparent: str | None = None
    """The trace that its acceptance was part of, as W3C writes it; null: nobody traced it."""


class EventRow(Stored, table=True):
    """Each change of a writeback, in the same transaction; `id` is the number by which receivers order."""

    __tablename__ = "event"

    id: int | None = Field(default=None, sa_column=Column(BIG_PK, primary_key=True, autoincrement=True))
    writeback_id: str = Field(index=True)
    app_id: str
    at: datetime = instant()
    actor: str
    """`app:…`, `worker`, `provider:…`, `staff:…`."""
    event: str
    status: str
    detail: str | None = Field(default=None, sa_column=Column(Text))


class IdempotencyRow(Stored, table=True):
    """The answer that a key of an app has had."""

    __tablename__ = "idempotency"

    app_id: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    body_hash: str
    answer: str = Field(sa_column=Column(Text, nullable=False))
    created_at: datetime = instant(index=True)


class RecentCreateRow(Stored, table=True):
    """What was accepted a moment ago and creates something, so that a repeat is recognised."""

    __tablename__ = "recent_create"

    school_id: str = Field(primary_key=True)
    same: str = Field(primary_key=True)
    """A hash of the kind and of what the record says: `flow.repeated`."""
    writeback_id: str = Field(primary_key=True)
    created_at: datetime = instant(index=True)


class CorrectionRow(Stored, table=True):
    """What a person did to the records of a writeback. It holds pupils' data, as the records do: never logged."""

    __tablename__ = "mending"

    id: int | None = Field(default=None, sa_column=Column(BIG_PK, primary_key=True, autoincrement=True))
    writeback_id: str = Field(index=True)
    at: datetime = instant()
    actor: str
    action: str
    """resubmit, cancel, resolve."""
    reason: str = Field(default="", sa_column=Column(Text, nullable=False))
    records: str = Field(sa_column=Column(Text, nullable=False))
    """JSON array: index, status before and after, findings before, and of an edited record what it was and became."""
