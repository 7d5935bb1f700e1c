"""Moments as people type them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from writeback.core.moments import read_moment, read_moment_ahead

LONDON = ZoneInfo("Europe/London")
NOW = datetime(2026, 7, 15, 9, 30, tzinfo=UTC)
"""A Wednesday, 10:30 in London."""


def read(text: str, *, is_end: bool = False) -> str:
    return read_moment(text, NOW, LONDON, is_end=is_end).isoformat()


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("today", "2026-07-14T23:00:00+00:00"),
        (" Yesterday ", "2026-07-13T23:00:00+00:00"),
        ("08:30", "2026-07-15T07:30:00+00:00"),
        ("8.30", "2026-07-15T07:30:00+00:00"),
        ("yesterday at 08:30", "2026-07-14T07:30:00+00:00"),
        ("wednesday", "2026-07-14T23:00:00+00:00"),
        ("Thu 9:15", "2026-07-09T08:15:00+00:00"),
        ("2 hours ago", "2026-07-15T07:30:00+00:00"),
        ("today 08:30", "2026-07-15T07:30:00+00:00"),
        ("-2h", "2026-07-15T07:30:00+00:00"),
        ("- 90 min", "2026-07-15T08:00:00+00:00"),
        ("30m", "2026-07-15T09:00:00+00:00"),
        ("3 days", "2026-07-12T09:30:00+00:00"),
        ("24 Nov", "2025-11-24T00:00:00+00:00"),
        ("1 july 08:00", "2026-07-01T07:00:00+00:00"),
        ("24 november 2024", "2024-11-24T00:00:00+00:00"),
        ("2026-01-12", "2026-01-12T00:00:00+00:00"),
        ("2026-06-12 09:00", "2026-06-12T08:00:00+00:00"),
        ("2026-06-12T09:00:00+02:00", "2026-06-12T07:00:00+00:00"),
        ("now", "2026-07-15T09:30:00+00:00"),
    ],
)
def test_it_is_read_on_the_clock_of_whoever_types(text: str, means: str) -> None:
    assert read(text) == means


@pytest.mark.parametrize("text", ["yesterday", "2026-07-14", "tue", "14 jul"])
def test_a_day_alone_is_its_beginning_or_its_end(text: str) -> None:
    assert read(text) == "2026-07-13T23:00:00+00:00"
    assert read(text, is_end=True) == "2026-07-14T23:00:00+00:00"


def test_a_day_on_which_the_clocks_change_is_shorter() -> None:
    assert read("2026-03-29") == "2026-03-29T00:00:00+00:00"
    assert read("2026-03-29", is_end=True) == "2026-03-29T23:00:00+00:00"


@pytest.mark.parametrize(
    "text",
    ["", "soon", "tomorrow", "24/11/2026", "29 feb 2026", "29 feb", "25:00", "8:61", "mo", "99999 weeks", "1999-12-31"],
)
def test_what_could_be_meant_otherwise_is_no_moment(text: str) -> None:
    with pytest.raises(ValueError, match="is no moment"):
        read(text)


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("11:00", "2026-07-15T10:00:00+00:00"),
        ("today 11.00", "2026-07-15T10:00:00+00:00"),
        ("tomorrow at 08:00", "2026-07-16T07:00:00+00:00"),
        ("wed 11:00", "2026-07-15T10:00:00+00:00"),
        ("Tuesday 16:00", "2026-07-21T15:00:00+00:00"),
        ("in 2 hours", "2026-07-15T11:30:00+00:00"),
        ("90m", "2026-07-15T11:00:00+00:00"),
        ("+1h", "2026-07-15T10:30:00+00:00"),
        ("24 Nov 09:00", "2026-11-24T09:00:00+00:00"),
        ("12 jan 09:00", "2027-01-12T09:00:00+00:00"),
        ("2026-07-15 11:00", "2026-07-15T10:00:00+00:00"),
        ("2026-07-15T11:00:00Z", "2026-07-15T11:00:00+00:00"),
    ],
)
def test_what_is_to_come_is_read_ahead(text: str, means: str) -> None:
    assert read_moment_ahead(text, NOW, LONDON).isoformat() == means


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("10:30", "'10:30' has passed"),
        ("2026-07-14 09:00", "has passed"),
        ("friday", "'friday' has no time of day"),
        ("2026-07-20", "has no time of day"),
        ("yesterday 09:00", "is no moment"),
        ("2 hours ago", "is no moment"),
        ("later", "is no moment"),
        ("99999 weeks", "is no moment"),
        ("", "is no moment"),
    ],
)
def test_what_has_passed_or_has_no_time_is_no_end(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_moment_ahead(text, NOW, LONDON)
