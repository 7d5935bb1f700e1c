"""Queries about schools: whether one is held, which should be asked about or synced again."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, or_
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


# Built once, as in requests.py.
_HOLD_OF = (
    select(SchoolRow.hold_reason, SchoolRow.rechecks)
    .where(SchoolRow.id == bindparam("of_school"))
    .with_for_update(read=True)
)


def hold_of(session: Session, school_id: str) -> HoldState:
    """Return whether the school is held, so that nobody holds or resumes it before the transaction ends."""
    return HoldState(*session.exec(_HOLD_OF, params={"of_school": school_id}).one())


def reset_rechecks(session: Session, school_id: str) -> None:
    """Note that the provider takes what is sent for the school."""
    session.exec(update(SchoolRow).where(col(SchoolRow.id) == school_id).values(rechecks=0, held_at=None))


def claim_rechecks(session: Session, now: datetime, until: datetime, limit: int) -> Sequence[str]:
    """Return schools that should be asked about now; nobody else is told of them before `until`."""
    due = select(SchoolRow).where(col(SchoolRow.recheck_at) <= now)
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
    due = or_(col(SchoolRow.sync_at) <= now, col(SchoolRow.recheck_at) <= now)
    return session.exec(select(SchoolRow.id).where(due).limit(1)).first() is not None


def schedule_sync(session: Session, school_id: str, at: datetime) -> None:
    session.exec(update(SchoolRow).where(col(SchoolRow.id) == school_id).values(sync_at=at))
