"""`webhooks` and `events` on the command line."""

import json
from collections.abc import Callable
from typing import Any

import httpx
from typer.testing import Result

from tests.unit.cli.conftest import FakeApi
from writeback.cli.exit_codes import Exit

Run = Callable[..., Result]
WEBHOOK = {
    "id": "whk_1", "app": "dev", "url": "https://receiver.example/", "description": "", "statuses": ["confirmed"],
    "schools": None, "enabled": False, "disabled": {"reason": "gone", "since": "2026-01-12T09:00:00Z"},
    "failing_since": None, "paused_until": None, "old_secret_until": None, "waiting": 3,
}  # fmt: skip
DELIVERY = {
    "id": "msg_1", "sequence": 7, "type": "webhook.test", "writeback_id": None, "state": "pending", "attempts": 0,
    "error": None, "http_status": None, "next_attempt_at": None,
}  # fmt: skip
EVENT = {
    "id": 5, "writeback_id": "wb_1", "app": "dev", "school": "hillside", "kind": "attendance.session", "ref": None,
    "at": "2026-01-12T09:00:00Z", "actor": "worker", "event": "confirmed", "status": "confirmed", "detail": None,
}  # fmt: skip


def _events(api: FakeApi, *events: dict[str, Any]) -> None:
    text = ": still here\n\n" + "".join(f"id: {one['id']}\ndata: {json.dumps(one)}\n\n" for one in events)
    api.answers["GET", "/v1/events"] = [httpx.Response(200, text=text)]


def test_adding_shows_the_secret_once(run: Run, api: FakeApi) -> None:
    api.on("POST", "/v1/webhooks", {**WEBHOOK, "secret": "whsec_x"}, 201)

    result = run("webhooks", "add", "https://receiver.example/", "--statuses", "confirmed,failed")

    assert result.exit_code == Exit.OK
    assert "whsec_x" in result.stdout
    assert api.last_body == {
        "url": "https://receiver.example/",
        "statuses": ["confirmed", "failed"],
        "description": "",
    }


def test_the_list_says_why_one_is_disabled(run: Run, api: FakeApi) -> None:
    api.on("GET", "/v1/webhooks", {"items": [WEBHOOK], "next_cursor": None})

    assert "disabled: gone" in run("webhooks", "list").stdout
    assert json.loads(run("webhooks", "list", "--json").stdout)["items"][0]["id"] == "whk_1"


def test_a_test_waits_for_its_result(run: Run, api: FakeApi) -> None:
    api.on("POST", "/v1/webhooks/whk_1/test", DELIVERY, 202)
    for changes in ({}, {"state": "sending", "attempts": 1}, {"state": "delivered", "attempts": 1, "http_status": 204}):
        api.on("GET", "/v1/webhooks/whk_1/deliveries", {"items": [{**DELIVERY, **changes}], "next_cursor": None})

    result = run("webhooks", "test", "whk_1")

    assert result.exit_code == Exit.OK
    assert "has arrived: 204" in result.stdout


def test_a_message_that_does_not_arrive_ends_with_its_exit_code(run: Run, api: FakeApi) -> None:
    api.on("POST", "/v1/webhooks/whk_1/deliveries/msg_1/redeliver", DELIVERY, 202)
    failed = {**DELIVERY, "attempts": 1, "error": "http_500"}
    api.on("GET", "/v1/webhooks/whk_1/deliveries", {"items": [failed], "next_cursor": None})

    result = run("webhooks", "redeliver", "whk_1", "msg_1")

    assert result.exit_code == Exit.NOT_CONFIRMED
    assert "http_500" in result.stdout


def test_rotate_and_remove(run: Run, api: FakeApi) -> None:
    api.on("POST", "/v1/webhooks/whk_1/rotate", {**WEBHOOK, "secret": "whsec_new"})
    api.on("DELETE", "/v1/webhooks/whk_1", None)

    assert "whsec_new" in run("webhooks", "rotate", "whk_1", "--keep-old", "0").stdout
    assert api.last_body == {"keep_old_s": 0.0}
    assert json.loads(run("webhooks", "remove", "whk_1", "--json").stdout) == {"id": "whk_1", "removed": True}


def test_events_are_one_line_each(run: Run, api: FakeApi) -> None:
    _events(api, EVENT, {**EVENT, "id": 6})

    result = run("events", "--status", "confirmed", "--json")

    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == [5, 6]
    assert api.requests[0].url.params["follow"] == "false"
    assert "since" in api.requests[0].url.params


def test_following_comes_back_after_the_last_event(run: Run, api: FakeApi, monkeypatch: Any) -> None:
    _events(api, EVENT)
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", pause)

    result = run("events", "--follow", "--json")

    assert result.exit_code == Exit.OK
    assert [request.headers.get("last-event-id") for request in api.requests] == [None, "5"]


def test_all_that_was_given_up_is_sent_again_in_as_many_calls_as_it_takes(api: FakeApi, run: Run) -> None:
    api.on("POST", "/v1/webhooks/whk_1/recover", {"deliveries": 10_000, "more": 3}, 202)
    api.on("POST", "/v1/webhooks/whk_1/recover", {"deliveries": 3, "more": 0}, 202)

    result = run("webhooks", "recover", "whk_1", "--since", "2026-01-12T08:30:00Z")

    assert result.exit_code == 0, result.output
    assert "10003 messages are on their way again" in result.stdout
    assert run("webhooks", "recover", "whk_1").exit_code == 2
