"""Messy files of every sort, read as people mean them; and the way of a bad row out and back in."""

import csv
import io
import json
import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from tests.long_run import examples
from writeback.batches.books.xlsx_files import XlsxErrors
from writeback.batches.cells import ERRORS
from writeback.batches.columns import NOT_SENT
from writeback.batches.csv_files import CsvErrors
from writeback.batches.days import DayOrder
from writeback.batches.files import MEDIA_TYPES, format_of, open_file
from writeback.batches.findings import FileRefused
from writeback.batches.headers import names_for, plain
from writeback.batches.layout import Format, Layout, Row, Stated
from writeback.batches.ndjson_files import error_line, read_line
from writeback.batches.records import as_sent_back, read_unit
from writeback.batches.whole_file_findings import OpenFile
from writeback.domain.finding import Finding

KIND = "attendance.session"
HEADER = "student_id,date,session,code"
ROW = "A1,2026-01-12,AM,/"
TODAY = date(2026, 1, 14)
BRITISH = Stated(DayOrder.DAY_FIRST)


def opened(
    content: bytes | str, kind: str | None = KIND, *, limit: int = 50_000_000, stated: Stated | None = None
) -> OpenFile:
    data = content.encode() if isinstance(content, str) else content
    return open_file(io.BytesIO(data), format_of(data[:4_096]), kind, max_unpacked=limit, stated=stated or Stated())


def settled(content: bytes | str, kind: str | None = KIND, **options: Any) -> tuple[list[Row], Layout, list[Finding]]:
    """Return all of a file: its rows, how it is laid out, and its warnings."""
    file = opened(content, kind, **options)
    rows = list(file.rows)
    layout, warnings = file.settle(TODAY)
    return rows, layout, [*(Finding(**one) for one in layout.warnings), *warnings]


def cells(content: bytes | str, kind: str | None = KIND) -> list[tuple[int, list[str]]]:
    return [(row.number, list(row.cells)) for row in opened(content, kind).rows]


def records(content: bytes | str, kind: str | None = KIND, **options: Any) -> list[dict[str, Any] | list[str]]:
    """Return each row's record, or what is wrong with it."""
    rows, layout, _ = settled(content, kind, **options)
    units = [read_unit([row], layout) for row in rows]
    return [
        unit.record.model_dump(mode="json", exclude_none=True)
        if unit.record is not None
        else [one.message for found in unit.findings.values() for one in found]
        for unit in units
    ]


def refusal(content: bytes | str, kind: str | None = KIND, **options: Any) -> list[Finding]:
    with pytest.raises(FileRefused) as caught:
        settled(content, kind, **options)
    assert all(one.message and one.hint for one in caught.value.findings)
    return list(caught.value.findings)


def workbook(*rows: Sequence[Any], merged: Sequence[str] = (), title: str = "Marks") -> bytes:
    book, content = Workbook(), io.BytesIO()
    sheet: Any = book.active
    sheet.title = title
    for row in rows:
        sheet.append(row)
    for one in merged:
        sheet.merge_cells(one)
    book.save(content)
    return content.getvalue()


# --- CSV


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "windows-1252"])
def test_delimiters_line_ends_and_encodings_are_found_out(delimiter: str, line_end: str, encoding: str) -> None:
    lines = [f"{HEADER},comment", f"{ROW},“Zoë” – très tard", "A2,2026-01-12,AM,N,"]
    content = line_end.join(line.replace(",", delimiter) for line in lines).encode(encoding)

    file = opened(content)

    assert [list(row.cells)[4] for row in file.rows] == ["“Zoë” – très tard", ""]
    assert file.layout.delimiter == delimiter
    assert file.layout.encoding == encoding.removesuffix("-sig").replace("utf-16", "utf-16-le", encoding == "utf-16")


@pytest.mark.parametrize("place", [0, 30, 70_000])
@pytest.mark.parametrize("encoding", ["utf-8", "windows-1252"])
def test_a_nul_in_a_file_is_named_and_not_taken_for_utf_16(encoding: str, place: int) -> None:
    content = (f"{HEADER},comment\n" + f"{ROW},Zoë\n" * 4_000).encode(encoding)

    (finding,) = refusal(content[:place] + b"\0" + content[place:])

    assert finding.message == f"The file cannot be read as text: byte {place} is a NUL"


@pytest.mark.parametrize(
    "header",
    [
        "Student ID,Date,Session,Code",
        "STUDENT_ID,DATE,SESSION,CODE",
        "student-id, date ,session,code",
        "StudentId,attendance date,AM/PM,Mark",
        "Pupil ID,Attendance Date,am pm,Attendance Code",
        "'student_id,date,session,code",
    ],
)
def test_column_names_are_matched_kindly(header: str) -> None:
    assert records(f"{header}\n{ROW}\n") == [{"student_id": "A1", "date": "2026-01-12", "session": "AM", "code": "/"}]


def test_columns_come_in_any_order() -> None:
    assert records("code,session,student_id,date\n/,AM,A1,12/01/2026\n") == records(f"{HEADER}\n{ROW}\n")


def test_other_names_of_columns_never_mean_two_things() -> None:
    for kind in ("attendance.session", "behaviour.create", "employee_absence.create", "detention_attendance.set"):
        names = names_for(kind)
        for field in {*names.values()} - {NOT_SENT}:
            assert names[plain(field)] == field


def test_quoted_line_breaks_and_delimiters_stay_in_their_cell() -> None:
    found = cells(f'{HEADER},comment\n{ROW},"one, two\nthree ""four"""\nA2,2026-01-12,AM,N,\n')

    assert found[0] == (2, ["A1", "2026-01-12", "AM", "/", 'one, two\nthree "four"'])
    assert found[1][0] == 3


def test_blank_lines_are_passed_over_and_rows_keep_their_numbers() -> None:
    assert [number for number, _ in cells(f"\n{HEADER}\n\n{ROW}\n,,,\n\nA2,2026-01-12,AM,N\n\n")] == [4, 7]


def test_a_title_above_the_column_names_is_passed_over() -> None:
    file = opened(f"Hillside School\nWeek 3,,printed 12/01/2026\n\n{HEADER}\n{ROW}\n")

    assert (file.layout.header_row, len(list(file.rows))) == (4, 1)


def test_excels_own_line_about_the_delimiter_is_passed_over() -> None:
    assert cells(f"sep=;\n{HEADER}\n{ROW}\n".replace(",", ";")) == [(3, ROW.split(","))]


def test_a_column_whose_name_is_mistyped_is_asked_about() -> None:
    (finding,) = refusal(f"{HEADER},comentt\n{ROW},late\n")

    assert finding.code == "column_unsure"
    assert "comentt (E)" in finding.message
    assert finding.hint.startswith("It may be comment.")


def test_names_and_years_are_passed_over_and_that_is_said() -> None:
    header = 'Pupil ID,"Surname, Forename",Year,Reg,Date,AM/PM,Mark'

    rows, layout, (warning,) = settled(f'{header}\nA1,"Example, Pat",7,7B,12/01/2026,AM,/\n', stated=BRITISH)

    assert read_unit(rows[:1], layout).register == "7B"
    assert records(f"{header}\nA1,,#N/A,7B,2026-01-12,AM,/\n") == records(f"{HEADER}\n{ROW}\n")
    assert warning.message == "Columns are passed over: Surname, Forename (B), Year (C)"


def test_a_surname_alone_in_place_of_an_id_is_told_what_is_needed() -> None:
    (finding,) = refusal("Surname,date,session,code\nExample,2026-01-12,AM,/\n")

    assert finding.code == "person_too_little"
    assert "UPN" in finding.hint


def test_unknown_columns_that_are_empty_are_let_be() -> None:
    assert len(records(f"{HEADER},Surname,\n{ROW},,\n")) == 1


def test_our_own_columns_are_let_be_whatever_they_say() -> None:
    assert records(f"{HEADER},problem,what to do\n{ROW},not on roll,leave it out\n") == records(f"{HEADER}\n{ROW}\n")


def test_missing_columns_and_columns_that_come_twice_are_told_together() -> None:
    codes = [one.code for one in refusal("student_id,pupil id,date,session\nA1,A1,2026-01-12,AM\n")]

    assert codes == ["column_twice", "column_missing"]


def test_a_cell_beside_the_columns_is_an_error_of_its_row() -> None:
    assert records(f"{HEADER}\n{ROW},what is this\n{ROW}\n")[0] == ["Cell E2 has no column name above it"]


def test_short_rows_are_filled_up() -> None:
    assert records(f"{HEADER},comment\n{ROW}\n") == records(f"{HEADER}\n{ROW}\n")


def test_a_quotation_mark_that_is_never_closed_swallows_no_rows() -> None:
    (finding,) = refusal(f'{HEADER},comment\n{ROW},"late\nA2,2026-01-12,AM,N,\nA3,2026-01-12,AM,N,\n')

    assert "never closed" in finding.message


def test_bytes_that_are_no_text_are_refused_with_their_place() -> None:
    (finding,) = refusal(HEADER.encode() + b"\nA1,2026-01-12,AM,\x81\x8d\n")

    assert "byte 46" in finding.message


def test_the_kind_may_stand_in_a_column() -> None:
    content = f"kind,{HEADER}\n{KIND},{ROW}\nattendance.lesson,{ROW}\n"

    assert opened(content, None).layout.kind == KIND
    assert records(content, None)[1] == [f"kind is attendance.lesson, while this file is of {KIND}"]
    assert refusal(f"kind,{HEADER}\nattendance.sesion,{ROW}\n", None)[0].code == "kind_unknown"
    assert refusal(f"{HEADER}\n{ROW}\n", None)[0].code == "kind_missing"
    assert refusal("kind,detention_id\ndetention.update,1\n", None)[0].code == "kind_not_tabular"


def test_a_row_of_an_incident_is_one_pupil_of_it() -> None:
    content = "incident,student_id,points,employee_id,date,type\n1,A1,2.0,E1,12/01/2026,NYPA\n2,,x,E1,,NYPA\n"

    found = records(content, "achievement.create")

    assert found[0] == {
        "employee_id": "E1",
        "date": "2026-01-12",
        "type": "NYPA",
        "students": [{"student_id": "A1", "points": 2}],
        "staff": [],
        "media": [],
    }
    assert found[1] == ["points is x: send a whole number"]


def test_all_that_is_wrong_with_a_row_is_said_without_places_in_lists() -> None:
    content = "student_id,points,employee_id,date,type\n,,E1,12/01/2026,NYPA\n"

    assert records(content, "achievement.create")[0] == ["student_id is missing", "points is missing"]


# --- XLSX


def test_a_workbook_is_read_with_its_dates_numbers_and_merged_cells() -> None:
    content = workbook(
        ["Hillside: week 3"],
        [],
        ["Pupil ID", "Date", "Session", "Mark", "Minutes late"],
        [1234, date(2026, 1, 12), "AM", "L", 5],
        [1235.0, None, "AM", "N", None],
        ["A3", datetime.fromisoformat("2026-01-13"), "PM", "N", None],
        ["0042", 46034, "PM", "N", None],
        merged=("A1:E1", "B4:B5"),
    )

    found = records(content)

    assert found == [
        {"student_id": "1234", "date": "2026-01-12", "session": "AM", "code": "L", "minutes_late": 5},
        {"student_id": "1235", "date": "2026-01-12", "session": "AM", "code": "N"},
        {"student_id": "A3", "date": "2026-01-13", "session": "PM", "code": "N"},
        {"student_id": "0042", "date": "2026-01-12", "session": "PM", "code": "N"},
    ]
    assert opened(content).layout.header_row == 3


def test_formulas_and_errors_in_cells_are_refused_row_by_row() -> None:
    content = workbook(HEADER.split(","), ["=A1", "2026-01-12", "AM", "/"], ["#N/A", "2026-01-12", "AM", "/"])

    assert records(content) == [["Cell A2 holds a formula"], ["Cell A3 shows #N/A"]]


def test_cells_that_are_merged_with_a_formula_are_refused_as_well() -> None:
    rows = [["A1", "2026-01-12", "AM", "I", "=A1"], ["A2", "2026-01-12", "AM", "I", None]]

    found = records(workbook([*HEADER.split(","), "comment"], *rows, merged=("E2:E3",)))

    assert found == [["Cell E2 holds a formula"], ["Cell E3 holds a formula"]]


def test_a_number_with_more_digits_than_excel_keeps_is_refused() -> None:
    (found,) = records(workbook(HEADER.split(","), [12345678901234567, "2026-01-12", "AM", "/"]))

    assert "last digits are lost" in found[0]  # type: ignore[index]


def test_other_sheets_are_told_of_and_not_read() -> None:
    book, content = Workbook(), io.BytesIO()
    for name in ("Monday", "Tuesday"):
        sheet = book.create_sheet(name)
        sheet.append(HEADER.split(","))
        sheet.append(ROW.split(","))
    del book["Sheet"]
    book.save(content)

    file = opened(content.getvalue())

    assert (file.layout.sheet, len(list(file.rows))) == ("Monday", 1)
    assert file.layout.warnings[0]["message"] == "The workbook has 2 sheets; only Monday is read"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04 and nothing more", "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old .xls workbook"),
    ],
)
def test_what_is_no_workbook_is_refused(content: bytes, said: str) -> None:
    assert said in refusal(content)[0].message


def test_a_zip_that_is_no_workbook_is_refused() -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("marks.csv", f"{HEADER}\n{ROW}\n")

    assert "no workbook in it" in refusal(content.getvalue())[0].message


def _padded(size: int, *, level: int = 9) -> bytes:
    """Return a workbook with a part that becomes large when it is unpacked."""
    content = io.BytesIO(workbook(HEADER.split(","), ROW.split(",")))
    with zipfile.ZipFile(content, "a", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        archive.writestr("xl/media/padding.bin", b"\0" * size)
    return content.getvalue()


def test_an_archive_that_would_become_huge_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb, large = _padded(30_000_000), _padded(1_500_000)
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_, **__: pytest.fail("unpacked"))

    assert len(bomb) < 100_000
    assert "too large" in refusal(bomb)[0].message
    assert "too large" in refusal(large, limit=1_000_000)[0].message


def test_damage_inside_a_workbook_is_a_refusal_and_no_crash() -> None:
    content = workbook(HEADER.split(","), *([ROW.split(",")] * 50))
    names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    for broken in names:
        damaged = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(damaged, "w") as after:
            for name in names:
                data = before.read(name)
                after.writestr(name, data[: len(data) // 2] if name == broken else data)
        try:
            found: Any = len(list(opened(damaged.getvalue()).rows))
        except FileRefused as refused:
            found = refused.findings[0].code
        assert found in (50, "file_unreadable"), broken


# --- NDJSON


def test_each_line_of_ndjson_is_a_record_as_the_api_takes_it() -> None:
    line = '{"student_id":"A1","date":"2026-01-12","session":"AM","code":"/","problem":"x","what to do":"y"}'

    assert opened(f'{{"kind":"{KIND}"}}\n', None).layout.kind == KIND
    assert records(f"\ufeff\n{line}\n\n[1]\n{{broken\n")[0] == {
        "student_id": "A1",
        "date": "2026-01-12",
        "session": "AM",
        "code": "/",
    }
    ndjson = io.BytesIO(f"\n{line}\n\n[1]\n".encode())
    rows = open_file(ndjson, Format.NDJSON, KIND, max_unpacked=0).rows
    assert [row.number for row in rows] == [2, 4]
    bad = records(f"{line}\n[1]\n{{broken\n")[1:]
    assert all(one[0].startswith("The line is no JSON object") for one in bad)  # type: ignore[index]


@settings(max_examples=examples(), deadline=None)
@given(st.dictionaries(st.text(min_size=1), st.one_of(st.text(), st.integers(), st.none(), st.lists(st.text()))))
def test_a_line_of_ndjson_is_the_same_when_it_comes_back(content: dict[str, Any]) -> None:
    for ours in ("problem", "what to do", "kind"):
        content.pop(ours, None)
    try:
        line = json.dumps(content, ensure_ascii=False).encode("utf-8").decode()
    except UnicodeEncodeError:
        return

    assert read_line(error_line(line, "wrong", "mend it").decode()) == (content, None)


# --- the order of days

MONTH_FIRST = "A1,11/23/2025,AM,I\nA2,11/24/2025,AM,I\nA3,11/02/2025,AM,I\nA4,11/12/2025,AM,I\n"


def days(content: bytes | str, **options: Any) -> list[Any]:
    """Return each row's day, or what is wrong with it."""
    found = records(content, **options)
    return [one["date"] if isinstance(one, dict) else one for one in found]


@pytest.mark.parametrize("order", [1, -1])
def test_one_day_that_must_be_month_first_makes_all_days_of_the_file_so(order: int) -> None:
    rows = MONTH_FIRST.splitlines()[::order]

    assert days("\n".join((HEADER, *rows))) == ["2025-11-23", "2025-11-24", "2025-11-02", "2025-11-12"][::order]
    (warning,) = settled("\n".join((HEADER, *rows)))[2]
    assert warning.code == "days_month_first"
    assert "11/2" in warning.message


def test_one_day_that_must_be_day_first_settles_the_file_without_a_word() -> None:
    content = f"{HEADER}\nA1,02/01/2026,AM,I\nA2,13/01/2026,AM,I\n"

    assert days(content) == ["2026-01-02", "2026-01-13"]
    assert settled(content)[2] == []


def test_another_column_of_the_file_settles_the_order_as_well() -> None:
    content = "student_id,points,employee_id,date,type,outcome_date\nA1,1,E1,01/02/2026,T,01/13/2026\n"

    (record,) = records(content, "behaviour.create")

    assert record["date"] == "2026-01-02"  # type: ignore[call-overload]


def test_days_that_contradict_each_other_refuse_the_file_and_name_both() -> None:
    content = f"{HEADER}\nA1,05/01/2026,AM,I\nA2,13/01/2026,AM,I\nA3,01/14/2026,AM,I\n"

    (finding,) = refusal(content)

    assert finding.code == "days_contradict"
    assert "13/01/2026 in B3 has the day first, 01/14/2026 in B4 the month" in finding.message


def test_a_stated_order_reads_what_it_can_and_sends_back_the_rest() -> None:
    content = f"{HEADER}\nA1,05/01/2026,AM,I\nA2,13/01/2026,AM,I\nA3,01/14/2026,AM,I\n"

    found = days(content, stated=BRITISH)

    assert found[:2] == ["2026-01-05", "2026-01-13"]
    assert "send a real calendar date" in found[2][0]
    assert days(content, stated=Stated(DayOrder.MONTH_FIRST))[::2] == ["2026-05-01", "2026-01-14"]


def test_days_that_may_be_either_are_day_first_and_a_warning_names_both_readings() -> None:
    (row,), layout, (warning,) = settled(f"{HEADER}\nA1,12/01/2026,AM,I\n")

    assert read_unit([row], layout).record.date == date(2026, 1, 12)  # type: ignore[union-attr]
    assert "12/01/2026 in B2 is read as 12 January 2026, not as 1 December 2026" in warning.message


@pytest.mark.parametrize(
    "day",
    [
        "01/12/2026",  # day first it is in eleven months, month first two days ago
        "02/11/2025",  # day first it is in November, month first in February, which is further away
        "03/01/2026",  # the other way round
        "01/05/2026",
    ],
)
def test_days_that_are_likely_to_be_month_first_are_asked_about(day: str) -> None:
    first, second = (date(int(day[6:]), int(day[a : a + 2]), int(day[b : b + 2])) for a, b in ((3, 0), (0, 3)))
    is_asked = (first > TODAY >= second) or abs((second - TODAY).days) < abs((first - TODAY).days)

    if is_asked:
        (finding,) = refusal(f"{HEADER}\nA1,{day},AM,I\n")
        assert finding.code == "days_either_way"
        assert "date_order=mdy" in finding.hint
    else:
        assert days(f"{HEADER}\nA1,{day},AM,I\n") == [first.isoformat()]
    assert is_asked == (day in ("01/12/2026", "01/05/2026"))


@settings(max_examples=examples(300), deadline=None)
@given(
    st.lists(st.dates(date(2025, 9, 1), date(2026, 8, 31)), min_size=1, max_size=8),
    st.booleans(),
    st.sampled_from("/.-"),
)
def test_no_day_is_ever_another_without_a_word(written: list[date], month_first: bool, mark: str) -> None:
    parts = (("%m", "%d", "%Y") if month_first else ("%d", "%m", "%Y"),)
    rows = [f"A1,{day.strftime(mark.join(parts[0]))},AM,I" for day in written]
    file = opened("\n".join((HEADER, *rows)))
    found = list(file.rows)
    try:
        layout, warnings = file.settle(TODAY)
    except FileRefused:
        return  # asked about, which is no silence
    read = [read_unit([row], layout).record.date for row in found]  # type: ignore[union-attr]

    assert read == written or [one.code for one in warnings] == ["days_day_first"]
    assert month_first or read == written


def test_a_column_that_a_spreadsheet_has_read_in_part_is_refused() -> None:
    """A month-first export that was opened where the day comes first: 11/02 has become 11 February, 11/23 is text."""
    header = HEADER.split(",")
    content = workbook(header, ["A1", date(2026, 2, 11), "AM", "I"], ["A2", "11/23/2026", "AM", "I"])

    (finding,) = refusal(content, stated=BRITISH)

    assert finding.code == "days_exchanged"
    assert "11/23/2026 in B3" in finding.message
    mixed = workbook(header, ["A1", date(2026, 1, 13), "AM", "I"], ["A2", "12/01/2026", "AM", "I"])
    assert days(mixed, stated=BRITISH) == ["2026-01-13", "2026-01-12"]


@pytest.mark.parametrize("as_day", [True, False])
def test_a_workbook_that_counts_from_1904_has_the_days_that_it_shows(as_day: bool) -> None:
    book, content = Workbook(), io.BytesIO()
    book.epoch = CALENDAR_MAC_1904
    sheet: Any = book.active
    sheet.append(HEADER.split(","))
    count = (date(2026, 1, 12) - date(1904, 1, 1)).days
    sheet.append(["A1", date(2026, 1, 12) if as_day else count, "AM", "/"])
    book.save(content)

    assert days(content.getvalue()) == ["2026-01-12"]


def test_bad_rows_have_days_that_need_no_other_rows_to_be_read() -> None:
    rows, layout, _ = settled(f"{HEADER}\n{MONTH_FIRST}")

    assert [as_sent_back(row.cells, layout)[1] for row in rows] == days(f"{HEADER}\n{MONTH_FIRST}")
    assert as_sent_back(["A1", "13/13/2026", "AM", "I"], layout)[1] == "13/13/2026"


# --- what is said of a file

JOSE = "José à la clinique"


def test_a_guessed_encoding_is_said_with_a_cell_in_both_readings() -> None:
    content = f"{HEADER},comment\r{ROW},{JOSE}\r".encode("mac-roman")

    rows, layout, (warning,) = settled(content)

    assert (rows[0].cells[4], layout.encoding) == ("JosŽ ˆ la clinique", "windows-1252")
    assert "“JosŽ ˆ la clinique”; as mac-roman it would be “José à la clinique”" in warning.message
    assert "encoding=mac-roman" in warning.hint


def test_a_stated_encoding_is_taken_and_a_mark_says_more() -> None:
    mac = Stated(encoding="mac-roman")
    rows, layout, warnings = settled(f"{HEADER},comment\r{ROW},{JOSE}\r".encode("mac-roman"), stated=mac)
    assert (rows[0].cells[4], layout.shown()["encoding"], warnings) == (JOSE, "mac-roman", [])
    marked = f"{HEADER},comment\n{ROW},{JOSE}\n".encode("utf-8-sig")
    assert settled(marked, stated=mac)[0][0].cells[4] == JOSE
    (finding,) = refusal(f"{HEADER},comment\n{ROW},{JOSE}\n".encode("cp1252"), stated=Stated(encoding="utf-8"))
    assert "byte 59 is not utf-8" in finding.message


def test_letters_that_are_not_sent_make_no_word_of_the_encoding() -> None:
    assert settled(f"{HEADER},Surname\n{ROW},Zoë\n".encode("cp1252"))[2][0].code == "columns_not_sent"
    assert len(settled(f"{HEADER},Surname\n{ROW},Zoë\n".encode("cp1252"))[2]) == 1


def test_words_for_nothing_are_counted_and_the_first_is_named() -> None:
    (warning,) = settled(f"{HEADER},comment\n{ROW},\nA2,2026-01-12,AM,I,\\N\nA3,2026-01-12,PM,I,nan\n")[2]

    assert warning.message == "2 cells have a word for nothing, the first is \\N in E3: they are taken as empty"


def test_what_a_formula_without_a_result_shows_is_an_error_in_csv_too() -> None:
    assert "Cell E2 shows #N/A" in records(f"{HEADER},comment\n{ROW},#N/A\n")[0]


def test_formulas_that_are_only_a_text_are_that_text() -> None:
    assert records(f'{HEADER}\n="A1",2026-01-12,AM,/\n"=""A2""",2026-01-12,AM,/\n') == [
        {"student_id": name, "date": "2026-01-12", "session": "AM", "code": "/"} for name in ("A1", "A2")
    ]
    assert records(workbook(HEADER.split(","), ['="A1"', "2026-01-12", "AM", "/"])) == records(f"{HEADER}\n{ROW}\n")


def test_hidden_rows_and_columns_are_taken_and_said() -> None:
    book, content = Workbook(), io.BytesIO()
    sheet: Any = book.active
    for line in (f"{HEADER},comment", *(f"A{number},2026-01-12,AM,I,x" for number in range(1, 5))):
        sheet.append(line.split(","))
    for number in (4, 5, 90):
        sheet.row_dimensions[number].hidden = True
    sheet.column_dimensions["E"].hidden = True
    book.save(content)

    rows, _, warnings = settled(content.getvalue())

    assert len(rows) == 4
    assert [one.message for one in warnings] == [
        "Columns are hidden in the spreadsheet and yet taken: comment (E)",
        "2 of the rows are hidden in the spreadsheet, the first is row 4: they are taken like all others",
    ]


def test_a_cover_sheet_is_passed_over_and_that_is_said() -> None:
    book, content = Workbook(), io.BytesIO()
    cover: Any = book.active
    cover.append(["Hillside School, attendance of week 3"])
    marks = book.create_sheet("Marks")
    marks.append(HEADER.split(","))
    marks.append(ROW.split(","))
    book.create_sheet("Lists").sheet_state = "hidden"
    book.save(content)

    rows, layout, (warning,) = settled(content.getvalue())

    assert (len(rows), layout.sheet) == (1, "Marks")
    assert warning.message == "The workbook has 3 sheets; only Marks is read"


HTML = "<html><body><table><tr><th>student_id</th></tr></table></body></html>"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@pytest.mark.parametrize("format_", list(Format))
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (HTML.encode(), "a web page (HTML)"),
        (f"\ufeff\r\n<!DOCTYPE html>\n{HTML}".encode(), "a web page (HTML)"),
        (f"\ufeff{HTML}".encode("utf-16-le"), "a web page (HTML)"),
        (b"<!-- x --><table><tr><td>1</td></tr></table>", "a web page (HTML)"),
        (
            b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">',
            "XML Spreadsheet 2003",
        ),
        (b"%PDF-1.7", "a PDF document"),
        (b"{\\rtf1", "RTF"),
        (b"\x1f\x8b\x08", "gzip"),
        (OLE + b"\0" * 600 + "Workbook".encode("utf-16-le"), "an old .xls workbook"),
        (OLE + b"\0" * 300_000 + "EncryptedPackage".encode("utf-16-le"), "a workbook with a password"),
    ],
)
def test_what_is_no_table_is_named_for_what_it_is(content: bytes, said: str, format_: Format) -> None:
    with pytest.raises(FileRefused) as caught:
        open_file(io.BytesIO(content), format_, KIND, max_unpacked=1_000_000)

    (finding,) = caught.value.findings
    assert said in finding.message


@pytest.mark.parametrize(
    ("part", "said"), [("content.xml", "OpenDocument"), ("xl/workbook.bin", ".xlsb"), ("word/document.xml", "Word")]
)
def test_another_sort_of_archive_is_named(part: str, said: str) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(part, "x")

    assert said in refusal(content.getvalue())[0].message


def _rewritten(content: bytes, *, strict: bool = False, backslashes: bool = False) -> bytes:
    """Return a workbook as Excel saves it as “Strict Open XML”, or as archivers on Windows have packed it."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(made, "w") as after:
        for name in before.namelist():
            data = before.read(name)
            for usual, other in (
                (b"http://schemas.openxmlformats.org/spreadsheetml/2006/main", b"spreadsheetml/main"),
                (b"http://schemas.openxmlformats.org/officeDocument/2006/", b"officeDocument/"),
            ):
                data = data.replace(usual, b"http://purl.oclc.org/ooxml/" + other) if strict else data
            after.writestr(name.replace("/", "\\") if backslashes else name, data)
    return made.getvalue()


@pytest.mark.parametrize(("strict", "backslashes"), [(True, False), (False, True), (True, True)])
def test_workbooks_that_say_the_same_in_another_way_are_read(strict: bool, backslashes: bool) -> None:
    content = workbook(HEADER.split(","), ["A1", date(2026, 1, 12), "AM", "/"], merged=("A4:B5",))

    rewritten = _rewritten(content, strict=strict, backslashes=backslashes)

    assert rewritten != content
    assert records(rewritten) == records(content) == records(f"{HEADER}\n{ROW}\n")


# --- files as programs have written them

EXAMPLES = Path(__file__).parents[2] / "examples" / "files"


def test_files_as_programs_have_written_them_are_read_as_they_are_meant() -> None:
    def read(name: str) -> tuple[list[Row], Layout, list[str]]:
        rows, layout, found = settled((EXAMPLES / name).read_bytes())
        return rows, layout, [one.code for one in found]

    rows, layout, _ = read("days_counted_from_1904.xlsx")
    assert {read_unit([row], layout).record.date for row in rows} == {date(2026, 11, 23)}  # type: ignore[union-attr]
    rows, layout, _ = read("strict_workbook.xlsx")
    assert [read_unit([row], layout).record.date for row in rows] == [date(2026, 11, 23)]  # type: ignore[union-attr]
    assert read("rows_hidden_by_a_filter.xlsx")[2] == ["rows_hidden"]
    assert read("mac_excel.csv")[2] == ["encoding_guessed"]
    assert "web page" in refusal((EXAMPLES / "web_page_called.xls").read_bytes())[0].message


# --- out and back in

_CELL = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12)


@settings(max_examples=examples(200), deadline=None)
@given(
    st.lists(st.tuples(_CELL, _CELL, _CELL, _CELL), min_size=1, max_size=6),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_bad_rows_of_a_csv_file_mean_the_same_when_they_come_back(
    rows: list[tuple[str, ...]], delimiter: str, encoding: str
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow(HEADER.split(","))
    writer.writerows(rows)
    file = opened(text.getvalue().encode(encoding))
    before = list(file.rows)
    errors = CsvErrors(file.layout)
    content = errors.head() + b"".join(errors.row(row.cells, "-wrong", "=mend it") for row in before)

    if before:
        again = opened(content)
        after = list(again.rows)

        assert _meanings(before, file) == _meanings(after, again)
        _refuse_formulas(content, again.layout.delimiter)


@settings(max_examples=examples(30), deadline=None)
@given(st.lists(st.tuples(_CELL, _CELL), min_size=1, max_size=4))
def test_bad_rows_of_a_workbook_mean_the_same_when_they_come_back(rows: list[tuple[str, str]]) -> None:
    content = "student_id,date,session,code,comment\n"
    file = opened(content + ROW + ",x\n")
    errors, back = XlsxErrors(file.layout), io.BytesIO()
    for code, comment in rows:
        errors.row(["A1", "2026-01-12", "AM", code, comment], "=wrong", "mend it")
    errors.save(back)

    found = list(opened(back.getvalue()).rows)

    assert len(found) == len(rows)
    errors_in = [any(cell.strip().upper() in ERRORS for cell in pair) for pair in rows]
    assert [bool(row.findings) for row in found] == errors_in
    for row, (_, comment) in zip(found, rows, strict=True):
        plain_text = "".join(letter for letter in comment if letter.isprintable())
        back_text = "".join(letter for letter in row.cells[4] if letter.isprintable())
        assert back_text.removeprefix("'") == plain_text.removeprefix("'")


def _meanings(rows: Sequence[Any], file: OpenFile) -> list[Any]:
    units = [read_unit([row], file.layout) for row in rows]
    return [(unit.record, [one.message for found in unit.findings.values() for one in found]) for unit in units]


def _refuse_formulas(content: bytes, delimiter: str) -> None:
    text = content.decode("utf-8-sig")
    for line in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in line)


@pytest.mark.parametrize(
    ("head", "media_type", "name", "format_"),
    [
        (b"PK\x03\x04", "text/csv", "a.csv", Format.XLSX),
        (b'{"a"', "", "", Format.NDJSON),
        (b"a,b", "", "", Format.CSV),
        (b"a,b", "application/vnd.ms-excel", "a.csv", Format.CSV),
        (b"[", "application/x-ndjson", "", Format.NDJSON),
        (b"x", "application/octet-stream", "a.jsonl", Format.NDJSON),
        (b"a,b", MEDIA_TYPES[Format.XLSX], "", Format.CSV),  # as generated clients send whatever they are given
        (b'{"a"', MEDIA_TYPES[Format.XLSX], "a.ndjson", Format.NDJSON),
        (b"<html", MEDIA_TYPES[Format.XLSX], "a.xlsx", Format.XLSX),
    ],
)
def test_a_format_is_recognised_by_content_first(head: bytes, media_type: str, name: str, format_: Format) -> None:
    assert format_of(head, media_type=media_type, name=name) is format_
