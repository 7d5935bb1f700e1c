"""By which day a school's records are judged."""

from datetime import UTC, date, datetime

import pytest

from writeback.domain.school import Country, School

LATE = datetime(2026, 1, 12, 21, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("facts", "today", "latest"),
    [
        ({}, 12, 13),  # nobody has been asked yet: it may be the 13th there
        ({"asked_at": "2026-01-12T21:00:00+00:00"}, 12, 12),  # asked, and no zone was named: England's
        ({"asked_at": "2026-01-12T21:00:00+00:00", "timezone": "Asia/Dubai"}, 13, 13),
        ({"asked_at": "2026-01-12T21:00:00+00:00", "timezone": "America/New_York"}, 12, 12),
    ],
)
def test_nothing_is_taken_for_a_day_to_come_that_may_be_there(facts: dict[str, str], today: int, latest: int) -> None:
    school = School("s", "Hillside", "wonde", "Arbor", facts=facts)
    assert school.today(LATE) == date(2026, 1, today)
    assert school.latest_day(LATE) == date(2026, 1, latest)


@pytest.mark.parametrize(
    ("facts", "stated", "country"),
    [
        ({}, None, Country.ENGLAND),
        ({"country_code": "GBR"}, None, Country.ENGLAND),
        ({"country_code": "AUS"}, None, Country.ABROAD),
        ({"country_code": "AUS"}, Country.INDEPENDENT, Country.INDEPENDENT),
        ({"country_code": "GBR"}, Country.SCOTLAND, Country.SCOTLAND),
    ],
)
def test_whose_codes_a_school_uses_is_as_a_person_says_and_else_as_its_provider_does(
    facts: dict[str, str], stated: Country | None, country: Country
) -> None:
    assert School("s", "Hillside", "wonde", "Arbor", facts=facts, stated_country=stated).country is country
