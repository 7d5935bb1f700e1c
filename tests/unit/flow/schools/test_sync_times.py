"""When lists are fetched from the beginning: early each school day, each school at its own moment."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from writeback.core.settings import LookupSettings
from writeback.flow.schools.sync_times import last_moment

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
