"""Leases of lanes, and which lanes are due."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, or_, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.domain.states import Status
from writeback.store.requests import RequestState
from writeback.store.tables import Lane, RequestRow, WritebackRow
from writeback.store.writebacks import is_due


async def acquire(session: AsyncSession, lane_id: str, *, owner: str, now: datetime, until: datetime) -> int | None:
    """Take the lane's lease and return its fencing token; None while another holds it."""
    taken = await session.exec(
        update(Lane)
        .where(col(Lane.id) == lane_id, or_(col(Lane.lease_until).is_(None), col(Lane.lease_until) < now))
        .values(fence=Lane.fence + 1, lease_owner=owner, lease_until=until, served_at=now)
        .returning(col(Lane.fence))
    )
    return taken.scalar_one_or_none()


async def extend(session: AsyncSession, lane_id: str, fence: int, until: datetime) -> bool:
    """Keep the lease; False when it is no longer ours."""
    kept = await session.exec(
        update(Lane).where(col(Lane.id) == lane_id, col(Lane.fence) == fence).values(lease_until=until)
    )
    return kept.rowcount == 1


async def release(session: AsyncSession, lane_id: str, fence: int) -> bool:
    """Give the lease back; False when it is no longer ours, and then nothing of this turn may be committed."""
    released = await session.exec(
        update(Lane).where(col(Lane.id) == lane_id, col(Lane.fence) == fence).values(lease_owner=None, lease_until=None)
    )
    return released.rowcount == 1


async def release_all(session: AsyncSession, owner: str, now: datetime) -> int:
    """End every lease of a worker that stops; return how many there were."""
    ended = await session.exec(
        update(Lane).where(col(Lane.lease_owner) == owner).values(lease_owner=None, lease_until=now)
    )
    return ended.rowcount


async def has_due(session: AsyncSession, lane_id: str, now: datetime) -> bool:
    """Whether something in the lane could be sent now."""
    query = select(WritebackRow.seq).where(WritebackRow.lane_id == lane_id, is_due(now)).limit(1)
    return (await session.exec(query)).first() is not None


async def has_queued(session: AsyncSession, lane_id: str) -> bool:
    """Whether anything waits in the lane, due or not."""
    query = select(WritebackRow.seq).where(WritebackRow.lane_id == lane_id, WritebackRow.status == Status.QUEUED)
    return (await session.exec(query.limit(1))).first() is not None


async def due_for_serving(session: AsyncSession, now: datetime, limit: int) -> Sequence[str]:
    """Return lanes with something due and nobody serving them, the longest waiting first."""
    free = or_(col(Lane.lease_until).is_(None), col(Lane.lease_until) < now)
    waiting = (
        select(WritebackRow.lane_id)
        .join(Lane, col(Lane.id) == WritebackRow.lane_id)
        .where(is_due(now), free)
        .group_by(col(WritebackRow.lane_id))
        .order_by(func.min(WritebackRow.seq))
        .limit(limit)
    )
    abandoned = (
        select(RequestRow.lane_id)
        .join(Lane, col(Lane.id) == RequestRow.lane_id)
        .where(RequestRow.state == RequestState.SENDING, free)
        .distinct()
        .limit(limit)
    )
    lanes = [*(await session.exec(waiting)).all(), *(await session.exec(abandoned)).all()]
    return list(dict.fromkeys(lanes))


async def due_for_checking(session: AsyncSession, now: datetime, limit: int) -> Sequence[str]:
    """Return lanes with requests that should be asked about now."""
    query = (
        select(RequestRow.lane_id)
        .where(col(RequestRow.state).in_((RequestState.TAKEN, RequestState.IN_DOUBT)), col(RequestRow.check_at) <= now)
        .distinct()
        .limit(limit)
    )
    return (await session.exec(query)).all()
