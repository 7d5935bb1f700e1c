"""When a school is asked about for the sake of one family that is held: in the same way, and by one worker."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.flow.conftest import World, hook_token
from tests.integration.flow.dispatch.test_one_bad_answer import ANN, CONDUCT, submit_a_removal
from tests.integration.flow.schools.test_sync_order import add, put, rung_for
from writeback.domain.actor import Actor
from writeback.domain.outcome import Blocked, NotReached
from writeback.domain.school import HoldReason
from writeback.flow.engine.bulkhead import Bulkhead

pytestmark = pytest.mark.sqlite_first

_PLACES = 2
_JOB = "recheck_school"


@pytest.fixture
async def held(world: World) -> World:
    """One school with a held family whose time has come, and a removal that waits."""
    world.provider.outcomes = [Blocked(HoldReason.SCOPE_MISSING, "403")]
    await submit_a_removal(world)
    await world.dispatcher.serve(CONDUCT)
    world.clock.advance(timedelta(minutes=2))
    return world


def counting(world: World) -> list[str]:
    """Return a list that grows by a school each time that the provider is asked about it."""
    asked: list[str] = []
    report = world.provider.report

    async def count(account: Any) -> Any:
        asked.append(account.school_id)
        await asyncio.sleep(0)
        return await report(account)

    world.provider.report = count
    return asked


async def is_held(world: World) -> bool:
    return bool((await world.flow.registry.get("hillside")).held_families)


async def test_a_lost_wake_is_made_good_until_a_job_has_taken_the_school(held: World) -> None:
    assert await rung_for(held, Bulkhead(_PLACES), _JOB) == ["hillside"]
    assert await rung_for(held, Bulkhead(_PLACES), _JOB) == ["hillside"]
    await held.watch.recheck_due("hillside")
    assert not await is_held(held)
    assert await rung_for(held, Bulkhead(_PLACES), _JOB) == []


async def test_of_two_workers_one_asks(held: World) -> None:
    asked = counting(held)
    await asyncio.gather(*(held.watch.recheck_due("hillside") for _ in range(2)))
    await held.watch.recheck_due("hillside")
    assert asked == ["hillside"]
    assert not await is_held(held)


async def test_a_family_whose_worker_died_is_due_again_after_a_while(held: World) -> None:
    report = held.provider.report

    async def die(_: Any) -> None:
        raise asyncio.CancelledError

    held.provider.report = die
    with pytest.raises(asyncio.CancelledError):
        await held.watch.recheck_due("hillside")
    held.provider.report = report
    assert await rung_for(held, Bulkhead(_PLACES), _JOB) == []
    held.clock.advance(timedelta(seconds=held.flow.settings.queue.job_timeout_s + 10))
    assert await rung_for(held, Bulkhead(_PLACES), _JOB) == ["hillside"]
    await held.watch.recheck_due("hillside")
    assert not await is_held(held)


async def test_a_family_that_is_refused_again_while_the_school_is_asked_about_stays_held(held: World) -> None:
    report = held.provider.report

    async def refuse_meanwhile(account: Any) -> Any:
        held.provider.report = report
        await held.holds.resume("hillside", ANN)
        held.provider.outcomes = [Blocked(HoldReason.SCOPE_MISSING, "403 again")]
        await held.dispatcher.serve(CONDUCT)
        return await report(account)

    held.provider.report = refuse_meanwhile
    await held.watch.recheck_due("hillside")
    assert await is_held(held)


async def test_what_is_not_reached_is_asked_again_later_and_lets_nothing_go(held: World) -> None:
    held.provider.school = NotReached("no connection")
    await held.watch.recheck_due("hillside")
    assert await is_held(held)
    assert await rung_for(held, Bulkhead(_PLACES), _JOB) == []
    held.clock.advance(timedelta(minutes=2))
    assert await rung_for(held, Bulkhead(_PLACES), _JOB) == ["hillside"]


async def test_a_school_that_staff_hold_is_not_asked_about_for_a_family(held: World) -> None:
    asked = counting(held)
    await held.holds.hold("hillside", HoldReason.BY_STAFF, "ann says so", Actor("staff:ann"))
    assert await rung_for(held, Bulkhead(_PLACES), _JOB) == []
    await held.watch.recheck_due("hillside")
    assert asked == []


async def test_families_take_their_turn_among_the_schools_that_are_due(held: World) -> None:
    await add(held, "s1", "s2")
    await put(held, "s1", recheck_at=held.clock.now() - timedelta(minutes=10))
    await put(held, "s2", recheck_at=held.clock.now() - timedelta(seconds=1))
    assert await rung_for(held, Bulkhead(3), _JOB) == ["s1", "hillside", "s2"]
    assert await rung_for(held, Bulkhead(2), _JOB) == ["s1", "hillside"]


async def approve(world: World) -> None:
    event = {"payload_type": "schoolApproved", "school_id": "A1930499544"}
    await world.hooks.receive(
        "wonde", hook_token(world.flow.secrets, "wonde", "hillside"), {}, json.dumps(event).encode()
    )


async def give_new_credentials(world: World) -> None:
    await world.flow.registry.patch("hillside", {"credentials": {"token": "new"}})


@pytest.mark.parametrize("tell", [give_new_credentials, approve])
async def test_new_access_has_a_family_that_is_held_looked_at_at_once(world: World, tell: Any) -> None:
    world.provider.outcomes = [Blocked(HoldReason.SCOPE_MISSING, "403")]
    removal = await submit_a_removal(world)
    await world.dispatcher.serve(CONDUCT)
    assert await rung_for(world, Bulkhead(_PLACES), _JOB) == []
    await tell(world)
    assert await rung_for(world, Bulkhead(_PLACES), _JOB) == ["hillside"]
    await world.watch.recheck_due("hillside")
    await world.dispatcher.serve(CONDUCT)
    assert (await is_held(world), await world.status(removal)) == (False, "sent")


async def test_another_name_brings_no_hold_forward(held: World) -> None:
    await held.watch.flow.registry.patch("hillside", {"name": "Hillside School"})
    held.provider.school = NotReached("down")
    await held.watch.recheck_due("hillside")
    assert await is_held(held)
