"""A worker whose sweeper is stuck is told to stop; one whose sweeps merely fail goes on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from writeback.core.clock import FakeClock
from writeback.queue import pulse
from writeback.worker.watchdog import Watchdog


@asynccontextmanager
async def _watching(redis_url: str, clock: FakeClock, *, patience_s: float = 120.0) -> AsyncIterator[Watchdog]:
    async with Redis.from_url(redis_url) as redis:
        watchdog = Watchdog(clock, redis, "here:1:wrk_1", patience_s, asyncio.Event())
        yield watchdog


async def _has_said(watchdog: Watchdog) -> bool:
    return any(said.at == watchdog.clock.now() for said in await pulse.read_all(watchdog.redis))


async def _looks(watchdog: Watchdog) -> None:
    """Have it come by once; then it says in Redis how the worker is."""
    watching = asyncio.create_task(watchdog.watch())
    async with asyncio.timeout(10):
        while not await _has_said(watchdog):  # noqa: ASYNC110 - what is waited for is in Redis
            await asyncio.sleep(0.01)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


async def test_a_sweeper_that_is_stuck_stops_the_worker(redis_url: str, fake_clock: FakeClock) -> None:
    async with _watching(redis_url, fake_clock) as watchdog:
        fake_clock.advance(timedelta(seconds=121))
        watchdog._come_by()

        assert watchdog.stopping.is_set()
        assert watchdog.is_stuck


@pytest.mark.parametrize("well", [True, False])
async def test_sweeps_that_end_are_progress_however_they_end(redis_url: str, fake_clock: FakeClock, well: bool) -> None:
    async with _watching(redis_url, fake_clock) as watchdog:
        for _ in range(5):
            fake_clock.advance(timedelta(seconds=100))
            watchdog.sweep_ended(well=well)
            await _looks(watchdog)

        assert not watchdog.stopping.is_set()


async def test_without_patience_nothing_is_ended(redis_url: str, fake_clock: FakeClock) -> None:
    async with _watching(redis_url, fake_clock, patience_s=0) as watchdog:
        fake_clock.advance(timedelta(days=1))
        await _looks(watchdog)

        assert not watchdog.stopping.is_set()


async def test_it_says_in_redis_when_it_swept_and_takes_that_back(redis_url: str, fake_clock: FakeClock) -> None:
    async with _watching(redis_url, fake_clock) as watchdog:
        swept_at = fake_clock.now()
        watchdog.sweep_ended(well=True)
        fake_clock.advance(timedelta(seconds=9))
        watchdog.sweep_ended(well=False)
        await _looks(watchdog)

        (said,) = await pulse.read_all(watchdog.redis)
        assert (said.owner, said.at, said.swept_at) == ("here:1:wrk_1", fake_clock.now(), swept_at)
        assert (said.silent_s(fake_clock.now()), said.unswept_s(fake_clock.now())) == (0, 9)
        await watchdog.say_goodbye()
        assert await pulse.read_all(watchdog.redis) == []
