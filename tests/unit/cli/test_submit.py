"""`writeback submit`, `list`, `show`, `watch` against a fake API."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from tests.unit.cli.conftest import WRITEBACK, FakeApi

Run = Callable[..., Result]

PATH = "/v1/schools/hillside/writebacks"
ACCEPTED: dict[str, Any] = {
    "id": "wb_1",
    "status": "queued",
    "school": "hillside",
    "records": [{"index": 0, "ref": None, "status": "queued", "findings": []}],
}
FINDING = {
    "code": "student_not_on_roll",
    "severity": "error",
    "pointer": "/records/0/student_id",
    "record": 0,
    "message": "not on roll at Hillside",
    "hint": "refresh and choose again",
    "provider_message": None,
}
MARK = ("--student", "A1", "--date", "2026-01-12", "--session", "AM", "--code", "L", "--minutes-late", "5")


def test_a_single_mark_is_made_of_the_options(api: FakeApi, run: Run) -> None:
    api.on("POST", PATH, ACCEPTED, status=202)

    result = run("submit", "--school", "hillside", *MARK, "--ref", "mine")

    assert result.exit_code == 0, result.output
    assert api.last_body == {
        "kind": "attendance.session",
        "ref": "mine",
        "records": [{"student_id": "A1", "date": "2026-01-12", "session": "AM", "code": "L", "minutes_late": 5}],
    }
    assert "wb_1" in result.stdout


@pytest.mark.parametrize(
    ("given", "kind"), [((), "attendance.lesson"), (("--kind", "attendance.session"), "attendance.session")]
)
def test_a_mark_for_a_lesson_is_a_lesson_mark_unless_it_says_otherwise(
    api: FakeApi, run: Run, given: tuple[str, ...], kind: str
) -> None:
    api.on("POST", PATH, ACCEPTED, status=202)

    result = run("submit", "--school", "hillside", "--student", "A1", "--lesson", "L1", "--code", "/", *given)

    assert result.exit_code == 0, result.output
    assert api.last_body == {"kind": kind, "records": [{"student_id": "A1", "lesson_id": "L1", "code": "/"}]}


def test_a_file_and_standard_input_are_posted_as_they_are(api: FakeApi, run: Run, tmp_path: Path) -> None:
    api.on("POST", PATH, ACCEPTED, status=202)
    body = {"kind": "attendance.lesson", "records": [{"student_id": "A1"}]}
    file = tmp_path / "register.json"
    file.write_text(json.dumps(body))

    assert run("submit", "--school", "hillside", str(file)).exit_code == 0
    assert api.last_body == body
    assert run("submit", "--school", "hillside", "-", stdin=json.dumps(body)).exit_code == 0
    assert api.last_body == body


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [((), None), (("-", *MARK), "{}"), (("-",), "not json"), (("-",), "[1]"), (("/does/not/exist.json",), None)],
)
def test_what_cannot_be_submitted_is_a_usage_error(
    api: FakeApi, run: Run, arguments: tuple[str, ...], stdin: str | None
) -> None:
    result = run("submit", "--school", "hillside", *arguments, stdin=stdin)

    assert result.exit_code == 2
    assert api.requests == []


def test_findings_are_shown_as_a_table_with_how_to_mend_them(api: FakeApi, run: Run) -> None:
    api.on("POST", PATH, {"detail": "1 record has errors", "hint": "", "findings": [FINDING]}, status=422)

    result = run("submit", "--school", "hillside", *MARK)

    assert result.exit_code == 4
    assert result.stdout == ""
    for said in ("1 record has errors", "/records/0/student_id", "not on roll at Hillside", "refresh and choose again"):
        assert said in result.stderr


def test_with_json_a_refusal_is_one_json_document(api: FakeApi, run: Run) -> None:
    api.on("POST", PATH, {"detail": "1 record has errors", "findings": [FINDING]}, status=422)

    result = run("submit", "--school", "hillside", *MARK, "--json")

    assert result.exit_code == 4
    error = json.loads(result.stdout)["error"]
    assert (error["exit_code"], error["findings"]) == (4, [FINDING])


def test_a_dry_run_that_finds_errors_ends_with_4(api: FakeApi, run: Run) -> None:
    records = [{"index": 0, "ref": None, "status": "invalid", "findings": [FINDING]}]
    api.on("POST", PATH, {"id": None, "status": "invalid", "records": records})

    result = run("submit", "--school", "hillside", *MARK, "--dry-run")

    assert result.exit_code == 4
    assert api.requests[-1].url.params["dry_run"] == "true"
    assert "not on roll" in result.stdout


def test_what_an_answer_leaves_out_is_counted(api: FakeApi, run: Run) -> None:
    records = [{"index": 0, "ref": None, "status": "invalid", "findings": [FINDING]}]
    api.on("POST", PATH, {"id": None, "status": "invalid", "records": records, "more_findings": 2_900})

    assert "… and 2900 more" in run("submit", "--school", "hillside", *MARK, "--dry-run").stdout


def test_an_idempotency_key_is_sent_and_a_replay_is_reported(api: FakeApi, run: Run) -> None:
    api.on("POST", PATH, ACCEPTED, status=202, headers={"Idempotent-Replayed": "true"})

    result = run("submit", "--school", "hillside", *MARK, "--idempotency-key", "monday")

    assert api.requests[-1].headers["Idempotency-Key"] == "monday"
    assert "had before" in result.stdout


@pytest.mark.parametrize(("status", "exit_code"), [("confirmed", 0), ("failed", 5), ("partial", 5)])
def test_wait_ends_as_the_writeback_does(api: FakeApi, run: Run, status: str, exit_code: int) -> None:
    api.on("POST", PATH, ACCEPTED, status=202)
    api.on("GET", "/v1/writebacks/wb_1", {**WRITEBACK, "status": "sending"})
    api.on("GET", "/v1/writebacks/wb_1", {**WRITEBACK, "status": status})

    result = run("submit", "--school", "hillside", *MARK, "--wait", "--json")

    assert result.exit_code == exit_code
    assert json.loads(result.stdout)["status"] == status


def test_wait_gives_up_after_its_timeout_and_says_that_nothing_is_lost(api: FakeApi, run: Run) -> None:
    api.on("POST", PATH, ACCEPTED, status=202)
    api.on("GET", "/v1/writebacks/wb_1", {**WRITEBACK, "status": "held", "hold_reason": "school_offline"})

    result = run("submit", "--school", "hillside", *MARK, "--wait", "--timeout", "0")

    assert result.exit_code == 5
    assert "nothing is lost" in result.stderr
    assert "school_offline" in result.stdout


def test_list_passes_its_filters_on(api: FakeApi, run: Run) -> None:
    api.on("GET", "/v1/writebacks", {"items": [WRITEBACK], "next_cursor": None})

    result = run("list", "--school", "hillside", "--status", "failed", "--status", "partial", "--json")

    assert json.loads(result.stdout) == {"items": [WRITEBACK]}
    params = api.requests[-1].url.params
    assert (params["school"], params["status"]) == ("hillside", "failed,partial")


def test_list_shows_a_line_for_each(api: FakeApi, run: Run) -> None:
    held = {**WRITEBACK, "status": "held", "hold_reason": "school_offline", "counts": {"queued": 30}}
    api.on("GET", "/v1/writebacks", {"items": [WRITEBACK, held], "next_cursor": None})

    result = run("list")

    assert result.exit_code == 0, result.output
    assert "1 confirmed" in result.stdout
    assert "school_offline" in result.stdout


def test_show_prints_records_timeline_and_requests(api: FakeApi, run: Run) -> None:
    whole = {
        **WRITEBACK,
        "records": [{"index": 0, "ref": None, "status": "confirmed", "record": {"student_id": "A1", "code": "[/]"},
                     "findings": [FINDING], "evidence": "webhook", "mis_ids": ["77"]}],
        "timeline": [{"id": 1, "at": "2026-01-12T09:00:00Z", "actor": "app:dev", "event": "accepted",
                      "status": "queued", "detail": None}],
        "requests": [{"id": "req_1", "state": "settled", "provider": "wonde", "provider_ref": "A99", "records": [0],
                      "created_at": "2026-01-12T09:00:00Z", "sent_at": None, "settled_at": None, "result": "confirmed",
                      "evidence": "webhook", "attempts": [{"number": 1, "started_at": None, "finished_at": None,
                                                           "outcome": "taken", "detail": None}]}],
    }  # fmt: skip
    api.on("GET", "/v1/writebacks/wb_1", whole)

    result = run("show", "wb_1")

    assert result.exit_code == 0, result.output
    for said in ("code=[/]", "not on roll", "app:dev", "req_1", "A99", "taken", "77"):
        assert said in result.stdout


def test_show_sets_what_is_nearly_the_same_in_the_mis_beside_what_was_sent(api: FakeApi, run: Run) -> None:
    points = {"field": "points", "ours": "1", "in_mis": "3", "differs": True}
    kind = {"field": "type", "ours": "BULL", "in_mis": "BULL", "differs": False}
    near = [{"mis_id": "B7", "created_at": None, "fields": [kind, points]}]
    record = {"index": 0, "ref": None, "status": "needs_attention", "record": {}, "findings": [], "evidence": None}
    record |= {"mis_ids": [], "comparison": {"ours": None, "in_mis": None, "near": near}}
    api.on("GET", "/v1/writebacks/wb_1", {**WRITEBACK, "records": [record], "timeline": [], "requests": []})

    result = run("show", "wb_1")

    assert result.exit_code == 0, result.output
    assert "points 1" in result.stdout
    assert "B7: points 3" in result.stdout
    assert "BULL" not in result.stdout


def test_watch_prints_one_json_line_a_change(api: FakeApi, run: Run) -> None:
    for status in ("queued", "queued", "sent", "confirmed"):
        api.on("GET", "/v1/writebacks/wb_1", {**WRITEBACK, "status": status})

    result = run("watch", "wb_1", "--json")

    assert result.exit_code == 0
    assert [json.loads(line)["status"] for line in result.stdout.splitlines()] == ["queued", "sent", "confirmed"]


def test_watch_without_an_id_prints_what_is_new(api: FakeApi, run: Run) -> None:
    api.on("GET", "/v1/writebacks", {"items": [WRITEBACK], "next_cursor": None})

    result = run("watch", "--timeout", "0")

    assert "wb_1  confirmed  hillside" in result.stdout
