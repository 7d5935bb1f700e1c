"""Who may call what: every route under /v1, with no key, a bad key, too little scope, another's school."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from writeback.domain.access import Scope
from writeback.flow.people.keys import Keys
from writeback.store.tables import (
    App,
    AuditRow,
    BatchRow,
    DeliveryRow,
    EventRow,
    Lane,
    ProviderAnswerRow,
    RequestRow,
    WebhookRow,
    WritebackRow,
)

ROUTES = {
    ("POST", "/v1/schools/{school}/writebacks"): "submit",
    ("GET", "/v1/writebacks"): "read",
    ("GET", "/v1/writebacks/counts"): "read",
    ("GET", "/v1/writebacks/{writeback}"): "read",
    ("POST", "/v1/schools/{school}/batches"): "submit",
    ("GET", "/v1/batches"): "read",
    ("GET", "/v1/batches/{batch}"): "read",
    ("POST", "/v1/batches/{batch}/cancel"): "submit",
    ("GET", "/v1/batches/{batch}/review"): "read",
    ("GET", "/v1/batches/{batch}/rows"): "read",
    ("GET", "/v1/batches/{batch}/people"): "read",
    ("PUT", "/v1/batches/{batch}/people/{person}"): "submit",
    ("PUT", "/v1/batches/{batch}/mapping"): "submit",
    ("GET", "/v1/schools/{school}/mappings"): "read",
    ("DELETE", "/v1/schools/{school}/mappings/{mapping}"): "submit",
    ("PATCH", "/v1/batches/{batch}/rows/{number}"): "submit",
    ("POST", "/v1/batches/{batch}/send"): "submit",
    ("GET", "/v1/batches/{batch}/errors.{format}"): "read",
    ("GET", "/v1/schools/{school}/templates/{kind}.{format}"): "read",
    ("GET", "/v1/providers/{provider}/schools"): "admin",
    ("GET", "/v1/hooks"): "admin",
    ("GET", "/v1/schools"): "read",
    ("POST", "/v1/schools"): "admin",
    ("GET", "/v1/schools/{school}"): "read",
    ("PATCH", "/v1/schools/{school}"): "admin",
    ("POST", "/v1/schools/{school}/sync"): "support",
    ("POST", "/v1/schools/{school}/hold"): "support",
    ("POST", "/v1/schools/{school}/resume"): "support",
    ("POST", "/v1/schools/{school}/people/export"): "admin",
    ("POST", "/v1/schools/{school}/people/erase"): "admin",
    ("POST", "/v1/schools/{school}/remove"): "admin",
    ("POST", "/v1/apps/{app}/remove"): "admin",
    ("GET", "/v1/schools/{school}/lookups/{list}"): "read",
    ("POST", "/v1/schools/{school}/lookups/{list}/removals"): "support",
    ("POST", "/v1/schools/{school}/lookups/students/find"): "find",
    ("POST", "/v1/schools/{school}/lookups/employees/find"): "find",
    ("GET", "/v1/schools/{school}/features"): "read",
    ("GET", "/v1/schools/{school}/words"): "read",
    ("GET", "/v1/schools/{school}/words.csv"): "read",
    ("GET", "/v1/schools/{school}/words/suggestions"): "read",
    ("POST", "/v1/schools/{school}/words"): "support",
    ("PUT", "/v1/schools/{school}/words"): "support",
    ("POST", "/v1/schools/{school}/words/remove"): "support",
    ("GET", "/v1/schools/{school}/year"): "read",
    ("PUT", "/v1/schools/{school}/year"): "admin",
    ("GET", "/v1/features"): "read",
    ("GET", "/v1/usage"): "read",
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
    ("POST", "/v1/webhooks/{webhook}/recover"): "submit",
    ("POST", "/v1/writebacks/{writeback}/resubmit"): "submit",
    ("POST", "/v1/writebacks/{writeback}/cancel"): "submit",
    ("POST", "/v1/writebacks/{writeback}/resolve"): "support",
    ("POST", "/v1/writebacks/{writeback}/check"): "submit",
    ("GET", "/v1/writebacks/{writeback}/requests/{request}/answer"): "support",
    ("POST", "/v1/writebacks/resubmit"): "submit",
    ("POST", "/v1/writebacks/cancel"): "submit",
    ("POST", "/v1/writebacks/check"): "submit",
    ("GET", "/v1/audit"): "support",
    ("POST", "/v1/keys"): "admin",
    ("GET", "/v1/keys"): "admin",
    ("POST", "/v1/keys/{key}/rotate"): "admin",
    ("DELETE", "/v1/keys/{key}"): "admin",
}
OWNED = ("{writeback}", "{batch}", "{webhook}", "{delivery}")
"""What belongs to an app; schools and keys do not."""
NOW = datetime(2026, 1, 12, 9, 0, tzinfo=UTC)
MARK = {"student_id": "A1", "date": "2026-01-12", "session": "AM", "code": "/"}
OTHERS = {
    "submit": ["read", "find"],  # support may correct every app's
    "read": ["submit", "support", "find"],
    "find": ["read", "submit", "support"],
    "support": ["read", "submit", "find"],
    "admin": ["read", "submit", "support", "find"],
}
"""All that a key may have and still not do it."""
KEYLESS = {
    "/problems/{code}",
    "/schemas",
    "/schemas/{path}",
    "/healthz",
    "/readyz",
    "/metrics",
    "/hooks/{provider}/{token}",
}
"""What is outside /v1 and needs no key; the drop-in endpoints are in tests/api/doors."""
BODIES: dict[tuple[str, str], Any] = {
    ("POST", "/v1/webhooks/{webhook}/recover"): {"since": "2026-01-12T08:00:00Z"},
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
    ("PUT", "/v1/schools/{school}/year"): {"stretches": []},
    ("POST", "/v1/schools/{school}/hold"): {"reason": "strike"},
    ("POST", "/v1/schools/{school}/lookups/{list}/removals"): {"decision": "accept", "reason": "they left"},
    ("POST", "/v1/schools/{school}/lookups/students/find"): {"people": [{"upn": "A999432113104"}]},
    ("POST", "/v1/schools/{school}/lookups/employees/find"): {"people": [{"code": "JSA"}]},
    ("POST", "/v1/schools/{school}/people/export"): {"student_id": "A1", "reason": "asked for"},
    ("POST", "/v1/schools/{school}/people/erase"): {"student_id": "A1", "reason": "asked for"},
    ("POST", "/v1/schools/{school}/remove"): {"reason": "they left"},
    ("POST", "/v1/apps/{app}/remove"): {"reason": "they left"},
    ("PATCH", "/v1/batches/{batch}/rows/{number}"): {"left_out": True},
    ("PUT", "/v1/batches/{batch}/people/{person}"): {"person_id": "A1"},
    ("PUT", "/v1/batches/{batch}/mapping"): {},
    ("POST", "/v1/schools/{school}/words"): {"words": [{"field": "attendance.code", "word": "Late", "code": "L"}]},
    ("PUT", "/v1/schools/{school}/words"): {"words": [], "version": 0},
    ("POST", "/v1/schools/{school}/words/remove"): {"field": "attendance.code", "word": "Late"},
    ("POST", "/v1/webhooks"): {"url": "https://receiver.example/"},
    ("PATCH", "/v1/webhooks/{webhook}"): {"description": "the new one"},
    ("POST", "/v1/writebacks/{writeback}/resolve"): {"outcome": "failed", "reason": "not there"},
    ("POST", "/v1/writebacks/resubmit"): {"filter": {"app": "registers"}, "reason": "again"},
    ("POST", "/v1/writebacks/cancel"): {"filter": {"app": "registers"}, "reason": "no more"},
    ("POST", "/v1/writebacks/check"): {"filter": {"app": "registers"}, "reason": "now"},
    ("POST", "/v1/keys"): {"app": "Registers", "scopes": ["read"]},
}

QUERIES = {
    "/v1/events": "?since=2026-01-01T00:00:00Z&follow=false",  # so that the answer ends
    "/v1/writebacks/{writeback}/events": "?follow=false",
    "/v1/schools/{school}/batches": "?kind=attendance.session",
}
FILES = {("POST", "/v1/schools/{school}/batches"): "Pupil ID,Date,Session,Mark\nA1,12/01/2026,AM,/\n"}
"""Bodies that are no JSON."""

every_route = pytest.mark.parametrize("route", ROUTES, ids=" ".join)
OWNED_ROUTES = [route for route in ROUTES if any(one in route[1] for one in OWNED)]
SCHOOL_ROUTES = [route for route in ROUTES if "{school}" in route[1]]


def _path(template: str, school: str = "hillside") -> str:
    values = {
        "{school}": school,
        "{writeback}": "wb_1",
        "{request}": "req_1",
        "{list}": "students",
        "{app}": "registers",
        "{key}": "key_1",
        "{webhook}": "whk_1",
        "{delivery}": "msg_1",
        "{batch}": "bat_1",
        "{number}": "2",
        "{person}": "abc",
        "{mapping}": "map_1",
        "{kind}": "attendance.session",
        "{format}": "csv",
        "{provider}": "wonde",
    }
    query = QUERIES.get(template, "")
    for placeholder, value in values.items():
        template = template.replace(placeholder, value)
    return template + query


async def _call(api: Any, route: tuple[str, str], key: str | None, **options: Any) -> Any:
    if route in FILES:
        options |= {"content": FILES[route], "headers": {"Content-Type": "text/csv"}}
    else:
        options |= {"json": BODIES.get(route)}
    return await api.call(route[0], _path(route[1]), key, **options)


async def test_the_table_here_has_every_route_that_needs_a_key(document: dict[str, Any]) -> None:
    documented = {
        (method.upper(), path) for path, item in document["paths"].items() for method in item if path.startswith("/v1/")
    }

    assert documented == set(ROUTES)


async def test_what_is_documented_outside_v1_is_known_here(document: dict[str, Any]) -> None:
    others = {path for path in document["paths"] if not path.startswith(("/v1/", "/wonde/", "/xporter/"))}

    assert others == KEYLESS


async def _is_refused_everywhere(api: Any, is_problem: Any, key: str | None, code: str) -> None:
    """Look whether a key opens no route; what is refused has done nothing, so one API will do for all."""
    for route in ROUTES:
        response = await _call(api, route, key)
        assert response.status_code == 401, (route, response.text)
        is_problem(response, 401, code)
        assert response.headers["www-authenticate"].startswith("Bearer"), route


async def test_without_a_key_every_route_answers_401(api: Any, is_problem: Any) -> None:
    await _is_refused_everywhere(api, is_problem, None, "key_missing")


async def test_an_unknown_key_is_answered_with_401(api: Any, is_problem: Any) -> None:
    await _is_refused_everywhere(api, is_problem, "wbk_" + "x" * 43, "key_unknown")


async def test_a_revoked_key_is_answered_with_401(api: Any, is_problem: Any) -> None:
    made = await api.services.keys.create("Registers", "", [Scope.ADMIN], None)
    assert (await api.call("GET", "/v1/features", made.key)).status_code == 200
    await api.services.keys.revoke(made.id)

    await _is_refused_everywhere(api, is_problem, made.key, "key_revoked")


async def test_a_secret_that_was_rotated_is_answered_with_401_after_its_overlap(api: Any, is_problem: Any) -> None:
    made = await api.services.keys.create("Registers", "", [Scope.ADMIN], None)
    await api.services.keys.rotate(made.id, overlap=timedelta(hours=1))
    assert (await api.call("GET", "/v1/features", made.key)).status_code == 200
    api.services.clock.advance(timedelta(hours=1, seconds=1))

    await _is_refused_everywhere(api, is_problem, made.key, "key_rotated")


async def test_a_key_without_the_scope_is_answered_with_403(api: Any, is_problem: Any) -> None:
    await api.add_school()
    keys = {needed: await api.key(*others) for needed, others in OTHERS.items()}

    for route, needed in ROUTES.items():
        response = await _call(api, route, keys[needed])
        assert response.status_code == 403, (route, response.text)
        assert repr(needed) in is_problem(response, 403, "key_lacks_scope")["detail"], route


@every_route
async def test_a_key_with_the_scope_alone_comes_through(api: Any, route: tuple[str, str]) -> None:
    key = await api.key(ROUTES[route])
    if route != ("POST", "/v1/schools"):
        await api.add_school()

    response = await _call(api, route, key)

    missing = any(
        part in route[1] for part in ("{writeback}", "{key}", "{webhook}", "{batch}", "{mapping}", "words/remove")
    )
    assert response.status_code == 404 if missing else response.is_success, response.text


async def test_a_key_of_other_schools_is_answered_with_403(api: Any, is_problem: Any) -> None:
    await api.add_school()
    await api.add_school("riverbank")
    keys = {needed: await api.key(needed, schools=["riverbank"]) for needed in OTHERS}

    for route in SCHOOL_ROUTES:
        response = await _call(api, route, keys[ROUTES[route]])
        assert response.status_code == 403, (route, response.text)
        is_problem(response, 403, "school_not_allowed")
    assert api.services.accept.asked == []
    assert api.services.holds.calls == []


async def test_a_school_that_is_not_registered_is_answered_with_404(api: Any, is_problem: Any) -> None:
    keys = {needed: await api.key(needed) for needed in OTHERS}

    for route in SCHOOL_ROUTES:
        if "writebacks" not in route[1]:
            response = await _call(api, route, keys[ROUTES[route]])
            assert response.status_code == 404, (route, response.text)
            is_problem(response, 404, "school_unknown")


@pytest.fixture
async def theirs(api: Any) -> None:
    """One thing of each sort, of another app, at the school Hillside."""
    await api.add_school()
    await api.add_school("riverbank")
    about = {"app_id": "homework", "school_id": "hillside", "created_at": NOW, "updated_at": NOW}
    records, progress = json.dumps([MARK]), json.dumps([{"status": "failed"}])
    rows = (
        App(id="homework", name="Homework", created_at=NOW),
        Lane(id="hillside:session-marks", school_id="hillside", family="session-marks"),
        BatchRow(id="bat_1", format="csv", status="done", **about),
        WritebackRow(
            id="wb_1",
            lane_id="hillside:session-marks",
            kind="attendance.session",
            status="failed",
            ref="theirs",
            batch_id="bat_1",
            records=records,
            progress=progress,
            **about,
        ),
        RequestRow(
            id="req_1",
            lane_id="hillside:session-marks",
            school_id="hillside",
            provider="wonde",
            kind="attendance.session",
            state="settled",
            fence=1,
            members=[["wb_1", [0]]],
            created_at=NOW,
        ),
        ProviderAnswerRow(request_id="req_1", kept_at=NOW, sealed="sealed"),
        EventRow(writeback_id="wb_1", app_id="homework", at=NOW, actor="worker", event="failed", status="failed"),
        WebhookRow(
            id="whk_1", app_id="homework", url="https://x", statuses=[], secrets="", created_at=NOW, updated_at=NOW
        ),
        DeliveryRow(id="msg_1", webhook_id="whk_1", sequence=1, type="t", payload="{}", state="failed", created_at=NOW),
        AuditRow(at=NOW, actor="staff:ann", action="writeback.cancel", subject="wb_1", school="hillside"),
    )
    async with api.database.write() as session:
        for row in rows:
            session.add(row)
            await session.flush()


def _without(text: str, *names: str) -> str:
    for name in names:
        text = text.replace(name, "…")
    return text


async def test_what_another_app_owns_is_as_if_it_were_not_there(api: Any, theirs: None) -> None:
    names = ("wb_1", "bat_1", "whk_1", "msg_1")
    for route in OWNED_ROUTES:
        needed = ROUTES[route]
        schools = ["riverbank"] if needed == "support" else None  # support sees every app's, in its schools
        key = await api.key(needed, schools=schools)

        response = await _call(api, route, key)

        assert response.status_code == 404, (route, response.text)
        path = _without(_path(route[1]), *names).replace("…", "none_1")
        nothing = await api.call(route[0], path, key, json=BODIES.get(route))
        assert _without(response.text, *names) == _without(nothing.text, "none_1"), route


async def test_what_the_app_has_at_another_school_is_as_if_it_were_not_there(api: Any, theirs: None) -> None:
    for route in OWNED_ROUTES:
        key = await api.key(ROUTES[route], app="Homework", schools=["riverbank"])

        assert (await _call(api, route, key)).status_code == 404, route


async def test_a_delivery_of_another_webhook_is_not_sent_again_through_ones_own(api: Any, theirs: None) -> None:
    key = await api.key("submit")
    own = await api.call("POST", "/v1/webhooks", key, json=BODIES["POST", "/v1/webhooks"])

    response = await api.call("POST", f"/v1/webhooks/{own.json()['id']}/deliveries/msg_1/redeliver", key)

    assert (response.status_code, response.json()["code"]) == (404, "delivery_unknown")


@pytest.mark.parametrize("wanted", ["batch=bat_1", "student=A1", "ref=theirs", "app=homework", "q=wb_1"])
async def test_counts_by_what_another_app_has_are_naught(api: Any, theirs: None, wanted: str) -> None:
    own = await api.call("GET", f"/v1/writebacks/counts?{wanted}", await api.key("read"))
    theirs_ = await api.call("GET", f"/v1/writebacks/counts?{wanted}", await api.key("read", app="Homework"))

    assert own.json()["total"] == 0
    assert theirs_.json()["total"] == (1 if not wanted.startswith("q=") else theirs_.json()["total"])


@pytest.mark.parametrize("route", OWNED_ROUTES, ids=" ".join)
async def test_the_app_itself_finds_it(api: Any, theirs: None, route: tuple[str, str]) -> None:
    """So that the tests above fail when nothing is there at all."""
    response = await _call(api, route, await api.key("submit", "read", "support", app="Homework"))

    assert response.status_code != 404 or response.json()["code"] == "errors_forgotten", response.text


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("/v1/writebacks", "read"),
        ("/v1/writebacks?q=theirs", "read"),
        ("/v1/writebacks?student=A1", "read"),
        ("/v1/writebacks?app=homework", "read"),
        ("/v1/writebacks?batch=bat_1", "read"),
        ("/v1/batches", "read"),
        ("/v1/webhooks", "read"),
        ("/v1/audit", "support"),
        ("/v1/writebacks", "support"),
        ("/v1/batches", "support"),
    ],
)
async def test_lists_show_nothing_of_what_another_app_owns(api: Any, theirs: None, path: str, scope: str) -> None:
    key = await api.key(scope, "read", schools=["riverbank"] if scope == "support" else None)

    response = await api.call("GET", path, key)

    assert response.status_code == 200
    assert not [one for one in ("wb_1", "bat_1", "whk_1", "hillside") if one in response.text]


async def test_counts_and_events_tell_nothing_of_what_another_app_owns(api: Any, theirs: None) -> None:
    key = await api.key("read")

    counts = await api.call("GET", "/v1/writebacks/counts", key)
    events = await api.call("GET", "/v1/events?since=2026-01-01T00:00:00Z&follow=false", key)

    assert (counts.json()["total"], counts.json()["schools"]) == (0, [])
    assert "wb_1" not in events.text
    assert (await api.call("GET", "/v1/events?app=homework", key)).status_code == 403


@pytest.mark.parametrize("what", ["resubmit", "cancel"])
async def test_by_filter_nothing_of_another_app_is_touched(api: Any, theirs: None, what: str) -> None:
    key = await api.key("submit")

    for wanted in ({"ids": ["wb_1"]}, {"app": "homework"}, {"school": "hillside"}, {"student": "A1"}):
        body = {"filter": wanted, "reason": "mine?"}
        assert (await api.call("POST", f"/v1/writebacks/{what}", key, json=body)).json()["matched"] == 0


async def test_a_webhook_cannot_be_made_for_another_app(api: Any, theirs: None) -> None:
    body = {"url": "https://receiver.example/", "app": "homework"}

    assert (await api.call("POST", "/v1/webhooks", await api.key("submit"), json=body)).status_code == 403


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

    for method, path in (
        ("POST", "/v1/keys"),
        ("GET", "/v1/keys"),
        ("DELETE", "/v1/keys/key_1"),
        ("POST", "/v1/keys/key_1/rotate"),
    ):
        body = {"app": "Registers", "scopes": ["read"]} if path == "/v1/keys" and method == "POST" else None
        is_problem(await api.call(method, _path(path), key, json=body), 403, "school_not_allowed")


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
    await elsewhere.revoke(made.id)
    assert (await api.call("GET", "/v1/features", made.key)).status_code == 200
    api.services.clock.advance(timedelta(seconds=api.services.settings.api.key_cache_s))
    assert (await api.call("GET", "/v1/features", made.key)).status_code == 401
