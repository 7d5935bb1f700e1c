"""Queries of writebacks that `flow` works with; what people read is in `reads.py`."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.domain.states import Status
from writeback.store.tables import EventRow, WritebackRow

SLOT_IN_FLIGHT = "slot_in_flight"
"""`hold_reason` of a queued writeback that waits until an earlier mark for its slot has settled."""

_SENT_ALREADY = (
    Status.SENDING,
    Status.SENT,
    Status.UNKNOWN,
    Status.NEEDS_ATTENTION,
    Status.CONFIRMED,
    Status.PARTIAL,
)


async def lock(session: AsyncSession, ids: Collection[str]) -> dict[str, WritebackRow]:
    """Return the writebacks by id, locked in the order of acceptance so that no two transactions wait crosswise."""
    query = select(WritebackRow).where(col(WritebackRow.id).in_(ids)).order_by(col(WritebackRow.seq))
    rows = (await session.exec(query.with_for_update().execution_options(populate_existing=True))).all()
    return {row.id: row for row in rows}


async def queued_in_lane(session: AsyncSession, lane_id: str, limit: int) -> Sequence[WritebackRow]:
    """Return the lane's queued writebacks, interactive ones first, then the order of acceptance; locked."""
    query = (
        select(WritebackRow)
        .where(WritebackRow.lane_id == lane_id, WritebackRow.status == Status.QUEUED)
        .order_by(col(WritebackRow.priority), col(WritebackRow.seq))
        .limit(limit)
        .with_for_update()
    )
    return (await session.exec(query)).all()


async def sent_after(session: AsyncSession, lane_id: str, seq: int) -> Sequence[WritebackRow]:
    """Return the lane's writebacks accepted after `seq` that have been sent at least in part."""
    query = select(WritebackRow).where(
        WritebackRow.lane_id == lane_id, col(WritebackRow.status).in_(_SENT_ALREADY), col(WritebackRow.seq) > seq
    )
    return (await session.exec(query)).all()


async def of_school(session: AsyncSession, school_id: str, status: Status) -> Sequence[WritebackRow]:
    """Return a school's writebacks in one status, in the order of acceptance; locked."""
    query = (
        select(WritebackRow)
        .where(WritebackRow.school_id == school_id, WritebackRow.status == status)
        .order_by(col(WritebackRow.seq))
        .with_for_update()
    )
    return (await session.exec(query)).all()


async def count_of_school(session: AsyncSession, school_id: str, status: Status) -> int:
    query = select(func.count()).where(WritebackRow.school_id == school_id, WritebackRow.status == status)
    return (await session.exec(query)).one()


def is_due(now: datetime) -> ColumnElement[bool]:
    """SQL condition: the writeback is queued and its time has come, or its deadline has passed."""
    return (col(WritebackRow.status) == Status.QUEUED) & or_(
        col(WritebackRow.next_attempt_at).is_(None),
        col(WritebackRow.next_attempt_at) <= now,
        col(WritebackRow.expires_at) <= now,
    )


def add_event(
    session: AsyncSession, row: WritebackRow, event: str, *, at: datetime, actor: str, detail: str | None
) -> None:
    """Write the event of a change in the transaction of the change."""
    session.add(
        EventRow(
            writeback_id=row.id, app_id=row.app_id, at=at, actor=actor, event=event, status=row.status, detail=detail
        )
    )
