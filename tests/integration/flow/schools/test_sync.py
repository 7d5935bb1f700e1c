"""Fetching a school's lists: what registers need first, politely, and without asking again for what there is not."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.flow.conftest import CALLER, World, mark, submission
from writeback.core.errors import InvalidSubmission
from writeback.domain.lookups import MAY_LACK, ListName
from writeback.domain.outcome import Blocked, NotReached
from writeback.domain.school import HoldReason
from writeback.flow.schools.sync import FIRST_LISTS, further_lists
from writeback.flow.schools.unknown_id_refresh import Refreshed

pytestmark = pytest.mark.sqlite_first

NOT_GRANTED = Blocked(HoldReason.SCOPE_MISSING, "not granted")
SOME = ListName.BEHAVIOUR_ATTRIBUTES


def of_list(report: Any, name: ListName) -> Any:
    return next(one for one in report.lists if one.list is name)


@pytest.mark.both_databases
async def test_what_registers_need_comes_first_and_at_once_sets_free_what_waits(world: World):
    rung_after: list[int] = []
    wake = world.waker.wake

    async def note_wake(job: str, subjects: Any) -> None:
        if job == "serve_lane":
            rung_after.append(len(world.provider.fetched))
        await wake(job, subjects)

    world.waker.wake = note_wake
    await world.submit(mark("A1"))
    rung_after.clear()
    await world.syncer.sync_school("hillside")
    assert set(world.provider.fetched[: len(FIRST_LISTS)]) == set(FIRST_LISTS)
    assert rung_after[0] == len(FIRST_LISTS)


async def test_only_so_many_lists_are_fetched_at_a_time(world: World):
    under_way, most = 0, 0
    three = asyncio.Event()
    fetch = world.provider.fetch

    async def slow(*asked: Any) -> Any:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        if under_way == 3:
            await asyncio.sleep(0.05)  # a fourth would come now
            three.set()
        await asyncio.wait_for(three.wait(), 5)
        under_way -= 1
        return await fetch(*asked)

    world.provider.fetch = slow
    await world.syncer.sync_school("hillside")
    assert most == world.flow.settings.lookups.lists_at_once == 3


@pytest.mark.parametrize("outcome", [None, NOT_GRANTED], ids=["there is none", "not permitted"])
async def test_a_list_that_there_is_not_here_is_no_error(world: World, outcome: Any):
    world.provider.no_lists[SOME] = outcome
    synced = of_list(await world.syncer.sync_school("hillside"), SOME)
    assert (synced.error, synced.rows) == (None, 0)
    assert synced.not_available == f"no {SOME.value} here"
    school = await world.flow.registry.school("hillside")
    assert list(school.facts["lists_not_available"]) == [SOME.value]


async def test_a_list_that_cannot_be_reached_now_is_an_error(world: World):
    world.provider.no_lists[SOME] = NotReached("down")
    synced = of_list(await world.syncer.sync_school("hillside"), SOME)
    assert (synced.not_available, bool(synced.error)) == (None, True)


@pytest.mark.parametrize("outcome", [None, NOT_GRANTED])
async def test_a_school_without_pupils_or_codes_is_an_error(world: World, outcome: Any):
    world.provider.no_lists[ListName.ATTENDANCE_CODES] = outcome
    synced = of_list(await world.syncer.sync_school("hillside"), ListName.ATTENDANCE_CODES)
    assert (synced.not_available, bool(synced.error), synced.rows) == (None, True, 3)


@pytest.mark.both_databases
async def test_no_submission_asks_again_for_a_list_that_there_is_not(world: World):
    world.provider.no_lists[SOME] = None
    await world.syncer.sync_school("hillside")
    world.provider.fetched.clear()
    world.clock.advance(timedelta(hours=2))
    assert await world.refresher.refresh("hillside", [SOME]) == Refreshed(is_any=False, not_given=set())
    assert world.provider.fetched == []
    with pytest.raises(InvalidSubmission):  # other lists are asked for as ever
        await world.acceptor.submit(CALLER, "hillside", submission(mark("A999")))
    assert world.provider.fetched == [ListName.STUDENTS]


async def test_a_list_that_there_is_after_all_is_found_by_the_next_sync(world: World):
    world.provider.no_lists[SOME] = NOT_GRANTED
    await world.syncer.sync_school("hillside")
    world.provider.no_lists.clear()
    world.provider.rows[SOME] = {"type:1": {"id": "1", "type": "type", "code": "BULL"}}
    assert of_list(await world.syncer.sync_school("hillside"), SOME).rows == 1
    assert (await world.flow.registry.school("hillside")).facts["lists_not_available"] == {}


@pytest.mark.both_databases
async def test_lists_of_kinds_that_a_school_does_not_take_are_left_alone(world: World):
    overrides = {
        kind: {"supported": False, "reason": "not here"}
        for kind in ("employee_absence.create", "employee_absence.update", "employee_absence.delete")
    }
    await world.flow.registry.patch("hillside", {"overrides": overrides})
    wanted = further_lists(await world.flow.registry.school("hillside"))
    assert set(wanted) == MAY_LACK - {ListName.EMPLOYEE_ABSENCE_ATTRIBUTES}


@pytest.mark.both_databases
async def test_of_two_syncs_at_once_neither_fails(world: World):
    reports = await asyncio.gather(*(world.syncer.sync_school("hillside") for _ in range(2)))
    assert [one.error for report in reports for one in report.lists if one.error] == []
