"""Requests to providers, what came of them, and what is known of the MIS by them."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index, Text
from sqlmodel import Field

from writeback.store.tables.columns import BIG_PK, SEALED, Stored, instant


class RequestRow(Stored, table=True):
    """One HTTP call to a provider and what is awaited of it."""

    __tablename__ = "request"
    __table_args__ = (
        Index("ix_request_by_ref", "provider_ref", "provider"),
        Index("ix_request_lane", "lane_id", "state", "created_at"),
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
    check_at: datetime | None = instant(nullable=True)
    checks: int = 0
    must_read: bool = False
    """The provider's word is not enough: an older mark without an answer may have arrived after it."""
    asked_at: datetime | None = instant(nullable=True)
    """When a person asked that it be looked at at once."""
    created_at: datetime = instant()
    sent_at: datetime | None = instant(nullable=True)
    sent_from: datetime | None = instant(nullable=True)
    """After a restore: what it carries may have been sent since then, up to `sent_at`. Null: it was sent once."""
    settled_at: datetime | None = instant(nullable=True)
    result: str | None = None
    """confirmed, refused, rejected, retried, …: how it ended."""
    evidence: str | None = None


class CarriedRow(Stored, table=True):
    """A request has carried records of a writeback. The database adds it with the request, by a trigger (ADR 31)."""

    __tablename__ = "carried"
    __table_args__ = ({"sqlite_with_rowid": False},)

    writeback_id: str = Field(primary_key=True)
    request_id: str = Field(primary_key=True)


class AttemptRow(Stored, table=True):
    """One try of a request: written before it is sent, completed after."""

    __tablename__ = "attempt"

    id: int | None = Field(default=None, sa_column=Column(BIG_PK, primary_key=True, autoincrement=True))
    request_id: str = Field(foreign_key="request.id", index=True)
    number: int
    started_at: datetime = instant()
    finished_at: datetime | None = instant(nullable=True)
    outcome: str | None = None
    """taken, applied, refused, not_reached, uncertain, blocked, lost, left."""
    detail: str | None = Field(default=None, sa_column=Column(Text))


class ProviderAnswerRow(Stored, table=True):
    """What a provider last answered to a request that failed, sealed; it may name anybody."""

    __tablename__ = "provider_answer"

    request_id: str = Field(primary_key=True, foreign_key="request.id")
    kept_at: datetime = instant(index=True)
    sealed: str = Field(repr=False, sa_column=Column(Text, nullable=False, **SEALED))
    """Sealed JSON: status, content type, the beginning of the body, and how long it was."""


class ClaimRow(Stored, table=True):
    """A thing in the MIS that one of our records has made, so that no other record is taken to have made it too."""

    __tablename__ = "claim"
    __table_args__ = (Index("ix_claim_writeback", "writeback_id"),)

    school_id: str = Field(primary_key=True)
    family: str = Field(primary_key=True)
    mis_id: str = Field(primary_key=True)
    writeback_id: str
    record: int
    """Index of the record."""
    claimed_at: datetime = instant()


class MarkInDoubtRow(Stored, table=True):
    """A mark that was sent without an answer: until then it may still arrive, late, over a newer one."""

    __tablename__ = "doubt"

    lane_id: str = Field(primary_key=True)
    slot: str = Field(primary_key=True)
    writeback_id: str = Field(primary_key=True)
    code: str
    """What the mark says, as the app gave it."""
    until: datetime = instant(index=True)


class BreakerRow(Stored, table=True):
    """How a school or a provider does; there is a row only for one that fails."""

    __tablename__ = "breaker"

    key: str = Field(primary_key=True)
    """`school:{id}`, or `provider:{name}@{host}`."""
    failures: int = 0
    """In a row, without any answer between."""
    trips: int = 0
    """How often in a row it opened; each time for longer."""
    open_until: datetime | None = instant(nullable=True)
    """Nothing is sent before; after it one request tries. Null: closed."""
    probe_until: datetime | None = instant(nullable=True)
    """One request is trying; others wait for its outcome until then at the latest."""
    reason: str | None = None
    since: datetime = instant()
    """Of the first of the failures."""


class DriftCheckRow(Stored, table=True):
    """A confirmed writeback of the sample that is to be read once more."""

    __tablename__ = "drift_check"

    writeback_id: str = Field(primary_key=True)
    school_id: str
    due_at: datetime = instant(index=True)
    """Not before; while somebody reads it: when it counts as not read."""
    tries: int = 0


class DriftCursorRow(Stored, table=True):
    """How far events have been gone through for confirmations: one row."""

    __tablename__ = "drift_cursor"

    id: int = Field(primary_key=True)
    event_id: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
