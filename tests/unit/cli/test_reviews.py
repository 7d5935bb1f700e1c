"""A file before it is sent, on a terminal, against a fake API: what is shown, what is asked, and what is sent."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import Result

from tests.unit.cli.conftest import FakeApi
from tests.unit.cli.test_upload import ANSWER, BATCH, UPLOAD, batch, delivered

Run = Callable[..., Result]
NOBODY = {"found": 0, "chosen": 0, "unknown": 0, "ambiguous": 0, "too_little": 0, "not_kept": 0}
USE = {"field": None, "day": "", "session": "", "lesson_id": ""}


def column(letter: str, name: str, field: str | None, **changes: Any) -> dict[str, Any]:
    use = {**USE, "field": field}
    return {"column": letter, "name": name, "use": use, "candidates": [], "why": "", "samples": ["A1"], **changes}


def review(*columns: dict[str, Any], **changes: Any) -> dict[str, Any]:
    reading = {
        "kind": "attendance.session",
        "header_rows": [1],
        "columns": list(columns) or [column("A", "UPN", "student.upn")],
        "constants": {},
        "first_day": "",
        "fields": ["student_id", "session", "code"],
        "missing": [],
        "confirmed_by": None,
        "confirmed_at": None,
        "is_remembered": False,
    }
    return {
        "batch": "bat_1",
        "version": 3,
        "until": "2026-01-26T09:00:00Z",
        "is_read": True,
        "header_row": 1,
        "columns": [],
        "reading": {**reading, **changes.pop("reading", {})},
        "students": {**NOBODY, "found": 2, **changes.pop("students", {})},
        "employees": NOBODY,
        "days": {"2026-01-12": 2},
        "sessions": {"AM": 2},
        "codes": {"/": 1, "N": 1},
        **changes,
    }


def reviewing(**changes: Any) -> dict[str, Any]:
    return batch("reviewing", review=True, version=3, review_until="2026-01-26T09:00:00Z", **changes)


@pytest.fixture(autouse=True)
def _on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("writeback.cli.files.uploading.is_terminal", lambda: True)
    monkeypatch.setattr("writeback.cli.files.uploading._EVERY_S", 0)


@pytest.fixture
def upload(api: FakeApi, run: Run, tmp_path: Path) -> Callable[..., Result]:
    file = tmp_path / "marks.csv"
    file.write_bytes(b"UPN,Date,Session,Mark\nX,2026-01-12,AM,/\n")
    api.on("POST", UPLOAD, {**ANSWER, "review": True}, status=202)

    def upload_file(*options: str, stdin: str) -> Result:
        return run("upload", str(file), "--school", "hillside", "--kind", "attendance.session", *options, stdin=stdin)

    return upload_file


def bodies(api: FakeApi, method: str) -> list[Any]:
    return [json.loads(one.content or b"null") for one in api.requests if one.method == method][-2:]


def test_what_was_understood_is_shown_and_sent_when_somebody_says_so(
    api: FakeApi, upload: Callable[..., Result]
) -> None:
    api.on("GET", BATCH, reviewing())
    api.on("GET", f"{BATCH}/review", review())
    api.on("POST", f"{BATCH}/send", batch("queueing", review=True))
    on_its_way = batch("delivering", queued=2, writebacks=delivered(queued=1))
    api.answers["GET", BATCH].append(httpx.Response(200, json=on_its_way))

    result = upload(stdin="send\n")

    assert result.exit_code == 0, result.output
    assert api.requests[0].url.params["review"] == "true"
    for shown in (
        "student.upn",
        "Pupils: 2 found",
        "2026-01-12 (2)",
        "AM (2)",
        "/ (1), N (1)",
        "2 rows: 2 good, 0 bad",
    ):
        assert shown in result.stdout
    assert json.loads(next(one for one in api.requests if one.url.path.endswith("/send")).content) == {"version": 3}


def test_a_file_that_is_left_for_later_says_how_to_come_back(api: FakeApi, upload: Callable[..., Result]) -> None:
    api.on("GET", BATCH, reviewing())
    api.on("GET", f"{BATCH}/review", review())

    result = upload(stdin="later\n")

    assert result.exit_code == 0, result.output
    assert "writeback review bat_1" in result.stdout
    assert not [one for one in api.requests if one.url.path.endswith("/send")]


def test_columns_of_which_nobody_can_tell_are_asked_about(api: FakeApi, upload: Callable[..., Result]) -> None:
    unread = review(
        column("A", "Who", None, use=None, why="it may be several things", candidates=["student_id"]),
        column("B", "Mark", "code"),
        is_read=False,
        reading={"missing": ["student_id", "session"]},
    )
    api.on("GET", BATCH, reviewing(good=0))
    api.on("GET", f"{BATCH}/review", unread)
    api.on("GET", f"{BATCH}/review", review())
    api.on("PUT", f"{BATCH}/mapping", reviewing(), status=202)
    api.answers["GET", BATCH].append(httpx.Response(200, json=reviewing()))

    result = upload(stdin="y\nstudent\nstudent_id\n=AM\nlater\n")

    assert result.exit_code == 0, result.output
    assert bodies(api, "PUT") == [
        {"columns": {"A": {"field": "student_id"}}, "constants": {"session": "AM"}, "version": 3}
    ]


def test_who_was_not_found_is_asked_about(api: FakeApi, upload: Callable[..., Result]) -> None:
    named = {"key": "k1", "reference": {"surname": "Example"}, "rows": 2, "row": 3}
    near = [{"id": "A1", "surname": "Exampel", "forename": "Pat"}, {"id": "A2", "surname": None, "forename": None}]
    api.on("GET", BATCH, reviewing())
    api.on("GET", f"{BATCH}/review", review(students={"unknown": 1}))
    api.on("GET", f"{BATCH}/people", {"items": [{**named, "candidates": near}], "next_cursor": None})
    api.on("PUT", f"{BATCH}/people/k1", {"batch": reviewing(), "rows": []})

    result = upload(stdin="people\n2\nlater\n")

    assert result.exit_code == 0, result.output
    assert "1: A1 surname Exampel, forename Pat" in result.stderr
    assert bodies(api, "PUT") == [{"person_id": "A2"}]


def test_whoever_breaks_off_has_sent_nothing_and_learns_how_to_come_back(
    api: FakeApi, upload: Callable[..., Result]
) -> None:
    api.on("GET", BATCH, reviewing())
    api.on("GET", f"{BATCH}/review", review())

    result = upload(stdin="")

    assert result.exit_code == 0, result.output
    assert "writeback review bat_1" in result.stdout


def test_with_yes_nothing_is_asked(api: FakeApi, upload: Callable[..., Result]) -> None:
    api.on("GET", BATCH, batch("delivering", queued=2, writebacks=delivered(queued=1)))

    result = upload("--yes", stdin="")

    assert result.exit_code == 0, result.output
    assert "review" not in api.requests[0].url.params


def test_coming_back_to_a_file_shows_it_and_sends_it(api: FakeApi, run: Run) -> None:
    api.on("GET", BATCH, reviewing())
    api.on("GET", f"{BATCH}/review", review())
    api.on("POST", f"{BATCH}/send", batch("queueing", review=True))

    asked = run("review", "bat_1", stdin="send\n")
    shown = run("review", "bat_1", "--json")

    assert asked.exit_code == 0, asked.output
    assert "queueing" in asked.stdout
    assert json.loads(shown.stdout)["understood"]["days"] == {"2026-01-12": 2}
