"""By which day a school's records are judged."""

from datetime import UTC, date, datetime

import pytest

from writeback.domain.school import School

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
