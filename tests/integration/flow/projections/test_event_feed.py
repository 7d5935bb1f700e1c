"""Rings: told at once that something has happened, and not again for a moment, however much happens."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import pytest

from tests.integration.store.test_event_log import add_event, prepare
from writeback.core.settings import EventSettings
from writeback.flow.projections.feed import EventFeed
from writeback.store.sql.database import Database
from writeback.store.writebacks.event_log import EventFilter

PATIENCE_S = 15.0
QUICK = EventSettings(poll_s=0.01, heartbeat_s=0.05)


@pytest.fixture
async def feed(database: Database) -> AsyncIterator[EventFeed]:
    """The streams of a process, one of them ours."""
    await prepare(database)
    feed = EventFeed(database, QUICK)
    with feed.place("ann"):
        yield feed
    await feed.aclose()


async def happen(db: Database, writeback_id: str) -> int:
    async with db.write() as session:
        return await add_event(session, writeback_id)


async def ring(rings: AsyncGenerator[bool, None]) -> None:
    """Wait for the next."""
    async with asyncio.timeout(PATIENCE_S):
        while not await anext(rings):
            pass


async def is_quiet(rings: AsyncGenerator[bool, None], times: int = 3) -> bool:
    return not any([await anext(rings) for _ in range(times)])


async def test_what_happens_rings_once_however_much_it_is(database: Database, feed: EventFeed) -> None:
    async with aclosing(feed.rings(EventFilter(), pause_s=0.05)) as rings:
        assert await is_quiet(rings)
        await happen(database, "wb_1")
        await ring(rings)
        newest = [await happen(database, "wb_1") for _ in range(5)][-1]
        async with asyncio.timeout(PATIENCE_S):
            while (feed._position or 0) < newest:  # noqa: ASYNC110 - nothing tells when
                await asyncio.sleep(0.01)
        await ring(rings)  # for those five
        assert await is_quiet(rings)


async def test_only_what_is_asked_for_rings(database: Database, feed: EventFeed) -> None:
    school = feed.rings(EventFilter(schools=frozenset({"riverbank"})), pause_s=0.01)
    one = feed.rings(EventFilter(writeback_id="wb_1"), pause_s=0.01)
    async with aclosing(school), aclosing(one):
        assert await is_quiet(school)
        assert await is_quiet(one)
        await happen(database, "wb_1")
        await ring(one)
        assert await is_quiet(school)
        await happen(database, "wb_3")
        await ring(school)
        assert await is_quiet(one)


async def test_they_end_when_the_process_is_told_to_stop(feed: EventFeed) -> None:
    rings = feed.rings(EventFilter(), pause_s=0.01)
    assert await is_quiet(rings)
    feed.close()
    async with asyncio.timeout(PATIENCE_S):
        assert not any([is_rung async for is_rung in rings])
