"""Lists that lose what the MIS has, over real HTTP: what heals it, and what holds it back."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from tests.contract.conftest import World
from writeback.core.settings import LookupSettings
from writeback.domain.lookups import ListName
from writeback.flow.schools.shrinking_lists import Changed, ListRules

PUPILS, STAFF = ListName.STUDENTS, ListName.EMPLOYEES
PATHS: Mapping[str, str] = {"wonde": "/students", "xporter": "/Students"}


async def fetched(world: World, before: Changed | None = None, *, full: bool = False) -> Changed:
    """Return the list of pupils after it has been fetched, as a sync makes it."""
    known = before.lookup if before else None
    cursor = known.cursor if known and not full else None
    change = await world.provider.fetch(world.account, PUPILS, cursor, world.window)
    held_back = before.held_back if before else ()
    rules = ListRules(LookupSettings(), world.window)
    return rules.changed(PUPILS, known, held_back, change, world.clock.now())


async def test_a_wrong_deletion_is_healed_by_a_full_fetch_alone(world: World) -> None:
    lost = world.pupils[0]
    world.clock.advance(timedelta(hours=1))  # its row is none of those that have just changed
    first = await fetched(world)
    await world.change(delete_falsely=[lost])
    deleted = await fetched(world, first)
    later = await fetched(world, deleted)
    healed = await fetched(world, later, full=True)
    assert [lost in one.lookup.rows for one in (first, deleted, later, healed)] == [True, False, False, True]


@pytest.mark.parametrize("world", ["wonde"], indirect=True)  # Xporter's change sets go by content, not by time
async def test_a_row_that_arrives_late_is_found_by_a_full_fetch_alone(world: World) -> None:
    first = await fetched(world)
    await world.change(add_pupils=[{"id": "A777", "updated_at": "2020-01-01T08:00:00Z"}])
    later = await fetched(world, first)
    assert "A777" not in later.lookup.rows
    assert "A777" in (await fetched(world, later, full=True)).lookup.rows


async def test_a_page_that_is_missing_takes_nobody_out(world: World) -> None:
    whole = await fetched(world)
    await world.order("faults", kind="rows_missing", path=PATHS[world.name], times=1)
    missing = await fetched(world, whole, full=True)
    healed = await fetched(world, missing, full=True)
    assert missing.lookup.rows == healed.lookup.rows == whole.lookup.rows
    assert (bool(missing.held_back), bool(healed.held_back)) == (True, False)


async def test_a_list_that_shrinks_by_much_waits_and_one_that_shrinks_by_little_does_not(world: World) -> None:
    whole = await fetched(world)
    few, many = sorted(whole.lookup.rows)[:3], sorted(whole.lookup.rows)[:20]
    await world.change(leave_out=many)
    assert (await fetched(world, whole, full=True)).held_back == set(many)
    await world.change(leave_out=few)
    after = await fetched(world, whole, full=True)
    assert (after.held_back, set(whole.lookup.rows) - set(after.lookup.rows)) == (set(), set(few))


async def test_many_who_have_truly_left_wait_too_and_none_comes_back(world: World) -> None:
    whole = await fetched(world)
    leavers = sorted(whole.lookup.rows)[:20]
    await world.change(remove_pupils=leavers, add_pupils=[{"id": "77701"}])
    after = await fetched(world, whole)
    again = await fetched(world, after)
    assert after.held_back == again.held_back == set(leavers)
    assert "77701" in after.lookup.rows


async def test_a_list_without_anybody_waits_as_a_whole(world: World) -> None:
    whole = await fetched(world)
    await world.change(leave_out=list(whole.lookup.rows))
    empty = await fetched(world, whole, full=True)
    assert empty.held_back == set(whole.lookup.rows)
    assert empty.lookup.rows == whole.lookup.rows


async def test_staff_can_be_left_out_as_pupils_can(world: World) -> None:
    staff = await world.provider.fetch(world.account, STAFF, None, world.window)
    lost = sorted(staff.rows)[0]
    await world.change(leave_out=[lost])
    again = await world.provider.fetch(world.account, STAFF, None, world.window)
    assert set(staff.rows) - set(again.rows) == {lost}
