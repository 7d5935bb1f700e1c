"""Tasks are ended, whatever becomes of one cancellation."""

import asyncio
import contextlib

import pytest

from writeback.core import background_tasks
from writeback.core.background_tasks import end_tasks


async def _swallow(times: int) -> None:
    """Work in a loop in which so many cancellations are lost."""
    for _ in range(times):
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3_600)
    await asyncio.sleep(3_600)


async def _fail() -> None:
    try:
        await asyncio.sleep(3_600)
    finally:
        raise RuntimeError("while it ends")


async def test_tasks_that_lose_cancellations_are_ended_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_tasks, "_AGAIN_S", 0.01)
    tasks = [asyncio.create_task(one) for one in (_swallow(0), _swallow(1), _swallow(3), _fail())]
    await asyncio.sleep(0)

    async with asyncio.timeout(10):
        await end_tasks(tasks)

    assert all(task.done() for task in tasks)


async def test_to_end_nothing_and_what_has_ended_takes_no_time() -> None:
    ended = asyncio.create_task(asyncio.sleep(0))
    await ended

    async with asyncio.timeout(1):
        await end_tasks([])
        await end_tasks([ended])
