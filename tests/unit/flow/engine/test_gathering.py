"""What comes at about the same time is written together; what fails together is written one by one."""

import asyncio
from collections.abc import Sequence

import pytest
import structlog

from writeback.flow.engine.gathering import Gathering


class Writer:
    """Doubles numbers, and notes what it was given together."""

    def __init__(self, *, bad: int | None = None, error: Exception | None = None) -> None:
        self.written: list[list[int]] = []
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.began = asyncio.Event()
        self._bad, self._error = bad, error or ValueError("it is bad")

    async def write(self, items: Sequence[int]) -> Sequence[int]:
        self.written.append(list(items))
        self.began.set()
        await self.may_end.wait()
        if self._bad in items:
            raise self._error
        return [2 * item for item in items]


async def test_what_comes_while_the_last_is_written_goes_together():
    writer = Writer()
    writer.may_end.clear()
    gathering = Gathering(writer.write, wait_s=0)
    first = asyncio.create_task(gathering.add(1))
    await writer.began.wait()
    others = [asyncio.create_task(gathering.add(number)) for number in (2, 3)]
    writer.may_end.set()
    assert await asyncio.gather(first, *others) == [2, 4, 6]
    assert writer.written == [[1], [2, 3]]


async def test_a_moment_is_waited_for_company():
    writer = Writer()
    gathering = Gathering(writer.write, wait_s=0.05)
    assert await asyncio.gather(*(gathering.add(number) for number in range(5))) == [0, 2, 4, 6, 8]
    assert writer.written == [[0, 1, 2, 3, 4]]


async def test_so_many_that_a_transaction_is_full_do_not_wait():
    writer = Writer()
    gathering = Gathering(writer.write, wait_s=3_600)
    async with asyncio.timeout(5):
        await asyncio.gather(*(gathering.add(number) for number in range(64)))
    assert [len(items) for items in writer.written] == [64]


async def test_one_that_is_bad_costs_itself():
    writer = Writer(bad=2)
    gathering = Gathering(writer.write, wait_s=0.01)
    results = await asyncio.gather(*(gathering.add(number) for number in (1, 2, 3)), return_exceptions=True)
    assert [results[0], results[2]] == [2, 6]
    assert isinstance(results[1], ValueError)
    assert writer.written == [[1, 2, 3], [1], [2], [3]]


async def test_a_database_that_is_away_is_not_asked_for_each():
    writer = Writer(bad=2, error=ConnectionRefusedError())
    gathering = Gathering(writer.write, wait_s=0.01)
    results = await asyncio.gather(*(gathering.add(number) for number in (1, 2)), return_exceptions=True)
    assert [type(result) for result in results] == [ConnectionRefusedError] * 2
    assert writer.written == [[1, 2]]


async def test_who_goes_away_leaves_the_others_their_results():
    writer = Writer()
    gathering = Gathering(writer.write, wait_s=0.05)
    gone = asyncio.create_task(gathering.add(1))
    stays = asyncio.create_task(gathering.add(2))
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays == 4
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert writer.written == [[1, 2]]


async def test_what_is_logged_of_what_was_gathered_is_of_nobodys_call():
    seen = []

    async def write(items: Sequence[str]) -> Sequence[None]:
        seen.append(structlog.contextvars.get_contextvars())
        return [None for _ in items]

    with structlog.contextvars.bound_contextvars(call_id="of-the-first"):
        await Gathering(write, 0).add("one")

    assert seen == [{}]
