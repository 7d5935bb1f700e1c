"""Gathering: what comes while the last transaction ran, or within a moment, is written in one transaction.

What fails together is written one by one, so that nothing spoils what stands beside it.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Generic, TypeVar

from writeback.store.sql.engines import is_unavailable

Item = TypeVar("Item")
Result = TypeVar("Result")

_MOST = 64
"""What one transaction writes: it holds locks, and on SQLite everybody else waits."""


class Gathering(Generic[Item, Result]):
    """Hands items to `write`, many at a time, in the order in which they came; `wait_s` is the moment in seconds."""

    def __init__(self, write: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]], wait_s: float) -> None:
        self._write, self._wait_s = write, wait_s
        self._gathered: list[tuple[Item, asyncio.Future[Result]]] = []
        self._is_full = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None

    async def add(self, item: Item) -> Result:
        """Return what came of the item once it is written; raise what `write` raises for it alone."""
        written: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._gathered.append((item, written))
        if len(self._gathered) >= _MOST:
            self._is_full.set()
        if self._writing is None or self._writing.done():
            # In a context of its own: what is gathered is of many calls, and the log must not say that it is of one.
            self._writing = asyncio.create_task(self._write_all(), name="gathering", context=Context())
        return await written

    async def _write_all(self) -> None:
        while self._gathered:
            await self._moment()
            items, self._gathered = self._gathered[:_MOST], self._gathered[_MOST:]
            await self._write_together(items)

    async def _moment(self) -> None:
        if self._wait_s and not self._is_full.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._is_full.wait(), self._wait_s)
        self._is_full.clear()

    async def _write_together(self, items: Sequence[tuple[Item, "asyncio.Future[Result]"]]) -> None:
        try:
            results = await self._write([item for item, _ in items])
        except asyncio.CancelledError:
            for _, written in items:
                written.cancel()
            raise
        except Exception as error:
            if len(items) > 1 and not is_unavailable(error):
                for one in items:
                    await self._write_together([one])
                return
            for _, written in items:
                if not written.done():
                    written.set_exception(error)
        else:
            for (_, written), result in zip(items, results, strict=True):
                if not written.done():  # whoever waited has been cancelled
                    written.set_result(result)
