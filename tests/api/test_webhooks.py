"""Webhooks over HTTP: secrets shown once, addresses refused with a reason, keys of some schools kept to those."""

from typing import Any

import pytest
from sqlmodel import select

from writeback.store.tables import DeliveryRow

URL = "https://receiver.example/hook?token=t"


async def _add(api: Any, key: str, **changes: Any) -> Any:
    return await api.call("POST", "/v1/webhooks", key, json={"url": URL, **changes})


async def test_a_secret_is_shown_when_it_is_made_and_never_again(api: Any) -> None:
    key = await api.key("submit", "read")

    made = await _add(api, key)

    assert made.status_code == 201
    webhook = made.json()
    assert made.headers["location"] == f"/v1/webhooks/{webhook['id']}"
    assert webhook["secret"].startswith("whsec_")
    assert webhook["statuses"][0] == "confirmed"
    assert (webhook["app"], webhook["schools"], webhook["enabled"]) == ("registers", None, True)
    rotated = (await api.call("POST", f"/v1/webhooks/{webhook['id']}/rotate", key)).json()
    assert rotated["secret"] != webhook["secret"]
    assert rotated["old_secret_until"] == "2026-01-13T09:00:00Z"
    for path in ("/v1/webhooks", f"/v1/webhooks/{webhook['id']}"):
        shown = await api.call("GET", path, key)
        assert shown.status_code == 200
        assert "whsec_" not in shown.text


@pytest.mark.parametrize(
    "url", ["http://receiver.example/", "https://127.0.0.1/", "https://[::1]/", "https://u:p@receiver.example/", "x"]
)
async def test_an_address_that_webhooks_may_not_have_is_refused(api: Any, is_problem: Any, url: str) -> None:
    key = await api.key("submit", "read")

    problem = is_problem(await _add(api, key, url=url), 422, "webhook_invalid")
    assert [finding["pointer"] for finding in problem["findings"]] == ["/url"]
    made = (await _add(api, key)).json()
    is_problem(await api.call("PATCH", f"/v1/webhooks/{made['id']}", key, json={"url": url}), 422, "webhook_invalid")


async def test_everything_that_is_wrong_is_said_at_once(api: Any, is_problem: Any) -> None:
    key = await api.key("submit")

    problem = is_problem(await _add(api, key, url="x", statuses=[], schools=["nowhere"]), 422, "webhook_invalid")

    assert {finding["pointer"] for finding in problem["findings"]} == {"/url", "/statuses", "/schools/0"}


async def test_a_key_of_some_schools_has_webhooks_of_those_alone(api: Any, is_problem: Any) -> None:
    await api.add_school()
    await api.add_school("riverbank")
    key, whole = await api.key("submit", "read", schools=["hillside"]), await api.key("submit", "read")

    assert (await _add(api, key)).json()["schools"] == ["hillside"]
    is_problem(await _add(api, key, schools=["riverbank"]), 403, "school_not_allowed")
    made = (await _add(api, whole, schools=["hillside", "riverbank"])).json()
    is_problem(await api.call("GET", f"/v1/webhooks/{made['id']}", key), 404, "webhook_unknown")
    listed = (await api.call("GET", "/v1/webhooks", key)).json()["items"]
    assert [webhook["schools"] for webhook in listed] == [["hillside"]]


async def test_an_admin_looks_after_every_apps_webhooks_and_nobody_else_does(api: Any, is_problem: Any) -> None:
    app, other = await api.key("submit", "read"), await api.key("submit", "read", "support", app="Other")
    admin = await api.key("admin", app="Office")

    made = (await _add(api, admin, app="registers")).json()

    assert made["app"] == "registers"
    assert (await api.call("GET", f"/v1/webhooks/{made['id']}", app)).status_code == 200
    is_problem(await api.call("GET", f"/v1/webhooks/{made['id']}", other), 404, "webhook_unknown")
    is_problem(await _add(api, other, app="registers"), 403, "app_not_allowed")
    is_problem(await _add(api, admin, app="nobody"), 404, "app_unknown")


async def test_an_app_has_so_many_webhooks_and_no_more(api: Any, is_problem: Any) -> None:
    key = await api.key("submit", "read")
    most = api.services.settings.webhooks.max_per_app
    for _ in range(most):
        assert (await _add(api, key)).status_code == 201

    is_problem(await _add(api, key), 409, "webhooks_too_many")
    first = (await api.call("GET", "/v1/webhooks?limit=7", key)).json()
    rest = (await api.call("GET", f"/v1/webhooks?limit=200&cursor={first['next_cursor']}", key)).json()
    assert len({webhook["id"] for webhook in first["items"] + rest["items"]}) == most


async def test_deliveries_are_listed_by_number_page_by_page_without_what_was_sent(api: Any) -> None:
    key = await api.key("submit", "read")
    webhook = (await _add(api, key)).json()["id"]
    asked = [(await api.call("POST", f"/v1/webhooks/{webhook}/test", key)).json()["id"] for _ in range(5)]

    first = (await api.call("GET", f"/v1/webhooks/{webhook}/deliveries?limit=3", key)).json()
    rest = (
        await api.call("GET", f"/v1/webhooks/{webhook}/deliveries?limit=3&cursor={first['next_cursor']}", key)
    ).json()

    assert [one["id"] for one in first["items"] + rest["items"]] == asked[::-1]
    assert "payload" not in first["items"][0]
    failed = await api.call("GET", f"/v1/webhooks/{webhook}/deliveries?state=failed,delivered", key)
    assert failed.json()["items"] == []


async def test_a_removed_webhook_takes_its_deliveries_with_it(api: Any, is_problem: Any) -> None:
    key = await api.key("submit", "read")
    webhook = (await _add(api, key)).json()["id"]
    await api.call("POST", f"/v1/webhooks/{webhook}/test", key)

    assert (await api.call("DELETE", f"/v1/webhooks/{webhook}", key)).status_code == 204

    is_problem(await api.call("GET", f"/v1/webhooks/{webhook}", key), 404, "webhook_unknown")
    async with api.database.read() as session:
        assert (await session.exec(select(DeliveryRow))).all() == []
