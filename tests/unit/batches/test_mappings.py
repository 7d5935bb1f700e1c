"""What columns are taken for, what a person may say of them, and which rows are none: small tables, one thing each."""

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.long_run import examples
from tests.unit.batches.test_exports import contents, opened, proposed, refusal, warnings
from writeback.batches.days import DayOrder, NoDay
from writeback.batches.layout import Stated
from writeback.batches.mapping.days_of_grids import MarkHeader, mark_header, marks_in, whole_day
from writeback.batches.mapping.mapping import ColumnUse, Mapping, check_mapping, fingerprint_of
from writeback.batches.mapping.people import split_name
from writeback.batches.mapping.proposal import Proposal
from writeback.domain.finding import Finding

LESSON, SESSION = "attendance.lesson", "attendance.session"
UPN = "Z999999999001"
MONDAY = date(2026, 11, 23)


def table(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode()


def uses(*lines: str, kind: str = SESSION) -> list[str | None]:
    """Return the field of each column, `?` where a person is to say it."""
    return [
        column.use.field if column.use is not None and not column.why else "?"
        for column in proposed(table(*lines), kind).columns
    ]


# --- names of columns


@pytest.mark.parametrize(
    ("name", "cell", "field"),
    [
        ("UPN", UPN, "student.upn"),
        ("Student ID", UPN, "student.upn"),
        ("Whatever", UPN, "student.upn"),
        ("Adm. No.", "001234", "student.admission_number"),
        ("Pupil", "Example, Pat", "student.name"),
        ("Pupil", UPN, "student.upn"),
        ("Surname, Forename", "Example, Pat", "student.surname_forename"),
        ("Reg Group", "7B", "class"),
        ("Teacher", "re@hillside.example", "employee.email"),
        ("Teacher", "REX", "employee.code"),
        ("Teacher", "Ms R Example", None),
        ("Staff Code", "REX", "employee.code"),
        ("Gender", "F", None),
        ("Minibus seat", "4", None),
    ],
)
def test_a_column_is_known_by_its_name_or_by_its_cells(name: str, cell: str, field: str | None) -> None:
    header, row = f'Date,Session,Mark,"{name}"', f'23/11/2026,AM,/,"{cell}"'

    assert uses(header, row)[3] == field


def test_names_are_not_read_beside_an_id() -> None:
    found = contents(opened(table("Pupil ID,UPN,Surname,Date,Session,Mark", f"A1,{UPN},Example,23/11/2026,AM,/")))

    assert found == [{"student_id": "A1", "date": "2026-11-23", "session": "AM", "code": "/"}]


def test_of_several_names_the_one_that_a_school_uses_first_is_taken() -> None:
    line = f"{UPN},Example,Legal,Pat,Patricia,7B,7B/Ma1,23/11/2026,AM,/"
    header = "UPN,Surname,Legal Surname,Forename,Legal Forename,Reg,Class,Date,Session,Mark"

    assert contents(opened(table(header, line)))[0]["student"] == {
        "upn": UPN,
        "surname": "Example",
        "forename": "Pat",
        "class": "7B",
    }


def test_a_word_for_nothing_is_a_surname_all_the_same() -> None:
    found = contents(opened(table("Surname,Forename,Reg,Date,Session,Mark", "Null,Pat,7B,23/11/2026,AM,/")))

    assert found[0]["student"] == {"surname": "Null", "forename": "Pat", "class": "7B"}


@pytest.mark.parametrize(
    ("name", "surname_first", "parts"),
    [
        ("Example, Pat", False, ("Example", "Pat")),
        ("Example, Pat Alex", True, ("Example", "Pat Alex")),
        ("Pat Example", False, ("Example", "Pat")),
        ("Example Pat", True, ("Example", "Pat")),
        ("Pat Alex Example", False, ("Example", "Pat Alex")),
        ("Mr Pat Example", False, ("Example", "Pat")),
        ("Example, Mrs. Pat", False, ("Example", "Pat")),
        ("Mistry, Mrinal", False, ("Mistry", "Mrinal")),
        ("O'Example-Pattern, Zoë", False, ("O'Example-Pattern", "Zoë")),
    ],
)
def test_a_whole_name_is_parted_where_its_column_says(name: str, surname_first: bool, parts: tuple[str, str]) -> None:
    assert split_name(name, surname_first=surname_first) == {"surname": parts[0], "forename": parts[1]}


def test_part_of_a_name_is_not_made_a_whole_one() -> None:
    assert split_name("Example") == {"surname": "Example"}
    assert split_name("Example,") == {"surname": "Example"}


def test_columns_that_may_say_what_nothing_else_says_are_asked_about() -> None:
    data = table("UPN,Date of visit,Session,Outcome of register", f"{UPN},23/11/2026,AM,Present")

    (day,) = (column for column in proposed(data).columns if column.name == "Date of visit")
    assert (day.use, day.candidates[0]) == (None, "date")
    assert refusal(data) == ["column_unsure", "column_missing"]


def test_strokes_and_words_of_sessions_say_themselves_what_they_are() -> None:
    assert uses("UPN,Date,Half,Given", f"{UPN},23/11/2026,Morning,/", f"{UPN},24/11/2026,a.m.,N")[2:] == [
        *("session", "code")
    ]


def test_a_mistyped_name_is_asked_about_even_where_it_is_not_needed() -> None:
    header, row = "Pupil ID,Date,Session,Mark,only if blnk", "A1,23/11/2026,AM,/,yes"

    assert refusal(table(header, row)) == ["column_unsure"]


# --- days and sessions as names of columns


@pytest.mark.parametrize(
    ("name", "day", "session"),
    [
        ("23/11/2026", "2026-11-23", ""),
        ("Mon 23/11/2026 AM", "2026-11-23", "AM"),
        ("PM 23 Nov 2026", "2026-11-23", "PM"),
        ("2026-11-23_am", "2026-11-23", "AM"),
        ("Monday (Afternoon)", "mon", "PM"),
        ("Tues: AM Reg", "tue", "AM"),
        ("23 Nov", "--11-23", ""),
        ("Mon 23rd", "---23", ""),
        ("p.m.", "", "PM"),
        ("Mark AM", "", "AM"),
        ("23/11/2026 AM/PM", "2026-11-23", "AM PM"),
        ("29 Feb", "--02-29", ""),
    ],
)
def test_names_of_columns_say_days_and_sessions(name: str, day: str, session: str) -> None:
    found = mark_header(name, DayOrder.DAY_FIRST)

    assert found is not None
    assert (found.day, found.session) == (day, session)


@pytest.mark.parametrize("name", ["Total", "Name", "Attend %", "P1", "7B", "Year 7", "", "46034", "Monitor"])
def test_other_names_are_no_days(name: str) -> None:
    assert mark_header(name, DayOrder.DAY_FIRST) is None


@pytest.mark.parametrize("name", ["31/11/2026", "Tue 23/11/2026", "32/01/2026 AM", "30 Feb"])
def test_days_that_do_not_exist_are_named(name: str) -> None:
    with pytest.raises(NoDay):
        mark_header(name, DayOrder.DAY_FIRST)


@settings(max_examples=examples(), deadline=None)
@given(st.dates(date(2020, 1, 1), date(2040, 1, 1)), st.sampled_from(["%d/%m/%Y", "%a %d %b %Y", "%Y-%m-%d"]))
def test_every_day_is_found_in_a_name_with_its_session(day: date, form: str) -> None:
    assert mark_header(f"{day:{form}} PM", DayOrder.DAY_FIRST) == MarkHeader(
        day.isoformat(), "PM", day.weekday() if "%a" in form else None
    )


@settings(max_examples=examples(), deadline=None)
@given(st.dates(date(2020, 1, 1), date(2040, 1, 1)), st.integers(0, 27))
def test_a_day_without_its_year_is_the_first_such_day(first: date, passed: int) -> None:
    day = date.fromordinal(first.toordinal() + passed)

    assert whole_day(f"--{day:%m-%d}", first) == day
    assert whole_day(f"---{day:%d}", first) == day


@pytest.mark.parametrize(
    ("cell", "marks"),
    [("/\\", ["/", "\\"]), ("I-", ["I", "-"]), ("C1C1", ["C1", "C1"]), ("C1\\", ["C1", "\\"]), ("L", ["L"])],
)
def test_marks_of_one_cell_are_told_apart(cell: str, marks: list[str]) -> None:
    assert marks_in(cell) == marks


def test_one_mark_where_two_are_expected_is_an_error_of_its_cell() -> None:
    data = table("UPN,23/11/2026,24/11/2026", f"{UPN},/\\,/\\", f"{UPN},L,/\\")
    rows = list(opened(data).rows)

    wrong = [finding.message for row in rows for finding in row.findings]

    assert wrong == ["Cell B3 has L, where the marks of morning and afternoon are expected"]
    assert len(rows) == 7


def test_people_are_told_row_and_column_of_their_own_grid() -> None:
    file = opened(table("A week,,", "UPN,23/11/2026 AM,23/11/2026 PM", f"{UPN},/,\\"))

    numbers = [row.number for row in file.rows]

    assert [file.layout.row_name(number) for number in numbers] == ["3 (B)", "3 (C)"]
    assert {file.layout.row_in_file(number) for number in numbers} == {3}


def test_marks_that_nobody_made_are_no_rows() -> None:
    found = contents(opened(table("UPN,23/11/2026 AM,23/11/2026 PM", f"{UPN},-,\\", "Z999999999002,,NULL")))

    assert [(one["session"], one["code"]) for one in found] == [("PM", "\\")]


def test_weekdays_need_to_be_told_their_week() -> None:
    data = table("UPN,Mon AM,Tue AM", f"{UPN},/,/")
    assert refusal(data) == ["mapping_first_day_missing"]

    mapping = replace(proposed(data).mapping, first_day=MONDAY.isoformat())

    assert [one["date"] for one in contents(opened(data, mapping=mapping))] == ["2026-11-23", "2026-11-24"]


def test_names_with_the_month_first_are_decided_together() -> None:
    found = contents(opened(table("UPN,11/06/2026 AM,11/23/2026 AM", f"{UPN},/,/")))

    assert [one["date"] for one in found] == ["2026-11-06", "2026-11-23"]


def test_names_that_may_be_either_day_are_read_as_is_stated() -> None:
    data = table("UPN,02/03/2026 AM,02/04/2026 AM", f"{UPN},/,/")

    found = contents(opened(data, stated=Stated(DayOrder.MONTH_FIRST)))

    assert [one["date"] for one in found] == ["2026-02-03", "2026-02-04"]


def test_a_column_of_lessons_is_read_once_somebody_says_which_lesson_it_is() -> None:
    data = table("UPN,P1,P2", f"{UPN},/,L")
    assert "column_missing" in refusal(data, LESSON)
    marks = [ColumnUse("code", lesson_id=lesson) for lesson in ("A1", "A2")]

    mapping = replace(proposed(data, LESSON).mapping, columns=[ColumnUse("student.upn"), *marks])

    assert [(one["lesson_id"], one["code"]) for one in contents(opened(data, LESSON, mapping=mapping))] == [
        *(("A1", "/"), ("A2", "L"))
    ]


def test_a_formula_in_a_grid_is_an_error_of_its_own_mark_alone() -> None:
    rows = list(opened(table("UPN,23/11/2026 AM,24/11/2026 AM", f"{UPN},#REF!,/")).rows)

    assert [[one.code for one in row.findings] for row in rows] == [["cell_error"], []]


def test_marks_below_a_name_that_is_no_day_are_asked_about_and_not_lost() -> None:
    assert refusal(table("UPN,23/11/2026 AM,Tuessday", f"{UPN},/,N", "Z999999999002,/,/")) == ["column_unsure"]
    assert refusal(table("UPN,23/11/2026 AM,=B1+1", f"{UPN},/,N")) == ["column_unsure"]


def test_marks_of_lessons_beside_those_of_sessions_are_passed_over() -> None:
    found = contents(opened(table("UPN,Date,AM,P1,P2,PM", f"{UPN},23/11/2026,/,/,L,\\")))

    assert [(one["session"], one["code"]) for one in found] == [("AM", "/"), ("PM", "\\")]


# --- titles


@pytest.mark.parametrize(
    "title",
    [
        "Week beginning 23/11/2026",
        "Week Commencing: Monday 23rd November 2026",
        "W/C,23/11/2026",
        "From 23/11/2026 to 27/11/2026",
    ],
)
def test_a_title_says_the_week(title: str) -> None:
    data = table(title, "Printed on 01/12/2026", "UPN,Mon AM", f"{UPN},/")

    assert contents(opened(data))[0]["date"] == "2026-11-23"


@pytest.mark.parametrize(
    ("title", "header"),
    [
        ("Academic year 2026/2027", "UPN,Mon AM"),
        ("November 2026", "UPN,Mon AM"),
        ("From 01/09/2026 to 18/12/2026", "UPN,Mon AM"),
        ("Academic year 2026/2027", "UPN,Mon 23 AM"),
    ],
)
def test_a_title_that_says_a_longer_time_does_not_say_the_week(title: str, header: str) -> None:
    assert refusal(table(title, header, f"{UPN},/")) == ["mapping_first_day_missing"]


@pytest.mark.parametrize(
    ("title", "monday", "code"),
    [
        ("Week beginning Sunday 22/11/2026", "2026-11-23", ["constant_unsure"]),
        ("Week commencing 28/11/2026", "2026-11-30", ["constant_unsure"]),
        ("Week ending Sunday 29/11/2026", "2026-11-23", []),
    ],
)
def test_a_week_that_begins_at_a_weekend_is_asked_about(title: str, monday: str, code: list[str]) -> None:
    found = proposed(table(title, "UPN,Mon AM,Tue AM", f"{UPN},/,N"))

    assert found.first_day is not None
    assert (found.first_day.value, [one.code for one in found.findings if one.is_error]) == (monday, code)


def test_days_that_go_on_into_the_next_month_are_asked_about() -> None:
    days, more = range(20, 31), range(1, 4)
    header = ",".join(map(str, ["UPN", *days, *more]))
    found = proposed(table("November 2026", header, UPN + ",/\\" * (len(days) + len(more))))

    assert [column.name for column in found.columns if not column.is_certain] == ["1", "2", "3"]


@pytest.mark.parametrize("header", ["UPN,Mon AM,Tue AM,Mon PM,Tue PM", "UPN,Tue AM,Mon AM"])
def test_days_may_come_by_session_and_backwards(header: str) -> None:
    assert proposed(table("Week beginning 23/11/2026", header, f"{UPN}" + ",/" * header.count(","))).is_certain


def test_a_day_that_is_not_its_weekday_is_said_where_no_other_is() -> None:
    (_, day) = proposed(table("UPN,Mon 24/11/2026 AM", f"{UPN},/")).columns

    assert day.why == "2026-11-24 is a Tuesday"


def test_words_of_two_letters_are_not_two_marks() -> None:
    assert refusal(table("UPN,23/11/2026", f"{UPN},OK", "Z999999999002,No")) == ["column_missing"]


def test_a_day_in_a_title_is_not_taken_for_that_of_the_columns_beneath() -> None:
    data = table("Start date:,23/11/2026,", "End date:,27/11/2026,", "Pupil,UPN,Mon AM", f'"Example, Pat",{UPN},/')

    assert contents(opened(data))[0]["date"] == "2026-11-23"


def test_the_day_of_the_print_is_no_day_of_a_mark() -> None:
    assert refusal(table("Report run on 01/12/2026", "UPN,Session,Mark", f"{UPN},AM,/")) == ["column_missing"]


def test_what_is_said_with_its_name_above_the_columns_is_taken() -> None:
    data = table("Date:,23/11/2026", "Session: PM", "Tutor Group,7B", "Name,Mark", '"Example, Pat",\\')
    said = [Finding(**one).message for one in opened(data).layout.warnings]

    assert said[0] == "date is 2026-11-23 for all rows, because A1: Date: 23/11/2026 stands above the column names"
    assert len(said) == 3
    assert contents(opened(data)) == [
        {
            "date": "2026-11-23",
            "session": "PM",
            "code": "\\",
            "student": {"surname": "Example", "forename": "Pat", "class": "7B"},
        }
    ]


@pytest.mark.parametrize(
    ("header", "further_down", "code"),
    [
        (["Class: 7B", "Name,Date,Session,Mark"], ["Class: 7C"], "title_changes"),
        (["Class,7B", "Name,Date,Session,Mark"], ["Class,7C", "Name,Date,Session,Mark"], "title_changes"),
        (["Date: 23/11/2026", "Session: AM", "UPN,Mark"], ["Date: 24/11/2026", "UPN,Mark"], "title_changes"),
        (["Date,23/11/2026", "Session,AM", "UPN,Mark"], ["Date,24/11/2026"], "title_changes"),
        (["Date: 23/11/2026", "Session: AM", "UPN,Mark"], ["Session: PM"], "title_changes"),
        (["Week beginning 16/11/2026", "UPN,Mon AM"], ["Week beginning 23/11/2026", "UPN,Mon AM"], "title_changes"),
        (["Date: 23/11/2026", "Session: AM", "UPN,Mark"], ["Register of Tuesday 24 November 2026"], "title_changes"),
        (["Date: 23/11/2026", "Session: AM", "UPN,Mark"], ["24/11/2026"], "title_changes"),
        (["Class: 7B", "Name,Date,Session,Mark"], ["7C"], "title_changes"),
        (["Date: 23/11/2026", "UPN,AM"], ["24/11/2026,AM"], "columns_change"),
        (["UPN,16/11/2026 AM"], ["UPN,23/11/2026 AM"], "columns_change"),
        (["UPN,16/11/2026,17/11/2026", ",AM,AM"], [",23/11/2026,24/11/2026", ",AM,AM"], "columns_change"),
        (["UPN,Date,Session,Mark"], ["UPN,Mark,Session,Date"], "columns_change"),
    ],
)
def test_another_part_further_down_refuses_the_file(header: list[str], further_down: list[str], code: str) -> None:
    rows = {"Name": '"Example, Pat",23/11/2026,AM,/', "UPN,Date": f"{UPN},23/11/2026,AM,/"}
    row = next((row for names, row in rows.items() if names in "".join(header)), f"{UPN},/")

    assert refusal(table(*header, row, *further_down, row)) == [code]


@pytest.mark.parametrize("below", [["Class: 7B,,,"], ["Name,Date,Session,Mark"], []])
def test_what_stands_at_the_end_or_says_the_same_begins_no_other_part(below: list[str]) -> None:
    row = '"Example, Pat",23/11/2026,AM,/'
    data = table("Class: 7B", "Name,Date,Session,Mark", row, *below, row.replace("AM", "PM"), "Class: 7C,,,")

    assert [one["session"] for one in contents(opened(data))] == ["AM", "PM"]


def test_a_row_of_nothing_but_a_pupil_is_not_passed_over() -> None:
    data = table("Date: 23/11/2026", "Session: AM", "UPN,Mark", f"{UPN},/", UPN, f"{UPN[:-1]}9,/")

    assert [one.get("code") for one in contents(opened(data))] == ["/", None, "/"]


def test_a_word_that_is_the_name_of_its_column_as_well_begins_no_other_part() -> None:
    data = table("Behaviour,UPN,Date,Points", f"Behaviour,{UPN},23/11/2026,1", f"Late,{UPN},23/11/2026,1")

    assert len(contents(opened(data, "behaviour.create"))) == 2


# --- rows that are none


@pytest.mark.parametrize(
    "line",
    [
        "Total,,,2",
        "Page 1 of 2,,,",
        "UPN,Date,Session,Mark",
        "Class: 7B,,,",
        "Printed 23/11/2026 by the office,,,",
        "%,,,98",
    ],
)
def test_rows_that_are_no_records_are_passed_over_and_said(line: str) -> None:
    data = table("UPN,Date,Session,Mark", f"{UPN},23/11/2026,AM,/", line, f"{UPN},23/11/2026,PM,\\")

    assert len(contents(opened(data))) == 2
    assert warnings(opened(data))["rows_not_sent"].startswith("Passed over because they are no records: 1, ")


@pytest.mark.parametrize(
    "line", ['"Late, Pat",7B,/,\\', "Total Example,7B,I,I", '"Present, Sam",,/,', "Key Example,7B,L,\\"]
)
def test_pupils_whose_names_are_words_of_a_report_are_pupils(line: str) -> None:
    data = table("Class: 7B", "Name,Reg,23/11/2026 AM,23/11/2026 PM", line)

    assert contents(opened(data))


def test_a_row_of_counts_is_no_row_whatever_it_is_called() -> None:
    data = table("Name,Reg,23/11/2026 AM", '"Example, Pat",7B,/', "N No reason yet,,28")

    assert len(contents(opened(data))) == 1


def test_a_record_that_lacks_something_is_sent_back_and_not_passed_over() -> None:
    rows = list(opened(table("UPN,Date,Session,Mark", f"{UPN},,AM,/", ",23/11/2026,AM,/")).rows)

    assert len(rows) == 2


# --- what a person says


def a_proposal() -> Proposal:
    return proposed(table("UPN,Name,Date,Register mark of today", f'{UPN},"Example, Pat",23/11/2026,/'))


def test_what_a_person_says_is_read() -> None:
    data = table("Who,When,What", f"{UPN},23/11/2026,/")
    columns = [ColumnUse("student.upn"), ColumnUse("date"), ColumnUse("code")]
    mapping = Mapping(SESSION, fingerprint_of(["Who", "When", "What"]), columns, {"session": "AM"})

    assert refusal(table("Whom,When,What", f"{UPN},23/11/2026,/"), mapping=mapping) == ["mapping_other_header"]
    assert contents(opened(data, mapping=mapping))[0]["session"] == "AM"


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"columns": [ColumnUse("student.upn")]}, "mapping_width", "/columns"),
        ({"columns": [*[ColumnUse("student.upn")] * 2, ColumnUse("date"), ColumnUse("code")]}, "column_twice", ""),
        (
            {"columns": [ColumnUse("shoe"), ColumnUse("student.upn"), ColumnUse("date"), ColumnUse("code")]},
            "mapping_field_unknown",
            "/columns/0",
        ),
        ({"constants": {"session": "noon"}}, "mapping_value_bad", "/constants/session"),
        ({"constants": {"session": "AM", "shoe": "1"}}, "mapping_field_unknown", "/constants/shoe"),
        ({"constants": {"session": "AM", "date": "2026-11-23"}}, "mapping_constant_twice", "/constants/date"),
        ({"constants": {}}, "column_missing", "/constants/session"),
        ({"first_day": "Monday"}, "mapping_value_bad", "/first_day"),
    ],
)
def test_what_is_wrong_with_a_mapping_is_said_with_its_place(changes: dict[str, Any], code: str, pointer: str) -> None:
    columns = [ColumnUse("student.upn"), ColumnUse(), ColumnUse("date"), ColumnUse("code")]
    good = Mapping(SESSION, a_proposal().fingerprint, columns, {"session": "AM"})
    assert check_mapping(good, 4) == []

    (finding,) = check_mapping(replace(good, **changes), 4)

    assert (finding.code, finding.pointer) == (code, pointer)


def test_the_next_file_of_a_header_has_its_own_day() -> None:
    lines = ["UPN,Mon AM", f"{UPN},/"]
    remembered = proposed(table("Week beginning 16/11/2026", *lines)).mapping.to_remember()
    assert Mapping.of_json(json.loads(json.dumps(remembered.as_json()))).first_day == ""

    next_file = table("Week beginning 23/11/2026", *lines)
    mapping, open_questions = proposed(table("Week beginning 23/11/2026", *lines)).with_remembered(remembered)
    _, without = proposed(table(*lines)).with_remembered(remembered)

    assert (mapping.first_day, open_questions) == ("2026-11-23", [])
    assert "grid_days_partial" in warnings(opened(next_file, mapping=mapping))
    assert [one.code for one in without] == ["mapping_first_day_missing"]


def test_what_a_person_said_of_one_file_is_asked_again_for_the_next() -> None:
    data = table("UPN,Mark", f"{UPN},/")
    first = proposed(data)
    of_one_file = {"session": "AM", "date": "2026-11-23"}
    mapping = replace(first.mapping, constants=of_one_file)
    day = replace(first.mapping, columns=[ColumnUse("student.upn"), ColumnUse("code", "2026-11-23", "AM")])

    assert [one.code for one in first.with_remembered(mapping.to_remember())[1]] == ["column_missing"] * 2
    assert [one.code for one in first.with_remembered(day.to_remember())[1]] == ["column_unsure"]


def test_a_header_is_the_same_whatever_its_case_and_blanks() -> None:
    assert fingerprint_of(["UPN", "Mon  AM", ""]) == fingerprint_of(["upn", "mon am"])
    assert fingerprint_of(["UPN", "Mon AM"]) != fingerprint_of(["Mon AM", "UPN"])


@pytest.mark.parametrize("first", [f"{UPN},23/11/2026,AM,N,late", f"{UPN},23/11/2026,AM,N,"])
def test_a_file_without_column_names_loses_no_row_once_somebody_says_what_they_are(first: str) -> None:
    data = table(first, f"{UPN},24/11/2026,AM,N,late", f"{UPN},25/11/2026,AM,N,late")
    found = proposed(data)
    fields = ("student.upn", "date", "session", "code", "comment")
    mapping = Mapping(SESSION, found.fingerprint, tuple(map(ColumnUse, fields)))

    file = opened(data, mapping=mapping)

    assert [column.name for column in found.columns] == [""] * 5
    assert [one["date"] for one in contents(file)] == ["2026-11-23", "2026-11-24", "2026-11-25"]


def test_words_that_nobody_knows_are_taken_for_column_names_and_that_is_said() -> None:
    data = table("Wer,Wann,Wo,Was", f"{UPN},23/11/2026,AM,N")
    fields = ("student.upn", "date", "session", "code")
    mapping = Mapping(SESSION, proposed(data).fingerprint, tuple(map(ColumnUse, fields)))

    assert len(contents(opened(data, mapping=mapping))) == 1
    assert "header_taken" in warnings(opened(data, mapping=mapping))


def test_a_row_whose_marks_could_not_be_numbered_refuses_the_file() -> None:
    assert refusal(f"UPN,23/11/2026 AM\n{UPN},/\n".encode() + b"\n" * 2_200_000 + f"{UPN},/\n".encode()) == [
        "file_too_many_rows"
    ]
