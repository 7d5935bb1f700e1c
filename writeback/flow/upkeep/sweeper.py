"""Sweep: find in SQL whatever is due and nobody works on, and wake a worker. Redis may forget; SQL does not."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import cast

from sqlalchemy import delete
from sqlmodel import Session, col

from writeback.core import failpoints
from writeback.flow.batches.forget import forget_old_batches
from writeback.flow.dispatch.deadlines import expire_overdue
from writeback.flow.engine.breakers import provider_key
from writeback.flow.engine.bulkhead import Bulkhead, job_place
from writeback.flow.engine.context import FlowContext
from writeback.store.apps import dropin, outbox
from writeback.store.batches import batches, bulk_jobs
from writeback.store.tables import IdempotencyRow
from writeback.store.writebacks import holds, in_doubt, lanes, provider_answers, recent_creates, writebacks
from writeback.store.writebacks.holds import DueSchool

_AT_ONCE = 500


@dataclass(frozen=True)
class Sweeper:
    """Wakes what is due. Several may run: waking twice does no harm."""

    flow: FlowContext
    places: Bulkhead = field(default_factory=lambda: Bulkhead(_AT_ONCE))
    """For jobs about schools: it wakes only as many as this worker could take now, so that a school that somebody waits
    for is not queued behind others. The job itself takes the school, so a lost wake costs nothing."""

    async def sweep(self) -> int:
        """Expire what is overdue, and wake everything that is due now once; return how many wakes that was."""
        now = self.flow.clock.now()
        async with self.flow.db.read() as session:
            due, has_overdue = await session.run_sync(lambda plain: self._due(cast(Session, plain), now))
        if has_overdue:
            await self.flow.db.transact(partial(expire_overdue, now=now, limit=_AT_ONCE))
        failpoints.hit("sweep.before_ring")
        for job, ids in due.items():
            if ids:
                await self.flow.waker.wake(job, ids)
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

    async def forget_recent_creates(self) -> None:
        """Delete what is not asked about any more when something is created."""
        within = timedelta(seconds=self.flow.settings.api.same_again_within_s)
        await self.flow.db.transact(partial(recent_creates.forget, before=self.flow.clock.now() - within))

    async def forget_old_deliveries(self) -> None:
        """Delete deliveries to webhooks that ended long ago."""
        keep = timedelta(seconds=self.flow.settings.webhooks.keep_s)
        await self.flow.db.transact(partial(outbox.forget, before=self.flow.clock.now() - keep))

    async def forget_marks_in_doubt(self) -> None:
        """Delete marks in doubt that no request still asks about."""
        keep = timedelta(seconds=self.flow.settings.confirm.give_up_s)
        await self.flow.db.transact(partial(in_doubt.forget, before=self.flow.clock.now() - keep))

    async def forget_old_answers(self) -> None:
        """Delete what providers answered long ago, some at a time."""
        before = self.flow.clock.now() - timedelta(seconds=self.flow.settings.dispatch.keep_answers_s)
        forget = partial(provider_answers.forget, before=before, limit=_AT_ONCE)
        while await self.flow.db.transact(forget) == _AT_ONCE:
            pass

    async def forget_old_drop_ins(self) -> None:
        """Delete drop-in requests whose writebacks all ended long ago; the writebacks themselves stay."""
        before = self.flow.clock.now() - timedelta(seconds=self.flow.settings.doors.keep_s)
        after = ""
        while refs := await self._ended_drop_ins(before, after):
            await self.flow.db.transact(partial(dropin.forget, refs=refs))
            after = refs[-1]

    async def _ended_drop_ins(self, before: datetime, after: str) -> Sequence[str]:
        async with self.flow.db.read() as session:
            return await session.run_sync(lambda plain: dropin.ended(cast(Session, plain), before, after, _AT_ONCE))

    async def forget_old_batches(self) -> None:
        """Delete the rows of files that were worked through long ago, and uploads that never ended."""
        await forget_old_batches(self.flow)

    def _due(self, session: Session, now: datetime) -> tuple[dict[str, Sequence[str]], bool]:
        """Return whom each job should look at, and whether anything is overdue."""
        due = {
            "serve_lane": lanes.due_for_serving(session, now, _AT_ONCE),
            "confirm_lane": lanes.due_for_checking(session, now, _AT_ONCE),
            "notify": outbox.due(session, now, _AT_ONCE),
            "run_batch": batches.due(session, now, _AT_ONCE),
            "run_bulk": bulk_jobs.due(session, now, _AT_ONCE),
        }
        if most := self.places.most:
            due["recheck_school"] = self._with_room("recheck_school", holds.due_rechecks(session, now, most))
            due["sync_school"] = self._with_room("sync_school", holds.due_syncs(session, now, most))
        return due, writebacks.has_overdue(session, now)

    def _with_room(self, job: str, due: Sequence[DueSchool]) -> Sequence[str]:
        """Return those for which there is a place, in their order."""
        names = [job_place(job, provider_key(school.provider, school.base_url)) for school in due]
        room = {name: self.places.room(name) for name in names}
        chosen = []
        for school, name in zip(due, names, strict=True):
            if room[name]:
                room[name] -= 1
                chosen.append(school.id)
        return chosen
