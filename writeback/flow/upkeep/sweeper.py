"""Sweep: find in SQL whatever is due and nobody works on, and wake a worker. Redis may forget; SQL does not."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import cast

from sqlmodel import Session

from writeback.core import failpoints
from writeback.domain.mode import mode_of
from writeback.flow.dispatch.deadlines import expire_overdue
from writeback.flow.engine.breakers import provider_key
from writeback.flow.engine.bulkhead import Bulkhead, job_place
from writeback.flow.engine.context import FlowContext
from writeback.flow.engine.holds import Holds
from writeback.store.apps import outbox
from writeback.store.batches import batches, bulk_jobs
from writeback.store.writebacks import holds, lanes, writebacks
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
        """End holds whose time has come, expire what is overdue, and wake everything that is due now once.

        Return how many wakes that was.
        """
        await Holds(self.flow).end_due()
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
        keys = [provider_key(one.provider, one.base_url, mode_of(one.id)) for one in due]
        names = [job_place(job, key) for key in keys]
        room = {name: self.places.room(name) for name in names}
        chosen = []
        for school, name in zip(due, names, strict=True):
            if room[name]:
                room[name] -= 1
                chosen.append(school.id)
        return chosen
