"""Queries about schools that wait: whether one is held, which should be asked about or synced again."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import and_, or_
from sqlmodel import Session, col, select, update

from writeback.store.tables import SchoolRow


def lock_school(session: Session, school_id: str) -> SchoolRow | None:
    """Return the school, locked until the transaction ends."""
    query = select(SchoolRow).where(SchoolRow.id == school_id).with_for_update()
    return session.exec(query.execution_options(populate_existing=True)).one_or_none()


class HoldState(NamedTuple):
    """Why a school is held, None when it is not; and how often it was looked at in vain."""

    reason: str | None = None
    rechecks: int = 0


def hold_of(session: Session, school_id: str) -> HoldState:
    """Return whether the school is held, so that nobody holds or resumes it before the transaction ends."""
    query = select(SchoolRow.hold_reason, SchoolRow.rechecks).where(SchoolRow.id == school_id)
    return HoldState(*session.exec(query.with_for_update(read=True)).one())


def reset_rechecks(session: Session, school_id: str) -> None:
    """Note that the provider takes what is sent for the school."""
    session.exec(update(SchoolRow).where(col(SchoolRow.id) == school_id).values(rechecks=0, held_at=None))


def claim_rechecks(session: Session, now: datetime, until: datetime, limit: int) -> Sequence[str]:
    """Return held schools that should be asked about now; nobody else is told of them before `until`."""
    due = select(SchoolRow).where(col(SchoolRow.hold_reason).is_not(None), col(SchoolRow.recheck_at) <= now)
    rows = session.exec(due.order_by(col(SchoolRow.id)).limit(limit).with_for_update(skip_locked=True)).all()
    for row in rows:
        row.recheck_at = until
        session.add(row)
    return [row.id for row in rows]


def claim_syncs(session: Session, now: datetime, until: datetime, limit: int) -> Sequence[str]:
    """Return schools whose lookups should be synced now; nobody else is told of them before `until`."""
    due = select(SchoolRow).where(col(SchoolRow.sync_at) <= now)
    rows = session.exec(due.order_by(col(SchoolRow.id)).limit(limit).with_for_update(skip_locked=True)).all()
    for row in rows:
        row.sync_at = until
        session.add(row)
    return [row.id for row in rows]


def has_due(session: Session, now: datetime) -> bool:
    """Whether any school should be asked about or synced now."""
    due = or_(
        col(SchoolRow.sync_at) <= now,
        and_(col(SchoolRow.hold_reason).is_not(None), col(SchoolRow.recheck_at) <= now),
    )
    return session.exec(select(SchoolRow.id).where(due).limit(1)).first() is not None


def schedule_sync(session: Session, school_id: str, at: datetime) -> None:
    session.exec(update(SchoolRow).where(col(SchoolRow.id) == school_id).values(sync_at=at))


def schedule_recheck(session: Session, school_id: str, at: datetime) -> None:
    """Look again at a school that is held by something outside; one held by staff waits for staff."""
    session.exec(
        update(SchoolRow)
        .where(col(SchoolRow.id) == school_id, col(SchoolRow.recheck_at).is_not(None))
        .values(recheck_at=at)
    )
