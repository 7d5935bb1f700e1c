"""`writeback upload` against a fake API: what it sends, what it writes, and how it ends."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import Result

from tests.unit.cli.conftest import FakeApi

Run = Callable[..., Result]

UPLOAD, BATCH = "/v1/schools/hillside/batches", "/v1/batches/bat_1"
ANSWER = {
    "id": "bat_1",
    "status": "reading",
    "school": "hillside",
    "kind": "attendance.session",
    "dry_run": False,
    "review": False,
    "format": "csv",
    "file_name": "marks.csv",
    "size": 10,
    "findings": [],
    "created_at": "2026-01-12T09:00:00Z",
}
NONE = {"total": 0, "waiting": 0, "confirmed": 0, "failed": 0, "needs_attention": 0, "by_status": {}}
PROBLEM = {"code": "x", "severity": "error", "count": 1, "row": 3, "message": "A9: not on roll", "hint": "leave it out"}


def batch(status: str, *, good: int = 2, bad: int = 0, queued: int = 0, **changes: Any) -> dict[str, Any]:
    return {
        **ANSWER,
        "app": "app",
        "status": status,
        "file": {},
        "rows": {"read": good + bad, "good": good, "bad": bad, "left_out": 0, "queued": queued},
        "writebacks": NONE,
        "problems": [PROBLEM] if bad else [],
        "errors": f"{BATCH}/errors.csv" if bad else None,
        "updated_at": "2026-01-12T09:00:01Z",
        "finished_at": None,
        **changes,
    }


def delivered(**by_status: int) -> dict[str, Any]:
    waiting = by_status.get("sent", 0) + by_status.get("queued", 0)
    return {
        **NONE,
        "total": sum(by_status.values()),
        "waiting": waiting,
        "confirmed": by_status.get("confirmed", 0),
        "failed": by_status.get("failed", 0),
        "by_status": by_status,
    }


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("writeback.cli.files.uploading._EVERY_S", 0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "marks.csv"
    path.write_bytes(b"student_id,date,session,code\nA1,2026-01-12,AM,/\n")
    return path


@pytest.fixture
def upload(api: FakeApi, run: Run, file: Path) -> Callable[..., Result]:
    def upload_file(*options: str) -> Result:
        return run("upload", str(file), "--school", "hillside", "--kind", "attendance.session", *options)

    api.on("POST", UPLOAD, ANSWER, status=202)
    return upload_file


def test_the_file_is_sent_as_it_is_and_good_rows_end_in_0(
    api: FakeApi, upload: Callable[..., Result], file: Path
) -> None:
    api.on("GET", BATCH, batch("checking", good=1))
    api.on("GET", BATCH, batch("delivering", queued=2, writebacks=delivered(queued=1)))

    result = upload()

    sent = api.requests[0]
    assert result.exit_code == 0, result.output
    assert sent.content == file.read_bytes()
    assert sent.url.params["kind"] == "attendance.session"
    assert sent.headers["content-type"] == "text/csv"
    assert sent.headers["x-filename"] == "marks.csv"
    assert "2 rows: 2 good, 0 bad, 2 queued" in result.stdout


def test_bad_rows_are_written_beside_the_file_and_end_in_4(
    api: FakeApi, upload: Callable[..., Result], file: Path
) -> None:
    api.on("GET", BATCH, batch("delivering", good=1, bad=1, queued=1, writebacks=delivered(queued=1)))
    api.answers["GET", f"{BATCH}/errors.csv"] = [httpx.Response(200, content=b"student_id,problem\r\nA9,who\r\n")]

    result = upload()

    assert result.exit_code == 4
    assert (file.parent / "marks.errors.csv").read_bytes() == b"student_id,problem\r\nA9,who\r\n"
    assert "marks.errors.csv" in result.stdout
    assert "A9: not on roll" in result.stdout


def test_waiting_ends_in_0_when_all_is_confirmed(api: FakeApi, upload: Callable[..., Result]) -> None:
    api.on("GET", BATCH, batch("delivering", queued=2, writebacks=delivered(sent=1, confirmed=1)))
    api.on("GET", BATCH, batch("delivering", queued=2, writebacks=delivered(sent=1, confirmed=1)))
    api.on("GET", BATCH, batch("done", queued=2, writebacks=delivered(confirmed=2)))

    result = upload("--wait", "--json")

    shown = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (shown["status"], shown["writebacks"]["confirmed"], shown["errors_file"]) == ("done", 2, None)


@pytest.mark.parametrize(
    "last",
    [
        batch("done", queued=2, writebacks=delivered(confirmed=1, failed=1)),
        batch("delivering", queued=2, writebacks=delivered(sent=2)),
        batch("checking", good=1),
    ],
    ids=["failed", "not in time", "not even checked"],
)
def test_waiting_ends_in_5_when_something_is_not_confirmed(
    api: FakeApi, upload: Callable[..., Result], last: dict[str, Any]
) -> None:
    api.on("GET", BATCH, last)

    assert upload("--wait", "--timeout", "0").exit_code == 5


def test_a_refused_file_says_why_and_ends_in_4(api: FakeApi, upload: Callable[..., Result]) -> None:
    finding = {"severity": "error", "pointer": "", "record": None, "message": "no column code", "hint": "Add it"}
    api.on("GET", BATCH, batch("refused", good=0, findings=[{"code": "column_missing", **finding}]))

    result = upload()

    assert result.exit_code == 4
    assert "no column code" in result.stdout
    assert "Add it" in result.stdout


def test_a_trial_is_asked_for_as_one(api: FakeApi, upload: Callable[..., Result]) -> None:
    api.on("GET", BATCH, batch("done", dry_run=True))

    assert upload("--dry-run", "--wait").exit_code == 0
    assert api.requests[0].url.params["dry_run"] == "true"


def test_what_is_stated_of_a_file_is_sent_with_it(api: FakeApi, upload: Callable[..., Result]) -> None:
    api.on("GET", BATCH, batch("done"))

    assert upload("--date-order", "mdy", "--encoding", "mac-roman").exit_code == 0
    sent = api.requests[0].url.params
    assert (sent["date_order"], sent["encoding"]) == ("mdy", "mac-roman")


def test_a_file_that_is_not_there_is_a_mistake_of_the_command_line(api: FakeApi, run: Run) -> None:
    result = run("upload", "nowhere.csv", "--school", "hillside")

    assert result.exit_code == 2
    assert api.requests == []


def test_what_the_api_refuses_is_shown_with_its_hint(api: FakeApi, run: Run, file: Path) -> None:
    problem = {"code": "batches_too_many", "status": 429, "title": "t", "detail": "5 are under way", "hint": "Wait."}
    api.on("POST", UPLOAD, problem, status=429)

    result = run("upload", str(file), "--school", "hillside", "--json")

    assert result.exit_code == 4
    assert json.loads(result.stdout)["error"]["detail"] == "5 are under way"


def test_bad_rows_that_cannot_be_written_are_shown_with_where_they_are(
    api: FakeApi, upload: Callable[..., Result], file: Path
) -> None:
    (file.parent / "marks.errors.csv").mkdir()
    api.on("GET", BATCH, batch("done", good=0, bad=1))
    api.answers["GET", f"{BATCH}/errors.csv"] = [httpx.Response(200, content=b"x")]

    result = upload()

    assert result.exit_code == 1
    assert "errors.csv cannot be written" in result.stderr
