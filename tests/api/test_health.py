"""What machines ask: live, ready, numbers; and what is logged of a call."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog

from writeback.core.errors import BadInput
from writeback.domain.access import Scope
from writeback.flow.schools.removals_held_back import Removals
from writeback.flow.upkeep.restores import EpochView
from writeback.store.tables import IdempotencyRow

PATH = "/v1/schools/hillside/writebacks"


async def test_live_is_answered_while_the_process_runs(api: Any) -> None:
    response = await api.call("GET", "/healthz")

    assert (response.status_code, response.json()) == (200, {"status": "live"})


async def test_a_process_that_commits_nothing_any_more_is_not_live(api: Any) -> None:
    api.services.committer.is_alive = False

    response = await api.call("GET", "/healthz")

    assert (response.status_code, response.json()) == (503, {"status": "stuck"})


async def test_ready_says_what_is_missing(api: Any) -> None:
    ready = await api.call("GET", "/readyz")
    api.services.readiness.answers = {"database": "cannot be reached", "redis": "ok"}
    not_ready = await api.call("GET", "/readyz")

    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    assert not_ready.status_code == 503
    assert not_ready.json() == {"status": "not ready", "checks": api.services.readiness.answers}


async def test_without_redis_it_is_degraded_for_submissions_are_taken(api: Any) -> None:
    api.services.readiness.answers = {"database": "ok", "migrations": "ok", "redis": "cannot be reached"}

    degraded = await api.call("GET", "/readyz")

    assert (degraded.status_code, degraded.json()) == (
        200,
        {"status": "degraded", "checks": api.services.readiness.answers},
    )


async def test_without_redis_and_database_it_is_not_ready(api: Any) -> None:
    api.services.readiness.answers = {"database": "no answer in 2 s", "redis": "cannot be reached"}

    assert (await api.call("GET", "/readyz")).status_code == 503


async def test_a_restore_of_which_something_is_open_is_reported(api: Any) -> None:
    taken_at, began_at = datetime(2026, 1, 12, 8, 40, tzinfo=UTC), datetime(2026, 1, 12, 8, 55, tzinfo=UTC)
    api.services.readiness.epoch = EpochView(2, began_at, taken_at, None, None, is_open=True, waiting=34)

    answer = (await api.call("GET", "/readyz")).json()

    assert answer["status"] == "ready"
    assert (answer["restore"]["taken_at"], answer["restore"]["waiting"]) == ("2026-01-12T08:40:00Z", 34)


async def test_metrics_count_calls_by_route_and_submissions_by_result(api: Any) -> None:
    key = await api.key("submit")
    await api.call("POST", PATH, key, json={})
    await api.call("POST", PATH, key, content=b"x" * 5_000)
    await api.call("POST", PATH, json={})
    await api.call("GET", "/nothing/at/all")

    text = (await api.call("GET", "/metrics")).text

    route = 'route="/v1/schools/{school}/writebacks"'
    assert f'writeback_http_requests_total{{method="POST",{route},status="202"}} 1.0' in text
    assert f'writeback_http_requests_total{{method="POST",{route},status="413"}} 1.0' in text
    assert 'writeback_http_requests_total{method="GET",route="(none)",status="404"} 1.0' in text
    assert f"writeback_http_request_seconds_count{{{route}}} 3.0" in text
    assert 'writeback_submissions_total{result="accepted"} 1.0' in text
    assert 'writeback_submissions_total{result="refused"} 2.0' in text
    assert "writeback_submissions_waiting 0.0" in text


async def test_metrics_say_what_a_restore_has_left_and_are_there_without_a_database(
    api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = datetime(2026, 1, 12, 9, tzinfo=UTC)
    epoch = EpochView(2, at, at, None, at, is_open=True, waiting=34, being_looked_for=2)
    api.services.readiness.epoch = epoch
    restored = (await api.call("GET", "/metrics")).text
    api.services.clock.advance(timedelta(minutes=1))
    monkeypatch.setattr(Removals, "waiting", _raise)
    without = await api.call("GET", "/metrics")

    for text in (restored, without.text):
        assert "writeback_restore_waiting 36.0" in text
        assert "writeback_restore_suspected 1.0" in text


async def test_metrics_say_what_the_last_run_of_retention_deleted(api: Any) -> None:
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    async with api.database.write() as session:
        session.add(IdempotencyRow(app_id="app", key="k", body_hash="", answer="", created_at=long_ago))
    before = (await api.call("GET", "/metrics")).text
    await api.services.retention.run()
    api.services.clock.advance(timedelta(seconds=6))
    after = (await api.call("GET", "/metrics")).text
    api.services.clock.advance(timedelta(days=2))
    late = (await api.call("GET", "/metrics")).text

    assert "writeback_retention_last_run_timestamp_seconds 0.0" in before
    assert "writeback_retention_last_run_timestamp_seconds 1.7" in after
    assert 'writeback_retention_last_run_deleted{rule="idempotency_keys"} 1.0' in after
    assert "writeback_retention_late 0.0" in after
    assert "writeback_retention_late 1.0" in late


async def _raise(_: Removals) -> int:
    raise ConnectionError


async def test_metrics_hold_no_ids(api: Any) -> None:
    await api.add_school()
    key = await api.key("submit", "read")
    await api.call("POST", PATH, key, json={})
    await api.call("GET", "/v1/writebacks/wb_1?q=A1921160062", key)
    await api.call("BREW", "/v1/schools/hillside", key)

    text = (await api.call("GET", "/metrics")).text

    for secret in ("hillside", "wb_1", "A1921160062", "registers", "key_", "BREW"):
        assert secret not in text


async def test_a_submission_counts_as_waiting_until_it_is_answered(api: Any) -> None:
    waiting = []
    accept = api.services.accept
    asked = accept.submit

    async def submit(*args: Any, **kwargs: Any) -> Any:
        waiting.append((await api.call("GET", "/metrics")).text)
        return await asked(*args, **kwargs)

    accept.submit = submit
    await api.call("POST", PATH, await api.key("submit"), json={})

    assert "writeback_submissions_waiting 1.0" in waiting[0]


async def test_a_call_is_logged_by_template_with_its_key_and_without_its_query(api: Any) -> None:
    made = await api.services.keys.create("Registers", "", [Scope.READ], None)

    with structlog.testing.capture_logs() as logs:
        await api.call("GET", "/v1/writebacks/wb_1?secret=1", made.key)

    (line,) = [entry for entry in logs if entry["event"] == "http_request"]
    assert {name: line[name] for name in ("method", "route", "status", "key_id")} == {
        "method": "GET",
        "route": "/v1/writebacks/{writeback}",
        "status": 404,
        "key_id": made.id,
    }
    assert line["ms"] >= 0
    assert "secret" not in str(line)
    assert made.key not in str(logs)


async def test_health_checks_are_not_logged_unless_they_fail(api: Any) -> None:
    with structlog.testing.capture_logs() as logs:
        await api.call("GET", "/healthz")
        await api.call("GET", "/readyz")
        assert logs == []
        api.services.readiness.answers = {"database": "away"}
        await api.call("GET", "/readyz")

    assert [entry["route"] for entry in logs] == ["/readyz"]


async def test_every_answer_has_a_request_id_and_a_good_one_is_kept(api: Any) -> None:
    made = await api.call("GET", "/healthz")
    kept = await api.call("GET", "/nothing", headers={"X-Request-Id": "abc-123"})
    bad = await api.call("GET", "/healthz", headers={"X-Request-Id": "a b\tc" * 40})

    assert made.headers["x-request-id"].startswith("call_")
    assert kept.headers["x-request-id"] == "abc-123"
    assert bad.headers["x-request-id"].startswith("call_")


async def test_lines_that_the_flow_logs_during_a_call_carry_its_call_id(api: Any) -> None:
    seen = []
    asked = api.services.accept.submit

    async def submit(*args: Any, **kwargs: Any) -> Any:
        seen.append(structlog.contextvars.get_contextvars())
        return await asked(*args, **kwargs)

    api.services.accept.submit = submit
    await api.call("POST", PATH, await api.key("submit"), json={}, headers={"X-Request-Id": "abc"})

    assert seen == [{"call_id": "abc"}]


async def test_what_was_accepted_is_named_in_the_line_of_its_call(api: Any) -> None:
    accepted = "wb_01m80d283t8x68msnv4y5esdn6"
    api.services.accept.answer = replace(api.services.accept.answer, writeback_id=accepted)
    key = await api.key("submit", "read")

    with structlog.testing.capture_logs() as logs:
        await api.call("POST", PATH, key, json={})
        await api.call("GET", f"/v1/writebacks/{accepted}/events", key)
        await api.call("GET", "/v1/writebacks/Ada-Lovelace", key)

    lines = [entry for entry in logs if entry["event"] == "http_request"]
    assert [line.get("writeback_id") for line in lines] == [accepted, accepted, None]
    assert "Ada" not in str(logs)


async def test_a_refused_call_is_no_warning_and_no_error(api: Any) -> None:
    await api.add_school()
    key = await api.key("submit", "read")
    api.services.accept.error = BadInput("json_invalid", "the body is no JSON", hint="Send JSON.")

    with structlog.testing.capture_logs() as logs:
        statuses = [
            (await api.call(method, path, given, **more)).status_code
            for method, path, given, more in (
                ("POST", PATH, None, {"json": {}}),
                ("POST", PATH, "wbk_nobodys", {"json": {}}),
                ("POST", PATH, key, {"content": b"{"}),
                ("POST", PATH, key, {"content": b"x" * 5_000}),
                ("PUT", PATH, key, {"json": {}}),
                ("GET", "/v1/writebacks/wb_1", key, {}),
                ("GET", "/v1/writebacks?limit=many", key, {}),
                ("POST", "/v1/schools", key, {"json": {}}),
                ("POST", "/hooks/wonde/nobodys", None, {"json": {}}),
                ("GET", "/nothing", None, {}),
            )
        ]

    assert all(400 <= status < 500 for status in statuses), statuses
    assert {entry["log_level"] for entry in logs} == {"info"}
    assert len([entry for entry in logs if entry["event"] == "http_request"]) == len(statuses)
