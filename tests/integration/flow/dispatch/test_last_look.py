"""A mark whose first request got no answer, and which is then refused: the MIS is read before it ends as failed."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from tests.integration.flow.conftest import CALLER, World, mark
from tests.integration.flow.dispatch.test_revalidation import relist, sync
from writeback.domain.actor import Actor
from writeback.domain.finding import Finding
from writeback.domain.lookups import ListName
from writeback.domain.outcome import Outcome, ReadBack, Refused, Rejected, SlotReadBack, Taken, Uncertain
from writeback.flow.correct.draft import Order
from writeback.store.reads import timeline

pytestmark = pytest.mark.sqlite_first

REFUSED = Finding("not_allowed", "The register is closed.", "Ask the office.")
THERE = ReadBack({0: SlotReadBack("/", matches=True)})
BLANK = ReadBack({0: SlotReadBack(None, matches=False)})
OTHER = ReadBack({0: SlotReadBack("I", matches=False)})


async def refused_at_once(world: World) -> None:
    world.provider.outcomes = [Refused("no", {0: [REFUSED]})]
    await again(world)


async def refused_later(world: World) -> None:
    world.provider.outcomes = [Taken("1")]
    await again(world)
    world.provider.verdicts = [Rejected("no", {0: [REFUSED]})]
    await world.confirm()


async def again(world: World) -> None:
    world.clock.advance(timedelta(seconds=world.flow.settings.dispatch.backoff_cap_s))
    await world.serve()


async def no_answer(world: World, *, outcome: Outcome | None = None, **given: object) -> str:
    world.provider.outcomes = [outcome or Uncertain("timeout")]
    writeback_id = await world.submit(mark("A1", code="/"), **given)
    await world.serve()
    return writeback_id


def late(world: World) -> float:
    return world.flow.settings.confirm.late_after_s + 1


@pytest.fixture(params=[refused_at_once, refused_later])
def refuse(request: pytest.FixtureRequest) -> Callable[[World], Awaitable[None]]:
    refuse: Callable[[World], Awaitable[None]] = request.param
    return refuse


async def test_what_is_there_is_confirmed(world: World, refuse: Callable[[World], Awaitable[None]]):
    writeback_id = await no_answer(world)
    await refuse(world)
    assert await world.status(writeback_id) == "unknown"
    world.provider.readings = [THERE]
    await world.confirm()
    assert await world.status(writeback_id) == "confirmed"
    assert [one["code"] for one in (await world.records(writeback_id))[0]["findings"]] == ["written_before"]


@pytest.mark.parametrize("shown", [BLANK, OTHER])
async def test_what_is_not_there_fails_once_it_can_no_longer_come(
    world: World, refuse: Callable[[World], Awaitable[None]], shown: ReadBack
):
    writeback_id = await no_answer(world)
    await refuse(world)
    world.provider.readings = [shown]
    await world.confirm(late(world))
    assert await world.status(writeback_id) == "failed"
    assert [one["code"] for one in (await world.records(writeback_id))[0]["findings"]] == ["not_allowed"]
    assert len(world.provider.sent) == 2


async def test_it_does_not_fail_while_the_first_may_still_arrive(world: World):
    writeback_id = await no_answer(world, outcome=Uncertain("timeout"))
    world.provider.outcomes = [Refused("no", {0: [REFUSED]})]
    world.clock.advance(timedelta(seconds=1.5 * world.flow.settings.dispatch.backoff_base_s))
    await world.serve()
    assert await world.status(writeback_id) == "unknown"
    world.provider.readings = [BLANK]
    await world.confirm()
    assert await world.status(writeback_id) == "unknown"
    world.provider.readings = [THERE]
    await world.confirm(late(world))
    assert await world.status(writeback_id) == "confirmed"


async def test_where_the_mis_does_not_show_it_a_person_is_asked(world: World):
    writeback_id = await no_answer(world)
    await refused_at_once(world)
    world.provider.readings = [ReadBack({})]
    await world.confirm(late(world))
    assert await world.status(writeback_id) == "needs_attention"
    codes = [one["code"] for one in (await world.records(writeback_id))[0]["findings"]]
    assert codes == ["not_allowed", "cannot_be_read_back"]


async def test_what_may_be_an_error_of_our_lists_goes_again_once_it_is_known_not_to_be_there(world: World):
    writeback_id = await no_answer(world)
    world.provider.outcomes = [Refused("no", {0: [Finding("student_unknown", "Who?", "Look.")]})]
    await again(world)
    world.provider.readings = [BLANK]
    await world.confirm(late(world))
    assert await world.status(writeback_id) == "queued"
    assert (await world.records(writeback_id))[0].get("findings", []) == []


async def test_its_neighbour_that_was_not_refused_goes_again(world: World):
    world.provider.outcomes = [Uncertain("timeout")]
    writeback_id = await world.submit(mark("A1", code="/"), mark("A2", code="/"))
    await world.serve()
    await refused_at_once(world)
    world.provider.readings = [ReadBack({place: SlotReadBack(None, matches=False) for place in (0, 1)})]
    await world.confirm(late(world))
    assert [one["status"] for one in await world.records(writeback_id)] == ["failed", "queued"]
    await world.serve()
    assert [[one["student_id"] for one in sent] for sent in world.provider.sent] == [["A1", "A2"], ["A1", "A2"], ["A2"]]


async def test_a_pupil_who_left_meanwhile_may_have_the_mark(world: World):
    writeback_id = await no_answer(world)
    await relist(world, ListName.STUDENTS, {"A2": {"id": "A2"}})
    await world.serve()
    await sync(world)
    await world.serve()
    assert await world.status(writeback_id) == "unknown"
    assert "it may have arrived" in await _last_detail(world, writeback_id)
    world.provider.readings = [THERE]
    await world.confirm()
    assert await world.status(writeback_id) == "confirmed"


async def test_only_what_no_request_carried_was_not_sent(world: World):
    refused = await world.fail(mark("A3"))
    never = await world.submit(mark("A1"))
    await world.corrections.resubmits.one(CALLER, refused, Order(), Actor("staff:ann", "again"))
    await relist(world, ListName.STUDENTS, {"A2": {"id": "A2"}})
    for _ in range(3):
        await world.serve()
        await sync(world)
    details = [await _last_detail(world, one) for one in (never, refused)]
    assert [one.rpartition("; ")[2] for one in details] == ["it was not sent", "it does not go again"]


async def _last_detail(world: World, writeback_id: str) -> str:
    async with world.flow.db.read() as session:
        return (await timeline.events_of(session, writeback_id))[-1].detail or ""


async def test_a_deadline_does_not_end_what_may_be_there(world: World):
    expires = (world.clock.now() + timedelta(hours=1)).isoformat()
    writeback_id = await no_answer(world, expires_at=expires)
    world.clock.advance(timedelta(hours=2))
    await world.sweeper.sweep()
    assert await world.status(writeback_id) == "unknown"
    world.provider.readings = [THERE]
    await world.confirm()
    assert await world.status(writeback_id) == "confirmed"
