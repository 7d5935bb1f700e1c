"""A sync that is merely due asks for what may have changed, and what is the same keeps its version."""

from datetime import date, timedelta
from typing import Any

import pytest

from tests.integration.flow.conftest import World
from writeback.domain.lookups import ATTRIBUTE_LISTS, ListName
from writeback.domain.outcome import Blocked
from writeback.domain.school import HoldReason
from writeback.providers.base import ListChange
from writeback.store.tables import SchoolRow

pytestmark = pytest.mark.sqlite_first

Asked = tuple[ListName, str | None, tuple[date, date]]
HARDLY_CHANGE = ATTRIBUTE_LISTS | {ListName.ATTENDANCE_CODES}
ONE_MISSING = ListName.DETENTION_ATTRIBUTES


@pytest.fixture
async def asked(world: World) -> list[Asked]:
    """What the provider is asked from here on: it answers lessons of the days that were asked for alone."""
    noted, fetch = list[Asked](), world.provider.fetch

    async def noting(account: Any, name: ListName, cursor: str | None, window: tuple[date, date]) -> ListChange:
        noted.append((name, cursor, window))
        change: ListChange = await fetch(account, name, cursor, window)
        if name is not ListName.LESSONS:
            return change
        first, last = (day.isoformat() for day in window)
        return ListChange(
            {key: row for key, row in change.rows.items() if first <= row["date"] <= last}, is_full=True, cursor=None
        )

    world.provider.fetch = noting
    today = world.clock.now().date()
    world.provider.rows[ListName.LESSONS] = {
        f"L{n}": {"id": f"L{n}", "date": (today + timedelta(days=n - 10)).isoformat()} for n in range(20)
    }
    await world.syncer.sync_school("hillside", full=True)
    noted.clear()
    return noted


async def sync_due(world: World, after: timedelta = timedelta(minutes=15)) -> None:
    world.clock.advance(after)
    async with world.flow.db.write() as session:
        school = await session.get_one(SchoolRow, "hillside")
        school.sync_at, school.sync_first = world.clock.now(), False
        session.add(school)
    assert await world.syncer.sync_due("hillside") is not None


async def lessons(world: World) -> Any:
    return (await world.flow.lookups.view("hillside", fresh=True)).lessons


async def test_lists_that_hardly_change_are_left_out(world: World, asked: list[Asked]) -> None:
    await sync_due(world)
    assert {name for name, _, _ in asked} == {ListName.STUDENTS, ListName.EMPLOYEES, ListName.LESSONS}


async def test_they_are_asked_for_some_hours_later_and_when_somebody_asks(world: World, asked: list[Asked]) -> None:
    await sync_due(world, timedelta(seconds=world.flow.settings.lookups.rarely_every_s + 1))
    first = {name for name, _, _ in asked}
    asked.clear()
    await world.syncer.sync_school("hillside")
    assert first >= HARDLY_CHANGE
    assert {name for name, _, _ in asked} >= HARDLY_CHANGE


async def test_a_list_that_there_is_not_is_asked_for_no_more_often(world: World, asked: list[Asked]) -> None:
    world.provider.no_lists[ONE_MISSING] = Blocked(HoldReason.SCOPE_MISSING, "not granted")
    await world.syncer.sync_school("hillside", full=True)
    asked.clear()
    await sync_due(world)
    assert ONE_MISSING not in {name for name, _, _ in asked}
    await sync_due(world, timedelta(seconds=world.flow.settings.lookups.rarely_every_s + 1))
    assert ONE_MISSING in {name for name, _, _ in asked}


async def test_those_of_another_account_are_asked_for_however_new_they_are(world: World, asked: list[Asked]) -> None:
    await world.flow.registry.patch("hillside", {"provider_school_id": "A77"})
    await sync_due(world, timedelta(seconds=1))
    assert {name for name, _, _ in asked} >= HARDLY_CHANGE


async def test_of_the_timetable_today_is_asked_for(world: World, asked: list[Asked]) -> None:
    before = await lessons(world)
    await sync_due(world)
    today = world.clock.now().date()
    assert [window for name, _, window in asked if name is ListName.LESSONS] == [(today, today)]
    after = await lessons(world)
    assert (after.version, dict(after.rows)) == (before.version, dict(before.rows))
    assert after.fetched_at == world.clock.now()


async def test_a_lesson_of_today_that_is_gone_is_taken_out_by_the_whole_timetable(
    world: World, asked: list[Asked]
) -> None:
    del world.provider.rows[ListName.LESSONS]["L10"]
    await sync_due(world)
    assert len([name for name, _, _ in asked if name is ListName.LESSONS]) == 2
    assert set((await lessons(world)).rows) == {f"L{n}" for n in range(20) if n != 10}


async def test_a_lesson_that_moves_to_another_week_is_kept_there(world: World, asked: list[Asked]) -> None:
    moved = (world.clock.now().date() + timedelta(days=9)).isoformat()
    world.provider.rows[ListName.LESSONS]["L10"] = {"id": "L10", "date": moved}
    await sync_due(world)
    assert (await lessons(world)).rows["L10"]["date"] == moved


async def test_no_list_of_an_unchanged_school_is_loaded_again(world: World, asked: list[Asked]) -> None:
    before = await world.flow.lookups.view("hillside", fresh=True)
    await sync_due(world)
    after = await world.flow.lookups.view("hillside", fresh=True)
    for name in ListName:
        was, now = before.get(name), after.get(name)
        assert (was is None) is (now is None)
        assert was is None or now is None or was.rows is now.rows
