"""`resubmit`, `cancel`, `resolve`, `check`, `answer`, `audit`: what is asked of the API, and how it is shown."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from tests.unit.cli.conftest import FakeApi

Run = Callable[..., Result]
CORRECTED = {
    "id": "wb_1", "status": "queued", "school": "hillside", "kind": "attendance.session", "ref": None, "findings": [],
    "records": [{"index": 2, "ref": None, "status": "queued", "findings": [], "superseded_by": None}],
}  # fmt: skip
REPORT: dict[str, Any] = {
    "id": "blk_1", "matched": 2, "done": [{"id": "wb_1", "records": 3}], "not_done": [], "unchanged": 0,
    "next_cursor": None,
}  # fmt: skip
REFUSED = {"id": "wb_2", "code": "submission_invalid", "detail": "no", "findings": [
    {"code": "student_not_on_roll", "severity": "error", "message": "Not on roll."}]}  # fmt: skip


def test_one_goes_again_with_the_mended_record_of_a_file(api: FakeApi, run: Run, tmp_path: Path) -> None:
    api.on("POST", "/v1/writebacks/wb_1/resubmit", CORRECTED, 202)
    edits = [{"index": 2, "record": {"code": "L"}}]
    (tmp_path / "mended.json").write_text(json.dumps({"records": edits}))

    result = run("resubmit", "wb_1", "--edit", str(tmp_path / "mended.json"), "--reason", "wrong code")

    assert result.exit_code == 0, result.output
    assert api.last_body == {"reason": "wrong code", "on_invalid": "reject", "not_in_mis": False, "records": edits}
    assert "queued" in result.stdout


def test_a_later_mark_that_wins_is_named(api: FakeApi, run: Run) -> None:
    record = {**CORRECTED["records"][0], "superseded_by": "wb_9"}  # type: ignore[dict-item]
    api.on("POST", "/v1/writebacks/wb_1/resubmit", {**CORRECTED, "records": [record]}, 202)

    assert "a later mark wins, that of wb_9" in run("resubmit", "wb_1").stdout


def test_a_filter_counts_first_and_asks(api: FakeApi, run: Run) -> None:
    api.on("POST", "/v1/writebacks/resubmit", {"writebacks": 2, "records": 5, "more": 0})

    refused = run("resubmit", "--school", "hillside", "--status", "failed,partial", "--reason", "open", stdin="n\n")
    assert refused.exit_code == 0
    assert len(api.requests) == 1
    assert api.requests[0].url.params["count"] == "true"
    assert "resubmit 2 writebacks with 5 records?" in refused.stderr
    assert run("resubmit", "--school", "hillside", "--reason", "open", stdin="").exit_code == 2


def test_with_yes_it_is_done_in_calls_until_nothing_is_left(api: FakeApi, run: Run) -> None:
    api.on("POST", "/v1/writebacks/cancel", {"writebacks": 2, "records": 5, "more": 0})
    api.on("POST", "/v1/writebacks/cancel", {**REPORT, "next_cursor": "Mg"})
    api.on("POST", "/v1/writebacks/cancel", REPORT)

    result = run("cancel", "--school", "hillside", "--app", "registers", "--reason", "wrong school", "--yes", "--json")

    assert result.exit_code == 0, result.output
    assert [one["id"] for one in json.loads(result.stdout)["done"]] == ["wb_1", "wb_1"]
    assert api.last_body["filter"] == {"school": "hillside", "app": "registers"}
    assert api.last_body["cursor"] == "Mg"


def test_what_could_not_go_is_told_and_ends_in_4(api: FakeApi, run: Run) -> None:
    api.on("POST", "/v1/writebacks/resubmit", {"writebacks": 2, "records": 5, "more": 0})
    api.on("POST", "/v1/writebacks/resubmit", {**REPORT, "not_done": [REFUSED]})

    result = run("resubmit", "--school", "hillside", "--reason", "open", "--yes")

    assert result.exit_code == 4
    assert "wb_2" in result.stdout
    assert "Not on roll." in result.stdout


def test_without_ids_and_filter_or_with_both_nothing_is_asked_of_the_api(api: FakeApi, run: Run) -> None:
    for arguments in (["resubmit"], ["cancel"], ["cancel", "wb_1", "--school", "hillside"]):
        assert run(*arguments, "--reason", "x").exit_code == 2
    assert run("cancel", "--school", "hillside").exit_code == 2  # a filter needs a reason
    assert api.requests == []


def test_json_with_a_filter_does_not_ask_but_needs_yes(api: FakeApi, run: Run) -> None:
    api.on("POST", "/v1/writebacks/cancel", {"writebacks": 2, "records": 5, "more": 0})

    result = run("cancel", "--school", "hillside", "--reason", "x", "--json")

    assert result.exit_code == 2
    assert "--yes" in json.loads(result.stdout)["error"]["hint"]


def test_of_several_ids_one_that_is_refused_does_not_keep_the_others_back(api: FakeApi, run: Run) -> None:
    api.on("POST", "/v1/writebacks/wb_1/cancel", {"detail": "wb_1 is sent", "code": "not_cancellable"}, 409)
    api.on("POST", "/v1/writebacks/wb_2/cancel", {**CORRECTED, "id": "wb_2", "status": "cancelled"})

    result = run("cancel", "wb_1", "wb_2", "--json")

    assert result.exit_code == 4
    answer = json.loads(result.stdout)
    assert [one["id"] for one in answer["items"]] == ["wb_2"]
    assert answer["refused"][0]["code"] == "not_cancellable"


def test_resolve_names_outcome_and_records(api: FakeApi, run: Run) -> None:
    api.on("POST", "/v1/writebacks/wb_1/resolve", CORRECTED)

    result = run("resolve", "wb_1", "--outcome", "resend", "--record", "0,2", "--reason", "the office agrees")

    assert result.exit_code == 0
    assert api.last_body == {"outcome": "resend", "reason": "the office agrees", "records": [0, 2]}
    assert run("resolve", "wb_1", "--outcome", "resend", "--record", "two", "--reason", "x").exit_code == 2


def test_resolve_says_which_one_in_the_mis_it_is(api: FakeApi, run: Run) -> None:
    api.on("POST", "/v1/writebacks/wb_1/resolve", CORRECTED)
    said = ("resolve", "wb_1", "--outcome", "confirmed", "--reason", "seen", "--mis-id", "B7")

    assert run(*said).exit_code == 2
    assert run(*said, "--record", "2").exit_code == 0
    assert api.last_body == {"outcome": "confirmed", "reason": "seen", "records": [2], "mis_ids": {"2": "B7"}}


def test_audit_shows_who_did_what_and_why(api: FakeApi, run: Run) -> None:
    entry = {
        "id": 7, "at": "2026-01-12T09:20:00Z", "actor": "staff:ann", "app": "registers", "action": "writeback.resubmit",
        "subject": "wb_1", "school": "hillside", "reason": "pupil entered twice",
        "changed": {"records": [2], "edited": [{"record": 2, "fields": ["code"]}]},
    }  # fmt: skip
    api.on("GET", "/v1/audit", {"items": [entry], "next_cursor": None})

    result = run("audit", "--school", "hillside", "--action", "writeback.")

    assert result.exit_code == 0
    assert "staff:ann" in result.stdout
    assert "pupil entered twice" in result.stdout
    assert dict(api.requests[0].url.params)["action"] == "writeback."


def test_a_file_that_is_no_list_of_mended_records_is_refused_before_the_api_is_asked(
    api: FakeApi, run: Run, tmp_path: Path
) -> None:
    for text in ("{", '{"index": 1}', '[{"index": 1}]'):
        (tmp_path / "mended.json").write_text(text)
        assert run("resubmit", "wb_1", "--edit", str(tmp_path / "mended.json"), "--reason", "x").exit_code == 2
    assert api.requests == []


def test_a_batch_is_stopped_and_what_it_queued_is_withdrawn(api: FakeApi, run: Run) -> None:
    stopped = {"id": "bat_1", "status": "cancelled", "rows": {"queued": 1_000}}
    api.on("POST", "/v1/batches/bat_1/cancel", stopped)
    api.on("POST", "/v1/writebacks/cancel", {"writebacks": 2, "records": 5, "more": 0})
    api.on("POST", "/v1/writebacks/cancel", REPORT)

    result = run("cancel", "bat_1", "--reason", "the wrong file", "--yes")

    assert result.exit_code == 0, result.output
    assert "bat_1 cancelled: 1000 rows were queued" in result.stdout
    assert (api.last_body["filter"], api.last_body["reason"]) == ({"batch": "bat_1"}, "the wrong file")


def test_of_a_batch_that_is_done_its_writebacks_are_withdrawn_all_the_same(api: FakeApi, run: Run) -> None:
    api.on("POST", "/v1/batches/bat_1/cancel", {"code": "batch_not_cancellable", "detail": "bat_1 is done"}, 409)
    api.on("POST", "/v1/writebacks/cancel", {"writebacks": 2, "records": 5, "more": 0})
    api.on("POST", "/v1/writebacks/cancel", REPORT)

    result = run("cancel", "bat_1", "--reason", "the wrong file", "--yes", "--json")

    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["done"] == REPORT["done"]


def test_a_batch_needs_a_reason_and_stands_alone(api: FakeApi, run: Run) -> None:
    for options in (
        ("bat_1",),
        ("bat_1", "bat_2", "--reason", "x"),
        ("wb_1", "bat_1", "--reason", "x"),
        ("bat_1", "--reason", "x", "--json"),
    ):
        assert run("cancel", *options).exit_code == 2
    assert api.requests == []


CHECK = {
    "id": "wb_1", "status": "sent", "school": "hillside", "requests": ["req_1"], "check_at": "2026-01-12T09:00:00Z",
    "asked_before": False, "hold_reason": None, "left_alone": None,
}  # fmt: skip
ANSWER = {
    "request": "req_2", "kept_at": "2026-01-12T09:00:00Z", "http_status": 422, "content_type": "text/html",
    "encoding": "utf-8", "body": "[red]no[/red]", "size": 9000, "is_cut": True,
}  # fmt: skip


def test_a_check_says_what_is_looked_at_and_what_stands_in_the_way(api: FakeApi, run: Run) -> None:
    api.on("POST", "/v1/writebacks/wb_1/check", {**CHECK, "hold_reason": "school_offline", "left_alone": "it is away"})

    result = run("check", "wb_1", "--reason", "the head asks")

    assert result.exit_code == 0, result.output
    assert api.last_body == {"reason": "the head asks"}
    for said in ("wb_1", "is looked at", "school_offline", "it is away"):
        assert said in result.stdout


def test_of_several_checks_one_that_is_refused_keeps_no_other_back(api: FakeApi, run: Run) -> None:
    refusal = {"code": "nothing_to_check", "detail": "wb_1 is queued: it has not left yet", "status": 409}
    api.on("POST", "/v1/writebacks/wb_1/check", refusal, 409)
    api.on("POST", "/v1/writebacks/wb_2/check", {**CHECK, "id": "wb_2"}, 202)

    result = run("check", "wb_1", "wb_2", "--json")

    assert result.exit_code == 4
    answer = json.loads(result.stdout)
    assert [one["id"] for one in answer["items"]] == ["wb_2"]
    assert answer["refused"][0]["code"] == "nothing_to_check"


def test_the_answer_of_the_last_request_that_has_one_is_shown_as_it_is(api: FakeApi, run: Run) -> None:
    requests = [{"id": f"req_{number}", "answer_kept": number < 3} for number in (1, 2, 3)]
    api.on("GET", "/v1/writebacks/wb_1", {"id": "wb_1", "requests": requests})
    api.on("GET", "/v1/writebacks/wb_1/requests/req_2/answer", ANSWER)

    result = run("answer", "wb_1")

    assert result.exit_code == 0, result.output
    for said in ("HTTP 422", "[red]no[/red]", "the beginning is kept"):
        assert said in result.stdout


def test_where_no_answer_is_kept_it_says_so(api: FakeApi, run: Run) -> None:
    api.on("GET", "/v1/writebacks/wb_1", {"id": "wb_1", "requests": [{"id": "req_1", "answer_kept": False}]})

    result = run("answer", "wb_1")

    assert result.exit_code != 0
    assert "nothing is kept" in result.stderr


PREVIEW = {
    "writebacks": 3, "looked_at": 3, "unchanged": 1,
    "items": [
        {"id": "wb_1", "records": [{"index": 0, "student": "A1", "changed": [
            {"field": "code", "before": "M", "after": "I"}]}], "findings": [], "detail": None},
        {"id": "wb_2", "records": [], "detail": None, "findings": [
            {"code": "employee_unknown", "severity": "error", "message": "E9 is no member of staff."}]},
    ],
}  # fmt: skip
SET = ("--school", "hillside", "--where", "code=M", "--set", "code=I", "--reason", "no such code")


def test_changes_are_shown_first_and_nothing_is_done(api: FakeApi, run: Run) -> None:
    api.on("POST", "/v1/writebacks/resubmit", PREVIEW)

    result = run("resubmit", *SET, "--dry-run")

    assert result.exit_code == 0, result.output
    assert api.last_body["changes"] == {"set": [{"field": "code", "was": "M", "becomes": "I"}]}
    assert "code: M → I" in result.stdout
    assert "E9 is no member of staff." in result.stdout
    assert "Of the first 3 of 3 writebacks 1 would go, 1 are not touched." in result.stdout


def test_changes_go_with_every_call_once_they_are_meant(api: FakeApi, run: Run) -> None:
    api.on("POST", "/v1/writebacks/resubmit", {"writebacks": 2, "records": 5, "more": 0})
    api.on("POST", "/v1/writebacks/resubmit", REPORT)

    result = run("resubmit", *SET, "--replace-staff", "E1=E2", "--without-student", "A7", "--yes")

    assert result.exit_code == 0, result.output
    assert api.last_body["changes"] == {
        "set": [{"field": "code", "was": "M", "becomes": "I"}, {"field": "staff", "was": "E1", "becomes": "E2"}],
        "without_students": ["A7"],
    }


@pytest.mark.parametrize(
    "given",
    [
        ("--where", "code=M"),
        ("--set", "code=I"),
        ("--where", "code=M", "--set", "type=I"),
        ("--where", "code", "--set", "code=I"),
        ("--replace-staff", "E1"),
    ],
)
def test_half_a_change_is_a_wrong_use(run: Run, given: tuple[str, ...]) -> None:
    result = run("resubmit", "--school", "hillside", "--reason", "x", *given)

    assert result.exit_code == 2
    assert "code=I" in result.output
