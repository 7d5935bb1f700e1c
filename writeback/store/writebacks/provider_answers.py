"""What providers answered to requests that failed: kept sealed, for a while."""

from collections.abc import Collection
from datetime import datetime

from sqlmodel import Session, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.store.tables import ProviderAnswerRow


def keep(session: Session, request_id: str, sealed: str, now: datetime) -> None:
    """Keep the answer in the place of an earlier one; the request is locked."""
    session.merge(ProviderAnswerRow(request_id=request_id, kept_at=now, sealed=sealed))


async def of_request(session: AsyncSession, request_id: str) -> ProviderAnswerRow | None:
    return await session.get(ProviderAnswerRow, request_id)


async def kept_of(session: AsyncSession, request_ids: Collection[str]) -> set[str]:
    """Return those of the requests whose last answer is kept."""
    if not request_ids:
        return set()
    query = select(ProviderAnswerRow.request_id).where(col(ProviderAnswerRow.request_id).in_(request_ids))
    return set((await session.exec(query)).all())
