"""Looking an idempotency key up before anything is validated; the committer decides between those that race."""

from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.store.tables import IdempotencyRow
from writeback.store.writebacks.submissions import Idempotency, KeyReused, Replayed


async def find(session: AsyncSession, app_id: str, idempotency: Idempotency) -> Replayed | KeyReused | None:
    """Return what the key stands for already; None when it is new."""
    row = await session.get(IdempotencyRow, (app_id, idempotency.key))
    if row is None:
        return None
    return Replayed(row.answer) if row.body_hash == idempotency.body_hash else KeyReused()
