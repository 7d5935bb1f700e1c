"""Files that say when a school is open: tables and calendars."""

from datetime import date

import pytest

from writeback.core.errors import InvalidSubmission
from writeback.domain.school_settings.year import DayKind, Stretch
from writeback.flow.schools.year_files import kind_of, read_year

TABLE = """\
Event,Start date,End date
Autumn term 1,02/09/2026,23/10/2026
INSET day,Wed 2 September 2026,
Half term,26/10/2026,30/10/2026
,,
Parents' evening,18/11/2026,
Christmas holiday,2026-12-21,2027-01-01
"""
CALENDAR = """\
BEGIN:VCALENDAR
VERSION:2.0
BEGIN:VEVENT
SUMMARY:Half term\\, all
  years
DTSTART;VALUE=DATE:20261026
DTEND;VALUE=DATE:20261031
END:VEVENT
BEGIN:VEVENT
DTSTART;VALUE=DATE:20260902
SUMMARY:Staff training
END:VEVENT
BEGIN:VEVENT
DTSTART:20261102T084500
SUMMARY:School closed in the afternoon
END:VEVENT
BEGIN:VEVENT
DTSTART;VALUE=DATE:20261224
RRULE:FREQ=YEARLY
SUMMARY:Holiday
END:VEVENT
BEGIN:VEVENT
DTSTART;VALUE=DATE:20261218
SUMMARY:Last day of term
END:VEVENT
END:VCALENDAR
"""


def test_a_table_of_a_school_is_read_by_what_its_rows_are_called() -> None:
    read = read_year(TABLE)

    assert read.stretches == [
        Stretch(DayKind.INSET, date(2026, 9, 2), date(2026, 9, 2), "INSET day"),
        Stretch(DayKind.TERM, date(2026, 9, 2), date(2026, 10, 23), "Autumn term 1"),
        Stretch(DayKind.HOLIDAY, date(2026, 10, 26), date(2026, 10, 30), "Half term"),
        Stretch(DayKind.HOLIDAY, date(2026, 12, 21), date(2027, 1, 1), "Christmas holiday"),
    ]
    assert read.passed_over == ["row 6, Parents' evening: it does not say whether pupils come"]


@pytest.mark.parametrize("text", [TABLE, TABLE.replace(",", ";"), TABLE.replace(",", "\t"), "\ufeff" + TABLE])
def test_a_table_is_read_with_any_delimiter_and_mark(text: str) -> None:
    assert len(read_year(text).stretches) == 4


@pytest.mark.parametrize("text", [CALENDAR, CALENDAR.replace("\n", "\r\n")])
def test_a_calendar_is_read_by_what_its_events_are_called(text: str) -> None:
    read = read_year(text)

    assert read.stretches == [
        Stretch(DayKind.INSET, date(2026, 9, 2), date(2026, 9, 2), "Staff training"),
        Stretch(DayKind.HOLIDAY, date(2026, 10, 26), date(2026, 10, 30), "Half term, all years"),
    ]
    assert [one.split(": ")[1] for one in read.passed_over] == [
        "it is not about whole days",
        "it repeats, or says how long it takes and not when it ends",
        "it does not say whether pupils come",
    ]


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("Bank Holiday", DayKind.HOLIDAY),
        ("half-term", DayKind.HOLIDAY),
        ("INSET", DayKind.INSET),
        ("School closed (polling station)", DayKind.CLOSURE),
        ("Spring term", DayKind.TERM),
        ("Term starts", None),
        ("End of term", None),
        ("Holiday club", None),
        ("Insert sheets", None),
        ("", None),
    ],
)
def test_what_people_call_a_day_says_what_it_is_or_is_passed_over(words: str, kind: DayKind | None) -> None:
    assert kind_of(words) is kind


def test_one_day_is_no_term() -> None:
    read = read_year("kind,first,last,name\nterm,2026-09-02,,Autumn term\nholiday,2026-10-26,,x\n")

    assert [one.kind for one in read.stretches] == [DayKind.HOLIDAY]
    assert read.passed_over == ["row 2, Autumn term: a term has more days than that"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind,first\ninset,31/02/2026\nholiday,soon\n", ["row 2: first is 31/02/2026", "row 3: first is soon"]),
        ("kind,first,last\nholiday,2026-10-30,2026-10-26\n", ["ends on 2026-10-26, before it begins on 2026-10-30"]),
        ("kind,first,last\nholiday,2026-07-24,2027-07-24\n", ["from 2026-07-24 to 2027-07-24: 100 days are the most"]),
        ("pupil,mark\nA1,/\n", ["the columns are pupil, mark"]),
        ("", ["nothing in the file"]),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:INSET\nDTSTART:20261399\nEND:VEVENT\n", ["DTSTART is 20261399"]),
    ],
)
def test_what_cannot_be_read_is_said_row_by_row(text: str, said: list[str]) -> None:
    with pytest.raises(InvalidSubmission) as refused:
        read_year(text)

    messages = [one["message"] for one in refused.value.extra["findings"]]
    assert len(messages) == len(said)
    assert all(part in message for part, message in zip(said, messages, strict=True))


def test_a_year_without_end_is_refused() -> None:
    rows = "".join(f"inset,{date.fromordinal(739_000 + place)},\n" for place in range(501))

    with pytest.raises(InvalidSubmission, match="501 entries: 500 are the most"):
        read_year("kind,first,last\n" + rows)
