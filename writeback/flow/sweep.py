"""Sweep: find in SQL whatever is due and has no one working on it, and ring. Redis may forget; SQL does not."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete
from sqlmodel import col

from writeback.flow.context import FlowContext
from writeback.store import holds, lanes
from writeback.store.tables import IdempotencyRow

_AT_ONCE = 500


@dataclass(frozen=True)
class Sweeper:
    """Rings for what is due. Several may run: a ring twice is a ring."""

    flow: FlowContext

    async def sweep(self) -> int:
        """Ring once for everything that is due now; return how many rings that was."""
        now = self.flow.clock.now()
        async with self.flow.db.read() as session:
            due = {
                "serve_lane": await lanes.due_for_serving(session, now, _AT_ONCE),
                "confirm_lane": await lanes.due_for_checking(session, now, _AT_ONCE),
                "recheck_school": await holds.due_rechecks(session, now, _AT_ONCE),
                "sync_school": await holds.due_syncs(session, now, _AT_ONCE),
            }
        for job, ids in due.items():
            if ids:
                await self.flow.doorbell.ring(job, ids)
        return sum(len(ids) for ids in due.values())

    async def forget_old_keys(self) -> None:
        """Delete idempotency keys that nobody may replay any more."""
        keep = timedelta(seconds=self.flow.settings.api.idempotency_keep_s)
        async with self.flow.db.write() as session:
            await session.exec(
                delete(IdempotencyRow).where(col(IdempotencyRow.created_at) < self.flow.clock.now() - keep)
            )
