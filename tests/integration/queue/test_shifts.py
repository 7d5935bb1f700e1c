"""Shifts over a real Redis: who listens is told of lanes; where nobody does, a job waits in arq's queue."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field

import pytest
import redis.asyncio
from redis.asyncio import Redis

from writeback.core.background_tasks import end_tasks
from writeback.core.settings import QueueSettings
from writeback.queue import shifts
from writeback.queue.arq_wakes import ArqWaker
from writeback.queue.shifts import LANES_A_TAKE, Shift

LANES = [f"sch_{number}:session-marks" for number in range(120)]


@dataclass
class Served:
    """What a shift has taken, a list for each take."""

    takes: list[list[str]] = field(default_factory=list)
    ending: asyncio.Event = field(default_factory=asyncio.Event)
    work: asyncio.Event = field(default_factory=asyncio.Event)
    """What is taken is worked on until it is set."""
    task: "asyncio.Task[None] | None" = None

    @property
    def lanes(self) -> list[str]:
        return [lane_id for take in self.takes for lane_id in take]


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
async def waker(redis_url: str) -> AsyncIterator[ArqWaker]:
    waker = ArqWaker(redis_url, QueueSettings())
    yield waker
    await waker.aclose()


async def wake(waker: ArqWaker, *lanes: str) -> None:
    await waker.wake("serve_lane", lanes)
    await waker.settled()


async def jobs(client: Redis) -> int:
    """Return how many jobs wait in arq's queue."""
    return int(await client.zcard("arq:queue"))


@asynccontextmanager
async def on_shift(client: Redis, gather_s: float = 0.0, longest_s: float = 20.0) -> AsyncIterator[Served]:
    """Have a shift work; it works on nothing for long, unless `work` is cleared."""
    served = Served()
    served.work.set()
    shift = Shift(client, "serve_lane", served.ending, longest_s=longest_s, gather_s=gather_s)

    async def serve() -> None:
        async with aclosing(shift.takes()) as takes:
            async for lanes in takes:
                served.takes.append(lanes)
                await served.work.wait()

    served.task = asyncio.create_task(serve())
    try:
        yield served
    finally:
        await end_tasks([served.task])


async def listens(client: Redis, count: int = 1) -> None:
    """Return when so many shifts wait to be told."""
    async with asyncio.timeout(10):
        while (await client.info("clients"))["blocked_clients"] < count:  # noqa: ASYNC110 - nothing tells when
            await asyncio.sleep(0.005)


async def until_taken(served: Served, count: int) -> None:
    async with asyncio.timeout(10):
        while len(served.lanes) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_where_nobody_listens_one_job_waits_for_all_lanes(client: Redis, waker: ArqWaker) -> None:
    await wake(waker, *LANES[:20])
    await wake(waker, *LANES[10:30])

    assert await jobs(client) == 1
    async with on_shift(client, longest_s=0) as served:
        await served.task
    assert sorted(served.lanes) == sorted(LANES[:30])
    assert set(served.lanes[:20]) == set(LANES[:20])  # those that were woken first


async def test_a_shift_that_listens_is_told_and_no_job_is_put(client: Redis, waker: ArqWaker) -> None:
    async with on_shift(client) as served:
        for number in range(5):
            await listens(client)
            await wake(waker, LANES[number])
            await until_taken(served, number + 1)

    assert served.lanes == LANES[:5]
    assert await jobs(client) == 0


async def test_while_a_shift_is_at_work_another_worker_is_told(client: Redis, waker: ArqWaker) -> None:
    async with on_shift(client) as served:
        await listens(client)
        served.work.clear()
        await wake(waker, LANES[0])
        await until_taken(served, 1)

        await wake(waker, LANES[1])

        assert await jobs(client) == 1
        served.work.set()  # it takes what waits in the meantime
        await until_taken(served, 2)


async def test_of_several_that_listen_one_is_told_each_time(client: Redis, waker: ArqWaker) -> None:
    async with on_shift(client) as one, on_shift(client) as other:
        for number in range(6):
            await listens(client, 2)
            await wake(waker, LANES[number])
            await until_taken(Served(one.takes + other.takes), number + 1)

    assert sorted([len(one.lanes), len(other.lanes)]) == [0, 6]


async def test_a_shift_whose_worker_died_is_soon_told_no_more(
    client: Redis, waker: ArqWaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shifts, "_LISTED_MS", 100)
    async with on_shift(client):
        await listens(client)
    await asyncio.sleep(0.15)  # it was cancelled, and said no word

    await wake(waker, LANES[0])

    assert await jobs(client) == 1


async def test_more_than_one_takes_at_a_time_are_offered_to_others(client: Redis, waker: ArqWaker) -> None:
    await wake(waker, *LANES)
    async with on_shift(client) as served:
        await until_taken(served, len(LANES))

    assert [len(take) for take in served.takes] == [LANES_A_TAKE + 1, LANES_A_TAKE + 1, 18]


async def test_what_comes_within_a_moment_is_taken_together(client: Redis, waker: ArqWaker) -> None:
    async with on_shift(client, gather_s=0.2) as served:
        for first in (0, 3):
            await listens(client)
            for lane_id in LANES[first : first + 3]:
                await wake(waker, lane_id)
            await until_taken(served, first + 3)

    assert [sorted(take) for take in served.takes] == [LANES[:3], LANES[3:6]]
    assert await jobs(client) == 0


async def test_at_the_end_of_its_worker_it_takes_what_it_was_told_of(client: Redis, waker: ArqWaker) -> None:
    async with on_shift(client, gather_s=0.2) as served, asyncio.timeout(2):
        await listens(client)
        await wake(waker, LANES[0])
        served.ending.set()
        await served.task
        assert served.lanes == LANES[:1]

        await wake(waker, LANES[1])

    assert await jobs(client) == 1


async def test_it_ends_when_nothing_comes(client: Redis, waker: ArqWaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shifts, "_IDLE_S", 0.1)
    monkeypatch.setattr(shifts, "_LISTEN_S", 0.1)
    async with on_shift(client) as served, asyncio.timeout(5):
        await served.task

    await wake(waker, LANES[0])

    assert await jobs(client) == 1


async def test_it_ends_in_time_however_much_comes(
    client: Redis, waker: ArqWaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with on_shift(client, longest_s=0.2) as served, asyncio.timeout(5):
        number = 0
        while not served.task.done():
            await wake(waker, LANES[number % len(LANES)])
            number += 1

    assert served.lanes
    left = await client.zcard("writeback:waiting:serve_lane")
    assert bool(left) <= bool(await jobs(client))  # what it has not taken has a job that waits


async def test_a_shift_that_was_held_up_too_long_takes_nothing_more(
    client: Redis, waker: ArqWaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shifts, "_LATE_S", 0.1)
    async with on_shift(client, longest_s=0.2) as served, asyncio.timeout(5):
        await listens(client)
        served.work.clear()
        await wake(waker, LANES[0])
        await until_taken(served, 1)
        await asyncio.sleep(0.4)
        await wake(waker, LANES[1])
        served.work.set()
        await served.task

    assert served.lanes == LANES[:1]
    assert await jobs(client) == 1


async def test_after_redis_forgot_everything_it_listens_again(client: Redis, waker: ArqWaker) -> None:
    async with on_shift(client) as served:
        await listens(client)
        await client.flushall()
        await client.script_flush()

        await wake(waker, LANES[0])  # nobody is known to listen
        assert await jobs(client) == 1
        await until_taken(served, 1)

    assert served.lanes == LANES[:1]
