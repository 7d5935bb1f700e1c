"""Queries about schools that wait: whether one is held, which should be asked about or synced again."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.store.tables import SchoolRow


async def hold_of(session: AsyncSession, school_id: str) -> str | None:
    """Return why the school is held; None when it is not."""
    return (await session.exec(select(SchoolRow.hold_reason).where(SchoolRow.id == school_id))).one_or_none()


async def due_rechecks(session: AsyncSession, now: datetime, limit: int) -> Sequence[str]:
    """Return held schools that should be asked about now."""
    query = select(SchoolRow.id).where(col(SchoolRow.hold_reason).is_not(None), col(SchoolRow.recheck_at) <= now)
    return (await session.exec(query.order_by(col(SchoolRow.recheck_at)).limit(limit))).all()


async def due_syncs(session: AsyncSession, now: datetime, limit: int) -> Sequence[str]:
    """Return schools whose lookups should be synced now, the longest waiting first."""
    query = select(SchoolRow.id).where(col(SchoolRow.sync_at) <= now)
    return (await session.exec(query.order_by(col(SchoolRow.sync_at)).limit(limit))).all()


async def schedule_sync(session: AsyncSession, school_id: str, at: datetime) -> None:
    await session.exec(update(SchoolRow).where(col(SchoolRow.id) == school_id).values(sync_at=at))


async def schedule_recheck(session: AsyncSession, school_id: str, at: datetime) -> None:
    """Look again at a school that is held by something outside; one held by staff waits for staff."""
    await session.exec(
        update(SchoolRow)
        .where(col(SchoolRow.id) == school_id, col(SchoolRow.recheck_at).is_not(None))
        .values(recheck_at=at)
    )
