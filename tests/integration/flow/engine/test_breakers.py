"""What does not answer is left alone for a while; then one request tries."""

from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlmodel import col

from tests.integration.flow.conftest import World, mark
from writeback.domain.outcome import Blocked, NotReached, Refused, Taken
from writeback.domain.school import HoldReason
from writeback.flow.engine.breakers import Breakers
from writeback.store.tables import WritebackRow
from writeback.store.writebacks import breakers

pytestmark = pytest.mark.sqlite_first


async def fail(world: World, times: int, outcome=NotReached("connection refused")) -> None:  # noqa: B008 - frozen
    for number in range(times):
        world.provider.outcomes = [outcome]
        await world.submit(mark(f"A{number + 1}"))
        await world.serve()


async def open_ones(world: World) -> list[str]:
    async with world.flow.db.read() as session:
        return [row.key for row in await session.run_sync(breakers.all_open)]


async def test_a_school_that_does_not_answer_is_left_alone(world: World):
    limit = world.flow.settings.dispatch.breaker_failures
    await fail(world, limit)
    assert await open_ones(world) == ["school:hillside"]
    await world.submit(mark("A20"))
    await world.serve()
    assert len(world.provider.sent) == limit


async def test_one_request_tries_when_the_time_is_up_and_success_closes_it(world: World):
    await fail(world, world.flow.settings.dispatch.breaker_failures)
    world.clock.advance(timedelta(seconds=world.flow.settings.dispatch.breaker_cooldown_s + 1))
    world.provider.outcomes = [Taken("A1")]
    await world.serve()
    assert await open_ones(world) == []
    await world.submit(mark("A30"))
    sent = len(world.provider.sent)
    await world.serve()
    assert len(world.provider.sent) == sent + 1


async def test_each_failed_try_has_it_left_alone_for_longer(world: World):
    dispatch = world.flow.settings.dispatch
    await fail(world, dispatch.breaker_failures)
    tries = []
    for _ in range(6):
        before = len(world.provider.sent)
        waited = 0
        while len(world.provider.sent) == before:
            world.provider.outcomes = [NotReached("connection refused")]
            world.clock.advance(timedelta(seconds=5))
            waited += 5
            await world.serve()
        tries.append(waited)
    assert tries[-1] > 3 * tries[0]
    assert max(tries) <= 2 * dispatch.breaker_cooldown_cap_s


async def test_while_one_tries_the_other_lanes_of_the_school_wait(world: World):
    await fail(world, world.flow.settings.dispatch.breaker_failures)
    world.clock.advance(timedelta(seconds=world.flow.settings.dispatch.breaker_cooldown_s + 1))
    tried = []

    async def other_lane() -> None:
        def look(session):
            return Breakers(world.flow, session, world.clock.now()).shut_until(["school:hillside"])[0]

        tried.append(await world.flow.db.transact(look))

    world.provider.before_answer = other_lane
    world.provider.outcomes = [Taken("A1")]
    await world.serve()
    assert tried
    assert tried[0] is not None


async def probed(world: World) -> list[str]:
    """Return the breakers of which somebody has said that it tries."""
    async with world.flow.db.read() as session:
        return [row.key for row in await session.run_sync(breakers.all_open) if row.probe_until is not None]


async def test_a_school_that_is_left_alone_does_not_take_the_providers_try_from_the_others(world: World):
    dispatch = world.flow.settings.dispatch
    dispatch.provider_breaker_failures = dispatch.breaker_failures
    await fail(world, dispatch.breaker_failures)
    world.clock.advance(timedelta(seconds=dispatch.breaker_cooldown_cap_s))

    def look(session):
        breakers.lock(session, "school:hillside", world.clock.now()).open_until = world.clock.now() + timedelta(hours=1)
        session.flush()
        return Breakers(world.flow, session, world.clock.now()).shut_until(["provider:wonde", "school:hillside"])

    until, _ = await world.flow.db.transact(look)
    assert until == world.clock.now() + timedelta(hours=1)
    assert await probed(world) == []


async def test_a_lane_with_nothing_to_send_does_not_say_that_it_tries(world: World):
    await world.submit(mark("A50", code="N"))
    await world.serve()
    await world.submit(mark("A50"))  # waits for the one before it
    dispatch = world.flow.settings.dispatch
    await fail(world, dispatch.breaker_failures)
    async with world.flow.db.write() as session:
        await session.exec(update(WritebackRow).where(col(WritebackRow.failures) > 0).values(status="cancelled"))
    world.clock.advance(timedelta(seconds=dispatch.breaker_cooldown_s + 1))
    sent = len(world.provider.sent)
    await world.serve()
    assert len(world.provider.sent) == sent
    assert await open_ones(world) == ["school:hillside"]
    assert await probed(world) == []


async def test_an_answer_of_any_sort_is_an_answer(world: World):
    limit = world.flow.settings.dispatch.breaker_failures
    await fail(world, limit - 1)
    world.provider.outcomes = [Refused("no")]
    await world.submit(mark("A40"))
    await world.serve()
    await fail(world, limit - 1)
    assert await open_ones(world) == []


async def test_one_who_says_when_to_come_back_has_answered(world: World):
    await fail(world, 10, NotReached("429", retry_after_s=1))
    assert await open_ones(world) == []


async def test_a_refused_token_holds_the_school_and_opens_nothing(world: World):
    world.provider.outcomes = [Blocked(HoldReason.TOKEN_REFUSED, "401")]
    await world.submit()
    await world.serve()
    assert await open_ones(world) == []


async def test_a_provider_that_answers_no_school_is_left_alone_as_a_whole(world: World):
    world.flow.settings.dispatch.breaker_failures = 1_000
    world.flow.settings.dispatch.provider_breaker_failures = 8
    await fail(world, 8)
    assert await open_ones(world) == ["provider:wonde"]
