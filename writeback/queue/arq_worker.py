"""arq's worker, with two things more: it waits to be woken, and it stops between two jobs that it takes."""

import asyncio
import contextlib
from typing import Any

from arq.worker import Worker

from writeback.queue.arq_wakes import signals_of

_TO_TAKE_S = 1.0
"""What it takes at most to take the jobs that were found in one look."""
_TO_ANSWER_S = 5.0
"""By so much Redis may be late when a wait is over. Then it is taken for lost: its host may be gone without a word."""


class WakableWorker(Worker):
    """A worker of one queue; see `docs/adr/0029-idle-workers-wait.md`.

    `idle_wait_s`: seconds after which it looks for jobs without a signal, for what arq puts back has none. Its jobs
    have `ctx["ending"]`, an event that is set when it is to take no more.
    """

    def __init__(self, *, idle_wait_s: float, **options: Any) -> None:
        super().__init__(**options)
        self._idle_wait_s = idle_wait_s
        self._taking = asyncio.Lock()
        self.ctx["ending"] = self._ending = asyncio.Event()

    async def start_jobs(self, job_ids: list[bytes]) -> None:
        # A job stays in the queue while it runs; arq would ask Redis about it in each look.
        free = [job_id for job_id in job_ids if job_id.decode() not in self.tasks]
        async with self._taking:
            await super().start_jobs(free)

    async def _poll_iteration(self) -> None:
        await super()._poll_iteration()
        if self.job_counter < self.max_jobs and self.allow_pick_jobs:  # else there is no room: it looks again soon
            # redis-py's types know whole seconds alone.
            woken: Any = self.pool.blpop([signals_of(self.queue_name)], timeout=self._idle_wait_s)  # type: ignore[arg-type]
            async with asyncio.timeout(self._idle_wait_s + _TO_ANSWER_S):
                await woken

    async def take_no_more(self) -> None:
        """Return when no job is being taken. Cut off within, arq would leave a connection to Redis to the garbage
        collector; where taking lasts it waits for a free place, and asks nothing of Redis."""
        self.allow_pick_jobs = False
        self._ending.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_TO_TAKE_S), self._taking:
                pass
