"""Who may call what: every route under /v1, with no key, a bad key, too little scope, another's school."""

from datetime import timedelta
from typing import Any

import pytest

from writeback.domain.access import Scope
from writeback.flow.keys import Keys

ROUTES = {
    ("POST", "/v1/schools/{school}/writebacks"): "submit",
    ("GET", "/v1/writebacks"): "read",
    ("GET", "/v1/writebacks/{writeback}"): "read",
    ("GET", "/v1/schools"): "read",
    ("POST", "/v1/schools"): "admin",
    ("GET", "/v1/schools/{school}"): "read",
    ("PATCH", "/v1/schools/{school}"): "admin",
    ("POST", "/v1/schools/{school}/sync"): "support",
    ("POST", "/v1/schools/{school}/hold"): "support",
    ("POST", "/v1/schools/{school}/resume"): "support",
    ("GET", "/v1/schools/{school}/lookups/{list}"): "read",
    ("GET", "/v1/schools/{school}/features"): "read",
    ("GET", "/v1/features"): "read",
    ("GET", "/v1/events"): "read",
    ("GET", "/v1/writebacks/{writeback}/events"): "read",
    ("GET", "/v1/webhooks"): "read",
    ("POST", "/v1/webhooks"): "submit",
    ("GET", "/v1/webhooks/{webhook}"): "read",
    ("PATCH", "/v1/webhooks/{webhook}"): "submit",
    ("DELETE", "/v1/webhooks/{webhook}"): "submit",
    ("POST", "/v1/webhooks/{webhook}/rotate"): "submit",
    ("POST", "/v1/webhooks/{webhook}/test"): "submit",
    ("GET", "/v1/webhooks/{webhook}/deliveries"): "read",
    ("POST", "/v1/webhooks/{webhook}/deliveries/{delivery}/redeliver"): "submit",
    ("POST", "/v1/writebacks/{writeback}/resubmit"): "submit",
    ("POST", "/v1/writebacks/{writeback}/cancel"): "submit",
    ("POST", "/v1/writebacks/{writeback}/resolve"): "support",
    ("POST", "/v1/writebacks/resubmit"): "submit",
    ("POST", "/v1/writebacks/cancel"): "submit",
    ("GET", "/v1/audit"): "support",
    ("POST", "/v1/keys"): "admin",
    ("GET", "/v1/keys"): "admin",
    ("DELETE", "/v1/keys/{key}"): "admin",
}
OTHERS = {"submit": "read", "read": "submit", "support": "read", "admin": "support"}
BODIES: dict[tuple[str, str], Any] = {
    ("POST", "/v1/schools/{school}/writebacks"): {"kind": "attendance.session", "records": []},
    ("POST", "/v1/schools"): {
        "id": "hillside",
        "name": "Hillside",
        "provider": "wonde",
        "mis": "Bromcom",
        "provider_school_id": "A1",
        "credentials": {"token": "x"},
    },
    ("PATCH", "/v1/schools/{school}"): {"mis": "Arbor"},
    ("POST", "/v1/schools/{school}/hold"): {"reason": "strike"},
    ("POST", "/v1/webhooks"): {"url": "https://receiver.example/"},
    ("PATCH", "/v1/webhooks/{webhook}"): {"description": "the new one"},
    ("POST", "/v1/writebacks/{writeback}/resolve"): {"outcome": "failed", "reason": "not there"},
    ("POST", "/v1/writebacks/resubmit"): {"filter": {"app": "registers"}, "reason": "again"},
    ("POST", "/v1/writebacks/cancel"): {"filter": {"app": "registers"}, "reason": "no more"},
    ("POST", "/v1/keys"): {"app": "Registers", "scopes": ["read"]},
}

QUERIES = {"/v1/events": "?since=2026-01-01T00:00:00Z&follow=false"}
"""So that the answer ends."""

every_route = pytest.mark.parametrize("route", ROUTES, ids=" ".join)
school_routes = pytest.mark.parametrize("route", [route for route in ROUTES if "{school}" in route[1]], ids=" ".join)


def _path(template: str, school: str = "hillside") -> str:
    values = {
        "{school}": school,
        "{writeback}": "wb_1",
        "{list}": "students",
        "{key}": "key_1",
        "{webhook}": "whk_1",
        "{delivery}": "msg_1",
    }
    for placeholder, value in values.items():
        template = template.replace(placeholder, value)
    return template + QUERIES.get(template, "")


async def _call(api: Any, route: tuple[str, str], key: str | None, **options: Any) -> Any:
    return await api.call(route[0], _path(route[1]), key, json=BODIES.get(route), **options)


async def test_the_table_here_has_every_route_that_needs_a_key(api: Any) -> None:
    document = (await api.call("GET", "/openapi.json")).json()

    documented = {
        (method.upper(), path) for path, item in document["paths"].items() for method in item if path.startswith("/v1/")
    }

    assert documented == set(ROUTES)


@every_route
async def test_without_a_key_every_route_answers_401(api: Any, is_problem: Any, route: tuple[str, str]) -> None:
    response = await _call(api, route, None)

    is_problem(response, 401, "key_missing")
    assert response.headers["www-authenticate"] == "Bearer"


@every_route
async def test_an_unknown_key_is_answered_with_401(api: Any, is_problem: Any, route: tuple[str, str]) -> None:
    is_problem(await _call(api, route, "wbk_" + "x" * 43), 401, "key_unknown")


@every_route
async def test_a_revoked_key_is_answered_with_401(api: Any, is_problem: Any, route: tuple[str, str]) -> None:
    made = await api.services.keys.create("Registers", "", [Scope.ADMIN], None)
    assert (await api.call("GET", "/v1/features", made.key)).status_code == 200
    await api.services.keys.revoke(made.view.id)

    is_problem(await _call(api, route, made.key), 401, "key_revoked")


@every_route
async def test_a_key_without_the_scope_is_answered_with_403(api: Any, is_problem: Any, route: tuple[str, str]) -> None:
    await api.add_school()
    needed = ROUTES[route]
    key = await api.key(OTHERS[needed])

    problem = is_problem(await _call(api, route, key), 403, "key_lacks_scope")

    assert repr(needed) in problem["detail"]


@every_route
async def test_a_key_with_the_scope_alone_comes_through(api: Any, route: tuple[str, str]) -> None:
    key = await api.key(ROUTES[route])
    if route != ("POST", "/v1/schools"):
        await api.add_school()

    response = await _call(api, route, key)

    missing = any(part in route[1] for part in ("{writeback}", "{key}", "{webhook}"))
    assert response.status_code == 404 if missing else response.is_success, response.text


@school_routes
async def test_a_key_of_other_schools_is_answered_with_403(api: Any, is_problem: Any, route: tuple[str, str]) -> None:
    await api.add_school()
    await api.add_school("riverbank")
    key = await api.key(ROUTES[route], schools=["riverbank"])

    is_problem(await _call(api, route, key), 403, "school_not_allowed")
    assert api.services.accept.asked == []
    assert api.services.holds.calls == []


@pytest.mark.parametrize(
    "route", [route for route in ROUTES if "{school}" in route[1] and "writebacks" not in route[1]], ids=" ".join
)
async def test_a_school_that_is_not_registered_is_answered_with_404(
    api: Any, is_problem: Any, route: tuple[str, str]
) -> None:
    is_problem(await _call(api, route, await api.key(ROUTES[route])), 404, "school_unknown")


@pytest.mark.parametrize(
    "header", ["wbk_abc", "Basic d2JrOg==", "Bearer", "Bearer ", "Bearer abc", "Bearer wbk_" + "x" * 500]
)
async def test_an_authorization_header_of_another_form_is_answered_with_401(api: Any, header: str) -> None:
    response = await api.call("GET", "/v1/features", headers={"Authorization": header})

    assert response.status_code == 401
    assert response.json()["code"] in ("key_missing", "key_malformed")


async def test_the_word_bearer_may_be_in_any_case(api: Any) -> None:
    key = await api.key("read")

    response = await api.call("GET", "/v1/features", headers={"Authorization": f"bEARER {key}"})

    assert response.status_code == 200


async def test_who_has_no_key_is_told_so_before_the_body_is_looked_at(api: Any, is_problem: Any) -> None:
    headers = {"Content-Type": "text/csv"}

    is_problem(await api.call("POST", "/v1/schools", content=b"{" * 9_000, headers=headers), 401, "key_missing")


async def test_a_key_limited_to_schools_cannot_make_keys(api: Any, is_problem: Any) -> None:
    await api.add_school()
    key = await api.key("admin", schools=["hillside"])

    for method, path in (("POST", "/v1/keys"), ("GET", "/v1/keys"), ("DELETE", "/v1/keys/key_1")):
        body = {"app": "Registers", "scopes": ["read"]} if method == "POST" else None
        is_problem(await api.call(method, path, key, json=body), 403, "school_not_allowed")


async def test_a_key_limited_to_schools_cannot_register_another(api: Any, is_problem: Any) -> None:
    await api.add_school("riverbank")
    key = await api.key("admin", schools=["riverbank"])

    is_problem(
        await api.call("POST", "/v1/schools", key, json=BODIES["POST", "/v1/schools"]), 403, "school_not_allowed"
    )


async def test_a_revoked_key_may_work_elsewhere_until_the_cache_runs_out(api: Any, database: Any) -> None:
    made = await api.services.keys.create("Registers", "", [Scope.READ], None)
    elsewhere = Keys(database, api.services.clock, cache_s=60)

    assert (await api.call("GET", "/v1/features", made.key)).status_code == 200
    await elsewhere.revoke(made.view.id)
    assert (await api.call("GET", "/v1/features", made.key)).status_code == 200
    api.services.clock.advance(timedelta(seconds=api.services.settings.api.key_cache_s))
    assert (await api.call("GET", "/v1/features", made.key)).status_code == 401
