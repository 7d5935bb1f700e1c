"""Tasks that go on by themselves, one for each name: work that takes longer than one of arq's jobs may."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

_GRACE_S = 10.0
"""How long a stopping process waits for the piece under way."""


class OwnTasks:
    """Those of one sort of work; `serve` does it for a name, looks at `is_closing` between pieces, and never raises."""

    def __init__(self, sort: str, serve: Callable[[str], Coroutine[Any, Any, None]]) -> None:
        self._sort, self._serve = sort, serve
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.is_closing = False

    def wake(self, name: str) -> None:
        """See to it that there is a task for the name; none is begun any more once they close."""
        if self.is_closing or name in self._tasks:
            return
        task = asyncio.create_task(self._serve(name), name=f"{self._sort} {name}")
        self._tasks[name] = task
        task.add_done_callback(lambda _: self._tasks.pop(name, None))

    async def settled(self) -> None:
        """Return when nothing is under way."""
        while self._tasks:
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def aclose(self) -> None:
        """Return when each has come to the end of a piece; what takes longer than a moment is cancelled."""
        self.is_closing = True
        if self._tasks:
            _, late = await asyncio.wait(list(self._tasks.values()), timeout=_GRACE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
