"""Days and times as clients of Wonde write them, on the school's own clock."""

from zoneinfo import ZoneInfo

import pytest

from writeback.api.dropin.values import Field, day

ENGLAND, SYDNEY = ZoneInfo("Europe/London"), ZoneInfo("Australia/Sydney")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("2026-11-27", "2026-11-27"),
        ("2026-11-27 00:00:00 +0000", "2026-11-27"),  # the official Ruby client, in winter
        ("2026-06-15 00:00:00 +0100", "2026-06-15"),  # the same in summer
        ("2026-06-15 00:00:00 +0000", "2026-06-15"),  # the same on a machine whose clock is UTC's
        ("2026-06-15 00:00:00 UTC", "2026-06-15"),
        ("2026-06-15T00:00:00.000Z", "2026-06-15"),
        ("2026-06-14 23:00:00 UTC", "2026-06-15"),  # a midnight of England's, told in UTC
        ("2026-06-15 08:30:00 UTC", "2026-06-15 09:30:00"),  # no midnight: validation says what is wrong with it
        ("2026-02-30 12:00:00 +0000", "2026-02-30 12:00:00 +0000"),
        ("0001-01-01 00:30:00 +1400", "0001-01-01 00:30:00 +1400"),
        (7, 7),
    ],
)
def test_days_are_read_as_they_are_meant(given: object, meant: object) -> None:
    assert Field("date", day, is_local=True).value(given, ENGLAND) == meant


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("2026-06-15 08:30:00", "2026-06-15 08:30:00"),
        ("2026-06-15 08:30:00 +0100", "2026-06-15 17:30:00"),
        ("2026-06-15T07:30Z", "2026-06-15 17:30:00"),
        ("2026-06-15 08:30 +01:00", "2026-06-15 17:30:00"),
    ],
)
def test_times_with_an_offset_are_taken_to_the_schools_clock(given: str, meant: str) -> None:
    assert Field("start_at", is_local=True).value(given, SYDNEY) == meant
