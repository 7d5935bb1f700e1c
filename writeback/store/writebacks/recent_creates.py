"""What was accepted a moment ago and creates something: the committer writes it, accept asks whether it comes again."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.domain.states import Status
from writeback.store.tables import RecentCreateRow, WritebackRow

_CAME_TO_NOTHING = (Status.FAILED, Status.CANCELLED, Status.EXPIRED)
"""Whoever sends it after that means it."""


@dataclass(frozen=True)
class Earlier:
    """A writeback that holds the same, and when it was accepted."""

    writeback_id: str
    created_at: datetime


async def find(
    session: AsyncSession, school_id: str, hashes: Collection[str], since: datetime, *, app_id: str | None
) -> Mapping[str, Earlier]:
    """Return the first writeback with each hash that was accepted at a school since then; `app_id` None: of any app."""
    query = (
        select(RecentCreateRow)
        .join(WritebackRow, col(WritebackRow.id) == col(RecentCreateRow.writeback_id))
        .where(
            RecentCreateRow.school_id == school_id,
            col(RecentCreateRow.same).in_(hashes),
            col(RecentCreateRow.created_at) >= since,
            col(WritebackRow.status).not_in(_CAME_TO_NOTHING),
        )
        .order_by(col(RecentCreateRow.created_at).desc())
    )
    if app_id is not None:
        query = query.where(WritebackRow.app_id == app_id)
    return {row.same: Earlier(row.writeback_id, row.created_at) for row in (await session.exec(query)).all()}
