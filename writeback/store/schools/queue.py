"""What waits for one school, lane by lane, and the breakers that its requests have to pass."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func
from sqlalchemy import select as select_row
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.domain.states import FINAL, Status
from writeback.store.tables import BreakerRow, Lane, WritebackRow
from writeback.store.writebacks import breakers

_WAITING = tuple(status.value for status in Status if status not in FINAL)


class Queued(NamedTuple):
    """Writebacks of one lane in one status. `since`: the oldest of them was accepted then."""

    family: str
    status: str
    writebacks: int
    since: datetime


async def of_school(session: AsyncSession, school_id: str) -> Sequence[Queued]:
    """Return what has not ended, by lane and status."""
    query = (
        select_row(col(Lane.family), col(WritebackRow.status), func.count(), func.min(col(WritebackRow.created_at)))
        .join(WritebackRow, col(WritebackRow.lane_id) == col(Lane.id))
        .where(col(Lane.school_id) == school_id, col(WritebackRow.status).in_(_WAITING))
        .group_by(col(Lane.family), col(WritebackRow.status))
        .order_by(col(Lane.family), col(WritebackRow.status))
    )
    return [Queued(*row) for row in (await (await session.connection()).execute(query)).all()]


async def open_breakers(session: AsyncSession, keys: Collection[str]) -> Sequence[BreakerRow]:
    """Return those of these breakers that are open, the longest first."""
    query = select(BreakerRow).where(col(BreakerRow.key).in_(keys), col(BreakerRow.open_until).is_not(None))
    return (await session.exec(query.order_by(col(BreakerRow.since)))).all()


async def open_of_schools(session: AsyncSession, schools: Collection[str]) -> dict[str, BreakerRow]:
    """Return the open breakers of these schools' own, by school."""
    by_key = {breakers.of_school(school): school for school in schools}
    return {by_key[row.key]: row for row in await open_breakers(session, by_key)}
