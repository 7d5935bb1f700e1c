"""Submitting: what reaches `accept`, what goes back, and what is stopped before."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from writeback.core.errors import BadInput, Conflict, InvalidSubmission, NotFound, Overloaded

PATH = "/v1/schools/hillside/writebacks"


async def test_the_body_reaches_accept_as_it_came_and_the_answer_goes_back_as_it_is(api: Any) -> None:
    key = await api.key("submit")
    body = b' {"kind" : "attendance.session"}\n'

    response = await api.call("POST", PATH, key, content=body, headers={"Content-Type": "application/json"})

    assert response.status_code == 202
    assert response.content == api.services.accept.answer.body
    assert response.headers["content-type"] == "application/json"
    assert response.headers["content-length"] == str(len(response.content))
    assert response.headers["location"] == "/v1/writebacks/wb_1"
    assert "idempotent-replayed" not in response.headers
    (asked,) = api.services.accept.asked
    assert asked["body"] == body
    assert asked["school"] == "hillside"
    assert asked["caller"].app_id == "registers"
    assert (asked["dry_run"], asked["key"]) == (False, None)


async def test_the_idempotency_key_is_passed_on_and_a_replay_is_marked(api: Any) -> None:
    api.services.accept.answer = replace(api.services.accept.answer, replayed=True)

    response = await api.call("POST", PATH, await api.key("submit"), json={}, headers={"Idempotency-Key": "abc"})

    assert api.services.accept.asked[0]["key"] == "abc"
    assert response.headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize(("query", "is_dry"), [("dry_run=true", True), ("dry_run=1", True), ("dry_run=false", False)])
async def test_dry_run_is_passed_on(api: Any, query: str, is_dry: bool) -> None:
    api.services.accept.answer = replace(api.services.accept.answer, status=200, writeback_id=None)

    response = await api.call("POST", f"{PATH}?{query}", await api.key("submit"), json={})

    assert response.status_code == 200
    assert "location" not in response.headers
    assert api.services.accept.asked[0]["dry_run"] is is_dry


@pytest.mark.parametrize(
    ("query", "code"),
    [("dryrun=true", "parameter_unknown"), ("dry_run=yes", "parameter_invalid"), ("dry_run=", "parameter_invalid")],
)
async def test_a_misspelt_dry_run_is_refused_and_nothing_is_sent(
    api: Any, is_problem: Any, query: str, code: str
) -> None:
    is_problem(await api.call("POST", f"{PATH}?{query}", await api.key("submit"), json={}), 400, code)
    assert api.services.accept.asked == []


@pytest.mark.parametrize(
    "content_type", ["application/json", "Application/JSON; charset=utf-8", "application/problem+json", ""]
)
async def test_json_of_every_name_is_taken(api: Any, content_type: str) -> None:
    headers = {"Content-Type": content_type}

    response = await api.call("POST", PATH, await api.key("submit"), content=b"{}", headers=headers)

    assert response.status_code == 202


async def test_a_body_without_content_type_is_taken(api: Any) -> None:
    assert (await api.call("POST", PATH, await api.key("submit"), content=b"{}")).status_code == 202


@pytest.mark.parametrize("content_type", ["text/csv", "multipart/form-data; boundary=x", "json", "text/json"])
async def test_another_content_type_is_answered_with_415(api: Any, is_problem: Any, content_type: str) -> None:
    headers = {"Content-Type": content_type}

    response = await api.call("POST", PATH, await api.key("submit"), content=b"{}", headers=headers)

    is_problem(response, 415, "content_type_unsupported")
    assert api.services.accept.asked == []


async def test_a_body_of_just_the_limit_is_taken_and_one_byte_more_is_not(api: Any, is_problem: Any) -> None:
    key, limit = await api.key("submit"), api.services.settings.api.max_body_bytes

    assert (await api.call("POST", PATH, key, content=b"x" * limit)).status_code == 202
    is_problem(await api.call("POST", PATH, key, content=b"x" * (limit + 1)), 413, "body_too_large")


async def test_a_chunked_body_is_stopped_as_soon_as_it_is_too_long(api: Any, is_problem: Any) -> None:
    sent = []

    async def endless() -> AsyncIterator[bytes]:
        while True:
            sent.append(1)
            yield b"x" * 300

    is_problem(await api.call("POST", PATH, await api.key("submit"), content=endless()), 413, "body_too_large")
    assert len(sent) < 10
    assert api.services.accept.asked == []


async def test_a_chunked_body_within_the_limit_arrives_whole(api: Any) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for part in (b'{"kind"', b":", b"1}"):
            yield part

    await api.call("POST", PATH, await api.key("submit"), content=parts())

    assert api.services.accept.asked[0]["body"] == b'{"kind":1}'


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (BadInput("body_not_json", "no JSON"), 400, "body_not_json"),
        (NotFound("school_unknown", "no school"), 404, "school_unknown"),
        (Conflict("idempotency_key_reused", "used"), 409, "idempotency_key_reused"),
        (Overloaded("too_many_waiting", "2000 wait", retry_after_s=3), 503, "too_many_waiting"),
    ],
)
async def test_what_accept_refuses_becomes_a_problem(
    api: Any, is_problem: Any, error: Exception, status: int, code: str
) -> None:
    api.services.accept.error = error

    response = await api.call("POST", PATH, await api.key("submit"), json={})

    is_problem(response, status, code)
    assert response.headers.get("retry-after") == ("3" if status == 503 else None)


async def test_findings_of_a_refused_submission_are_shown_whole(api: Any, is_problem: Any) -> None:
    findings = [{"code": "student_not_on_roll", "severity": "error", "pointer": "/records/0/student_id", "record": 0}]
    api.services.accept.error = InvalidSubmission("submission_invalid", "1 of 1", findings, hint="Mend it.")

    problem = is_problem(await api.call("POST", PATH, await api.key("submit"), json={}), 422, "submission_invalid")

    assert problem["findings"] == findings
    assert problem["hint"] == "Mend it."


async def test_an_unexpected_error_shows_nothing_of_itself(api: Any, is_problem: Any, capfd: Any) -> None:
    api.services.accept.error = RuntimeError("pupil A1921160062 is ill")

    response = await api.call("POST", PATH, await api.key("submit"), json={})

    is_problem(response, 500, "internal_error")
    assert "A1921160062" not in response.text
    logged = "".join(capfd.readouterr())
    assert "A1921160062" not in logged
    assert "request_crashed" in logged
    assert "builtins.RuntimeError" in logged


async def test_a_database_that_is_away_is_answered_with_503(api: Any, is_problem: Any) -> None:
    api.services.accept.error = ConnectionRefusedError()

    response = await api.call("POST", PATH, await api.key("submit"), json={})

    is_problem(response, 503, "store_unavailable")
    assert int(response.headers["retry-after"]) > 0


@pytest.mark.parametrize("path", ["/v1/schools//writebacks", "/v1/schools/a/b/writebacks", "/v1/schools/a/writebacks/"])
async def test_a_path_that_only_looks_like_it_is_no_submission(api: Any, is_problem: Any, path: str) -> None:
    is_problem(await api.call("POST", path, await api.key("submit"), json={}), 404, "route_unknown")
    assert api.services.accept.asked == []


async def test_other_methods_on_the_path_are_answered_with_405(api: Any, is_problem: Any) -> None:
    response = await api.call("GET", PATH, await api.key("submit"))

    is_problem(response, 405, "method_not_allowed")
    assert response.headers["allow"] == "POST"


async def test_a_caller_that_goes_away_while_sending_is_counted_and_nothing_is_kept(api: Any) -> None:
    key = await api.key("submit")
    messages = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])
    answered = []

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        answered.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": PATH,
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {key}".encode())],
    }
    await api.http._transport.app(scope, receive, send)

    assert answered == []
    assert api.services.accept.asked == []
    assert 'writeback_submissions_total{result="abandoned"} 1.0' in (await api.call("GET", "/metrics")).text
