"""`only_if_blank`: what the office has entered is left as it was, and the record says so."""

from datetime import timedelta

import pytest

from tests.integration.flow.conftest import World, mark
from writeback.domain.finding import Finding
from writeback.domain.outcome import Blocked, Evidenced, NotReached, ReadBack, Refused, SlotReadBack
from writeback.domain.school import HoldReason

pytestmark = pytest.mark.sqlite_first

SECOND = timedelta(seconds=1)


def blank_only(student: str, **changes):
    return mark(student, only_if_blank=True, **changes)


def sent_students(world: World) -> list[list[str]]:
    return [[one["student_id"] for one in marks] for marks in world.provider.sent]


@pytest.mark.parametrize("value", [None, "N"])
async def test_a_mark_is_written_where_the_mis_has_none_or_n(world: World, value):
    world.provider.readings = [ReadBack({0: SlotReadBack(value, matches=False)})]
    writeback_id = await world.submit(blank_only("A1"))
    await world.serve()
    assert sent_students(world) == [["A1"]]
    assert await world.status(writeback_id) == "sent"


async def test_another_mark_is_left_as_it_was_and_shown(world: World):
    world.provider.readings = [ReadBack({0: SlotReadBack("I", matches=False)})]
    writeback_id = await world.submit(blank_only("A1"))
    await world.serve()
    assert world.provider.sent == []
    assert await world.status(writeback_id) == "confirmed"
    (record,) = await world.records(writeback_id)
    assert record["evidence"] == "left as it was"
    assert record["findings"][0]["code"] == "left_as_it_was"
    assert "has I there" in record["findings"][0]["message"]
    assert [one.outcome for one in await world.attempts()] == ["left"]


async def test_the_same_mark_there_already_is_confirmed_without_writing(world: World):
    world.provider.readings = [ReadBack({0: SlotReadBack("/", matches=True)})]
    writeback_id = await world.submit(blank_only("A1"))
    await world.serve()
    assert world.provider.sent == []
    assert (await world.records(writeback_id))[0]["evidence"] == "read-back"


async def test_only_the_records_that_ask_for_it_are_looked_at_and_the_rest_goes(world: World):
    world.provider.readings = [ReadBack({0: SlotReadBack("I", matches=False), 1: SlotReadBack(None, matches=False)})]
    writeback_id = await world.submit(blank_only("A1"), mark("A2"), blank_only("A3"))
    await world.serve()
    assert sent_students(world) == [["A2", "A3"]]
    assert [one["status"] for one in await world.records(writeback_id)] == ["confirmed", "sent", "sent"]
    (request,) = await world.requests()
    assert request.members == [[writeback_id, [1, 2]]]
    assert len(request.slots) == 2


async def test_a_slot_that_cannot_be_read_is_not_written_over(world: World):
    world.provider.readings = [ReadBack({})]
    writeback_id = await world.submit(blank_only("A1"))
    await world.serve()
    assert world.provider.sent == []
    assert await world.status(writeback_id) == "failed"
    assert (await world.records(writeback_id))[0]["findings"][0]["code"] == "cannot_be_read_first"


async def test_a_mis_that_cannot_be_reached_for_the_look_is_tried_again(world: World):
    world.provider.readings = [NotReached("refused")]
    writeback_id = await world.submit(blank_only("A1"))
    await world.serve()
    assert world.provider.sent == []
    row = await world.writeback(writeback_id)
    assert (row.status, row.next_attempt_at is not None) == ("queued", True)


async def test_a_refused_token_at_the_look_holds_the_school(world: World):
    world.provider.readings = [Blocked(HoldReason.TOKEN_REFUSED, "401")]
    writeback_id = await world.submit(blank_only("A1"))
    await world.serve()
    assert await world.status(writeback_id) == "held"


async def test_an_adapter_that_fails_at_the_look_has_sent_nothing(world: World):
    async def fail(*_):
        raise RuntimeError

    world.provider.read_back = fail
    writeback_id = await world.submit(blank_only("A1"))
    await world.serve()
    assert world.provider.sent == []
    assert [one.outcome for one in await world.attempts()] == ["not_reached"]
    assert await world.status(writeback_id) == "queued"


async def test_a_provider_that_sees_to_it_itself_is_not_asked_first(world: World):
    world.provider.sees_to_blanks = True
    await world.submit(blank_only("A1"))
    await world.serve()
    assert sent_students(world) == [["A1"]]


async def test_a_worker_that_lost_its_lease_during_the_look_sends_nothing(world: World):
    async def look_long(*_):
        world.clock.advance(world.dispatcher.flow.settings.dispatch.lease_s * 2 * SECOND)
        await world.dispatcher.serve("hillside:session-marks")  # the next worker
        return ReadBack({0: SlotReadBack(None, matches=False)})

    looks = [look_long, _blank]

    async def read_back(*args):
        return await looks.pop(0)(*args)

    world.provider.read_back = read_back
    writeback_id = await world.submit(blank_only("A1"))
    await world.serve()
    world.clock.advance(600 * SECOND)
    assert len(world.provider.sent) <= 1
    assert await world.status(writeback_id) in ("queued", "sent")


async def _blank(*_):
    return ReadBack({0: SlotReadBack(None, matches=False)})


async def test_a_mark_that_waits_is_not_superseded_by_one_that_may_be_left_out(world: World):
    first = await world.submit(mark("A1", code="/"))
    await world.serve()
    correction = await world.submit(mark("A1", code="I"))
    if_blank = await world.submit(blank_only("A1", code="N"))
    world.provider.verdicts = [Evidenced("poll"), Evidenced("poll")]
    await world.confirm()
    await world.serve()
    await world.confirm()
    world.provider.readings = [ReadBack({0: SlotReadBack("I", matches=False)})]
    await world.serve()
    assert [await world.status(one) for one in (first, correction, if_blank)] == ["confirmed"] * 3
    assert [[one["code"] for one in marks] for marks in world.provider.sent] == [["/"], ["I"]]


async def test_a_mark_that_goes_again_is_not_superseded_by_a_later_one_that_was_written_if_blank(world: World):
    world.provider.outcomes = [Refused("no", {0: [Finding("code_unknown", "Not known.", "Choose another.")]})]
    first = await world.submit(mark("A1", code="/"))
    await world.serve()
    await world.submit(blank_only("A1", code="N"))
    world.provider.readings = [ReadBack({0: SlotReadBack(None, matches=False)})]
    await world.syncer.sync_school("hillside")
    world.clock.advance(timedelta(seconds=40))
    await world.serve()
    await world.serve()
    assert await world.status(first) != "superseded"
