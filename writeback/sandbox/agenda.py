"""What the simulated providers have still to do, by when. The control plane can make its time pass at once."""

import asyncio
import heapq
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import count
from typing import Final

import structlog

from writeback.core.clock import Clock

log = structlog.get_logger(__name__)
LONGEST_NAP_S: Final = 0.05
"""A clock that is moved by hand gives no sign: look again after so long."""


class SandboxClock:
    """The given clock, and whatever the control plane has let pass beyond it."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._ahead = clock, timedelta()

    def now(self) -> datetime:
        return self._clock.now() + self._ahead

    def monotonic(self) -> float:
        return self._clock.monotonic() + self._ahead.total_seconds()

    def move_to(self, instant: datetime) -> None:
        """Go forward to `instant`; never back."""
        self._ahead += max(timedelta(), instant - self.now())


class Agenda:
    """Actions by due time. Actions are quick and return nothing; slow ones start a task of their own."""

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._heap: list[tuple[datetime, int, Callable[[], None]]] = []
        self._numbers, self._wake = count(), asyncio.Event()

    def __len__(self) -> int:
        return len(self._heap)

    def after(self, seconds: float, action: Callable[[], None]) -> datetime:
        """Do `action` in so many seconds; return when that is."""
        due = self._clock.now() + timedelta(seconds=seconds)
        heapq.heappush(self._heap, (due, next(self._numbers), action))
        if self._heap[0][2] is action:
            self._wake.set()
        return due

    def run_due(self) -> int:
        """Do what is due and return how much that was."""
        done = 0
        while self._heap and self._heap[0][0] <= self._clock.now():
            _do(heapq.heappop(self._heap)[2])
            done += 1
        return done

    def run_all_once(self) -> int:
        """Do everything that is on the agenda now, due or not; what that adds stays on it."""
        waiting, self._heap = sorted(self._heap, key=lambda item: item[:2]), []
        for _, _, action in waiting:
            _do(action)
        return len(waiting)

    def let_pass(self, by: timedelta) -> int:
        """Move time on, doing each thing when it falls due; return how much was done."""
        end, done = self._clock.now() + by, 0
        while self._heap and self._heap[0][0] <= end:
            self._clock.move_to(self._heap[0][0])
            done += self.run_due()
        self._clock.move_to(end)
        return done

    def clear(self) -> None:
        self._heap.clear()

    async def run_forever(self) -> None:
        """Do things as they fall due, until cancelled."""
        while True:
            self.run_due()
            self._wake.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._nap_s())

    def _nap_s(self) -> float | None:
        if not self._heap:
            return None
        return min(LONGEST_NAP_S, max(0.001, (self._heap[0][0] - self._clock.now()).total_seconds()))


def _do(action: Callable[[], None]) -> None:
    try:
        action()
    except Exception:
        # One broken action must not stop all simulated schools; the log says which it was.
        log.exception("sandbox_action_failed")
