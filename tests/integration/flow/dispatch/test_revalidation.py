"""What waits is validated again before it is sent: against today's lists, not those of when it was accepted."""

from datetime import timedelta

import pytest

from tests.integration.flow.conftest import TODAY, World, mark
from writeback.domain.finding import Finding
from writeback.domain.lookups import ListName, Lookup
from writeback.domain.outcome import Evidenced, NotReached, Refused, Taken
from writeback.store.schools import lists

pytestmark = pytest.mark.sqlite_first


async def relist(world: World, name: ListName, rows: dict) -> None:
    """Put another list into the cache, as a sync would, and into the provider's mouth."""
    world.clock.advance(timedelta(seconds=1))
    world.provider.rows[name] = rows
    async with world.flow.db.write() as session:
        known = await lists.load(session, "hillside", name)
        version = known.version + 1 if known else 1
        await lists.save(session, "hillside", Lookup(name, version, world.clock.now(), rows))
    world.clock.advance(timedelta(seconds=30))  # past the moment for which versions are remembered


async def sync(world: World) -> None:
    world.clock.advance(timedelta(seconds=6))
    await world.syncer.sync_school("hillside")
    world.clock.advance(timedelta(seconds=6))


async def test_a_pupil_who_left_meanwhile_fails_after_the_list_was_fetched_once_more(world: World):
    writeback_id = await world.submit(mark("A1"), mark("A2"))
    await relist(world, ListName.STUDENTS, {"A2": {"id": "A2"}})
    await world.serve()
    row = await world.writeback(writeback_id)
    assert (row.status, row.hold_reason) == ("queued", "lists_doubted")
    assert world.provider.sent == []

    await sync(world)
    await world.serve()
    records = await world.records(writeback_id)
    assert records[0]["status"] == "failed"
    assert records[0]["findings"][0]["code"] == "student_not_on_roll"
    assert [[one["student_id"] for one in marks] for marks in world.provider.sent] == [["A2"]]


async def test_a_list_that_was_wrong_for_a_moment_costs_no_mark(world: World):
    writeback_id = await world.submit(mark("A1"))
    await relist(world, ListName.STUDENTS, {"A2": {"id": "A2"}})
    await world.serve()
    await relist(world, ListName.STUDENTS, {"A1": {"id": "A1"}, "A2": {"id": "A2"}})
    await world.serve()
    assert await world.status(writeback_id) == "sent"


async def test_a_list_that_cannot_be_fetched_again_is_not_believed(world: World):
    writeback_id = await world.submit(mark("A1"))
    await relist(world, ListName.STUDENTS, {"A2": {"id": "A2"}})
    for _ in range(3):
        await world.serve()
        world.clock.advance(timedelta(seconds=6))
    assert (await world.writeback(writeback_id)).hold_reason == "lists_doubted"


async def test_a_code_that_was_renamed_meanwhile_fails_with_what_to_do(world: World):
    writeback_id = await world.submit(mark("A1", code="I"))
    codes = {"C/": {"id": "C/", "code": "/", "active": True, "type": "PRESENT"}}
    await relist(world, ListName.ATTENDANCE_CODES, codes)
    await world.serve()
    await sync(world)
    await world.serve()
    assert await world.status(writeback_id) == "failed"
    assert (await world.records(writeback_id))[0]["findings"][0]["code"] == "code_unknown"
    assert world.provider.sent == []


async def test_a_school_that_went_to_a_mis_which_cannot_take_it_fails_what_waits(world: World):
    writeback_id = await world.submit(mark("A1"))
    overrides = {"attendance.session": {"supported": False, "reason": "not in this MIS"}}
    await world.flow.registry.patch("hillside", {"overrides": overrides})
    await world.serve()
    assert await world.status(writeback_id) == "failed"
    assert (await world.records(writeback_id))[0]["findings"][0]["code"] == "writeback_not_supported"


async def test_the_others_of_the_lane_go_while_one_is_in_question(world: World):
    in_doubt = await world.submit(mark("A1"))
    good = await world.submit(mark("A2"))
    await relist(world, ListName.STUDENTS, {"A2": {"id": "A2"}})
    await world.serve()
    assert await world.status(in_doubt) == "queued"
    assert await world.status(good) == "sent"


async def test_a_day_that_was_allowed_when_it_was_accepted_is_judged_by_the_rules_of_now(world: World):
    tomorrow = str(TODAY + timedelta(days=1))
    await world.flow.registry.patch("hillside", {"overrides": {"attendance.session": {"seen_codes": []}}})
    writeback_id = await world.submit(mark("A1", date=tomorrow))
    await world.flow.registry.patch("hillside", {"overrides": {}})

    await world.serve()

    (record,) = await world.records(writeback_id)
    assert world.provider.sent == []
    assert record["status"] == "failed"
    assert record["findings"][-1]["code"] == "present_in_future"


async def test_what_becomes_of_the_other_records_is_no_new_doubt(world: World):
    said = Finding("student_not_on_roll", "Not on roll.", "Ask the office.")
    world.provider.outcomes = [Refused("no", {0: [said]}), Taken("A2")]
    writeback_id = await world.submit(mark("A1"), mark("A2"))
    await world.serve()
    await world.serve()  # A2 alone
    await sync(world)
    world.provider.verdicts = [Evidenced("poll")]
    await world.confirm()
    await world.serve()
    assert [record["status"] for record in await world.records(writeback_id)] == ["sent", "confirmed"]


async def test_a_list_that_was_asked_for_in_vain_is_asked_for_again_within_a_minute(world: World):
    await world.submit(mark("A1"))
    await relist(world, ListName.STUDENTS, {"A2": {"id": "A2"}})
    await world.serve()
    world.provider.no_lists[ListName.STUDENTS] = NotReached("down")
    assert await world.syncer.sync_due("hillside")
    for _ in range(6):
        world.clock.advance(timedelta(seconds=6))
        assert await world.syncer.sync_due("hillside") is None
        await world.serve()
    world.clock.advance(timedelta(seconds=24))
    assert await world.syncer.sync_due("hillside")
