"""Batches in SQL: their lease, their bytes, and the queries of each step. What people read is in `batch_reads.py`."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Integer, and_, bindparam, delete, func, or_, update
from sqlmodel import Session, col, select

from writeback.store.sql.prepared import Prepared
from writeback.store.sql.types import UtcDateTime
from writeback.store.sql.upsert import insert_new
from writeback.store.tables import App, BatchChunkRow, BatchLine, BatchReviewRow, BatchRow, Lane, table_of


class BatchStatus(StrEnum):
    """Where a batch is."""

    UPLOADING = "uploading"
    """Its file is still arriving."""
    READING = "reading"
    """Its rows are being read."""
    CHECKING = "checking"
    """Its rows are being checked."""
    REVIEWING = "reviewing"
    """Somebody is to look at it and say that it may go; nothing of it is queued before."""
    QUEUEING = "queueing"
    """Its good rows are being queued."""
    DONE = "done"
    """Nothing is left to do with the file; its writebacks go their way."""
    REFUSED = "refused"
    """The file is of no use; nothing of it was queued."""
    CANCELLED = "cancelled"
    """Somebody stopped it; what had been queued by then goes its way."""


class LineState(StrEnum):
    """Where one row is."""

    NEW = "new"
    GOOD = "good"
    BAD = "bad"
    LEFT_OUT = "left_out"
    """Somebody has said that it is not to be sent."""
    QUEUED = "queued"


WORKING = (BatchStatus.READING, BatchStatus.CHECKING, BatchStatus.QUEUEING)
UNDER_WAY = (BatchStatus.UPLOADING, *WORKING)
CANCELLABLE = (*WORKING, BatchStatus.REVIEWING)
CHECKED = (BatchStatus.REVIEWING, BatchStatus.QUEUEING, BatchStatus.DONE)
NOT_ENDED = (*UNDER_WAY, BatchStatus.REVIEWING)
_BATCH, _LINE, _CHUNK = table_of(BatchRow), table_of(BatchLine), table_of(BatchChunkRow)
_REVIEW = table_of(BatchReviewRow)
_SLICE = 5_000
"""Rows deleted in one transaction."""


class LeaseLost(Exception):
    """Somebody else works on the batch by now: nothing of this turn may be committed."""


class UnitSize(NamedTuple):
    """A record's rows: the first one's number, how many they are, and how many characters they have."""

    unit: int
    part: int
    rows: int
    size: int


class ReadLine(NamedTuple):
    """A row as it was read: cells and findings are JSON."""

    unit: int
    number: int
    cells: str
    findings: str


class CheckedLine(NamedTuple):
    """What became of a row: findings and record are JSON, or empty."""

    number: int
    state: str
    findings: str
    record: str


# --- while it is uploaded


def count_under_way(session: Session, app_id: str, since: datetime) -> int:
    """Return how many batches of the app are under way, so that nobody adds one before the transaction ends.

    Uploads that began before `since` have been given up.
    """
    session.exec(select(App.id).where(App.id == app_id).with_for_update())
    is_live = or_(col(BatchRow.status).in_(WORKING), col(BatchRow.created_at) >= since)
    query = select(func.count()).select_from(BatchRow)
    return session.exec(query.where(BatchRow.app_id == app_id, col(BatchRow.status).in_(UNDER_WAY), is_live)).one()


def add_chunk(session: Session, batch_id: str, number: int, data: bytes) -> None:
    """Keep a piece of a file; raise LeaseLost where its upload is none any more: nobody would ever delete the piece."""
    is_it = and_(_BATCH.c.id == batch_id, _BATCH.c.status == BatchStatus.UPLOADING)
    if session.connection().execute(select(_BATCH.c.id).where(is_it).with_for_update()).first() is None:
        raise LeaseLost
    session.connection().execute(_CHUNK.insert(), {"batch_id": batch_id, "number": number, "data": data})


def find_same(session: Session, batch: BatchRow) -> BatchRow | None:
    """Return the latest batch that had the same file for the same school, and was not only a trial."""
    query = select(BatchRow).where(
        BatchRow.school_id == batch.school_id,
        BatchRow.sha256 == batch.sha256,
        BatchRow.app_id == batch.app_id,
        BatchRow.id != batch.id,
        col(BatchRow.dry_run).is_(False),
        col(BatchRow.status).not_in((BatchStatus.UPLOADING, BatchStatus.REFUSED)),
        or_(col(BatchRow.status) != BatchStatus.CANCELLED, col(BatchRow.rows_queued) > 0),
    )
    return session.exec(query.order_by(col(BatchRow.id).desc()).limit(1)).first()


# --- who works on it


def acquire(session: Session, batch_id: str, *, owner: str, now: datetime, until: datetime) -> int | None:
    """Take the batch's lease and return its fencing token; None while another has it or there is nothing to do."""
    is_free = or_(_BATCH.c.lease_until.is_(None), _BATCH.c.lease_until <= now)
    taken = session.connection().execute(
        update(_BATCH)
        .where(_BATCH.c.id == batch_id, or_(_BATCH.c.status.in_(WORKING), _review_is_over(now)), is_free)
        .values(fence=_BATCH.c.fence + 1, lease_owner=owner, lease_until=until)
        .returning(_BATCH.c.fence)
    )
    return taken.scalar_one_or_none()


def _review_is_over(now: Any) -> ColumnElement[bool]:
    """SQL condition: nobody has sent it while that could be done."""
    late = select(_REVIEW.c.batch_id).where(_REVIEW.c.batch_id == _BATCH.c.id, _REVIEW.c.until <= now).exists()
    return and_(_BATCH.c.status == BatchStatus.REVIEWING, late)


def change(session: Session, batch_id: str, fence: int, **values: Any) -> None:
    """Change the batch while the lease is ours; raise LeaseLost."""
    is_ours = and_(_BATCH.c.id == batch_id, _BATCH.c.fence == fence)
    if session.connection().execute(update(_BATCH).where(is_ours).values(**values)).rowcount != 1:
        raise LeaseLost


def cancel(session: Session, batch_id: str, now: datetime) -> BatchRow | None:
    """Stop a batch that is being worked on, or looked at, and return it as it was left; None where it is not.

    Whoever has its lease commits nothing any more: the fence is another.
    """
    is_it = and_(_BATCH.c.id == batch_id, _BATCH.c.status.in_(CANCELLABLE))
    stopped = {"status": BatchStatus.CANCELLED, "fence": _BATCH.c.fence + 1, "lease_owner": None, "lease_until": None}
    made = update(_BATCH).where(is_it).values(**stopped, updated_at=now, finished_at=now)
    if session.connection().execute(made).rowcount != 1:
        return None
    return session.get(BatchRow, batch_id, populate_existing=True)


def stop_all(session: Session, whose: ColumnElement[bool]) -> None:
    """Stop files that are uploaded or worked on: whoever does commits nothing any more."""
    stopped = {"status": BatchStatus.CANCELLED, "fence": _BATCH.c.fence + 1, "lease_owner": None, "lease_until": None}
    session.connection().execute(update(_BATCH).where(whose, _BATCH.c.status.in_(NOT_ENDED)).values(**stopped))


def release_all(session: Session, owner: str) -> None:
    """End every lease of a worker that stops."""
    session.connection().execute(
        update(_BATCH).where(_BATCH.c.lease_owner == owner).values(lease_owner=None, lease_until=None)
    )


def load(session: Session, batch_id: str) -> BatchRow | None:
    return session.get(BatchRow, batch_id)


_NOW = bindparam("now", type_=UtcDateTime())
_DUE = Prepared(
    select(BatchRow.id)
    .where(
        or_(col(BatchRow.status).in_(WORKING), _review_is_over(_NOW)),
        or_(col(BatchRow.lease_until).is_(None), col(BatchRow.lease_until) <= _NOW),
    )
    .order_by(col(BatchRow.id))
    .limit(bindparam("at_most", type_=Integer()))
)


def due(session: Session, now: datetime, limit: int) -> Sequence[str]:
    """Return batches that have something to be done and nobody who does it, the oldest first."""
    return [batch_id for (batch_id,) in _DUE.rows(session, now=now, at_most=limit)]


# --- reading


def chunk(session: Session, batch_id: str, number: int) -> bytes | None:
    query = select(BatchChunkRow.data).where(BatchChunkRow.batch_id == batch_id, BatchChunkRow.number == number)
    return session.exec(query).first()


def add_lines(session: Session, lines: Sequence[Mapping[str, Any]]) -> None:
    if lines:
        session.connection().execute(_LINE.insert(), list(lines))


def cells_upto(session: Session, batch_id: str, after: int, upto: int, limit: int) -> Sequence[tuple[int, str]]:
    """Return number and cells of rows with `after` < number ≤ `upto`, in order."""
    query = select(BatchLine.number, BatchLine.cells).where(
        BatchLine.batch_id == batch_id, col(BatchLine.number) > after, col(BatchLine.number) <= upto
    )
    return session.exec(query.order_by(col(BatchLine.number)).limit(limit)).all()


def drop_chunks(session: Session, batch_id: str) -> None:
    session.connection().execute(delete(_CHUNK).where(_CHUNK.c.batch_id == batch_id))


# --- checking


def next_units(session: Session, batch_id: str, after: int, limit: int) -> Sequence[UnitSize]:
    """Return the sizes of the next records, in the order of the file."""
    query = (
        select(BatchLine.unit, func.max(BatchLine.part), func.count(), func.sum(BatchLine.size))
        .where(BatchLine.batch_id == batch_id, col(BatchLine.unit) > after)
        .group_by(col(BatchLine.unit))
        .order_by(col(BatchLine.unit))
        .limit(limit)
    )
    return [UnitSize(*row) for row in session.exec(query)]


def lines_of_units(session: Session, batch_id: str, after: int, upto: int) -> Sequence[ReadLine]:
    """Return the rows of records with `after` < unit ≤ `upto`, record by record."""
    query = select(BatchLine.unit, BatchLine.number, BatchLine.cells, BatchLine.findings).where(
        BatchLine.batch_id == batch_id, col(BatchLine.unit) > after, col(BatchLine.unit) <= upto
    )
    return [ReadLine(*row) for row in session.exec(query.order_by(col(BatchLine.unit), col(BatchLine.number)))]


_CHECKED = ("state", "part", "record", "findings", "same", "group_key", "people")
_KEEP_CHECKED = (
    update(_LINE)
    .where(_LINE.c.batch_id == bindparam("of_batch"), _LINE.c.number == bindparam("of_number"))
    .values({name: bindparam(f"new_{name}") for name in _CHECKED})
)


def keep_checked(session: Session, batch_id: str, checked: Sequence[Mapping[str, Any]]) -> None:
    """Write down what became of rows: each has its number and the columns of `_CHECKED`."""
    rows = [
        {"of_batch": batch_id, "of_number": one["number"], **{f"new_{name}": one[name] for name in _CHECKED}}
        for one in checked
    ]
    if rows:
        session.connection().execute(_KEEP_CHECKED, rows)


def checked_lines(session: Session, batch_id: str, numbers: Sequence[int]) -> Sequence[CheckedLine]:
    """Return what became of these rows."""
    query = select(BatchLine.number, BatchLine.state, BatchLine.findings, BatchLine.record).where(
        BatchLine.batch_id == batch_id, col(BatchLine.number).in_(numbers)
    )
    return [CheckedLine(*row) for row in session.exec(query)]


_TAKE_BACK = (
    update(_LINE)
    .where(_LINE.c.batch_id == bindparam("of_batch"), _LINE.c.number == bindparam("of_number"))
    .values(state=LineState.BAD, record="", findings=bindparam("new_findings"))
)


def take_back(session: Session, batch_id: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Make rows bad that were checked before; each has its number and its findings."""
    values = [{"of_batch": batch_id, "of_number": one["number"], "new_findings": one["findings"]} for one in rows]
    if values:
        session.connection().execute(_TAKE_BACK, values)


def refuse_unit(session: Session, batch_id: str, unit: int, findings: str) -> int:
    """Make every row of a record bad; return how many they are."""
    values = {"state": LineState.BAD, "findings": findings}
    made = update(_LINE).where(_LINE.c.batch_id == batch_id, _LINE.c.unit == unit).values(**values)
    return session.connection().execute(made).rowcount


def keys_upto(session: Session, batch_id: str, upto: int) -> Iterator[tuple[int, str, int, str]]:
    """Yield unit, `same`, part and group of the records that have been checked."""
    columns = (_LINE.c.unit, _LINE.c.same, _LINE.c.part, _LINE.c.group_key)
    is_first = _LINE.c.number == _LINE.c.unit
    query = select(*columns).where(_LINE.c.batch_id == batch_id, _LINE.c.unit <= upto, is_first)
    for row in session.connection().execute(query.order_by(_LINE.c.unit)):
        yield tuple(row)


# --- queueing


def good_units(session: Session, batch_id: str, limit: int) -> Sequence[UnitSize]:
    """Return good records that wait to be queued, group by group, in the order of the file."""
    query = (
        select(BatchLine.unit, BatchLine.part, BatchLine.size)
        .where(BatchLine.batch_id == batch_id, BatchLine.state == LineState.GOOD, BatchLine.number == BatchLine.unit)
        .order_by(col(BatchLine.part), col(BatchLine.unit))
        .limit(limit)
    )
    return [UnitSize(unit, part, 1, size) for unit, part, size in session.exec(query)]


def records_of(session: Session, batch_id: str, units: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Return record and findings of each, as JSON texts."""
    query = select(BatchLine.number, BatchLine.record, BatchLine.findings).where(
        BatchLine.batch_id == batch_id, col(BatchLine.number).in_(units)
    )
    return {number: (record, findings) for number, record, findings in session.exec(query)}


def mark_queued(session: Session, batch_id: str, units: Sequence[int], writeback_id: str) -> int:
    """Note which writeback has the rows, and drop what they said: it has it now. Return how many they are."""
    values = {"state": LineState.QUEUED, "writeback_id": writeback_id, "cells": "", "record": "", "findings": ""}
    values |= {"mended": "", "people": ""}
    made = update(_LINE).where(_LINE.c.batch_id == batch_id, _LINE.c.unit.in_(units), _LINE.c.state == LineState.GOOD)
    return session.connection().execute(made.values(**values)).rowcount


def ensure_lane(session: Session, lane_id: str, school_id: str, family: str) -> None:
    insert_new(session, Lane, id=lane_id, school_id=school_id, family=family, fence=0)


# --- in the end


def drop_lines(session: Session, batch_id: str) -> int:
    """Delete some rows of a batch; return how many they were, 0 when there is none left."""
    few = select(_LINE.c.number).where(_LINE.c.batch_id == batch_id).limit(_SLICE)
    made = delete(_LINE).where(_LINE.c.batch_id == batch_id, _LINE.c.number.in_(few))
    return session.connection().execute(made).rowcount


def drop_uploading(session: Session, batch_id: str) -> None:
    """Delete a batch whose file never arrived."""
    is_it = and_(_BATCH.c.id == batch_id, _BATCH.c.status == BatchStatus.UPLOADING)
    session.connection().execute(delete(_BATCH).where(is_it))
