"""A hold by staff that ends by itself: at its time and not before, audited, and what else holds the school stays."""

from datetime import timedelta

import pytest

from tests.integration.flow.conftest import World
from writeback.core.errors import BadInput
from writeback.domain.actor import Actor
from writeback.domain.outcome import Blocked
from writeback.domain.school import HoldReason
from writeback.flow.engine.holds import hold_school
from writeback.flow.engine.status_changes import Changes
from writeback.flow.registry.migration import FACT
from writeback.providers.base import SchoolReport
from writeback.store.tables import Lane, SchoolRow

SAM, HOUR = Actor("staff:sam"), timedelta(hours=1)


async def _school(world: World) -> SchoolRow:
    async with world.flow.db.read() as session:
        row = await session.get(SchoolRow, "hillside")
    assert row is not None
    return row


async def _hold(world: World, after: timedelta | None = HOUR, detail: str = "MIS upgrade") -> None:
    until = world.clock.now() + after if after is not None else None
    await world.holds.hold("hillside", HoldReason.BY_STAFF, detail, SAM, until=until)


async def test_school_is_held_until_its_time_and_goes_on_by_itself(world: World) -> None:
    await _hold(world)
    waits = await world.submit()
    await world.serve()
    before = await world.status(waits)
    world.clock.advance(HOUR - timedelta(seconds=1))
    await world.sweeper.sweep()
    just_before = await world.status(waits)

    world.clock.advance(timedelta(seconds=1))
    await world.sweeper.sweep()

    assert (before, just_before) == ("held", "held")
    assert await world.status(waits) == "queued"
    assert (await world.events(waits))[-1] == "released"
    school = await _school(world)
    assert (school.hold_reason, school.hold_until, school.held_at, school.rechecks) == (None, None, None, 0)
    said = [(row.actor, row.action, row.subject) for row in (await world.audited())[1:]]
    assert said == [("staff:sam", "school.hold", "hillside"), ("writeback", "school.hold_ended", "hillside")]
    await world.sweeper.sweep()
    assert len(await world.audited()) == 3, "once, after the school was added"


async def test_a_later_word_of_staff_is_what_counts(world: World) -> None:
    await _hold(world)
    await _hold(world, 3 * HOUR, "it takes longer")
    world.clock.advance(HOUR)
    await world.sweeper.sweep()
    longer = await _school(world)
    await _hold(world, None, "until we know more")
    world.clock.advance(9 * HOUR)
    await world.sweeper.sweep()
    endless = await _school(world)

    assert (longer.hold_reason, longer.hold_detail) == ("held_by_staff", "it takes longer")
    assert (endless.hold_reason, endless.hold_until) == ("held_by_staff", None)


async def test_a_hold_that_somebody_ended_does_not_end_the_next_one(world: World) -> None:
    await _hold(world)
    await world.holds.resume("hillside", SAM)
    await _hold(world, None)
    world.clock.advance(2 * HOUR)

    await world.sweeper.sweep()

    assert (await _school(world)).hold_reason == "held_by_staff"


async def test_a_family_that_the_provider_holds_stays_held(world: World) -> None:
    await _hold(world)
    async with world.flow.db.write() as session:
        session.add(
            Lane(
                id="hillside:conduct",
                school_id="hillside",
                family="conduct",
                hold_reason="scope_missing",
                recheck_at=world.clock.now() + 5 * HOUR,
            )
        )
    world.clock.advance(HOUR)

    await world.sweeper.sweep()

    async with world.flow.db.read() as session:
        lane = await session.get(Lane, "hillside:conduct")
    assert lane is not None
    assert lane.hold_reason == "scope_missing"
    assert (await _school(world)).hold_reason is None


async def test_a_move_that_has_begun_meanwhile_goes_on_holding(world: World) -> None:
    await _hold(world)
    waits = await world.submit()
    await world.serve()
    async with world.flow.db.write() as session:
        row = await session.get(SchoolRow, "hillside")
        assert row is not None
        move = {"was": "SIMS", "becomes": "Arbor", "scheduled_at": (world.clock.now() + HOUR / 2).isoformat()}
        row.facts = {**row.facts, FACT: move}
        session.add(row)
    world.clock.advance(HOUR)

    await world.sweeper.sweep()

    school = await _school(world)
    assert (school.hold_reason, school.recheck_at) == ("migration", world.clock.now())
    held = await world.writeback(waits)
    assert (held.status, held.hold_reason) == ("held", "migration")


async def test_the_providers_word_does_not_take_the_end_away(world: World) -> None:
    await _hold(world)
    world.provider.school = SchoolReport(is_online=True, blocked=Blocked(HoldReason.OFFLINE, "no answer"))
    await world.watch.recheck("hillside")

    school = await _school(world)

    assert (school.hold_reason, school.hold_until) == ("held_by_staff", world.clock.now() + HOUR)


async def test_a_hold_of_the_providers_has_no_end_of_staffs(world: World) -> None:
    await _hold(world)
    await world.holds.resume("hillside", SAM)
    await world.flow.db.transact(
        lambda session: hold_school(
            world.flow, Changes(session, world.clock.now(), "worker"), "hillside", HoldReason.OFFLINE, "no answer"
        )
    )

    assert (await _school(world)).hold_until is None


async def test_an_end_that_has_passed_is_refused(world: World) -> None:
    with pytest.raises(BadInput, match="has passed"):
        await _hold(world, timedelta(0))

    assert (await _school(world)).hold_reason is None
