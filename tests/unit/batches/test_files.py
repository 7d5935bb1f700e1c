"""Messy files of every sort, read as people mean them; and the way of a bad row out and back in."""

import csv
import io
import json
import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from writeback.batches.columns import NOT_SENT
from writeback.batches.csv_files import CsvErrors
from writeback.batches.days import DayOrder
from writeback.batches.files import format_of, open_file
from writeback.batches.findings import FileRefused
from writeback.batches.headers import names_for, plain
from writeback.batches.layout import Format, Layout, Row, Stated
from writeback.batches.ndjson_files import error_line, read_line
from writeback.batches.records import read_unit
from writeback.batches.survey import OpenFile
from writeback.batches.xlsx_files import XlsxErrors
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


def test_an_unknown_column_names_the_one_that_is_close() -> None:
    (finding,) = refusal(f"{HEADER},comentt\n{ROW},late\n")

    assert finding.code == "column_unknown"
    assert finding.hint.startswith("Did you mean comment?")
    assert "comentt (E)" in finding.message


@pytest.mark.parametrize("name", ["UPN", "Admission Number"])
def test_a_column_that_is_no_id_of_the_providers_says_so(name: str) -> None:
    (finding,) = refusal(f"{HEADER},{name}\n{ROW},something\n")

    assert "use student_id" in finding.hint


def test_names_and_years_are_passed_over_and_that_is_said() -> None:
    header = 'Pupil ID,"Surname, Forename",Year,Reg,Date,AM/PM,Mark'

    rows, layout, (warning,) = settled(f'{header}\nA1,"Example, Pat",7,7B,12/01/2026,AM,/\n', stated=BRITISH)

    assert read_unit(rows[:1], layout).register == "7B"
    assert records(f"{header}\nA1,,#N/A,7B,2026-01-12,AM,/\n") == records(f"{HEADER}\n{ROW}\n")
    assert warning.message == "Columns are passed over: Surname, Forename (B), Year (C)"


def test_a_name_in_place_of_an_id_is_told_what_is_needed() -> None:
    found = refusal("Surname,date,session,code\nExample,2026-01-12,AM,/\n")

    assert [one.code for one in found] == ["column_missing", "column_unknown"]
    assert "use student_id" in found[1].hint


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


@settings(deadline=None)
@given(st.dictionaries(st.text(min_size=1), st.one_of(st.text(), st.integers(), st.none(), st.lists(st.text()))))
def test_a_line_of_ndjson_is_the_same_when_it_comes_back(content: dict[str, Any]) -> None:
    for ours in ("problem", "what to do", "kind"):
        content.pop(ours, None)
    try:
        line = json.dumps(content, ensure_ascii=False).encode("utf-8").decode()
    except UnicodeEncodeError:
        return

    assert read_line(error_line(line, "wrong", "mend it").decode()) == (content, None)


# --- out and back in

_CELL = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12)


@settings(max_examples=200, deadline=None)
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


@settings(max_examples=30, deadline=None)
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
    assert all(not row.findings for row in found)
    for row, (_, comment) in zip(found, rows, strict=True):
        plain_text = "".join(letter for letter in comment if letter.isprintable())
        assert "".join(letter for letter in row.cells[4].removeprefix("'") if letter.isprintable()) == (
            plain_text.removeprefix("'")
        )


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
    ],
)
def test_a_format_is_told_by_content_first(head: bytes, media_type: str, name: str, format_: Format) -> None:
    assert format_of(head, media_type=media_type, name=name) is format_
