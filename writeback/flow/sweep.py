"""Sweep: find in SQL whatever is due and has no one working on it, and ring. Redis may forget; SQL does not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import delete
from sqlmodel import Session, col

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
            due = await session.run_sync(lambda plain: _due(cast(Session, plain), now))
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


def _due(session: Session, now: datetime) -> dict[str, Sequence[str]]:
    """Return for each job what it should look at."""
    return {
        "serve_lane": lanes.due_for_serving(session, now, _AT_ONCE),
        "confirm_lane": lanes.due_for_checking(session, now, _AT_ONCE),
        "recheck_school": holds.due_rechecks(session, now, _AT_ONCE),
        "sync_school": holds.due_syncs(session, now, _AT_ONCE),
    }
