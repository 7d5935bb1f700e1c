"""Work in the background gives way: of the event loop that it shares with registers it takes a part, and no more.

A worker runs its syncs of lists so. They are cut into pieces where `give_way` is called: before a provider's answer is
read, before a list is loaded or kept. How long each piece held the event loop is measured; the next one waits until the
loop has been left alone in proportion. Pieces of all that runs in the background take turns, in the order in which they
came. Outside of the background both functions do nothing.
"""

import asyncio
import types
from collections.abc import Coroutine, Generator
from contextvars import ContextVar
from typing import Any, TypeVar

from writeback.core.clock import Clock

T = TypeVar("T")


class Pace:
    """How fast a process works in the background. `share`: the most of its event loop that this may take."""

    def __init__(self, clock: Clock, share: float) -> None:
        self._clock, self._share = clock, share
        self._turn = asyncio.Lock()  # first come, first served
        self._next_at = clock.monotonic()

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what `work` returns, done in the background."""
        before = _current.set(self)
        try:
            return await self.measured(work)
        finally:
            _current.reset(before)

    async def wait(self) -> None:
        """Return when the next piece may be done."""
        await asyncio.sleep(0)  # ends the piece before, so that it counts
        async with self._turn:
            while (seconds := self._next_at - self._clock.monotonic()) > 0:  # noqa: ASYNC110 - a time is waited for
                await asyncio.sleep(seconds)

    @types.coroutine
    def measured(self, work: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
        """Run `work` as `await` does; note how long each step of it holds the event loop."""
        step, value = work.send, None
        while True:
            began = self._clock.monotonic()
            try:
                waits_for = step(value)
            except StopIteration as end:
                result: T = end.value
                return result
            finally:
                self._note(began)
            try:
                value, step = (yield waits_for), work.send
            except BaseException as error:  # the task is cancelled: so is the work
                value, step = error, work.throw

    def _note(self, began: float) -> None:
        took = self._clock.monotonic() - began
        self._next_at = max(self._next_at, began) + took / self._share


_current: ContextVar[Pace | None] = ContextVar("writeback_pace", default=None)


def is_background() -> bool:
    """Whether the caller works in the background."""
    return _current.get() is not None


async def give_way() -> None:
    """Return when the next piece of the work may be done."""
    pace = _current.get()
    if pace is not None:
        await pace.wait()


async def measured(work: Coroutine[Any, Any, T]) -> T:
    """Return what `work` returns: for a task of its own, begun by what runs in the background."""
    pace = _current.get()
    return await (work if pace is None else pace.measured(work))
