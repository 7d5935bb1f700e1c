"""Signals: sent at once when something has happened, and not again for a moment, however much happens."""

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


async def signalled(signals: AsyncGenerator[bool, None]) -> None:
    """Wait for the next."""
    async with asyncio.timeout(PATIENCE_S):
        while not await anext(signals):
            pass


async def is_quiet(signals: AsyncGenerator[bool, None], times: int = 3) -> bool:
    return not any([await anext(signals) for _ in range(times)])


async def test_what_happens_signals_once_however_much_it_is(database: Database, feed: EventFeed) -> None:
    async with aclosing(feed.signals(EventFilter(), pause_s=0.05)) as signals:
        assert await is_quiet(signals)
        await happen(database, "wb_1")
        await signalled(signals)
        newest = [await happen(database, "wb_1") for _ in range(5)][-1]
        async with asyncio.timeout(PATIENCE_S):
            while (feed._position or 0) < newest:  # noqa: ASYNC110 - nothing tells when
                await asyncio.sleep(0.01)
        await signalled(signals)  # for those five
        assert await is_quiet(signals)


async def test_only_what_is_asked_for_is_signalled(database: Database, feed: EventFeed) -> None:
    school = feed.signals(EventFilter(schools=frozenset({"riverbank"})), pause_s=0.01)
    one = feed.signals(EventFilter(writeback_id="wb_1"), pause_s=0.01)
    async with aclosing(school), aclosing(one):
        assert await is_quiet(school)
        assert await is_quiet(one)
        await happen(database, "wb_1")
        await signalled(one)
        assert await is_quiet(school)
        await happen(database, "wb_3")
        await signalled(school)
        assert await is_quiet(one)


async def test_they_end_when_the_process_is_told_to_stop(feed: EventFeed) -> None:
    signals = feed.signals(EventFilter(), pause_s=0.01)
    assert await is_quiet(signals)
    feed.close()
    async with asyncio.timeout(PATIENCE_S):
        assert not any([is_signalled async for is_signalled in signals])
