"""Sweep: find in SQL whatever is due and has no one working on it, and ring. Redis may forget; SQL does not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import cast

from sqlalchemy import delete
from sqlmodel import Session, col

from writeback.core import failpoints
from writeback.flow.batches.forget import forget_old_batches
from writeback.flow.context import FlowContext
from writeback.flow.expire import expire_overdue
from writeback.store import batches, doors, doubts, holds, lanes, outbox, writebacks
from writeback.store.tables import IdempotencyRow

_AT_ONCE = 500
_RECHECK_CLAIM, _SYNC_CLAIM = timedelta(seconds=60), timedelta(minutes=5)
"""How long nobody else is told of a school that somebody looks after; longer than a job may take."""


@dataclass(frozen=True)
class Sweeper:
    """Rings for what is due. Several may run: a ring twice is a ring."""

    flow: FlowContext

    async def sweep(self) -> int:
        """Expire what is overdue, and ring once for everything that is due now; return how many rings that was."""
        now = self.flow.clock.now()
        async with self.flow.db.read() as session:
            due, has_more = await session.run_sync(lambda plain: _due(cast(Session, plain), now))
        if has_more:
            if failpoints.hit("sweep.before_claim"):
                await self.flow.db.transact(partial(_claim, now))
            due |= await self.flow.db.transact(partial(_claim, now))
            failpoints.hit("sweep.after_claim")
        failpoints.hit("sweep.before_ring")
        for job, ids in due.items():
            if ids:
                await self.flow.doorbell.ring(job, ids)
        failpoints.hit("sweep.after_ring")
        return sum(len(ids) for ids in due.values())

    async def forget_old_keys(self) -> None:
        """Delete idempotency keys that nobody may replay any more."""
        keep = timedelta(seconds=self.flow.settings.api.idempotency_keep_s)
        failpoints.hit("sweep.before_forget")
        async with self.flow.db.write() as session:
            await session.exec(
                delete(IdempotencyRow).where(col(IdempotencyRow.created_at) < self.flow.clock.now() - keep)
            )
        failpoints.hit("sweep.after_forget")

    async def forget_old_deliveries(self) -> None:
        """Delete deliveries to webhooks that ended long ago."""
        keep = timedelta(seconds=self.flow.settings.webhooks.keep_s)
        await self.flow.db.transact(partial(outbox.forget, before=self.flow.clock.now() - keep))

    async def forget_old_doubts(self) -> None:
        """Delete doubts about marks that no request still asks about."""
        keep = timedelta(seconds=self.flow.settings.confirm.give_up_s)
        await self.flow.db.transact(partial(doubts.forget, before=self.flow.clock.now() - keep))

    async def forget_old_doors(self) -> None:
        """Delete what came through the doors, once all of it ended long ago; the writebacks themselves stay."""
        before = self.flow.clock.now() - timedelta(seconds=self.flow.settings.doors.keep_s)
        after = ""
        while refs := await self._ended_doors(before, after):
            await self.flow.db.transact(partial(doors.forget, refs=refs))
            after = refs[-1]

    async def _ended_doors(self, before: datetime, after: str) -> Sequence[str]:
        async with self.flow.db.read() as session:
            return await session.run_sync(lambda plain: doors.ended(cast(Session, plain), before, after, _AT_ONCE))

    async def forget_old_batches(self) -> None:
        """Delete the rows of files that were worked through long ago, and uploads that never ended."""
        await forget_old_batches(self.flow)


def _due(session: Session, now: datetime) -> tuple[dict[str, Sequence[str]], bool]:
    """Return which lanes each job should look at, and whether there is something to write down as well."""
    due = {
        "serve_lane": lanes.due_for_serving(session, now, _AT_ONCE),
        "confirm_lane": lanes.due_for_checking(session, now, _AT_ONCE),
        "notify": outbox.due(session, now, _AT_ONCE),
        "run_batch": batches.due(session, now, _AT_ONCE),
    }
    return due, holds.has_due(session, now) or writebacks.has_overdue(session, now)


def _claim(now: datetime, session: Session) -> dict[str, Sequence[str]]:
    """Expire what is overdue; return which schools should be looked at, and keep others from doing so as well."""
    expire_overdue(session, now, _AT_ONCE)
    failpoints.hit("sweep.claim_uncommitted")
    return {
        "recheck_school": holds.claim_rechecks(session, now, now + _RECHECK_CLAIM, _AT_ONCE),
        "sync_school": holds.claim_syncs(session, now, now + _SYNC_CLAIM, _AT_ONCE),
    }
