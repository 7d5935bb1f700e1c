"""`observed_at`: what was seen before goes over nothing that was entered after that."""

import json
from datetime import timedelta

import pytest

from tests.integration.flow.conftest import CALLER, World, mark
from writeback.core.errors import InvalidSubmission
from writeback.domain.actor import Actor
from writeback.domain.outcome import Evidenced, ReadBack, SlotReadBack, Uncertain
from writeback.domain.school import LateRegisters
from writeback.flow.correct.draft import Order

pytestmark = pytest.mark.sqlite_first

MINUTE = timedelta(minutes=1)
AT_850, AT_900, AT_930 = "2026-01-12T08:50:00Z", "2026-01-12T09:00:00Z", "2026-01-12T09:30:00Z"


def seen(at: str, code: str = "/", **changes):
    return mark("A1", code=code, observed_at=at, **changes)


def codes_sent(world: World) -> list[str]:
    return [one["code"] for marks in world.provider.sent for one in marks]


def holds(*values: str | None, matches: bool = False) -> ReadBack:
    return ReadBack({place: SlotReadBack(value, matches=matches) for place, value in enumerate(values)})


async def confirmed(world: World, *marks) -> str:
    """Submit marks and see them into the MIS, which has nothing there."""
    world.provider.readings = [holds(None)]
    writeback_id = await world.submit(*marks)
    await world.serve()
    world.provider.verdicts.append(Evidenced("poll"))
    await world.confirm()
    assert await world.status(writeback_id) == "confirmed"
    world.provider.readings.clear()
    return writeback_id


async def send_late(world: World, setting: LateRegisters = LateRegisters.SEND) -> None:
    await world.flow.registry.patch("hillside", {"late_registers": setting})


async def test_a_late_mark_leaves_what_the_office_has_entered_and_both_are_shown(world: World):
    world.clock.advance(120 * MINUTE)
    world.provider.readings = [holds("I")]
    writeback_id = await world.submit(seen(AT_850))
    await world.serve()
    assert world.provider.sent == []
    assert await world.status(writeback_id) == "confirmed"
    (record,) = await world.records(writeback_id)
    assert record["evidence"] == "left as it was"
    (finding,) = record["findings"]
    assert finding["code"] == "left_as_it_was"
    assert "has I there" in finding["message"]
    assert "/ was seen at 08:50 on 12 January" in finding["message"]
    assert "without observed_at" in finding["hint"]
    assert finding["pointer"] == "/records/0/code"


@pytest.mark.parametrize("value", [None, "N"])
async def test_a_late_mark_goes_where_nothing_has_been_entered(world: World, value):
    world.clock.advance(120 * MINUTE)
    world.provider.readings = [holds(value)]
    await world.submit(seen(AT_850))
    await world.serve()
    assert codes_sent(world) == ["/"]


async def test_a_mark_that_comes_as_it_is_seen_is_not_looked_for_first(world: World):
    await world.submit(seen(AT_900))
    await world.serve()
    assert codes_sent(world) == ["/"]


async def test_a_mark_that_came_in_time_and_had_to_wait_goes_over_nothing_entered_meanwhile(world: World):
    world.provider.outcomes = [Uncertain("no answer")]
    writeback_id = await world.submit(seen(AT_900))
    await world.serve()
    world.clock.advance(120 * MINUTE)
    world.provider.readings = [holds("I")]
    await world.serve()
    assert codes_sent(world) == ["/"]
    assert (await world.records(writeback_id))[0]["evidence"] == "left as it was"


async def test_a_late_mark_goes_over_what_we_have_written_there_before(world: World):
    await confirmed(world, seen("2026-01-12T08:40:00Z", "I"))
    world.clock.advance(120 * MINUTE)
    world.provider.readings = [holds("I")]
    await world.submit(seen(AT_850))
    await world.serve()
    assert codes_sent(world) == ["I", "/"]


async def test_a_late_mark_does_not_go_over_another_that_the_office_has_put_in_the_place_of_ours(world: World):
    await confirmed(world, seen("2026-01-12T08:40:00Z", "I"))
    world.clock.advance(120 * MINUTE)
    world.provider.readings = [holds("N/A")]
    late = await world.submit(seen(AT_850))
    await world.serve()
    assert codes_sent(world) == ["I"]
    assert (await world.records(late))[0]["evidence"] == "left as it was"


@pytest.mark.parametrize("other", [mark("A1", code="I"), seen("2026-01-12T08:55:00Z", "I")])
async def test_a_late_mark_does_not_go_over_what_another_app_has_sent_since(world: World, other):
    await confirmed(world, other)
    world.clock.advance(120 * MINUTE)
    late = await world.submit(seen(AT_850))
    await world.serve()
    assert codes_sent(world) == ["I"]
    assert await world.status(late) == "superseded"
    (finding,) = (await world.records(late))[0]["findings"]
    assert finding["code"] == "later_mark_stands"
    assert finding["message"].startswith("/ was seen at 08:50 on 12 January; I, ")


async def test_of_marks_that_wait_together_the_one_seen_last_goes(world: World):
    world.clock.advance(30 * MINUTE)
    first = await world.submit(seen("2026-01-12T09:29:30Z", "I"))
    second = await world.submit(seen(AT_850))
    await world.serve()
    assert codes_sent(world) == ["I"]
    assert [await world.status(one) for one in (first, second)] == ["sent", "superseded"]


async def test_latest_accepted_wins_among_marks_that_do_not_say_when_they_were_seen(world: World):
    first = await world.submit(mark("A1", code="I"))
    second = await world.submit(mark("A1"))
    await world.serve()
    assert codes_sent(world) == ["/"]
    assert [await world.status(one) for one in (first, second)] == ["superseded", "sent"]


async def test_a_mark_that_does_not_say_goes_over_one_that_was_seen_before(world: World):
    await confirmed(world, seen(AT_900, "I"))
    await world.submit(mark("A1"))
    await world.serve()
    assert codes_sent(world) == ["I", "/"]


async def test_a_late_mark_waits_for_an_earlier_one_on_its_way_and_is_then_left_out_for_it(world: World):
    other = await world.submit(mark("A1", code="I"))
    await world.serve()
    world.clock.advance(120 * MINUTE)
    late = await world.submit(seen(AT_850))
    await world.serve()
    assert codes_sent(world) == ["I"]
    assert [await world.status(one) for one in (other, late)] == ["sent", "superseded"]


async def test_the_settings_of_a_school_have_late_marks_sent_and_say_so(world: World):
    await send_late(world)
    await confirmed(world, mark("A1", code="I"))
    world.clock.advance(120 * MINUTE)
    late = await world.submit(seen(AT_850))
    await world.serve()
    assert codes_sent(world) == ["I", "/"]
    (finding,) = (await world.records(late))[0]["findings"]
    assert finding["code"] == "sent_though_late"
    assert "settings of Hillside" in finding["message"]


async def test_only_if_blank_is_heeded_whatever_the_settings_say_of_late_marks(world: World):
    await send_late(world)
    world.clock.advance(120 * MINUTE)
    world.provider.readings = [holds("I")]
    writeback_id = await world.submit(seen(AT_850, only_if_blank=True))
    await world.serve()
    assert world.provider.sent == []
    assert "only_if_blank" in (await world.records(writeback_id))[0]["findings"][-1]["message"]


async def test_a_late_mark_in_a_slot_that_cannot_be_read_is_for_a_person(world: World):
    world.clock.advance(120 * MINUTE)
    world.provider.readings = [ReadBack({})]
    writeback_id = await world.submit(seen(AT_850))
    await world.serve()
    assert world.provider.sent == []
    assert await world.status(writeback_id) == "failed"
    (finding,) = (await world.records(writeback_id))[0]["findings"]
    assert (finding["code"], finding["pointer"]) == ("cannot_be_read_first", "/records/0/observed_at")


async def test_a_time_without_an_offset_is_the_schools_own_clock(world: World):
    world.clock.advance(timedelta(days=180))  # in July, an hour ahead of UTC
    day = world.clock.now().date()
    writeback_id = await world.submit(mark("A1", date=str(day), code="I", observed_at=f"{day}T09:00:00"))
    (kept,) = json.loads((await world.writeback(writeback_id)).records)
    assert kept["observed_at"] == f"{day}T08:00:00Z"


async def test_a_time_to_come_is_refused_and_a_clock_a_little_ahead_is_not(world: World):
    with pytest.raises(InvalidSubmission) as refused:
        await world.submit(seen(AT_930))
    assert refused.value.extra["findings"][0]["code"] == "observed_in_future"
    await world.submit(seen("2026-01-12T09:04:00Z"))


async def test_a_clock_that_is_ahead_does_not_make_a_mark_later_than_one_accepted_after_it(world: World):
    await world.submit(seen("2026-01-12T09:04:00Z", "I"))
    world.clock.advance(MINUTE)
    await world.submit(seen("2026-01-12T09:00:30Z"))
    await world.serve()
    assert codes_sent(world) == ["/"]


async def test_a_resubmission_is_told_of_a_later_mark_by_when_they_were_seen(world: World):
    failed = await world.fail(mark("A1", code="I"))
    world.clock.advance(120 * MINUTE)
    await confirmed(world, seen(AT_850))
    corrected = await world.corrections.resubmits.one(CALLER, failed, Order(), Actor("staff:ann"))
    assert [one.superseded_by for one in corrected.records] == [None]


async def test_a_late_mark_goes_over_ours_that_was_written_without_an_answer_and_then_superseded(world: World):
    world.provider.outcomes = [Uncertain("no answer")]
    first = await world.submit(mark("A1", code="I"))
    await world.serve()
    world.clock.advance(120 * MINUTE)
    world.provider.readings = [holds("I")]
    late = await world.submit(seen("2026-01-12T10:00:00Z"))
    await world.serve()
    assert codes_sent(world) == ["I", "/"]
    assert [await world.status(one) for one in (first, late)] == ["superseded", "sent"]
