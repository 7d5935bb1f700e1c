"""When lists are fetched: by day each school at its own place in each round, and early from the beginning."""

from collections.abc import Set
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from writeback.core.settings import LookupSettings
from writeback.domain.school_settings.year import DayKind, SchoolYear, Stretch
from writeback.flow.schools.sync_times import last_moment, next_sync

LONDON, DUBAI = ZoneInfo("Europe/London"), ZoneInfo("Asia/Dubai")
SETTINGS = LookupSettings()
SCHOOLS = [f"school-{number}" for number in range(400)]
SATURDAY = datetime(2026, 7, 11, tzinfo=LONDON)
MONDAY = datetime(2026, 7, 13, tzinfo=LONDON)


def since(school: str, now: datetime, zone: ZoneInfo = LONDON) -> datetime:
    found = last_moment(school, zone, now.astimezone(UTC), SETTINGS)
    assert found is not None
    return found.astimezone(zone)


def at(day: datetime, hour: int, minute: int = 0) -> datetime:
    return day.replace(hour=hour, minute=minute)


@pytest.mark.parametrize("zone", [LONDON, DUBAI])
def test_each_school_has_a_moment_of_its_own_early_on_its_own_clock(zone: ZoneInfo) -> None:
    moments = [since(school, at(MONDAY, 6, 45).replace(tzinfo=zone), zone) for school in SCHOOLS]
    assert all(moment.date() == MONDAY.date() and time(4) <= moment.time() <= time(6, 30) for moment in moments)
    quarters = {(moment.hour, moment.minute // 15) for moment in moments}
    assert len(quarters) == 10, "they are spread over all of it"
    assert moments == [since(school, at(MONDAY, 6, 50).replace(tzinfo=zone), zone) for school in SCHOOLS]


def test_nothing_more_is_asked_for_at_a_weekend() -> None:
    for day in (SATURDAY, SATURDAY + timedelta(days=1)):
        assert {since(school, at(day, 12)).weekday() for school in SCHOOLS} == {4}


def test_before_its_moment_it_is_the_school_day_before_that_counts() -> None:
    assert {since(school, at(MONDAY, 3)).date() for school in SCHOOLS} == {(MONDAY - timedelta(days=3)).date()}


def test_what_was_missed_is_made_up_for_over_the_day_and_not_at_the_morning_registers() -> None:
    def due(hour: int, minute: int = 0) -> int:
        return sum(since(school, at(MONDAY, hour, minute)).date() == MONDAY.date() for school in SCHOOLS)

    assert (due(7, 29), due(8, 30), due(9, 29)) == (len(SCHOOLS), 0, 0)
    assert 0 < due(10, 30) < len(SCHOOLS) / 3
    assert due(15, 30) == len(SCHOOLS)


def test_it_can_be_switched_off() -> None:
    assert last_moment("hillside", LONDON, MONDAY, LookupSettings(full_each_school_day=False)) is None


def test_a_morning_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValidationError, match="WRITEBACK_LOOKUPS__FULL_FROM"):
        LookupSettings(full_from=time(7), full_until=time(6))


# The next sync.

TERM = {(MONDAY + timedelta(days=n)).date().isoformat() for n in (-4, -3, 0, 1, 2, 3, 4)}
"""School days: Thursday and Friday before, and the week of MONDAY; then a holiday."""
FRIDAY = MONDAY + timedelta(days=4)


def following(now: datetime, days: Set[str] = TERM, school: str = "hillside", **more: Any) -> datetime:
    settings = LookupSettings(**more)
    return next_sync(school, LONDON, now.astimezone(UTC), days, settings).astimezone(LONDON)


def early(day: datetime) -> datetime:
    """Return the school's moment of that morning."""
    return datetime.combine(day, since("hillside", at(MONDAY, 6, 45)).timetz(), LONDON)


def test_each_school_has_a_place_of_its_own_in_each_quarter_of_an_hour() -> None:
    places = [following(at(MONDAY, 10), school=school) - at(MONDAY, 10) for school in SCHOOLS]
    assert all(timedelta(minutes=7.5) <= place <= timedelta(minutes=22.5) for place in places)
    assert len({place // timedelta(minutes=1) % 15 for place in places}) == 15
    assert places == [following(at(MONDAY, 10), school=school) - at(MONDAY, 10) for school in SCHOOLS]


def test_from_then_on_it_keeps_to_its_place() -> None:
    first = following(at(MONDAY, 10, 3))
    assert [following(first + timedelta(seconds=late)) - first for late in (0, 30, 300)] == [timedelta(minutes=15)] * 3


def test_after_the_last_of_the_evening_comes_the_full_sync_of_the_morning() -> None:
    assert following(at(MONDAY, 18, 58)) == early(MONDAY + timedelta(days=1))


def test_after_the_full_sync_it_begins_when_the_night_is_over() -> None:
    begins = following(early(MONDAY))
    assert at(MONDAY, 7) <= begins < at(MONDAY, 7, 15)
    assert following(begins) == begins + timedelta(minutes=15)


def test_days_without_lessons_have_that_of_the_morning_alone() -> None:
    found = [at(FRIDAY, 18, 58)]
    for _ in range(8):
        found.append(following(found[-1]))
    assert found[1:] == [early(FRIDAY + timedelta(days=n)) for n in range(1, 9)]
    assert following(at(FRIDAY + timedelta(days=3), 11)) == early(FRIDAY + timedelta(days=4))


def test_a_saturday_with_lessons_is_a_school_day() -> None:
    saturday = FRIDAY + timedelta(days=1)
    with_saturday = {*TERM, saturday.date().isoformat()}
    assert at(saturday, 7) <= following(early(saturday), with_saturday) < at(saturday, 7, 15)
    assert following(at(saturday, 10), with_saturday) < at(saturday, 10, 23)


def test_where_no_timetable_is_known_each_weekday_is_a_school_day() -> None:
    assert following(at(MONDAY + timedelta(days=7), 11), set()) < at(MONDAY + timedelta(days=7), 11, 23)


def test_without_full_syncs_a_holiday_is_not_slept_through() -> None:
    next_week = MONDAY + timedelta(days=7)
    assert following(at(next_week, 11), full_each_school_day=False) < at(next_week, 11, 23)
    assert at(next_week, 7) <= following(at(FRIDAY, 20), full_each_school_day=False) < at(next_week, 7, 15)


def test_the_night_can_be_done_without() -> None:
    assert following(at(MONDAY, 2), night_from=time(0), night_until=time(0)) < at(MONDAY, 2, 23)


def test_the_night_is_that_of_the_schools_own_clock() -> None:
    now = at(MONDAY, 16, 30)  # 19:30 in Dubai
    found = next_sync("hillside", DUBAI, now.astimezone(UTC), TERM, SETTINGS)
    assert found.astimezone(DUBAI).date() == (MONDAY + timedelta(days=1)).date()


SUMMER = SchoolYear((Stretch(DayKind.HOLIDAY, date(2026, 7, 13), date(2026, 9, 2)),))


def moments(begin: datetime, until: date, year: SchoolYear, settings: LookupSettings = SETTINGS) -> list[datetime]:
    """Return when a school is fetched, one after the other, from a moment on until a day."""
    found = [begin]
    while found[-1].date() < until:
        found.append(
            next_sync("hillside", LONDON, found[-1].astimezone(UTC), set(), settings, year.closed).astimezone(LONDON)
        )
    return found[1:]


def test_in_the_holidays_lists_are_fetched_once_a_week_and_on_the_day_before_school() -> None:
    found = moments(at(MONDAY, 12), date(2026, 9, 3), SUMMER)

    weekly = [date(2026, 7, 20) + timedelta(days=7 * week) for week in range(7)]
    assert sorted({one.date() for one in found}) == [*weekly, date(2026, 9, 2), date(2026, 9, 3)]
    before_school = [one for one in found if one.date() == date(2026, 9, 2)]
    assert [time(4) <= one.time() <= time(6, 30) for one in before_school] == [True]


def test_the_full_sync_before_school_is_one_from_the_beginning() -> None:
    before = next_sync("hillside", LONDON, at(datetime(2026, 8, 31, tzinfo=LONDON), 12), set(), SETTINGS, SUMMER.closed)

    found = last_moment("hillside", LONDON, before, SETTINGS)

    assert found is not None
    assert found > at(datetime(2026, 8, 31, tzinfo=LONDON), 12)


def test_a_single_inset_day_has_that_of_the_morning_alone() -> None:
    inset = SchoolYear((Stretch(DayKind.INSET, date(2026, 7, 14), date(2026, 7, 14)),))

    found = [one for one in moments(at(MONDAY, 18, 50), date(2026, 7, 15), inset) if one.date() == date(2026, 7, 14)]

    assert [time(4) <= one.time() <= time(6, 30) for one in found] == [True]


def test_a_closure_that_may_be_of_a_part_of_the_school_is_not_slept_through() -> None:
    closed = SchoolYear((Stretch(DayKind.CLOSURE, date(2026, 7, 13), date(2026, 7, 20)),))

    assert moments(at(MONDAY, 8), date(2026, 7, 14), closed) == moments(at(MONDAY, 8), date(2026, 7, 14), SchoolYear())


def test_holidays_without_end_are_looked_at_once_a_week_where_there_are_no_full_syncs() -> None:
    settings = LookupSettings(full_each_school_day=False)

    found = moments(at(MONDAY, 12), date(2026, 7, 25), SUMMER, settings)

    assert [one.date() for one in found] == [date(2026, 7, 20), date(2026, 7, 27)]
