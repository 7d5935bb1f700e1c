"""Keys over HTTP: made once, listed without themselves, revoked at once."""

from datetime import timedelta
from typing import Any

from sqlmodel import select

from writeback.store.tables import ApiKey, App


async def test_a_key_is_shown_once_and_works(api: Any) -> None:
    admin = await api.key("admin")
    await api.add_school()
    body = {"app": "Class Register", "name": "tablets", "scopes": ["read", "submit"], "schools": ["hillside"]}

    response = await api.call("POST", "/v1/keys", admin, json=body)

    assert response.status_code == 201
    made = response.json()
    assert (made["app"], made["name"]) == ("class-register", "tablets")
    assert (made["scopes"], made["schools"]) == (["read", "submit"], ["hillside"])
    assert (await api.call("GET", "/v1/schools/hillside", made["key"])).status_code == 200
    listed = await api.call("GET", "/v1/keys", admin)
    assert made["key"] not in listed.text
    assert made["id"] in listed.text


async def test_only_the_hash_of_a_key_is_kept(api: Any) -> None:
    key = await api.key("read")

    async with api.database.read() as session:
        row = (await session.exec(select(ApiKey))).one()

    assert key not in str(row.model_dump())
    assert len(row.hash) == 64


async def test_keys_of_one_app_share_the_app(api: Any) -> None:
    admin = await api.key("admin", app="Office")
    for name in ("Register App", "register-app", "Register App"):
        await api.call("POST", "/v1/keys", admin, json={"app": name, "scopes": ["read"]})

    async with api.database.read() as session:
        apps = (await session.exec(select(App.id))).all()

    assert sorted(apps) == ["office", "register-app"]


async def test_a_revoked_key_stops_at_once_and_stays_listed(api: Any, fake_clock: Any) -> None:
    admin = await api.key("admin")
    made = (await api.call("POST", "/v1/keys", admin, json={"app": "Other", "scopes": ["read"]})).json()
    assert (await api.call("GET", "/v1/features", made["key"])).status_code == 200

    first = await api.call("DELETE", f"/v1/keys/{made['id']}", admin)
    again = await api.call("DELETE", f"/v1/keys/{made['id']}", admin)

    assert (first.status_code, first.content, again.status_code) == (204, b"", 204)
    assert (await api.call("GET", "/v1/features", made["key"])).status_code == 401
    listed = (await api.call("GET", "/v1/keys", admin)).json()["items"]
    assert {key["id"]: key["revoked_at"] for key in listed}[made["id"]] == "2026-01-12T09:00:00Z"


async def test_revoking_a_key_that_is_not_there_is_answered_with_404(api: Any, is_problem: Any) -> None:
    is_problem(await api.call("DELETE", "/v1/keys/key_nope", await api.key("admin")), 404, "key_unknown")


async def test_a_key_that_could_do_nothing_is_refused(api: Any, is_problem: Any) -> None:
    admin = await api.key("admin")

    no_scope = await api.call("POST", "/v1/keys", admin, json={"app": "X", "scopes": []})
    wrong = {"app": "???", "scopes": ["read"], "schools": ["nope"]}
    no_school = await api.call("POST", "/v1/keys", admin, json=wrong)
    none_at_all = await api.call("POST", "/v1/keys", admin, json={"app": "X", "scopes": ["read"], "schools": []})

    is_problem(no_scope, 422, "body_invalid")
    findings = is_problem(no_school, 422, "key_invalid")["findings"]
    assert [(one["code"], one["pointer"]) for one in findings] == [
        ("app_invalid", "/app"),
        ("school_unknown", "/schools/0"),
    ]
    assert is_problem(none_at_all, 422, "key_invalid")["findings"][0]["code"] == "schools_missing"


async def test_keys_are_listed_page_by_page_the_newest_first(api: Any, fake_clock: Any) -> None:
    admin = await api.key("admin")
    for _ in range(4):
        fake_clock.advance(timedelta(seconds=1))
        await api.key("read")

    first = (await api.call("GET", "/v1/keys?limit=3", admin)).json()
    second = (await api.call("GET", f"/v1/keys?limit=3&cursor={first['next_cursor']}", admin)).json()

    times = [key["created_at"] for key in first["items"] + second["items"]]
    assert len(times) == 5
    assert times == sorted(times, reverse=True)


async def test_use_of_a_key_is_noted_now_and_then(api: Any, fake_clock: Any) -> None:
    key = await api.key("read")

    await api.call("GET", "/v1/features", key)

    async with api.database.read() as session:
        row = (await session.exec(select(ApiKey))).one()
    assert row.last_used_at == fake_clock.now()


async def test_a_key_asked_about_a_moment_ago_is_known_without_sql(api: Any, monkeypatch: Any) -> None:
    key = await api.key("read")
    await api.call("GET", "/v1/features", key)

    def no_sql() -> None:
        raise AssertionError("the cache is warm")

    monkeypatch.setattr(api.services.keys._db, "read", no_sql)
    assert (await api.call("GET", "/v1/features", key)).status_code == 200


async def test_an_unknown_key_is_asked_about_once(api: Any, monkeypatch: Any) -> None:
    token = "wbk_" + "y" * 43
    assert (await api.call("GET", "/v1/features", token)).status_code == 401

    def no_sql() -> None:
        raise AssertionError("it is remembered that there is none")

    monkeypatch.setattr(api.services.keys._db, "read", no_sql)
    assert (await api.call("GET", "/v1/features", token)).status_code == 401
