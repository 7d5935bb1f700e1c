"""Counts of what came in and what became of it, a minute a row: kept up to date from the log of events.

A row for each school and one for all live ones of a provider's, whose school is empty. `flow/projections/rollups.py`
writes, `flow/projections/overview.py` reads.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import case, func, select
from sqlmodel import Session, SQLModel, col
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.domain.states import Event
from writeback.store.reads.filters import among
from writeback.store.sql.upsert import insert_new
from writeback.store.sql.write_out import insert_many
from writeback.store.tables import (
    EventRow,
    RollupCursorRow,
    RollupRow,
    RollupTimeRow,
    SchoolRow,
    WritebackRow,
    table_of,
)

ALL = ""
"""The school of rows that are about all live schools of a provider."""
BUCKET_S = 60
"""Seconds."""

_COUNTED = tuple(
    event.value
    for event in (
        Event.ACCEPTED,
        Event.CONFIRMED,
        Event.PARTLY_CONFIRMED,
        Event.FAILED,
        Event.EXPIRED,
        Event.SUPERSEDED,
        Event.CANCELLED,
        Event.RESUBMITTED,
    )
)
_COUNTS = ("accepted", "confirmed", "failed", "dropped", "went_out")


class Happened(NamedTuple):
    """One event that counts, and what its writeback is."""

    id: int
    writeback_id: str
    event: str
    at: datetime
    school_id: str
    provider: str
    kind: str
    created_at: datetime


class Counts(NamedTuple):
    """Counts of one provider in one bucket; of what was accepted in it, but for `went_out`."""

    provider: str
    bucket_at: datetime
    is_register: bool
    accepted: int
    confirmed: int
    failed: int
    dropped: int
    """Superseded or cancelled: nobody waits for these."""
    went_out: int
    """Confirmed in it, whenever they were accepted."""
    evidence_at: datetime | None


class OfSchool(NamedTuple):
    """What one school sent since some time, and what became of it by now."""

    school_id: str
    accepted: int
    confirmed: int
    failed: int
    dropped: int
    failing_since: datetime | None
    """When the first of the stretches begins in which something was accepted that failed."""


class TimesOfMis(NamedTuple):
    """How many through one provider into one MIS took as long from acceptance to evidence as `bin` says."""

    provider: str
    mis: str
    bin: int
    writebacks: int


class Times(NamedTuple):
    """How many of one provider took as long from acceptance to evidence as `bin` says."""

    provider: str
    bin: int
    writebacks: int


def lock_cursor(session: Session, start: int) -> RollupCursorRow:
    """Return how far events have been counted, locked until the transaction ends; `start` where none ever was."""
    insert_new(session, RollupCursorRow, id=1, event_id=start)
    row = session.get(RollupCursorRow, 1, with_for_update=True, populate_existing=True)
    assert row is not None
    return row


def happened(session: Session, after: int, up_to: int) -> Sequence[Happened]:
    """Return the events that count, of those after one id and up to another."""
    query = (
        select(
            col(EventRow.id),
            col(EventRow.writeback_id),
            col(EventRow.event),
            col(EventRow.at),
            col(WritebackRow.school_id),
            col(SchoolRow.provider),
            col(WritebackRow.kind),
            col(WritebackRow.created_at),
        )
        .join(WritebackRow, col(WritebackRow.id) == col(EventRow.writeback_id))
        .join(SchoolRow, col(SchoolRow.id) == col(WritebackRow.school_id))
        .where(col(EventRow.id) > after, col(EventRow.id) <= up_to, col(EventRow.event).in_(_COUNTED))
        .order_by(col(EventRow.id))
    )
    rows: Sequence[Any] = session.connection().execute(query).all()
    return [Happened(*row) for row in rows]


def status_before(session: Session, event: Happened) -> str | None:
    """Return the status that the writeback had before the event."""
    query = select(col(EventRow.status)).where(
        col(EventRow.writeback_id) == event.writeback_id, col(EventRow.id) < event.id
    )
    return session.connection().execute(query.order_by(col(EventRow.id).desc()).limit(1)).scalar()


def add_counts(session: Session, rows: Iterable[Mapping[str, Any]]) -> None:
    """Add to rows, made where they are not there; each has the key, all counts, and `evidence_at`."""
    given = list(rows)
    if not given:
        return
    # Events are counted in order, so a later instant comes later; rows without one keep theirs.
    last = "evidence_at = coalesce(excluded.evidence_at, tally.evidence_at)"
    insert_many(session, RollupRow, given, ending=adding(RollupRow, _COUNTS, last))


def add_times(session: Session, rows: Iterable[Mapping[str, Any]]) -> None:
    """The same for how long confirmations took."""
    given = list(rows)
    if not given:
        return
    insert_many(session, RollupTimeRow, given, ending=adding(RollupTimeRow, ("writebacks",)))


def adding(row: type[SQLModel], names: Iterable[str], *more: str) -> str:
    """Return how an INSERT ends that adds to what is there."""
    table = table_of(row)
    keys = ", ".join(column.name for column in table.primary_key)
    added = (f"{name} = {table.name}.{name} + excluded.{name}" for name in names)
    return f"ON CONFLICT ({keys}) DO UPDATE SET {', '.join((*added, *more))}"


async def counts(session: AsyncSession, schools: Collection[str] | None, since: datetime) -> Sequence[Counts]:
    """Return the counts of these schools, None: all live ones, by provider and bucket."""
    parts = (col(RollupRow.provider), col(RollupRow.bucket_at), col(RollupRow.is_register))
    sums = [func.sum(table_of(RollupRow).c[name]) for name in _COUNTS]
    query = (
        select(*parts, *sums, func.max(RollupRow.evidence_at))
        .where(col(RollupRow.school_id).in_([ALL] if schools is None else schools), col(RollupRow.bucket_at) >= since)
        .group_by(*parts)
    )
    found: Sequence[Any] = (await (await session.connection()).execute(query)).all()
    return [Counts(*row) for row in found]


async def by_school(session: AsyncSession, schools: Collection[str] | None, since: datetime) -> Sequence[OfSchool]:
    """Return what each of these schools, None: all live ones, sent since then, of those that sent anything."""
    sums = [func.sum(table_of(RollupRow).c[name]) for name in _COUNTS[:4]]
    first = func.min(case((col(RollupRow.failed) > 0, col(RollupRow.bucket_at))))
    query = (
        select(col(RollupRow.school_id), *sums, first)
        .where(col(RollupRow.school_id) != ALL, col(RollupRow.bucket_at) >= since)
        .group_by(col(RollupRow.school_id))
    )
    query = query.where(*among(schools, RollupRow.school_id))
    found: Sequence[Any] = (await (await session.connection()).execute(query)).all()
    return [OfSchool(row[0], int(row[1]), int(row[2]), int(row[3]), int(row[4]), row[5]) for row in found]


async def times(session: AsyncSession, schools: Collection[str] | None, since: datetime) -> Sequence[Times]:
    """Return how long confirmations since then took."""
    parts = (col(RollupTimeRow.provider), col(RollupTimeRow.bin))
    only = col(RollupTimeRow.school_id).in_([ALL] if schools is None else schools)
    query = select(*parts, func.sum(RollupTimeRow.writebacks)).where(only, col(RollupTimeRow.bucket_at) >= since)
    found = (await (await session.connection()).execute(query.group_by(*parts))).all()
    return [Times(row[0], row[1], int(row[2])) for row in found]


async def times_of_mises(session: AsyncSession, since: datetime) -> Sequence[TimesOfMis]:
    """Return how long confirmations since then took, by provider and MIS, of all live schools."""
    parts = (col(RollupTimeRow.provider), col(SchoolRow.mis), col(RollupTimeRow.bin))
    query = (
        select(*parts, func.sum(RollupTimeRow.writebacks))
        .join(SchoolRow, col(SchoolRow.id) == col(RollupTimeRow.school_id))
        .where(col(RollupTimeRow.bucket_at) >= since)
        .group_by(*parts)
    )
    found = (await (await session.connection()).execute(query)).all()
    return [TimesOfMis(row[0], row[1], row[2], int(row[3])) for row in found]
