"""The writebacks of one school that may be about one pupil and one day. Called by `flow/projections/pupil_days.py`."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import and_, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.domain.access import Caller
from writeback.store.reads.filters import Filter, conditions, visible
from writeback.store.tables import WritebackRow


async def naming(
    session: AsyncSession, caller: Caller, school_id: str, pupil: str, day: date, since: datetime, until: datetime
) -> Sequence[WritebackRow]:
    """Return those that name the pupil and the day, or were accepted between `since` and `until`, as accepted."""
    accepted = and_(col(WritebackRow.created_at) >= since, col(WritebackRow.created_at) < until)
    query = select(WritebackRow).where(
        *visible(caller),
        *conditions(Filter(school=school_id, student=pupil)),
        or_(col(WritebackRow.records).contains(day.isoformat()), accepted),
    )
    return (await session.exec(query.order_by(col(WritebackRow.seq)))).all()
