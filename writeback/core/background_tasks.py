"""Tasks that go on by themselves: how each is ended, and those that there are one of for each name."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

_GRACE_S = 10.0
"""How long a stopping process waits for the piece under way."""
_AGAIN_S = 5.0


async def end_tasks(tasks: Iterable["asyncio.Task[Any]"]) -> None:
    """Cancel the tasks, and return when each has ended, well or not.

    One that goes on after a while is cancelled again. Libraries swallow a cancellation now and then, as when what they
    wait for comes in the same moment; then a loop would go on for ever, and so would whoever waits for its end.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        done, left = await asyncio.wait(left, timeout=_AGAIN_S)
        for task in done:
            if not task.cancelled():
                task.exception()  # looked at: nobody is to be told of it


class OwnTasks:
    """Those of one sort of work, which takes longer than one of arq's jobs may.

    `serve` does it for a name, looks at `is_closing` between pieces, and never raises.
    """

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
            await end_tasks(late)
