"""Withdrawing what has not left, and never what is on its way."""

import asyncio

import pytest

from tests.integration.flow.conftest import CALLER, Evidenced, ReadBack, World, mark
from writeback.core.errors import Conflict, Forbidden, NotFound
from writeback.domain.access import Caller, Scope
from writeback.domain.actor import staff
from writeback.domain.outcome import SlotReadBack, Uncertain, Unclear
from writeback.domain.school import HoldReason
from writeback.flow.correct.draft import Order

pytestmark = pytest.mark.sqlite_first

BOB = staff("bob", "sent to the wrong class")


async def _cancel(world: World, writeback_id: str):
    return await world.corrections.cancels.one(CALLER, writeback_id, BOB)


@pytest.mark.both_databases
async def test_what_waits_is_cancelled_and_never_sent(world: World) -> None:
    waiting = await world.submit(mark("A1"), mark("A2"))

    view = await _cancel(world, waiting)
    await world.serve()

    assert (view.status, [record.index for record in view.records]) == ("cancelled", [0, 1])
    assert await world.status(waiting) == "cancelled"
    assert world.provider.sent == []
    assert (await world.events(waiting)) == ["accepted", "cancelled"]
    entry = (await world.audited())[-1]
    assert (entry.action, entry.actor, entry.reason) == ("writeback.cancel", "staff:bob", "sent to the wrong class")
    assert entry.changed == {"records": [0, 1], "status": ["queued", "cancelled"]}


@pytest.mark.both_databases
async def test_what_may_have_arrived_says_so_when_it_is_withdrawn(world: World) -> None:
    world.provider.outcomes = [Uncertain("timeout")]
    waiting = await world.submit(mark("A1"))
    await world.serve()
    await _cancel(world, waiting)
    (record,) = await world.records(waiting)
    assert (record["status"], [one["code"] for one in record["findings"]]) == ("cancelled", ["may_have_arrived"])


@pytest.mark.both_databases
async def test_what_is_held_is_cancelled_at_once(world: World) -> None:
    waiting = await world.submit()
    await world.holds.hold("hillside", HoldReason.BY_STAFF, "inset day", BOB)
    assert await world.status(waiting) == "held"

    await _cancel(world, waiting)
    await world.holds.resume("hillside", BOB)

    row = await world.writeback(waiting)
    assert (row.status, row.hold_reason) == ("cancelled", None)
    assert (await world.events(waiting)) == ["accepted", "held", "cancelled"]


async def test_of_what_is_partly_sent_only_the_rest_is_cancelled(world: World) -> None:
    world.provider.max_records = 1
    half = await world.submit(mark("A1"), mark("A2"))
    await world.serve()
    assert await world.status(half) == "queued"

    view = await _cancel(world, half)
    assert (view.status, [record.index for record in view.records]) == ("sent", [1])
    world.provider.verdicts.append(Evidenced("webhook"))
    await world.confirm()

    assert await world.status(half) == "partial"
    assert [record["status"] for record in await world.records(half)] == ["confirmed", "cancelled"]
    await world.corrections.resubmits.one(CALLER, half, Order(), BOB)
    assert [record.get("status") for record in await world.records(half)] == ["confirmed", "queued"]


async def test_nothing_that_is_being_sent_is_cancelled(world: World) -> None:
    world.provider.max_records = 1
    half = await world.submit(mark("A1"), mark("A2"))

    async def cancel_meanwhile() -> None:
        world.provider.before_answer = None
        assert await world.status(half) == "sending"
        view = await _cancel(world, half)
        assert (view.status, [record.index for record in view.records]) == ("sending", [1])

    world.provider.before_answer = cancel_meanwhile
    await world.serve()
    await world.serve()

    assert len(world.provider.sent) == 1
    assert [record["status"] for record in await world.records(half)] == ["sent", "cancelled"]
    assert await world.status(half) == "sent"
    assert [one["action"] for one in await world.corrected(half)] == ["cancel"]


@pytest.mark.both_databases
async def test_a_cancel_against_a_workers_turn_ends_in_one_or_the_other(world: World) -> None:
    for number in range(1, 9):
        one = await world.submit(mark(f"A{number}"))
        sent = len(world.provider.sent)

        _, came = await asyncio.gather(world.serve(), _cancel(world, one), return_exceptions=True)

        if isinstance(came, Conflict):
            assert await world.status(one) == "sent"
            assert len(world.provider.sent) == sent + 1
        else:
            assert came.status == "cancelled"
            assert await world.status(one) == "cancelled"
            assert len(world.provider.sent) == sent


async def test_what_has_left_or_is_over_is_not_cancelled_and_says_why(world: World) -> None:
    sent = await world.submit()
    await world.serve()
    with pytest.raises(Conflict, match="all of it has left"):
        await _cancel(world, sent)
    world.provider.verdicts.append(Evidenced("webhook"))
    await world.confirm()
    with pytest.raises(Conflict, match="is confirmed: nothing of it waits"):
        await _cancel(world, sent)
    waiting = await world.submit(mark("A2"))
    await _cancel(world, waiting)

    with pytest.raises(Conflict) as again:
        await _cancel(world, waiting)

    assert again.value.code == "cancelled_already"
    assert len(await world.corrected(waiting)) == 1


@pytest.mark.both_databases
async def test_what_needs_attention_can_be_given_up_and_says_on_that_it_may_be_there(world: World) -> None:
    uncertain = await world.submit()
    await world.serve()
    world.provider.verdicts.append(Unclear("404"))
    world.provider.readings.append(ReadBack({0: SlotReadBack("I", matches=False)}))
    await world.confirm()
    assert await world.status(uncertain) == "needs_attention"

    await _cancel(world, uncertain)

    (record,) = await world.records(uncertain)
    assert (record["status"], record["findings"][0]["code"]) == ("cancelled", "other_value_in_mis")
    assert await world.status(uncertain) == "cancelled"


@pytest.mark.both_databases
async def test_a_mark_that_waited_for_a_cancelled_one_goes(world: World) -> None:
    world.provider.max_records = 1
    first = await world.submit(mark("A1"))
    await world.serve()
    blocked = await world.submit(mark("A1", code="N"), mark("A2"))
    await world.serve()

    await _cancel(world, blocked)

    assert await world.status(first) == "sent"
    assert ("serve_lane", "hillside:session-marks") in world.waker.wakes


async def test_only_those_who_may_cancel_do(world: World) -> None:
    waiting = await world.submit()
    cancels = world.corrections.cancels

    with pytest.raises(NotFound):
        await cancels.one(Caller("key_2", "another", frozenset({Scope.SUBMIT})), waiting, BOB)
    with pytest.raises(Forbidden):
        await cancels.one(Caller("key_3", "app", frozenset({Scope.READ})), waiting, BOB)
    with pytest.raises(NotFound):
        await cancels.one(CALLER, "wb_none", BOB)
    own = Caller("key_4", "app", frozenset({Scope.SUBMIT}))
    assert (await cancels.one(own, waiting, BOB)).status == "cancelled"
