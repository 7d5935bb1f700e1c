"""Queries about holds, of schools and of single families: which there are, and whose school is to be asked about."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Integer, SQLColumnExpression, and_, bindparam, func, or_, union_all
from sqlalchemy import select as select_row
from sqlmodel import Session, col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.domain.restore_epoch import Epoch
from writeback.store.sql.prepared import Prepared
from writeback.store.sql.types import UtcDateTime
from writeback.store.tables import EpochRow, Lane, SchoolRow
from writeback.store.writebacks import epochs

_AT_ONCE = 500


def lock_school(session: Session, school_id: str) -> SchoolRow | None:
    """Return the school, locked until the transaction ends."""
    query = select(SchoolRow).where(SchoolRow.id == school_id).with_for_update()
    return session.exec(query.execution_options(populate_existing=True)).one_or_none()


def lock_unwatched(session: Session, school_ids: Collection[str]) -> Sequence[SchoolRow]:
    """Return those of these schools that are not held, and that nobody is to look at, locked in the order of ids."""
    query = select(SchoolRow).where(
        col(SchoolRow.id).in_(school_ids), col(SchoolRow.hold_reason).is_(None), col(SchoolRow.recheck_at).is_(None)
    )
    return session.exec(query.order_by(col(SchoolRow.id)).with_for_update()).all()


class HoldState(NamedTuple):
    """Why a school is held, None when it is not; and how often it was checked without success."""

    reason: str | None = None
    rechecks: int = 0
    epoch: Epoch | None = None
    """What a restore of the database has left in doubt; None: it was never restored."""


# Epochs come along: each statement more costs a register more than a row more does.
_NEWEST_EPOCH = select_row(func.max(EpochRow.id)).scalar_subquery()
_WAS_RESTORED = or_(col(EpochRow.taken_at).is_not(None), col(EpochRow.suspected_at).is_not(None))
_HOLD_OF = Prepared(
    select_row(col(SchoolRow.id), col(SchoolRow.hold_reason), col(SchoolRow.rechecks), *epochs.COLUMNS)
    .join_from(SchoolRow, EpochRow, and_(col(EpochRow.id) == _NEWEST_EPOCH, _WAS_RESTORED), isouter=True)
    .where(col(SchoolRow.id).in_(bindparam("schools", expanding=True)))
    .order_by(col(SchoolRow.id))
    .with_for_update(read=True, of=SchoolRow)
)


def holds_of(session: Session, school_ids: Collection[str]) -> dict[str, HoldState]:
    """Return whether the schools are held, so that nobody holds or resumes one before the transaction ends."""
    return {
        school_id: HoldState(reason, rechecks, epochs.as_epoch(*epoch) if epoch[0] is not None else None)
        for school_id, reason, rechecks, *epoch in _HOLD_OF.rows(session, schools=school_ids)
    }


def lock_lane(session: Session, lane_id: str) -> Lane:
    """Return a lane, locked until the transaction ends. Lanes are locked before their school."""
    query = select(Lane).where(Lane.id == lane_id).with_for_update()
    return session.exec(query.execution_options(populate_existing=True)).one()


def lock_held_lanes(session: Session, school_id: str) -> Sequence[Lane]:
    """Return the lanes of the school whose family is held, or was resumed without success; all its lanes are locked."""
    query = select(Lane).where(Lane.school_id == school_id).order_by(col(Lane.id)).with_for_update()
    lanes = session.exec(query.execution_options(populate_existing=True)).all()
    return [lane for lane in lanes if lane.hold_reason is not None or lane.rechecks]


async def ended(session: AsyncSession, now: datetime) -> Sequence[str]:
    """Return the schools whose hold was to end by now."""
    query = select(SchoolRow.id).where(col(SchoolRow.hold_until) <= now).order_by(col(SchoolRow.hold_until))
    return (await session.exec(query.limit(_AT_ONCE))).all()


async def held_families(session: AsyncSession, schools: Collection[str] | None) -> Sequence[Lane]:
    """Return the lanes of these schools (None: of all) whose family is held by itself, the longest first."""
    query = select(Lane).where(col(Lane.hold_reason).is_not(None)).order_by(col(Lane.held_at), col(Lane.id))
    if schools is not None:
        query = query.where(col(Lane.school_id).in_(schools))
    return (await session.exec(query)).all()


def bring_families_forward(session: Session, school_id: str, now: datetime) -> None:
    """Have each family of the school that is held by itself looked at now. Their lanes are locked before the school."""
    for lane in lock_held_lanes(session, school_id):
        if lane.hold_reason is not None:
            lane.recheck_at = now


def reset_lane_rechecks(session: Session, lane_id: str) -> None:
    """Note that the provider takes what is sent of the family."""
    session.exec(update(Lane).where(col(Lane.id) == lane_id).values(rechecks=0, held_at=None))


def reset_rechecks(session: Session, school_id: str) -> None:
    """Note that the provider takes what is sent for the school."""
    session.exec(update(SchoolRow).where(col(SchoolRow.id) == school_id).values(rechecks=0, held_at=None))


class DueSchool(NamedTuple):
    """A school that is to be looked after, and where it is asked for."""

    id: str
    provider: str
    base_url: str


def _due(is_due: ColumnElement[bool], order: Sequence[SQLColumnExpression[Any]]) -> Prepared:
    address = (col(SchoolRow.provider), col(SchoolRow.base_url))
    place = func.row_number().over(partition_by=address, order_by=order).label("place")
    due = select_row(col(SchoolRow.id), *address, place).where(is_due).subquery()
    query = select_row(due.c.id, due.c.provider, due.c.base_url).where(
        due.c.place <= bindparam("most", type_=Integer())
    )
    return Prepared(query.order_by(due.c.place).limit(_AT_ONCE))


def _is_due_family(now: datetime | ColumnElement[datetime]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return col(Lane.recheck_at) <= now, col(SchoolRow.hold_reason).is_(None)


def _due_rechecks() -> Prepared:
    of_schools = select_row(col(SchoolRow.id), col(SchoolRow.recheck_at)).where(col(SchoolRow.recheck_at) <= _NOW)
    of_families = select_row(col(Lane.school_id), col(Lane.recheck_at)).where(*_is_due_family(_NOW))
    each = union_all(of_schools, of_families.join(SchoolRow, col(SchoolRow.id) == col(Lane.school_id))).subquery()
    due = select_row(each.c.id, func.min(each.c.recheck_at).label("since")).group_by(each.c.id).subquery()
    since = select_row(due.c.since).where(due.c.id == col(SchoolRow.id)).scalar_subquery()
    return _due(col(SchoolRow.id).in_(select_row(due.c.id)), (since,))


_NOW = bindparam("now", type_=UtcDateTime())
_DUE_RECHECKS = _due_rechecks()
_DUE_SYNCS = _due(col(SchoolRow.sync_at) <= _NOW, (col(SchoolRow.sync_first).desc(), col(SchoolRow.sync_at)))


def due_rechecks(session: Session, now: datetime, most: int) -> Sequence[DueSchool]:
    """Return schools that should be asked about now, for their own sake or that of a family that is held by itself.

    At most so many of each address, the longest due first. A family does not ask while its whole school is held.
    """
    return [DueSchool(*row) for row in _DUE_RECHECKS.rows(session, now=now, most=most)]


def due_syncs(session: Session, now: datetime, most: int) -> Sequence[DueSchool]:
    """Return schools whose lookups should be synced now, at most so many of each address: those that somebody waits
    for, then the longest due."""
    return [DueSchool(*row) for row in _DUE_SYNCS.rows(session, now=now, most=most)]


def take_recheck(session: Session, school_id: str, now: datetime, until: datetime) -> bool:
    """Take a school that should be asked about, and its families for whose sake it should be, before the school: in
    the order of all locks. False where it need not be, or somebody else does so until then."""
    query = select(Lane).join(SchoolRow, col(SchoolRow.id) == col(Lane.school_id)).where(*_is_due_family(now))
    query = query.where(Lane.school_id == school_id).order_by(col(Lane.id)).with_for_update(of=Lane)
    families = session.exec(query.execution_options(populate_existing=True)).all()
    for lane in families:
        lane.recheck_at = until
    due = update(SchoolRow).where(col(SchoolRow.id) == school_id, col(SchoolRow.recheck_at) <= now)
    return session.exec(due.values(recheck_at=until)).rowcount > 0 or bool(families)


class TakenSync(NamedTuple):
    """A school whose lookups are synced now. `is_waited_for`: not merely because it is time. `full_asked_at`: when
    somebody last asked for all of them from the beginning."""

    is_waited_for: bool
    full_asked_at: datetime | None


def take_sync(session: Session, school_id: str, now: datetime, until: datetime) -> TakenSync | None:
    """Take a school whose lookups are due; None where they are not, or somebody else syncs them until then."""
    due = update(SchoolRow).where(col(SchoolRow.id) == school_id, col(SchoolRow.sync_at) <= now)
    asked = col(SchoolRow.sync_first), col(SchoolRow.full_sync_asked_at)
    taken = session.connection().execute(due.values(sync_at=until).returning(*asked)).one_or_none()
    return TakenSync(*taken) if taken is not None else None


def give_back_sync(session: Session, school_id: str, taken_until: datetime, at: datetime) -> None:
    """Have a school that was taken be due at that instant, unless it has been asked for since."""
    taken = update(SchoolRow).where(col(SchoolRow.id) == school_id, col(SchoolRow.sync_at) == taken_until)
    session.exec(taken.values(sync_at=at))


def schedule_sync(session: Session, school_id: str, at: datetime) -> None:
    """Have a school synced for somebody who waits for it: before those that are merely due."""
    session.exec(update(SchoolRow).where(col(SchoolRow.id) == school_id).values(sync_at=at, sync_first=True))


def bring_sync_forward(session: Session, school_id: str, at: datetime) -> None:
    """Have a school synced by then for somebody who waits for it, where that would be later."""
    later = update(SchoolRow).where(col(SchoolRow.id) == school_id, col(SchoolRow.sync_at) > at)
    session.exec(later.values(sync_at=at, sync_first=True))


class Overdue(NamedTuple):
    """How many schools' lookups are due, and since when the first of them has been."""

    schools: int
    since: datetime | None


async def overdue_syncs(session: AsyncSession, now: datetime) -> Overdue:
    """Return what waits to be synced; what is under way does not."""
    query = select(func.count(), func.min(SchoolRow.sync_at)).where(col(SchoolRow.sync_at) <= now)
    return Overdue(*(await session.exec(query)).one())
