"""The group committer, on the way of every submission: many of them share one commit.

While one commit runs, the next submissions gather; then all of them are written together. Nothing waits on purpose, so
an idle service answers after one commit and a busy one needs hardly more commits.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from writeback.core import failpoints, outage_logs
from writeback.core.clock import Clock
from writeback.core.errors import Overloaded
from writeback.store.sql.database import Database
from writeback.store.sql.engines import is_unavailable
from writeback.store.writebacks.submissions import (
    CommitResult,
    Committed,
    Idempotency,
    KeyReused,
    NewDropIn,
    NewWriteback,
    Replayed,
    SubmissionWriter,
)

__all__ = [
    "CommitResult",
    "Committed",
    "Committer",
    "Idempotency",
    "KeyReused",
    "NewDropIn",
    "NewWriteback",
    "Replayed",
]

_LARGEST_BATCH = 500
_COMMIT_TIMEOUT_S = 15.0
"""Longer than a wait for another process's write on SQLite, shorter than a client's patience."""
_STUCK_AFTER_S = 4 * _COMMIT_TIMEOUT_S
"""A batch may be tried as a whole and then row by row; after this nothing comes of it any more."""


@dataclass(eq=False)
class _Waiter:
    new: NewWriteback
    done: "asyncio.Future[CommitResult]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def settle(self, result: CommitResult | Exception) -> None:
        if self.done.done():  # cancelled: the client went away
            return
        if isinstance(result, Exception):
            self.done.set_exception(result)
        else:
            self.done.set_result(result)


class Committer:
    """Makes submissions durable. One a process; start it before use, and close it at the end.

    After each commit `on_commit` is called once, with the ids of the lanes that have something new. It runs beside the
    next commit; what it raises is logged.
    """

    def __init__(
        self, db: Database, clock: Clock, *, max_waiting: int, on_commit: Callable[[Sequence[str]], Awaitable[None]]
    ) -> None:
        self._writer, self._clock = SubmissionWriter(db), clock
        self._max_waiting, self._on_commit = max_waiting, on_commit
        self._gathered: list[_Waiter] = []
        self._in_commit: list[_Waiter] = []
        self._wake = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None
        self._announcements: set[asyncio.Task[None]] = set()
        self._began_at: float | None = None

    @property
    def waiting(self) -> int:
        """How many submissions wait for their commit."""
        return len(self._gathered) + len(self._in_commit)

    @property
    def is_alive(self) -> bool:
        """Whether what is submitted gets an answer: the task runs, and no commit takes longer than any may."""
        if self._task is None or self._task.done():
            return False
        return self._began_at is None or self._clock.monotonic() - self._began_at < _STUCK_AFTER_S

    async def start(self) -> None:
        self._closing = False
        self._task = asyncio.create_task(self._run(), name="committer")

    async def aclose(self) -> None:
        """Take nothing more; return when everything that has gathered is settled."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await self._task
            self._task = None
        await asyncio.gather(*self._announcements)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def commit(self, new: NewWriteback) -> CommitResult:
        """Return when the writeback is durable, or when its key turns out to have been used before.

        Raises Overloaded when too many wait, when the database cannot be reached and when the service is stopping;
        what the database raises when it refuses this row.
        """
        if self._closing or self._task is None or self._task.done():
            raise Overloaded("stopping", "this process is stopping", retry_after_s=1)
        if self.waiting >= self._max_waiting:
            raise Overloaded("too_many_waiting", f"{self.waiting} submissions wait to be stored", retry_after_s=2)
        waiter = _Waiter(new)
        self._gathered.append(waiter)
        self._wake.set()
        return await waiter.done

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._gathered:
                batch = self._gathered[:_LARGEST_BATCH]
                del self._gathered[:_LARGEST_BATCH]
                self._in_commit = [waiter for waiter in batch if not waiter.done.done()]
                self._began_at = self._clock.monotonic()
                await self._settle(self._in_commit)
                self._began_at, self._in_commit = None, []
            if self._closing:
                return

    async def _settle(self, batch: Sequence[_Waiter]) -> None:
        """Write the batch and give each waiter its result; whatever happens, nobody is left waiting."""
        outcomes = await self._write(batch)
        for waiter, outcome in zip(batch, outcomes, strict=True):
            waiter.settle(outcome)
        lanes = {
            one.lane_id: None
            for waiter, outcome in zip(batch, outcomes, strict=True)
            if outcome == Committed()
            for one in waiter.new.whole
        }
        if lanes:
            self._announce(list(lanes))

    async def _write(self, batch: Sequence[_Waiter]) -> list[CommitResult | Exception]:
        if not batch:
            return []
        try:
            async with asyncio.timeout(_COMMIT_TIMEOUT_S):
                if failpoints.hit("accept.before_commit"):
                    await self._writer.write([waiter.new for waiter in batch], self._clock.now())
                outcomes = await self._writer.write([waiter.new for waiter in batch], self._clock.now())
                failpoints.hit("accept.after_commit")
                return list(outcomes)
        except Exception as error:
            if is_unavailable(error):
                outage_logs.error("database_unavailable", error, waiting=self.waiting)
                return [_unavailable() for _ in batch]
            if len(batch) == 1:
                return [error]
            outage_logs.warning("commit_failed_retrying_singly", error, submissions=len(batch))
        return await self._write_singly(batch)

    async def _write_singly(self, batch: Sequence[_Waiter]) -> list[CommitResult | Exception]:
        """Write one at a time, so that a row which the database refuses fails alone."""
        outcomes: list[CommitResult | Exception] = []
        for waiter in batch:
            if outcomes and isinstance(outcomes[-1], Overloaded):  # the rest need not find out one by one
                outcomes.append(_unavailable())
            else:
                outcomes += await self._write([waiter])
        return outcomes

    def _announce(self, lanes: list[str]) -> None:
        announcement = asyncio.create_task(self._call_on_commit(lanes))
        self._announcements.add(announcement)
        announcement.add_done_callback(self._announcements.discard)

    async def _call_on_commit(self, lanes: list[str]) -> None:
        try:
            if failpoints.hit("accept.before_ring"):
                await self._on_commit(lanes)
            await self._on_commit(lanes)
        except Exception as error:
            outage_logs.error("on_commit_failed", error, lanes=len(lanes))


def _unavailable() -> Overloaded:
    return Overloaded("store_unavailable", "the database cannot be reached", retry_after_s=5)
