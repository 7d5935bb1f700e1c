"""What is and was amiss."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.store.sql.upsert import insert_new
from writeback.store.tables import AlertCursorRow, IncidentRow


def lock_cursor(session: Session) -> AlertCursorRow:
    """Return when it was last looked, locked until the transaction ends."""
    insert_new(session, AlertCursorRow, id=1)
    row = session.get(AlertCursorRow, 1, with_for_update=True, populate_existing=True)
    assert row is not None
    return row


def of_now(session: Session) -> Sequence[IncidentRow]:
    """Return those that are not over."""
    return session.exec(select(IncidentRow).where(col(IncidentRow.ended_at).is_(None))).all()


async def latest(session: AsyncSession, limit: int, *, is_open: bool) -> Sequence[IncidentRow]:
    """Return those that are not over, or those that are; the latest first."""
    over = col(IncidentRow.ended_at)
    query = select(IncidentRow).where(over.is_(None) if is_open else over.is_not(None))
    order = col(IncidentRow.opened_at if is_open else IncidentRow.ended_at)
    return (await session.exec(query.order_by(order.desc(), col(IncidentRow.id).desc()).limit(limit))).all()


async def lock(session: AsyncSession, incident_id: str) -> IncidentRow | None:
    """Return one, locked until the transaction ends."""
    return await session.get(IncidentRow, incident_id, with_for_update=True)


def has_looked_since(session: Session, since: datetime) -> bool:
    """Whether any worker has looked since then, without waiting for one that does so now."""
    looked_at = session.exec(select(AlertCursorRow.looked_at).where(AlertCursorRow.id == 1)).one_or_none()
    return looked_at is not None and looked_at > since
