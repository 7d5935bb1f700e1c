"""What a school's year says of a day."""

from datetime import date

import pytest

from writeback.domain.school_settings.year import DayKind, SchoolYear, Stretch, stretch_of, year_of

YEAR = SchoolYear(
    (
        Stretch(DayKind.TERM, date(2026, 9, 2), date(2026, 10, 23)),
        Stretch(DayKind.TERM, date(2026, 11, 2), date(2026, 12, 18)),
        Stretch(DayKind.INSET, date(2026, 9, 2), date(2026, 9, 2), "Staff training"),
        Stretch(DayKind.HOLIDAY, date(2026, 12, 19), date(2027, 1, 3), "Christmas"),
        Stretch(DayKind.CLOSURE, date(2026, 11, 9), date(2026, 11, 10)),
        Stretch(DayKind.OPEN, date(2026, 11, 10), date(2026, 11, 10)),
    )
)


@pytest.mark.parametrize(
    ("day", "why"),
    [
        (date(2026, 9, 2), "an INSET day (Staff training)"),
        (date(2026, 10, 24), "holidays"),
        (date(2026, 11, 1), "holidays"),
        (date(2026, 11, 9), "a closure"),
        (date(2026, 12, 19), "holidays (Christmas)"),
        (date(2027, 1, 3), "holidays (Christmas)"),
    ],
)
def test_a_day_without_pupils_says_why(day: date, why: str) -> None:
    closed = YEAR.closed(day)

    assert closed is not None
    assert closed.in_words == why


@pytest.mark.parametrize(
    "day",
    [
        date(2026, 10, 23),
        date(2026, 11, 2),
        date(2026, 11, 10),
        date(2026, 9, 1),
        date(2027, 1, 4),
    ],
)
def test_of_a_day_of_term_or_one_that_nothing_is_known_of_nothing_is_said(day: date) -> None:
    assert YEAR.closed(day) is None


def test_what_the_provider_tells_of_closures_does_not_close_a_day_that_the_school_calls_open() -> None:
    told = [Stretch(DayKind.CLOSURE, date(2026, 11, 10), date(2026, 11, 11))]

    assert YEAR.closed(date(2026, 11, 10), SchoolYear(tuple(told))) is None
    assert YEAR.closed(date(2026, 11, 11), SchoolYear(tuple(told))) == told[0]


def test_a_gap_that_is_too_long_for_holidays_is_a_term_that_nobody_has_given() -> None:
    autumn, summer = ((date(2026, 9, 2), date(2026, 12, 18)), (date(2027, 4, 12), date(2027, 7, 23)))
    year = SchoolYear((Stretch(DayKind.TERM, *summer), Stretch(DayKind.TERM, *autumn)))

    assert year.closed(date(2027, 2, 1)) is None


def test_a_year_is_the_same_after_it_was_stored() -> None:
    assert year_of([one.as_json() for one in YEAR.stretches]) == YEAR
    assert stretch_of({"id": "C1", **YEAR.stretches[0].as_json()}) == YEAR.stretches[0]
