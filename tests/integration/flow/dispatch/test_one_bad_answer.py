"""One bad answer costs itself: what a provider asks for, a refusal of one family, a record that it cannot take."""

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.flow.conftest import CALLER, LANE, World, mark
from writeback.domain.actor import Actor
from writeback.domain.outcome import Blocked, NotReached, Pending, ReadBack, SlotReadBack, Taken, Uncertain
from writeback.domain.school import HoldReason
from writeback.store.reads.writebacks_read import Reads

pytestmark = pytest.mark.sqlite_first

ANN = Actor("staff:ann")
A_DAY = 50_000.0
CONDUCT = "hillside:conduct"


async def shown(world: World, writeback_id: str) -> str | None:
    return (await Reads(world.flow.db).show(CALLER, writeback_id)).left_alone


async def submit_a_removal(world: World, behaviour: str = "B1") -> str:
    """Submit something of another family."""
    body = json.dumps({"kind": "behaviour.delete", "records": [{"behaviour_id": behaviour}]}).encode()
    answer = await world.acceptor.submit(CALLER, "hillside", body)
    assert answer.writeback_id is not None, answer
    return answer.writeback_id


# What a provider asks for.


@pytest.mark.parametrize("outcome", [NotReached, Uncertain])
async def test_a_day_of_retry_after_costs_minutes_and_then_one_request_tries(world: World, outcome: Any) -> None:
    cap = world.flow.settings.dispatch.retry_after_cap_s
    world.provider.outcomes = [outcome("Wonde answered 503: not available", A_DAY)]
    first = await world.submit(mark("A1"))
    await world.serve()
    second = await world.submit(mark("A2"))
    world.clock.advance(timedelta(seconds=cap - 5))
    await world.serve()
    assert len(world.provider.sent) == 1

    world.clock.advance(timedelta(seconds=10))
    await world.serve()
    world.clock.advance(timedelta(seconds=5))
    await world.serve()

    assert [await world.status(one) for one in (first, second)] == ["sent", "sent"]


async def test_what_a_provider_asks_for_is_shown_at_the_school_and_at_what_waits(world: World) -> None:
    world.provider.outcomes = [NotReached("Wonde answered 503: not available", A_DAY)]
    first = await world.submit(mark("A1"))
    await world.serve()
    second = await world.submit(mark("A2"))

    school = await world.flow.registry.get("hillside")

    assert school.state == "active"
    assert school.left_alone is not None
    until = world.clock.now() + timedelta(seconds=A_DAY)
    says = f"asked to be left alone until {until:%d %B, %H:%M} UTC (Wonde answered 503: not available)"
    assert school.left_alone.detail.endswith(says)
    cap = world.flow.settings.dispatch.retry_after_cap_s
    assert school.left_alone.until == world.clock.now() + timedelta(seconds=cap)
    assert await shown(world, first) == await shown(world, second) == school.left_alone.detail


async def test_a_resume_has_everything_go_now(world: World) -> None:
    world.provider.outcomes = [NotReached("503", A_DAY)]
    first = await world.submit(mark("A1"))
    await world.serve()
    second = await world.submit(mark("A2"))
    await world.serve()

    await world.holds.resume("hillside", ANN)

    assert ("serve_lane", LANE) in world.waker.wakes
    await world.serve()
    assert [await world.status(one) for one in (first, second)] == ["sent", "sent"]
    assert await shown(world, second) is None


async def test_a_provider_that_asks_again_and_again_is_tried_by_one_request_at_a_time(world: World) -> None:
    world.provider.outcomes = [NotReached("503", A_DAY) for _ in range(4)]
    cap = world.flow.settings.dispatch.retry_after_cap_s
    for number in range(8):
        await world.submit(mark(f"A{number + 1}"))
    for _ in range(3):
        await world.serve()
        await world.serve()
        world.clock.advance(timedelta(seconds=cap + 3))
    assert len(world.provider.sent) == 3


async def test_a_moment_of_retry_after_needs_no_word_and_no_try(world: World) -> None:
    world.provider.outcomes = [NotReached("429", 2.0)]
    writeback_id = await world.submit()
    await world.serve()
    assert await shown(world, writeback_id) is None
    world.clock.advance(timedelta(seconds=5))
    await world.serve()
    assert await world.status(writeback_id) == "sent"


@pytest.mark.parametrize("verdict", [NotReached("503", A_DAY), Pending(check_at=None)])
async def test_a_question_that_is_put_off_is_asked_again_within_minutes(world: World, verdict: Any) -> None:
    await world.submit()
    await world.serve()
    world.provider.verdicts = [verdict]
    await world.confirm()
    request = (await world.requests())[0]
    assert request.check_at is not None
    assert request.check_at <= world.clock.now() + timedelta(seconds=world.flow.settings.dispatch.retry_after_cap_s)


async def test_a_time_far_away_is_no_reason_to_wait_for_ever(world: World) -> None:
    await world.submit()
    await world.serve()
    world.provider.verdicts = [Pending(check_at=world.clock.now() + timedelta(days=3_650))]
    await world.confirm()
    request = (await world.requests())[0]
    assert request.check_at is not None
    assert request.check_at <= world.clock.now() + timedelta(seconds=world.flow.settings.confirm.give_up_s + 2)


# A refusal of one family.


@pytest.mark.parametrize("reason", [HoldReason.SCOPE_MISSING, HoldReason.UNKNOWN_THERE])
async def test_a_refusal_of_one_kind_holds_its_family_and_no_other(world: World, reason: HoldReason) -> None:
    world.provider.outcomes = [Blocked(reason, "Wonde answered 403: no behaviour")]
    removal = await submit_a_removal(world)
    await world.dispatcher.serve(CONDUCT)
    later = await submit_a_removal(world, "B2")
    await world.dispatcher.serve(CONDUCT)
    session = await world.submit()
    await world.serve()

    assert [await world.status(one) for one in (removal, later, session)] == ["held", "held", "sent"]
    assert (await world.writeback(later)).hold_reason == reason.value
    school = await world.flow.registry.get("hillside")
    assert school.hold is None
    assert [(one.family, one.reason, one.detail) for one in school.held_families] == [
        ("conduct", reason.value, "Wonde answered 403: no behaviour")
    ]


async def test_a_held_family_is_tried_again_by_itself_ever_less_often(world: World) -> None:
    world.provider.outcomes = [Blocked(HoldReason.SCOPE_MISSING, "403") for _ in range(30)]
    await submit_a_removal(world)
    for _minute in range(4 * 60):
        await world.dispatcher.serve(CONDUCT)
        world.clock.advance(timedelta(minutes=1))
        await world.sweeper.sweep()
        if ("recheck_school", "hillside") in world.waker.wakes:
            world.waker.wakes.clear()
            await world.watch.recheck_due("hillside")
    assert 10 <= len(world.provider.sent) <= 22


async def test_a_family_that_is_granted_goes_on_and_is_forgotten(world: World) -> None:
    world.provider.outcomes = [Blocked(HoldReason.SCOPE_MISSING, "403")]
    removal = await submit_a_removal(world)
    await world.dispatcher.serve(CONDUCT)
    world.clock.advance(timedelta(minutes=2))
    await world.watch.recheck("hillside")
    assert await world.status(removal) == "queued"

    await world.dispatcher.serve(CONDUCT)

    assert await world.status(removal) == "sent"
    assert not (await world.flow.registry.get("hillside")).held_families


async def test_a_resume_lets_a_held_family_go(world: World) -> None:
    world.provider.outcomes = [Blocked(HoldReason.SCOPE_MISSING, "403")]
    removal = await submit_a_removal(world)
    await world.dispatcher.serve(CONDUCT)

    await world.holds.resume("hillside", ANN)
    await world.dispatcher.serve(CONDUCT)

    assert await world.status(removal) == "sent"


async def test_a_school_that_goes_on_leaves_a_family_held_whose_time_has_not_come(world: World) -> None:
    world.provider.outcomes = [Blocked(HoldReason.SCOPE_MISSING, "403") for _ in range(4)]
    removal = await submit_a_removal(world)
    for _ in range(4):  # each time for longer
        await world.dispatcher.serve(CONDUCT)
        world.clock.advance(timedelta(minutes=16))
        await world.watch.recheck("hillside")
    world.provider.outcomes = [Blocked(HoldReason.SCOPE_MISSING, "403")]
    await world.dispatcher.serve(CONDUCT)
    await world.holds.hold("hillside", HoldReason.OFFLINE, "agent silent", Actor("worker"))
    session = await world.submit()
    await world.serve()

    await world.watch.recheck("hillside")

    assert [await world.status(one) for one in (removal, session)] == ["held", "queued"]
    assert (await world.writeback(removal)).hold_reason == "scope_missing"


async def test_a_refused_token_still_holds_the_school(world: World) -> None:
    world.provider.outcomes = [Blocked(HoldReason.TOKEN_REFUSED, "401")]
    removal = await submit_a_removal(world)
    await world.dispatcher.serve(CONDUCT)
    session = await world.submit()
    await world.serve()
    assert [await world.status(one) for one in (removal, session)] == ["held", "held"]


# A record that the provider cannot take.


async def serve_for_a_while(world: World, turns: int, *, others: bool) -> None:
    """Serve whatever is due, again and again; `others`: another register comes in between each time."""
    for turn in range(turns):
        for _ in range(3):
            await world.serve()
        if others:
            await world.submit(mark(f"A{40 + turn}"))
            await world.serve()
        world.clock.advance(timedelta(seconds=301))


def failing_on(world: World, student: str) -> Any:
    """Return what answers 500 to every request with one pupil in it."""

    async def answer() -> None:
        has_it = any(record["student_id"] == student for record in world.provider.sent[-1])
        world.provider.outcomes = [Uncertain("Wonde answered 500") if has_it else Taken("T")]

    return answer


async def test_one_pupil_whom_the_provider_cannot_take_costs_the_others_of_the_register_nothing(world: World) -> None:
    register = await world.submit(*(mark(f"A{n}") for n in range(1, 16)))

    world.provider.before_answer = failing_on(world, "A7")
    await serve_for_a_while(world, 12, others=True)

    records = await world.records(register)
    assert [index for index, one in enumerate(records) if one["status"] != "sent"] == [6]
    assert records[6]["status"] == "unknown"
    world.provider.verdicts = [Pending() for _ in range(20)]
    world.provider.readings = [ReadBack({0: SlotReadBack(None, matches=False)})]
    await world.confirm(after_s=200)
    bad = (await world.records(register))[6]
    assert bad["status"] == "failed"
    (finding,) = bad["findings"]
    assert finding["code"] == "provider_refused"
    assert "(Wonde answered 500)" in finding["message"]
    assert finding["provider_message"] is None


async def test_while_nothing_gets_through_nothing_is_split(world: World) -> None:
    await world.submit(*(mark(f"A{n}") for n in range(1, 16)))

    world.provider.before_answer = failing_on(world, "A7")
    await serve_for_a_while(world, 8, others=False)

    assert {len(records) for records in world.provider.sent} == {15}


async def test_one_bad_answer_to_a_mark_beside_the_bad_one_costs_it_nothing(world: World) -> None:
    register = await world.submit(*(mark(f"A{n}") for n in range(1, 5)))
    unlucky = {"A2"}

    async def answer() -> None:
        pupils = {record["student_id"] for record in world.provider.sent[-1]}
        is_bad = "A1" in pupils or pupils == unlucky
        world.provider.outcomes = [Uncertain("Wonde answered 500") if is_bad else Taken("T")]
        if pupils == unlucky:
            unlucky.clear()

    world.provider.before_answer = answer
    await serve_for_a_while(world, 9, others=True)

    assert not unlucky
    assert [one["status"] for one in await world.records(register)] == ["unknown", "sent", "sent", "sent"]
