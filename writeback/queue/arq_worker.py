"""arq's worker, with two things more: idle it waits to be woken, and it stops between two jobs that it takes."""

import asyncio
import contextlib
from typing import Any

from arq.worker import Worker

from writeback.queue.arq_wakes import signals_of

_TO_TAKE_S = 1.0
"""What it takes at most to take the jobs that were found in one look."""


class WakableWorker(Worker):
    """A worker of one queue; see `docs/adr/0029-idle-workers-wait.md`. `idle_wait_s`: it looks for jobs by itself as
    often, for what was put back by another worker has no signal."""

    def __init__(self, *, idle_wait_s: float, **options: Any) -> None:
        super().__init__(**options)
        self._idle_wait_s = idle_wait_s
        self._taking = asyncio.Lock()

    async def start_jobs(self, job_ids: list[bytes]) -> None:
        async with self._taking:
            await super().start_jobs(job_ids)

    async def _poll_iteration(self) -> None:
        await super()._poll_iteration()
        if not self.tasks and self.allow_pick_jobs:
            # redis-py's types know whole seconds alone.
            waited: Any = self.pool.blpop([signals_of(self.queue_name)], timeout=self._idle_wait_s)  # type: ignore[arg-type]
            await waited

    async def take_no_more(self) -> None:
        """Return when no job is being taken. Cut off within, arq would leave a connection to Redis to the garbage
        collector; where taking lasts it waits for a free place, and asks nothing of Redis."""
        self.allow_pick_jobs = False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_TO_TAKE_S), self._taking:
                pass
