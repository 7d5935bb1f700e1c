"""Every provider: what is read back from the MIS, the lists by page and by cursor, and what a school reports."""

from dataclasses import replace
from datetime import timedelta

import pytest

from writeback.domain.lookups import ATTRIBUTE_LISTS, ListName
from writeback.domain.outcome import Blocked, NotReached, ReadBack, SlotReadBack
from writeback.domain.school import HoldReason
from writeback.providers.base import LookupFailed, SchoolReport

LISTS = [name for name in ListName if name not in ATTRIBUTE_LISTS]


@pytest.fixture
async def fresh(world):
    """The world, whose provider reads the MIS again each time."""
    await world.change(cache_ttl_s=0)
    return world


async def test_a_slot_is_empty_before_and_full_after(fresh):
    lookups = await fresh.lookups()
    sent = await fresh.take(fresh.register(), lookups)
    before = await fresh.provider.read_back(fresh.account, sent, lookups)

    await fresh.advance()

    after = await fresh.provider.read_back(fresh.account, sent, lookups)
    assert isinstance(before, ReadBack)
    assert isinstance(after, ReadBack)
    assert set(before.readings.values()) == {SlotReadBack(None, False)}
    assert after.readings == {position: SlotReadBack("/", True) for position in range(3)}


async def test_a_lesson_is_read_back_by_its_period(fresh):
    lookups = await fresh.lookups()
    sent = await fresh.take(await fresh.lesson_register("L"), lookups)
    await fresh.advance()

    read = await fresh.provider.read_back(fresh.account, sent, lookups)

    assert read.readings == {position: SlotReadBack("L", True) for position in range(3)}


async def test_the_offices_mark_is_read_as_it_is(fresh):
    lookups = await fresh.lookups()
    sent = await fresh.take(fresh.register(), lookups)
    await fresh.advance()
    pupil = fresh.pupils[1]
    office = {"student_id": pupil, "date": fresh.today.isoformat(), "session": "AM", "code": "M"}
    await fresh.order("schools/{school}/marks", marks=[office])

    read = await fresh.provider.read_back(fresh.account, sent, lookups)

    assert read.readings[0] == SlotReadBack("/", True)
    assert read.readings[1] == SlotReadBack("M", False)


async def test_a_dash_is_no_mark(fresh):
    await fresh.change(custom_codes=[{"code": "-", "description": "No mark recorded", "type": "VOID"}])
    lookups = await fresh.lookups()
    sent = await fresh.take(fresh.register(), lookups)
    office = {"student_id": fresh.pupils[1], "date": fresh.today.isoformat(), "session": "AM", "code": "-"}
    await fresh.order("schools/{school}/marks", marks=[office])

    read = await fresh.provider.read_back(fresh.account, sent, lookups)

    assert read.readings[1] == SlotReadBack(None, False)


async def test_a_whole_register_is_read_over_several_pages(fresh):
    lookups = await fresh.lookups()
    records = fresh.register(pupils=fresh.pupils)
    sent = await fresh.take(records, lookups)
    await fresh.advance()

    read = await fresh.provider.read_back(fresh.account, sent, lookups)

    assert len(read.readings) == len(records) == 20
    assert all(reading.matches for reading in read.readings.values())


async def test_a_reading_tells_its_age_or_is_fresh(world):
    """Xporter may answer from a copy that is 30 minutes old (2067); a reading from before the marks must say so."""
    lookups = await world.lookups()
    first = await world.take(world.register("N"), lookups)
    await world.advance()
    await world.provider.read_back(world.account, first, lookups)
    world.clock.advance(timedelta(minutes=5))
    sent = await world.take(world.register("L"), lookups)
    await world.advance(5)

    read = await world.provider.read_back(world.account, sent, lookups)

    if all(reading.matches for reading in read.readings.values()):
        assert read.as_of is None or read.as_of >= sent.sent_at
    else:
        assert read.as_of is not None
        assert read.as_of < sent.sent_at


async def test_a_read_that_is_not_granted_blocks(fresh):
    lookups = await fresh.lookups()
    sent = await fresh.take(fresh.register(), lookups)
    await fresh.change(grants=[])

    read = await fresh.provider.read_back(fresh.account, sent, lookups)

    assert isinstance(read, Blocked)
    assert read.reason is HoldReason.SCOPE_MISSING


async def test_a_read_that_fails_for_now_is_not_reached(fresh):
    lookups = await fresh.lookups()
    sent = await fresh.take(fresh.register(), lookups)
    await fresh.order("faults", kind="500", method="GET")

    assert isinstance(await fresh.provider.read_back(fresh.account, sent, lookups), NotReached)


# Lists.


async def fetch(world, name, cursor=None):
    return await world.provider.fetch(world.account, name, cursor, world.window)


async def test_every_pupil_is_fetched_and_nothing_but_the_id(world):
    change = await fetch(world, ListName.STUDENTS)

    assert change.is_full
    on_roll = {pupil for register in world.school["registers"] for pupil in register["student_ids"]}
    assert dict(change.rows) == {pupil: {"id": pupil} for pupil in on_roll}
    assert len(on_roll) == 60


async def test_every_member_of_staff_is_fetched_and_nothing_but_the_id(world):
    change = await fetch(world, ListName.EMPLOYEES)

    assert len(change.rows) == world.school["staff"]
    assert all(set(row) == {"id"} for row in change.rows.values())


async def test_every_code_that_may_be_used_is_fetched(world):
    codes = (await world.ask("schools/{school}/codes"))["codes"]
    change = await fetch(world, ListName.ATTENDANCE_CODES)

    assert change.is_full
    active = {row["code"] for row in change.rows.values() if row["active"]}
    assert active == {code["code"] for code in codes if code["active"]}
    assert {row["type"] for row in change.rows.values() if row["code"] in "/LN"} == {"PRESENT", "UNAUTHORISED"}


async def test_the_lessons_of_each_day_in_the_window_are_fetched(world):
    change = await fetch(world, ListName.LESSONS)

    assert change.is_full
    first, last = world.window
    for offset in range((last - first).days + 1):
        day = (first + timedelta(days=offset)).isoformat()
        timetabled = (await world.ask("schools/{school}/lessons", date=day))["lessons"]
        fetched = {row["id"]: row for row in change.rows.values() if row["date"] == day}
        assert set(fetched) == {lesson["lesson_id"] for lesson in timetabled}
        for lesson in timetabled:
            row = fetched[lesson["lesson_id"]]
            assert row["period_instance_id"] == str(lesson["period_instance_id"])
            assert row["start_at"].startswith(lesson["start_at"][:16])  # January: London's clock is UTC's


async def test_a_lookup_resolves_what_is_sent(world):
    lookups = await world.lookups()
    row = lookups.attendance_codes.resolve("/")
    assert row["code"] == "/"
    assert lookups.attendance_codes.resolve(row["id"]) == row


@pytest.mark.parametrize("name", [ListName.STUDENTS, ListName.EMPLOYEES])
async def test_a_cursor_brings_only_what_changed(world, name):
    world.clock.advance(timedelta(minutes=30))
    first = await fetch(world, name)
    assert first.cursor
    world.clock.advance(timedelta(minutes=30))

    second = await fetch(world, name, first.cursor)

    assert not second.is_full
    assert second.rows == {}
    assert second.deleted == []
    assert second.cursor


async def test_a_cursor_brings_who_came_and_who_left(world):
    world.clock.advance(timedelta(minutes=30))
    first = await fetch(world, ListName.STUDENTS)
    world.clock.advance(timedelta(minutes=30))
    leaver, newcomer = world.pupils[0], "A555000111" if world.name == "wonde" else "555111"
    await world.change(remove_pupils=[leaver], add_pupils=[{"id": newcomer}])

    second = await fetch(world, ListName.STUDENTS, first.cursor)

    assert not second.is_full
    assert dict(second.rows) == {newcomer: {"id": newcomer}}
    assert list(second.deleted) == [leaver]


async def test_a_newcomer_is_found_where_the_provider_has_no_deletions(world):
    first = await fetch(world, ListName.STUDENTS)
    newcomer = "A555000111" if world.name == "wonde" else "555111"
    await world.change(add_pupils=[{"id": newcomer}])
    await world.order("faults", kind="status", status=404, path="/deletions", method="GET")

    second = await fetch(world, ListName.STUDENTS, first.cursor)

    assert newcomer in second.rows
    assert second.is_full is (world.name == "wonde")
    assert not second.deleted


@pytest.mark.parametrize("name", LISTS)
async def test_a_list_that_is_not_granted_says_so(world, name):
    await world.change(grants=[])

    with pytest.raises(LookupFailed) as caught:
        await fetch(world, name)

    assert isinstance(caught.value.outcome, Blocked)
    assert caught.value.outcome.reason is HoldReason.SCOPE_MISSING


@pytest.mark.parametrize("name", LISTS)
async def test_a_list_that_cannot_be_had_for_now_says_so(world, name):
    await world.order("faults", kind="503", method="GET")

    with pytest.raises(LookupFailed) as caught:
        await fetch(world, name)

    assert isinstance(caught.value.outcome, NotReached)


@pytest.mark.parametrize("name", LISTS)
async def test_half_a_list_is_no_list(world, name):
    await world.order("faults", kind="invalid_json", method="GET")

    with pytest.raises(LookupFailed):
        await fetch(world, name)


@pytest.mark.parametrize("name", LISTS)
async def test_a_school_that_nobody_knows_has_no_lists(world, name):
    stranger = replace(world.account, provider_school_id="A9999" if world.name == "wonde" else "9999999")

    with pytest.raises(LookupFailed):
        await world.provider.fetch(stranger, name, None, world.window)


# The report.


async def test_a_school_that_is_well_reports_so(world):
    report = await world.provider.report(world.account)

    assert isinstance(report, SchoolReport)
    assert report.is_online
    assert report.blocked is None
    assert report.facts


async def test_an_offline_school_reports_so(world):
    await world.change(online=False)
    report = await world.provider.report(world.account)
    assert isinstance(report, SchoolReport)
    assert not report.is_online


async def test_a_revoked_school_is_blocked(world):
    await world.change(access="revoked")
    report = await world.provider.report(world.account)
    assert isinstance(report, SchoolReport)
    assert report.blocked is not None


async def test_a_refused_token_is_reported(world):
    report = await world.provider.report(replace(world.account, credentials={"token": "wrong", "secret": "wrong"}))
    assert isinstance(report, SchoolReport)
    assert report.blocked is not None
    assert report.blocked.reason is HoldReason.TOKEN_REFUSED


async def test_a_provider_that_is_down_reports_nothing(world):
    assert isinstance(await world.provider.report(replace(world.account, base_url="http://127.0.0.1:9")), NotReached)
