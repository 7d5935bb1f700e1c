"""Leases of lanes, and which lanes are due."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import BindParameter, Integer, and_, bindparam, exists, func, not_, or_, tuple_, update
from sqlalchemy import select as select_column
from sqlmodel import Session, col, select

from writeback.domain.states import Status
from writeback.store.sql.prepared import Prepared
from writeback.store.sql.types import UtcDateTime
from writeback.store.sql.write_out import flush
from writeback.store.tables import EpochRow, Lane, RequestRow, WritebackRow, table_of
from writeback.store.writebacks.requests import AWAITING, RequestState
from writeback.store.writebacks.writebacks import is_due

_LANE = table_of(Lane)
_NOW, _AT_MOST = bindparam("now", type_=UtcDateTime()), bindparam("at_most", type_=Integer())
_IDS: BindParameter[str] = bindparam("ids", expanding=True)
_FENCED: BindParameter[tuple[str, int]] = bindparam("fenced", expanding=True)
# Rows are locked in the order of their ids: no two transactions wait for each other crosswise.
_ACQUIRE = Prepared(
    _LANE.update()
    .where(
        _LANE.c.id.in_(
            select_column(_LANE.c.id)
            .where(
                _LANE.c.id.in_(_IDS),
                or_(_LANE.c.lease_until.is_(None), _LANE.c.lease_until < _NOW),
                or_(_LANE.c.not_before.is_(None), _LANE.c.not_before <= _NOW),
            )
            .order_by(_LANE.c.id)
            .with_for_update()
        )
    )
    .values(fence=_LANE.c.fence + 1, lease_owner=bindparam("owner"), lease_until=bindparam("until"))
    .returning(_LANE.c.id, _LANE.c.fence, _LANE.c.hold_reason, _LANE.c.rechecks)
)
_KEEP = (
    _LANE.update()
    .where(_LANE.c.id == bindparam("of_lane"), _LANE.c.fence == bindparam("of_fence"), _LANE.c.lease_until.is_not(None))
    .values(lease_until=bindparam("until"))
)
_RELEASE = Prepared(
    _LANE.update()
    .where(
        _LANE.c.id.in_(
            select_column(_LANE.c.id)
            .where(tuple_(_LANE.c.id, _LANE.c.fence).in_(_FENCED))
            .order_by(_LANE.c.id)
            .with_for_update()
        )
    )
    .values(lease_owner=None, lease_until=None)
    .returning(_LANE.c.id, _LANE.c.fence)
)
_WITH_DUE = Prepared(
    select_column(_LANE.c.id).where(
        _LANE.c.id.in_(_IDS),
        exists().where(col(WritebackRow.lane_id) == _LANE.c.id, is_due(_NOW)),
    )
)
_WITH_QUEUED = Prepared(
    select_column(_LANE.c.id).where(
        _LANE.c.id.in_(_IDS),
        exists().where(col(WritebackRow.lane_id) == _LANE.c.id, col(WritebackRow.status) == Status.QUEUED),
    )
)
_IS_FREE = and_(
    not_(exists().where(col(EpochRow.suspected_at).is_not(None))),  # nothing is sent then
    or_(col(Lane.lease_until).is_(None), col(Lane.lease_until) < _NOW),
    or_(col(Lane.not_before).is_(None), col(Lane.not_before) <= _NOW),
)
_WITH_DUE_AND_FREE = Prepared(
    select(WritebackRow.lane_id)
    .join(Lane, col(Lane.id) == WritebackRow.lane_id)
    .where(is_due(_NOW), _IS_FREE)
    .group_by(col(WritebackRow.lane_id))
    .order_by(func.min(WritebackRow.seq))
    .limit(_AT_MOST)
)
_ABANDONED = Prepared(
    select(RequestRow.lane_id)
    .join(Lane, col(Lane.id) == RequestRow.lane_id)
    .where(RequestRow.state == RequestState.SENDING, _IS_FREE)
    .distinct()
    .limit(_AT_MOST)
)
_TO_CHECK = Prepared(
    select(RequestRow.lane_id)
    .where(col(RequestRow.state).in_(AWAITING), col(RequestRow.check_at) <= _NOW)
    .distinct()
    .limit(_AT_MOST)
)


class Lease(NamedTuple):
    """A lane that is ours: its fencing token, and why its family is held (None: it is not)."""

    fence: int
    hold_reason: str | None = None
    rechecks: int = 0
    """How often in a row the family was resumed and held again."""


def acquire(
    session: Session, lane_ids: Collection[str], *, owner: str, now: datetime, until: datetime
) -> dict[str, Lease]:
    """Take the leases of lanes and return them; not of those that another has, or whose provider is left alone."""
    taken = _ACQUIRE.rows(session, ids=lane_ids, now=now, owner=owner, until=until)
    return {lane_id: Lease(*lease) for lane_id, *lease in taken}


def extend(session: Session, lane_id: str, fence: int, until: datetime) -> bool:
    """Keep the lease; False when it is no longer ours."""
    kept = session.connection().execute(_KEEP, {"of_lane": lane_id, "of_fence": fence, "until": until})
    return kept.rowcount == 1


def release(session: Session, leases: Collection[tuple[str, int]]) -> set[tuple[str, int]]:
    """Give leases back, each a lane and its fence; return those that were still ours.

    Nothing of a turn under another may be committed.
    """
    return {(lane_id, fence) for lane_id, fence in _RELEASE.rows(session, fenced=leases)}


def is_held(session: Session, lane_id: str, fence: int) -> bool:
    """Whether the lease is still ours."""
    query = select(Lane.fence).where(Lane.id == lane_id, col(Lane.lease_until).is_not(None))
    return session.exec(query).first() == fence


def release_all(session: Session, owner: str, now: datetime) -> int:
    """End every lease of a worker that stops; return how many there were."""
    ended = session.exec(update(Lane).where(col(Lane.lease_owner) == owner).values(lease_owner=None, lease_until=now))
    return ended.rowcount


def leave_alone(session: Session, lane_id: str, until: datetime) -> None:
    """Serve the lane no earlier than the provider asked for."""
    session.connection().execute(_LANE.update().where(_LANE.c.id == lane_id).values(not_before=until))


def leave_school_alone(session: Session, school_id: str, until: datetime | None) -> None:
    """Serve no lane of the school before; None: serve them now."""
    session.connection().execute(_LANE.update().where(_LANE.c.school_id == school_id).values(not_before=until))


def with_due(session: Session, school_id: str, now: datetime) -> Sequence[str]:
    """Return the lanes of a school in which something could be sent now."""
    query = select(WritebackRow.lane_id).where(WritebackRow.school_id == school_id, is_due(now)).distinct()
    return session.exec(query).all()


def of_school(session: Session, school_id: str) -> Sequence[str]:
    """Return the lanes of a school."""
    return session.exec(select(Lane.id).where(Lane.school_id == school_id)).all()


def having_due(session: Session, lane_ids: Collection[str], now: datetime) -> set[str]:
    """Return those of the lanes in which something could be sent now."""
    flush(session)
    return {lane_id for (lane_id,) in _WITH_DUE.rows(session, ids=lane_ids, now=now)}


def having_queued(session: Session, lane_ids: Collection[str]) -> set[str]:
    """Return those of the lanes in which anything waits, due or not."""
    flush(session)
    return {lane_id for (lane_id,) in _WITH_QUEUED.rows(session, ids=lane_ids)}


def due_for_serving(session: Session, now: datetime, limit: int) -> Sequence[str]:
    """Return lanes with something due and nobody serving them, the longest waiting first."""
    waiting = _WITH_DUE_AND_FREE.rows(session, now=now, at_most=limit)
    abandoned = _ABANDONED.rows(session, now=now, at_most=limit)
    return list(dict.fromkeys(lane_id for (lane_id,) in (*waiting, *abandoned)))


def due_for_checking(session: Session, now: datetime, limit: int) -> Sequence[str]:
    """Return lanes with requests that should be asked about now."""
    return [lane_id for (lane_id,) in _TO_CHECK.rows(session, now=now, at_most=limit)]
