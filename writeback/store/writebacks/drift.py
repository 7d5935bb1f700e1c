"""The sample of confirmed writebacks that is read once more. Called by `flow/confirm/drift.py` alone."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete
from sqlmodel import Session, col, select

from writeback.domain.states import Event
from writeback.store.sql.upsert import insert_new
from writeback.store.tables import DriftCheckRow, DriftCursorRow, EventRow, WritebackRow

_CONFIRMATIONS = (Event.CONFIRMED.value, Event.PARTLY_CONFIRMED.value)
_THE_ROW = 1


class Confirmation(NamedTuple):
    """That a writeback was confirmed."""

    writeback_id: str
    school_id: str
    at: datetime


def lock_cursor(session: Session, start: int) -> DriftCursorRow:
    """Return the cursor, locked; where there was none it begins at `start`."""
    insert_new(session, DriftCursorRow, id=_THE_ROW, event_id=start)
    query = select(DriftCursorRow).where(DriftCursorRow.id == _THE_ROW).with_for_update()
    return session.exec(query.execution_options(populate_existing=True)).one()


def confirmations(session: Session, after: int, upto: int, kinds: Collection[str]) -> Sequence[Confirmation]:
    """Return the confirmations of writebacks of those kinds, of events with `after` < id ≤ `upto`."""
    query = (
        select(EventRow.writeback_id, WritebackRow.school_id, EventRow.at)
        .join(WritebackRow, col(WritebackRow.id) == EventRow.writeback_id)
        .where(col(EventRow.id) > after, col(EventRow.id) <= upto)
        .where(col(EventRow.event).in_(_CONFIRMATIONS), col(WritebackRow.kind).in_(kinds))
    )
    return [Confirmation(*row) for row in session.exec(query).all()]


def add(session: Session, confirmation: Confirmation, due_at: datetime) -> None:
    """Schedule it to be read then; one that is scheduled already, e.g. before it was resubmitted, stays as it is."""
    insert_new(
        session,
        DriftCheckRow,
        writeback_id=confirmation.writeback_id,
        school_id=confirmation.school_id,
        due_at=due_at,
    )


def claim_due(session: Session, now: datetime, until: datetime, limit: int) -> Sequence[DriftCheckRow]:
    """Return what should be read now, one of each school; no other worker gets those before `until`."""
    query = select(DriftCheckRow).where(DriftCheckRow.due_at <= now).order_by(col(DriftCheckRow.due_at))
    rows = session.exec(query.limit(10 * limit).with_for_update(skip_locked=True)).all()
    claimed = list({row.school_id: row for row in reversed(rows)}.values())[-limit:]
    for row in claimed:
        row.due_at, row.tries = until, row.tries + 1
        session.add(row)
    return claimed


def put_off(session: Session, writeback_id: str, until: datetime) -> None:
    """Have it read later; this time does not count as a try."""
    row = session.get(DriftCheckRow, writeback_id)
    if row is not None:
        row.due_at, row.tries = until, row.tries - 1
        session.add(row)


def forget(session: Session, writeback_id: str) -> None:
    """Nothing more is to be read of it."""
    session.exec(delete(DriftCheckRow).where(col(DriftCheckRow.writeback_id) == writeback_id))
