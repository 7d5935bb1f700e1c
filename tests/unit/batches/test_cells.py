"""What a cell means, and that no cell which we write can be taken for a formula."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.long_run import examples
from writeback.batches.cells import BadCell, meaning, safe, without_apostrophe
from writeback.batches.columns import Column, column_map, columns_of
from writeback.batches.days import DayOrder, DayStyle
from writeback.domain.kinds import KINDS

DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
MARK = column_map("attendance.session")
ABSENCE = column_map("student_absence.create")
STAFF_ABSENCE = column_map("employee_absence.create")
TEXT = Column("comment", "text", False)


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("2026-01-12", "2026-01-12"),
        ("2026-01-12 00:00:00", "2026-01-12"),
        ("2026-01-12T00:00:00", "2026-01-12"),
        ("12/01/2026", "2026-01-12"),
        (" 1/2/2026 ", "2026-02-01"),
        ("12-01-2026", "2026-01-12"),
        ("12.01.2026", "2026-01-12"),
        ("12/01/26", "2026-01-12"),
        ("12 Jan 2026", "2026-01-12"),
        ("12-Jan-26", "2026-01-12"),
        ("12 January 2026", "2026-01-12"),
        ("46034", "2026-01-12"),
        ("46034.0", "2026-01-12"),
        ("'12/01/2026", "2026-01-12"),
        ("12/01/2026 00:00:00", "2026-01-12"),
        ("2026-01-12 00:00:00.000", "2026-01-12"),
        ("2026/01/12", "2026-01-12"),
        ("2026.1.12", "2026-01-12"),
        ("20260112", "2026-01-12"),
        ("Mon 12/01/2026", "2026-01-12"),
        ("Monday, 12 January 2026", "2026-01-12"),
        ("12th Jan 2026", "2026-01-12"),
        ("Sept 3 2026", "2026-09-03"),
        ("January 12th, 2026", "2026-01-12"),
        ("12 JAN 2026", "2026-01-12"),
        ("12\u201101\u20112026", "2026-01-12"),
        ("2026\u201301\u201312", "2026-01-12"),
        ("12\u00a0Jan\u00a02026", "2026-01-12"),
        ("\u200e12/01/2026\u200f", "2026-01-12"),
        ('="12/01/2026"', "2026-01-12"),
    ],
)
def test_days_are_read_as_schools_write_them(cell: str, day: str) -> None:
    assert meaning(cell, MARK["date"]) == day


def test_a_time_of_school_beside_a_day_is_left_out() -> None:
    assert meaning("12/01/2026 09:00", MARK["date"]) == "2026-01-12"


@pytest.mark.parametrize(
    "cell",
    [
        "31/02/2026",
        "2026-02-30",
        "12/25/2026",
        "tomorrow",
        "2026",
        "12/01/2026 23:00",
        "12/01-2026",
        "1e5",
        "Tue 12/01/2026",
        "12 Mon 2026",
    ],
)
def test_what_is_no_day_is_said_with_an_example(cell: str) -> None:
    with pytest.raises(BadCell) as caught:
        meaning(cell, MARK["date"])

    assert "date" in caught.value.advice
    assert "2026" in caught.value.hint


@settings(max_examples=examples(), deadline=None)
@given(st.dates(date(1954, 10, 4), date(2119, 1, 1)))
def test_every_day_that_excel_counts_is_found_again(day: date) -> None:
    serial = (day - date(1899, 12, 30)).days

    assert meaning(str(serial), MARK["date"]) == day.isoformat()
    assert meaning(f"{day.day}/{day.month}/{day.year}", MARK["date"]) == day.isoformat()


@settings(max_examples=examples(), deadline=None)
@given(st.datetimes(datetime.fromisoformat("1990-01-01"), datetime.fromisoformat("2100-01-01")))
def test_every_moment_that_excel_counts_is_found_again_to_the_second(moment: datetime) -> None:
    moment = moment.replace(microsecond=0)
    serial = (moment - datetime.fromisoformat("1899-12-30")) / timedelta(days=1)

    assert meaning(repr(serial), ABSENCE["start_at"]) == moment.isoformat()


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("12/01/2026 08:30", "2026-01-12T08:30:00"),
        ("12/01/2026 8:30 PM", "2026-01-12T20:30:00"),
        ("2026-01-12 08:30:15", "2026-01-12T08:30:15"),
        ("12/01/2026", "2026-01-12T00:00:00"),
    ],
)
def test_moments_are_on_the_schools_clock(cell: str, moment: str) -> None:
    assert meaning(cell, ABSENCE["start_at"]) == moment


def test_a_moment_with_an_offset_is_refused() -> None:
    with pytest.raises(BadCell, match="without an offset"):
        meaning("2026-01-12T08:30:00Z", ABSENCE["start_at"])


@pytest.mark.parametrize(
    ("cell", "value"),
    [("1234.0", "1234"), ("1234", "1234"), ("'0042", "0042"), (" A12 ", "A12"), ("12.5", "12.5"), ("/", "/")],
)
def test_ids_that_excel_mangled_are_mended(cell: str, value: str) -> None:
    assert meaning(cell, MARK["student_id"]) == value


@pytest.mark.parametrize("cell", ["1.23457E+12", "1E+15"])
def test_ids_of_which_digits_are_lost_are_refused(cell: str) -> None:
    with pytest.raises(BadCell, match="last digits are lost"):
        meaning(cell, MARK["student_id"])


@pytest.mark.parametrize(
    ("column", "cell", "value"),
    [
        (MARK["session"], "am", "AM"),
        (MARK["session"], "A.M.", "AM"),
        (MARK["session"], "noon", "noon"),
        (ABSENCE["event"], "Sign in", "sign_in"),
        (STAFF_ABSENCE["end_at"], "pm", "PM"),
        (STAFF_ABSENCE["end_at"], "13/01/2026 12:00", "2026-01-13T12:00:00"),
        (STAFF_ABSENCE["hours"], "1.5", "1.5"),
        (MARK["minutes_late"], "5.0", 5),
        (MARK["minutes_late"], "-5", -5),
        (MARK["minutes_late"], "'-5", -5),
        (MARK["only_if_blank"], "Yes", True),
        (MARK["only_if_blank"], "0", False),
        (MARK["comment"], "  kept as it is ", "  kept as it is "),
        (MARK["comment"], "'tis late", "'tis late"),
        (MARK["comment"], "'=late", "=late"),
        (MARK["comment"], "   ", None),
        (MARK["code"], "'", None),
        (MARK["session"], "Morning", "AM"),
        (MARK["session"], "afternoon", "PM"),
        (MARK["student_id"], '="A0042"', "A0042"),
        (MARK["student_id"], '\'="A0042"', "A0042"),
        (MARK["student_id"], "\u200bA1\u00ad2\u00a0", "A12"),
        (MARK["code"], "\ufeffL ", "L"),
        (MARK["code"], "-", "-"),
        (MARK["comment"], '="say ""no"""', 'say "no"'),
        (MARK["comment"], "\u200b", None),
    ],
)
def test_cells_mean_what_their_column_is_for(column: Column, cell: str, value: Any) -> None:
    assert meaning(cell, column) == value


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        (MARK["minutes_late"], "five"),
        (MARK["minutes_late"], "5.5"),
        (MARK["minutes_late"], "9" * 20),
        (MARK["only_if_blank"], "perhaps"),
        (STAFF_ABSENCE["hours"], "1,5"),
    ],
)
def test_what_a_column_cannot_hold_is_said(column: Column, cell: str) -> None:
    with pytest.raises(BadCell):
        meaning(cell, column)


@pytest.mark.parametrize("cell", ["NULL", "(null)", "\\N", "nan", "NaN", "None", "N/A", "-", " null ", "'-", '="NULL"'])
def test_words_for_nothing_are_no_comment(cell: str) -> None:
    assert meaning(cell, TEXT) is None


@pytest.mark.parametrize("name", ["student_id", "date", "session", "code", "minutes_late", "only_if_blank"])
@pytest.mark.parametrize("cell", ["NULL", "\\N", "nan"])
def test_programs_words_for_nothing_are_nothing_in_every_column(name: str, cell: str) -> None:
    assert meaning(cell, MARK[name]) is None


@settings(max_examples=examples(), deadline=None)
@given(st.dates(date(1930, 1, 1), date(2119, 1, 1)))
def test_a_day_is_read_in_the_order_that_its_file_has(day: date) -> None:
    month_first = DayStyle(DayOrder.MONTH_FIRST)

    assert meaning(f"{day.month}/{day.day}/{day.year}", MARK["date"], month_first) == day.isoformat()
    assert meaning(f"{day:%a} {day.month:02}-{day.day:02}-{day.year}", MARK["date"], month_first) == day.isoformat()
    assert meaning(f"{day:%Y/%m/%d}", MARK["date"], month_first) == day.isoformat()


@pytest.mark.parametrize(
    ("cell", "column", "value"),
    [
        ("44522", "date", "2025-11-23"),
        ("44522.0", "date", "2025-11-23"),
        ("44522.354166666664", "start_at", "2025-11-23T08:30:00"),
    ],
)
def test_numbers_of_a_workbook_that_counts_from_1904_are_days_of_its_count(cell: str, column: str, value: str) -> None:
    field = {**MARK, "start_at": ABSENCE["start_at"]}[column]

    assert meaning(cell, field, DayStyle(from_1904=True)) == value


@settings(max_examples=examples(), deadline=None)
@given(st.text())
def test_no_cell_that_we_write_can_be_taken_for_a_formula(cell: str) -> None:
    assert not safe(cell).startswith(DANGEROUS)


@settings(max_examples=examples(), deadline=None)
@given(st.one_of(st.text(), st.text("'=+-@\t\r\n1a")))
def test_a_cell_means_the_same_after_it_was_made_safe(cell: str) -> None:
    assert meaning(safe(cell), TEXT) == meaning(cell, TEXT)
    assert without_apostrophe(safe(cell)) == without_apostrophe(cell)


@settings(max_examples=examples(), deadline=None)
@given(st.text(max_size=40), st.sampled_from([column for kind in KINDS for column in columns_of(kind)]))
def test_reading_a_cell_ends_in_a_value_or_in_advice(cell: str, column: Column) -> None:
    try:
        found: Any = meaning(cell, column)
    except BadCell as bad:
        found = bad

    assert found.advice and found.hint if isinstance(found, BadCell) else isinstance(found, str | int | bool | None)
