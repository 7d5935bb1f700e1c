"""Whose lists are fetched when: whoever is waited for first, no more than there are places, each by one worker."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select, update

from tests.integration.flow.conftest import World
from writeback.flow.engine.bulkhead import Bulkhead, job_place
from writeback.flow.registry.entries import NewSchool
from writeback.flow.upkeep.sweeper import Sweeper
from writeback.store.tables import SchoolRow

pytestmark = pytest.mark.sqlite_first

_PLACES = 2


async def add(world: World, *ids: str) -> None:
    for school_id in ids:
        await world.flow.registry.add(
            NewSchool(
                id=school_id,
                name=school_id,
                provider="wonde",
                mis="SIMS",
                provider_school_id=school_id,
                credentials={"token": "t"},
            )
        )


async def put(world: World, school_id: str, **values: Any) -> None:
    async with world.flow.db.write() as session:
        await session.exec(update(SchoolRow).where(SchoolRow.id == school_id).values(**values))


async def sync_at(world: World, school_id: str = "hillside") -> timedelta:
    """Return in how long the school is due."""
    async with world.flow.db.read() as session:
        at = (await session.exec(select(SchoolRow.sync_at).where(SchoolRow.id == school_id))).one()
    assert at is not None
    return at - world.clock.now()


async def rung_for(world: World, places: Bulkhead, job: str = "sync_school") -> list[str]:
    world.waker.wakes.clear()
    await Sweeper(world.flow, places).sweep()
    return [subject for woken, subject in world.waker.wakes if woken == job]


@pytest.fixture
async def town(world: World) -> World:
    """Three schools whose lists are due, s1 for the longest, and nothing else."""
    await add(world, "s1", "s2", "s3")
    await put(world, "hillside", sync_at=None)
    for late_s, school_id in ((300, "s1"), (200, "s2"), (100, "s3")):
        at = world.clock.now() - timedelta(seconds=late_s)
        await put(world, school_id, sync_at=at, recheck_at=at, sync_first=False)
    return world


@pytest.mark.parametrize("job", ["sync_school", "recheck_school"])
async def test_only_as_many_are_rung_for_as_there_are_places_the_longest_due_first(town: World, job: str):
    places = Bulkhead(_PLACES)
    assert await rung_for(town, places, job) == ["s1", "s2"]
    places.enter(job_place(job, "provider:wonde"), (job, "s1"))
    assert await rung_for(town, places, job) == ["s1"]
    places.enter(job_place(job, "provider:wonde"), (job, "s2"))
    assert await rung_for(town, places, job) == []


async def test_a_provider_whose_places_are_taken_is_in_nobody_elses_way(town: World):
    await put(town, "s3", provider="xporter")
    places = Bulkhead(1)
    places.enter(job_place("sync_school", "provider:wonde"), ("sync_school", "s9"))
    assert await rung_for(town, places) == ["s3"]


async def test_a_school_that_somebody_waits_for_goes_before_those_that_are_merely_due(town: World):
    await add(town, "newcomer")
    assert await rung_for(town, Bulkhead(_PLACES)) == ["newcomer", "s1"]


async def test_a_worker_without_places_wakes_no_school(town: World):
    assert await rung_for(town, Bulkhead(0)) == []


async def test_a_wake_that_was_lost_is_made_good_by_the_next_sweep(town: World):
    assert await rung_for(town, Bulkhead(1)) == await rung_for(town, Bulkhead(1)) == ["s1"]


async def test_of_two_workers_one_takes_the_school(town: World):
    reports = await asyncio.gather(*(town.syncer.sync_due("s1") for _ in range(2)))
    assert sorted(report is None for report in reports) == [False, True]


async def test_a_school_whose_worker_died_is_due_again_after_a_while(world: World):
    world.provider.fetch = hang
    syncing = asyncio.create_task(world.syncer.sync_due("hillside"))
    await until_taken(world)
    assert "hillside" not in await rung_for(world, Bulkhead(_PLACES))
    world.clock.advance(timedelta(seconds=world.flow.settings.queue.sync_timeout_s + 60))
    assert await rung_for(world, Bulkhead(_PLACES)) == ["hillside"]
    syncing.cancel()


@pytest.mark.parametrize("failure", [TimeoutError("no connection became free"), asyncio.CancelledError()])
async def test_a_sync_that_cannot_come_to_its_end_is_begun_again_soon(world: World, failure: BaseException):
    async def fail(*_: Any) -> None:
        raise failure

    world.provider.report = fail
    with pytest.raises(type(failure)):
        await world.syncer.sync_due("hillside")
    assert timedelta(seconds=10) <= await sync_at(world) <= timedelta(seconds=30)


async def test_a_list_that_cannot_be_kept_ends_the_others(world: World):
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def fetch(_account: Any, name: Any, *_: Any) -> None:
        if name == "students":
            await begun.wait()
            raise TimeoutError("no connection became free")
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    world.provider.fetch = fetch
    with pytest.raises(TimeoutError):
        await world.syncer.sync_due("hillside")
    await asyncio.wait_for(cancelled.wait(), 5)


async def test_what_is_asked_for_while_a_sync_is_under_way_is_done_after_it(world: World):
    fetch = world.provider.fetch

    async def ask_meanwhile(*asked: Any) -> Any:
        await world.flow.registry.patch("hillside", {"mis": "Arbor"})
        world.provider.fetch = fetch
        return await fetch(*asked)

    world.provider.fetch = ask_meanwhile
    await world.syncer.sync_due("hillside")
    assert await sync_at(world) == timedelta(0)
    await world.syncer.sync_due("hillside")
    assert await sync_at(world) > timedelta(minutes=10)


async def hang(*_: Any) -> None:
    await asyncio.Event().wait()


async def until_taken(world: World) -> None:
    async with asyncio.timeout(10):
        while await sync_at(world) <= timedelta(0):  # noqa: ASYNC110 - it is SQL
            await asyncio.sleep(0.01)
