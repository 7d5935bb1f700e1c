"""Queries of writebacks that `flow` works with; what people read is in `reads.py`."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_
from sqlmodel import Session, col, select

from writeback.domain.states import Status
from writeback.store.tables import EventRow, WritebackRow, table_of

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

_INSERT_EVENT = table_of(EventRow).insert()


def lock(session: Session, ids: Collection[str]) -> dict[str, WritebackRow]:
    """Return the writebacks by id, locked in the order of acceptance so that no two transactions wait crosswise."""
    query = select(WritebackRow).where(col(WritebackRow.id).in_(ids)).order_by(col(WritebackRow.seq))
    rows = session.exec(query.with_for_update().execution_options(populate_existing=True)).all()
    return {row.id: row for row in rows}


def queued_in_lane(session: Session, lane_id: str, limit: int) -> Sequence[WritebackRow]:
    """Return the lane's queued writebacks, interactive ones first, then the order of acceptance; locked."""
    query = (
        select(WritebackRow)
        .where(WritebackRow.lane_id == lane_id, WritebackRow.status == Status.QUEUED)
        .order_by(col(WritebackRow.priority), col(WritebackRow.seq))
        .limit(limit)
        .with_for_update()
    )
    return session.exec(query).all()


def sent_after(session: Session, lane_id: str, seq: int) -> Sequence[WritebackRow]:
    """Return the lane's writebacks accepted after `seq` that have been sent at least in part."""
    query = select(WritebackRow).where(
        WritebackRow.lane_id == lane_id, col(WritebackRow.status).in_(_SENT_ALREADY), col(WritebackRow.seq) > seq
    )
    return session.exec(query).all()


def of_school(session: Session, school_id: str, status: Status) -> Sequence[WritebackRow]:
    """Return a school's writebacks in one status, in the order of acceptance; locked."""
    query = (
        select(WritebackRow)
        .where(WritebackRow.school_id == school_id, WritebackRow.status == status)
        .order_by(col(WritebackRow.seq))
        .with_for_update()
    )
    return session.exec(query).all()


def count_of_school(session: Session, school_id: str, status: Status) -> int:
    query = select(func.count()).where(WritebackRow.school_id == school_id, WritebackRow.status == status)
    return session.exec(query).one()


def is_due(now: datetime) -> ColumnElement[bool]:
    """SQL condition: the writeback is queued and its time has come, or its deadline has passed."""
    return (col(WritebackRow.status) == Status.QUEUED) & or_(
        col(WritebackRow.next_attempt_at).is_(None),
        col(WritebackRow.next_attempt_at) <= now,
        col(WritebackRow.expires_at) <= now,
    )


def add_event(session: Session, row: WritebackRow, event: str, *, at: datetime, actor: str, detail: str | None) -> None:
    """Write the event of a change in the transaction of the change."""
    values = {"writeback_id": row.id, "app_id": row.app_id, "at": at, "actor": actor}
    session.connection().execute(_INSERT_EVENT, {**values, "event": event, "status": row.status, "detail": detail})
