"""Rows that may name a person, a page at a time in the order of their keys, and what is changed in them.

`flow/data_subjects/places.py` says which tables and what; no table of events or deliveries is gone through as a whole.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, and_, delete, inspect, or_, tuple_
from sqlalchemy.orm import defer
from sqlmodel import Session, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.store.reads.search import Changed, terms_of
from writeback.store.tables import (
    AuditRow,
    BatchChunkRow,
    BatchRow,
    DropInMemberRow,
    DropInRow,
    Lane,
    RequestRow,
    SearchTermRow,
    WritebackRow,
    table_of,
)
from writeback.store.tables.columns import Stored

R = TypeVar("R", bound=Stored)
Key = tuple[Any, ...]


def key_of(row: Stored) -> Key:
    """Return the row's primary key."""
    return tuple(getattr(row, column.name) for column in table_of(type(row)).primary_key)


async def writebacks(session: AsyncSession, school_id: str, after: int, limit: int) -> Sequence[WritebackRow]:
    """Return the school's writebacks beyond a `seq`, in the order in which they were accepted."""
    query = select(WritebackRow).where(WritebackRow.school_id == school_id, col(WritebackRow.seq) > after)
    return (await session.exec(query.order_by(col(WritebackRow.seq)).limit(limit))).all()


async def accepted_after(session: AsyncSession, seqs: Collection[int], at: datetime) -> set[int]:
    """Return those of the writebacks that were accepted after then."""
    query = select(WritebackRow.seq).where(col(WritebackRow.seq).in_(seqs), col(WritebackRow.created_at) > at)
    return {seq for seq in (await session.exec(query)).all() if seq is not None}


async def rows_of_writebacks(session: AsyncSession, row: type[R], ids: Collection[str]) -> Sequence[R]:
    """Return a table's rows of these writebacks; of a drop-in call when one of them is part of it."""
    if issubclass(row, DropInRow):
        refs = select(DropInMemberRow.ref).where(col(DropInMemberRow.writeback_id).in_(ids))
        return (await session.exec(select(row).where(col(row.ref).in_(refs)))).all()
    return (await session.exec(select(row).where(_column(row, "writeback_id").in_(ids)))).all()


async def rows_of_requests(session: AsyncSession, row: type[R], ids: Collection[str]) -> Sequence[R]:
    return (await session.exec(select(row).where(_column(row, "request_id").in_(ids)))).all()


async def lanes_of(session: AsyncSession, school_id: str) -> Sequence[str]:
    return (await session.exec(select(Lane.id).where(Lane.school_id == school_id))).all()


async def batches_of(session: AsyncSession, school_id: str) -> Sequence[BatchRow]:
    return (await session.exec(select(BatchRow).where(BatchRow.school_id == school_id))).all()


async def unsettled(session: AsyncSession, lane_ids: Collection[str]) -> Sequence[RequestRow]:
    """Return the lanes' requests that something is still awaited of."""
    query = select(RequestRow).where(col(RequestRow.lane_id).in_(lane_ids), RequestRow.state != "settled")
    return (await session.exec(query)).all()


async def page(
    session: AsyncSession, row: type[R], where: Sequence[ColumnElement[bool]], after: Key | None, limit: int
) -> Sequence[R]:
    """Return rows beyond a key, in the order of their keys; a file's bytes are not read."""
    keys = [_column(row, column.name) for column in table_of(row).primary_key]
    query = select(row).where(*where).order_by(*keys).limit(limit)
    if issubclass(row, BatchChunkRow):
        query = query.options(defer(BatchChunkRow.data, raiseload=True))  # type: ignore[arg-type] # as in schools.py
    if after is not None:
        query = query.where(tuple_(*keys) > tuple_(*after))
    return (await session.exec(query)).all()


def of_values(row: type[Stored], column: str, values: Collection[str]) -> ColumnElement[bool]:
    """SQL condition: the column has one of the values."""
    condition: ColumnElement[bool] = _column(row, column).in_(values)
    return condition


def of_school(row: type[Stored], school_id: str) -> Sequence[ColumnElement[bool]]:
    """SQL conditions: the row is the school's, or the school itself.

    Of the audit log also bulk jobs over all schools, whose reasons may name somebody of this one.
    """
    names = inspect(row).columns.keys()
    name = next(one for one in ("school_id", "school", "id") if one in names)
    is_its = _column(row, name) == school_id
    if not issubclass(row, AuditRow):
        return [is_its]
    return [or_(is_its, and_(col(row.school).is_(None), col(row.action).startswith("bulk.")))]


def lock(session: Session, row: type[R], key: Key) -> R | None:
    """Return the row, locked until the transaction ends."""
    ident = key if len(key) > 1 else key[0]
    return session.get(row, ident, with_for_update=True, populate_existing=True)


def write(session: Session, row: Stored, values: Mapping[str, Any]) -> None:
    """Write columns of a locked row; of a writeback what it was found by goes with them."""
    before = _terms(row)
    for name, value in values.items():
        setattr(row, name, value)
    session.add(row)
    gone = before - _terms(row)
    if gone and isinstance(row, WritebackRow):
        term = (SearchTermRow.term, SearchTermRow.what, SearchTermRow.school_id, SearchTermRow.seq)
        wanted = [(term_, what, row.school_id, row.seq) for term_, what in gone]
        session.exec(delete(SearchTermRow).where(tuple_(*map(col, term)).in_(wanted)))


def _terms(row: Stored) -> set[tuple[str, str]]:
    if not isinstance(row, WritebackRow):
        return set()
    return terms_of(Changed(row.seq or 0, row.school_id, row.ref, row.progress, row.records))


def is_made_by(row: Stored, until: datetime | None) -> bool:
    """Whether a row is no younger than that; None: whatever its age."""
    if until is None:
        return True
    for name in ("created_at", "claimed_at", "at", "since", "fetched_at"):
        made_at = getattr(row, name, None)
        if made_at is not None:
            return bool(made_at <= until)
    return True


def _column(row: type[Stored], name: str) -> Any:
    return col(getattr(row, name))
