"""What a school's settings say, from the command line."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import FakeApi

SCHOOL = {"id": "hillside", "defaults": {"detention.create": {"location": "R1"}}, "office_marks": "overwrite"}
PATH = "/v1/schools/hillside"
YEAR: dict[str, Any] = {
    "school": "hillside",
    "stretches": [{"kind": "inset", "first": "2026-09-02", "last": "2026-09-02", "name": "Training"}],
    "from_provider": [{"kind": "holiday", "first": "2026-12-21", "last": "2027-01-01", "name": "Christmas"}],
    "passed_over": ["row 3, Parents' evening: it does not say whether pupils come"],
}


def test_defaults_are_shown(api: FakeApi, run: Any) -> None:
    api.on("GET", PATH, SCHOOL)

    shown = run("schools", "defaults", "hillside")

    assert shown.exit_code == 0
    assert "detention.create" in shown.stdout
    assert "R1" in shown.stdout


def test_a_default_is_added_and_one_taken_away(api: FakeApi, run: Any) -> None:
    api.on("GET", PATH, SCHOOL)
    api.on("PATCH", PATH, SCHOOL)

    place = "detention.create.location"
    changed = run("schools", "defaults", "hillside", "--set", "attendance.session.employee_id=A=1", "--unset", place)

    assert changed.exit_code == 0
    assert api.last_body == {"defaults": {"detention.create": {}, "attendance.session": {"employee_id": "A=1"}}}


@pytest.mark.parametrize("given", ["attendance.session.employee_id", "location=R1"])
def test_a_default_without_a_kind_or_a_value_is_refused(api: FakeApi, run: Any, given: str) -> None:
    api.on("GET", PATH, SCHOOL)

    assert run("schools", "defaults", "hillside", "--set", given).exit_code == 2


def test_what_becomes_of_the_offices_marks_is_shown_and_said(api: FakeApi, run: Any) -> None:
    api.on("GET", PATH, SCHOOL)
    api.on("PATCH", PATH, {**SCHOOL, "office_marks": "leave"})

    shown, changed = run("schools", "office-marks", "hillside"), run("schools", "office-marks", "hillside", "leave")

    assert "written over" in " ".join(shown.stdout.split())
    assert "left as they are" in " ".join(changed.stdout.split())
    assert api.last_body == {"office_marks": "leave"}
    assert run("schools", "office-marks", "hillside", "ask").exit_code == 2


def test_a_year_is_shown_with_who_says_what(api: FakeApi, run: Any) -> None:
    api.on("GET", f"{PATH}/year", YEAR)

    shown = run("schools", "year", "hillside").stdout

    for words in ("2026-09-02", "Training", "the school", "Christmas", "the provider", "passed over: row 3"):
        assert words in " ".join(shown.split())


def test_a_year_is_loaded_from_a_file_of_excels(api: FakeApi, run: Any, tmp_path: Path) -> None:
    api.on("PUT", f"{PATH}/year", YEAR)
    file = tmp_path / "terms.csv"
    file.write_bytes("kind,first,name\nholiday,2026-12-21,Noël\n".encode("windows-1252"))

    loaded = run("schools", "year", "hillside", str(file))
    sent = api.last_body
    cleared = run("schools", "year", "hillside", "--clear")

    assert (loaded.exit_code, sent) == (0, {"file": "kind,first,name\nholiday,2026-12-21,Noël\n"})
    assert (cleared.exit_code, api.last_body) == (0, {"stretches": []})
    assert run("schools", "year", "hillside", str(file), "--clear").exit_code == 2


def test_a_file_that_is_no_text_is_refused_before_anything_is_sent(api: FakeApi, run: Any, tmp_path: Path) -> None:
    file = tmp_path / "terms.xlsx"
    file.write_bytes(b"PK\x03\x04" + bytes(range(256)) * 4)

    assert run("schools", "year", "hillside", str(file)).exit_code != 0
    assert api.requests == []
