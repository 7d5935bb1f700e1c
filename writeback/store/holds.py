"""Queries about schools that wait: whether one is held, which should be asked about or synced again."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select, update

from writeback.store.tables import SchoolRow


def lock_school(session: Session, school_id: str) -> SchoolRow | None:
    """Return the school, locked until the transaction ends."""
    query = select(SchoolRow).where(SchoolRow.id == school_id).with_for_update()
    return session.exec(query.execution_options(populate_existing=True)).one_or_none()


def hold_of(session: Session, school_id: str) -> str | None:
    """Return why the school is held; None when it is not."""
    return session.exec(select(SchoolRow.hold_reason).where(SchoolRow.id == school_id)).one_or_none()


def due_rechecks(session: Session, now: datetime, limit: int) -> Sequence[str]:
    """Return held schools that should be asked about now."""
    query = select(SchoolRow.id).where(col(SchoolRow.hold_reason).is_not(None), col(SchoolRow.recheck_at) <= now)
    return session.exec(query.order_by(col(SchoolRow.recheck_at)).limit(limit)).all()


def due_syncs(session: Session, now: datetime, limit: int) -> Sequence[str]:
    """Return schools whose lookups should be synced now, the longest waiting first."""
    query = select(SchoolRow.id).where(col(SchoolRow.sync_at) <= now)
    return session.exec(query.order_by(col(SchoolRow.sync_at)).limit(limit)).all()


def schedule_sync(session: Session, school_id: str, at: datetime) -> None:
    session.exec(update(SchoolRow).where(col(SchoolRow.id) == school_id).values(sync_at=at))


def schedule_recheck(session: Session, school_id: str, at: datetime) -> None:
    """Look again at a school that is held by something outside; one held by staff waits for staff."""
    session.exec(
        update(SchoolRow)
        .where(col(SchoolRow.id) == school_id, col(SchoolRow.recheck_at).is_not(None))
        .values(recheck_at=at)
    )
