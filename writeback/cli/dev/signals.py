"""Ctrl-C, SIGTERM and a closed terminal end `dev` and `demo` in order, also while they are starting."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def until_stopped(work: Coroutine[Any, Any, T]) -> T | None:
    """Return what `work` returns; None when a signal came, after `work` was cancelled and has tidied up.

    Further signals change nothing: tidying up is bounded in time, and must not be cut short.
    """
    task, loop, asked = asyncio.ensure_future(work), asyncio.get_running_loop(), asyncio.Event()

    def stop() -> None:
        if not asked.is_set():
            asked.set()
            task.cancel()

    for signum in _SIGNALS:
        loop.add_signal_handler(signum, stop)
    try:
        return await task
    except asyncio.CancelledError:
        if asked.is_set():
            return None
        raise
    finally:
        for signum in _SIGNALS:
            loop.remove_signal_handler(signum)
