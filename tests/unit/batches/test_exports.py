"""Files shaped like exports of schools' systems, read as they are meant or asked about (`tests/examples/exports`)."""

import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from writeback.batches.csv_files import CsvErrors
from writeback.batches.days import DayOrder
from writeback.batches.files import format_of, look_at, open_file
from writeback.batches.findings import FileRefused
from writeback.batches.layout import Stated
from writeback.batches.mapping.mapping import Mapping
from writeback.batches.mapping.proposal import Proposal
from writeback.batches.records import as_sent_back, read_content
from writeback.batches.whole_file_findings import OpenFile

EXPORTS = Path(__file__).parents[2] / "examples" / "exports"
TODAY = date(2026, 11, 30)
SESSION, BEHAVIOUR = "attendance.session", "behaviour.create"
Content = dict[str, Any]


def content_of(name: str) -> bytes:
    return (EXPORTS / name).read_bytes()


def opened(data: bytes, kind: str = SESSION, **options: Any) -> OpenFile:
    format_ = format_of(data[:4_096])
    return open_file(io.BytesIO(data), format_, kind, max_unpacked=50_000_000, today=TODAY, **options)


def proposed(data: bytes, kind: str = SESSION) -> Proposal:
    found = look_at(io.BytesIO(data), format_of(data[:4_096]), kind, max_unpacked=50_000_000, today=TODAY)
    assert found is not None
    return found


def contents(file: OpenFile) -> list[Content]:
    """Return what each row says; fails where one cannot be read."""
    rows = list(file.rows)
    layout, _ = file.settle(TODAY)
    units = [read_content([row], layout) for row in rows]
    assert [unit.findings for unit in units] == [{}] * len(units)
    return [unit.content for unit in units if unit.content is not None]


def warnings(file: OpenFile) -> dict[str, str]:
    list(file.rows)
    layout, found = file.settle(TODAY)
    return {one["code"]: one["message"] for one in layout.warnings} | {one.code: one.message for one in found}


def refusal(data: bytes, kind: str = SESSION, **options: Any) -> list[str]:
    with pytest.raises(FileRefused) as caught:
        list(opened(data, kind, **options).rows)
    return [one.code for one in caught.value.findings]


def marks(who: Content, *marks: tuple[str, str, str]) -> list[Content]:
    """Return what marks of one pupil say: day of November, session and code of each."""
    return [
        {"student": who, "date": f"2026-11-{day}", "session": session, "code": code} for day, session, code in marks
    ]


PAT = {"surname": "Example", "forename": "Pat", "class": "7B"}
SAM = {"surname": "Example", "forename": "Sam", "class": "7B"}


def test_a_table_of_marks_as_sims_has_them_is_read() -> None:
    assert contents(opened(content_of("sims_session_attendance.csv"))) == [
        {"date": "2026-11-23", "code": "/", "session": "AM", "student_id": "A1000252893"},
        {"date": "2026-11-23", "code": "\\", "session": "PM", "student_id": "A1000252893"},
        {"date": "2026-11-23", "code": "L", "session": "AM", "student_id": "A1005654816"},
    ]


def test_a_marksheet_with_days_above_and_sessions_beneath_is_read() -> None:
    file = opened(content_of("sims_marksheet_week.xlsx"))

    assert contents(file) == [
        *marks(PAT, ("23", "AM", "/"), ("23", "PM", "\\"), ("24", "AM", "/"), ("24", "PM", "I")),
        *marks(SAM, ("23", "AM", "N"), ("23", "PM", "\\"), ("24", "AM", "/"), ("24", "PM", "\\")),
    ]
    said = warnings(opened(content_of("sims_marksheet_week.xlsx")))
    assert said["columns_not_sent"] == (
        "Columns are passed over: Sex (C), SEN Status (D), Class (E), Total Present (J), Total % (K)"
    )
    assert said["rows_not_sent"].endswith("the first in row 6: Grand total")


def test_a_week_with_two_marks_in_a_cell_is_read_by_its_title() -> None:
    file = opened(content_of("sims_weekly_registration.csv"))

    found = contents(file)

    pat = {"admission_number": "001234", "surname": "Example", "forename": "Pat"}
    assert found[:7] == marks(
        pat,
        *(("23", "AM", "/"), ("23", "PM", "\\"), ("24", "AM", "/"), ("24", "PM", "\\")),
        *(("25", "AM", "I"), ("25", "PM", "\\"), ("26", "PM", "\\")),
    )
    assert len(found) == 19
    said = warnings(opened(content_of("sims_weekly_registration.csv")))
    assert said["grid_days_partial"].startswith("Column Mon (C) is read as 2026-11-23")
    assert said["rows_not_sent"].startswith("Passed over because they are no records: 2, ")


def test_a_row_of_totals_without_a_label_is_no_row() -> None:
    found = contents(opened(content_of("bromcom_registers.csv")))

    assert [one["code"] for one in found] == ["/", "\\", "I", "L", "\\"]
    assert found[0]["student"] == {"admission_number": "1234", **PAT}


def test_the_days_of_a_month_are_read_by_its_title() -> None:
    found = contents(opened(content_of("bromcom_monthly.xlsx")))

    assert len(found) == 24
    assert {one["date"] for one in found} == {f"2026-11-{day:02}" for day in (2, 3, 4, 5, 6, 9)}


def test_a_grid_with_day_and_session_in_each_name_is_read() -> None:
    found = contents(opened(content_of("arbor_roll_call.csv")))

    pat = {"upn": "Z999999999001", **PAT}
    assert found[:4] == marks(pat, ("23", "AM", "/"), ("23", "PM", "\\"), ("24", "AM", "N"), ("24", "PM", "\\"))


def test_who_took_a_register_is_passed_over_where_nobody_needs_it() -> None:
    first, second = contents(opened(content_of("arbor_raw_marks.xlsx")))

    assert first == {
        "student": {**PAT, "date_of_birth": "2015-03-02"},
        "date": "2026-11-23",
        "session": "AM",
        "code": "L",
        "minutes_late": 5,
        "comment": "Bus",
    }
    assert second["student"]["date_of_birth"] == "2014-12-24"
    assert warnings(opened(content_of("arbor_raw_marks.xlsx"))).keys() == {"columns_not_sent"}


def test_a_semicolon_export_with_words_for_sessions_is_read() -> None:
    found = contents(opened(content_of("isams_registers.csv")))

    assert [(one["session"], one["code"]) for one in found] == [("AM", "/"), ("AM", "M"), ("PM", "\\")]
    assert found[0]["student"] == {"surname": "Example", "forename": "Patricia", "class": "7B"}


def test_conduct_is_read_with_pupil_and_staff() -> None:
    file = opened(content_of("class_charts_behaviour.csv"), BEHAVIOUR)

    first, _ = contents(file)

    assert first == {
        "students": [{"student": {"upn": "Z999999999001", **PAT}, "points": 1}],
        "employee": {"email": "RE@hillside.example"},
        "type": "Disruption",
        "date": "2026-11-23",
        "time": "10:05",
        "comment": "Talked, twice",
    }
    assert "times_not_sent" in warnings(opened(content_of("class_charts_behaviour.csv"), BEHAVIOUR))


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("isams_registrations_migration.csv", ["column_unsure", "column_missing", "column_missing"]),
        ("paper_register.csv", ["constant_unsure", "constant_unsure"]),
        ("unlabelled_days.csv", ["column_unsure"] * 4),
        ("grid_with_a_day_that_is_none.csv", ["column_unsure"]),
        ("grid_with_a_day_twice.csv", ["column_twice"]),
    ],
)
def test_what_is_not_certain_is_asked_and_not_read(name: str, codes: list[str]) -> None:
    assert refusal(content_of(name)) == codes
    assert not proposed(content_of(name)).is_certain


@pytest.mark.parametrize("name", ["paper_register.csv", "unlabelled_days.csv"])
def test_what_was_asked_is_read_once_it_is_confirmed(name: str) -> None:
    data = content_of(name)
    mapping = proposed(data).mapping

    found = contents(opened(data, mapping=Mapping.of_json(mapping.as_json())))

    assert {(one["date"], one["session"]) for one in found} >= {("2026-11-23", "AM")}
    assert all("upn" in one["student"] for one in found)


@pytest.mark.parametrize("name", sorted(path.name for path in EXPORTS.glob("*.*") if path.suffix != ".md"))
def test_rows_that_come_back_mean_the_same_whatever_shape_their_file_had(name: str) -> None:
    data, kind = content_of(name), BEHAVIOUR if "behaviour" in name else SESSION
    proposal = proposed(data, kind)
    if [one.code for one in proposal.findings if one.is_error and one.code in ("column_twice", "column_missing")]:
        return
    mapping = None if proposal.is_certain else proposal.mapping

    file = opened(data, kind, mapping=mapping)
    rows = list(file.rows)
    layout, _ = file.settle(TODAY)
    errors = CsvErrors(layout)
    back = errors.head() + b"".join(errors.row(as_sent_back(row.cells, layout), "bad", "mend") for row in rows)

    again = contents(opened(back, kind, stated=Stated(DayOrder.DAY_FIRST)))
    assert again == contents(opened(data, kind, mapping=mapping))


@pytest.mark.parametrize("name", sorted(path.name for path in EXPORTS.glob("*.*") if path.suffix != ".md"))
def test_a_proposal_is_the_same_after_it_was_kept(name: str) -> None:
    proposal = proposed(content_of(name), BEHAVIOUR if "behaviour" in name else SESSION)

    text = json.dumps(proposal.as_json())
    kept = Proposal.of_json(json.loads(text))

    assert json.dumps(kept.as_json()) == text
    assert kept.mapping == proposal.mapping
