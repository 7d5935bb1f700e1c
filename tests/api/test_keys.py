"""Keys over HTTP: made once, listed without themselves, revoked at once."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from writeback.domain.access import Scope
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


async def _used_at(api: Any, key_id: str) -> Any:
    await api.services.keys.aclose()
    async with api.database.read() as session:
        return (await session.exec(select(ApiKey.last_used_at).where(ApiKey.id == key_id))).one()


async def test_a_rotated_key_has_a_new_secret_and_the_old_one_works_for_a_day(api: Any, fake_clock: Any) -> None:
    admin = await api.key("admin")
    made = (await api.call("POST", "/v1/keys", admin, json={"app": "Other", "scopes": ["read"]})).json()
    assert (await api.call("GET", "/v1/features", made["key"])).status_code == 200

    rotated = (await api.call("POST", f"/v1/keys/{made['id']}/rotate", admin)).json()

    assert rotated["id"] == made["id"]
    assert rotated["key"] != made["key"]
    assert rotated["old_until"] == "2026-01-13T09:00:00Z"
    for key in (made["key"], rotated["key"]):
        assert (await api.call("GET", "/v1/features", key)).status_code == 200
    fake_clock.advance(timedelta(hours=23, minutes=59, seconds=58))
    assert (await api.call("GET", "/v1/features", made["key"])).status_code == 200
    fake_clock.advance(timedelta(seconds=2))  # it is remembered still
    assert (await api.call("GET", "/v1/features", made["key"])).json()["code"] == "key_rotated"
    fake_clock.advance(timedelta(seconds=60))
    assert (await api.call("GET", "/v1/features", made["key"])).json()["code"] == "key_rotated"
    assert (await api.call("GET", "/v1/features", rotated["key"])).status_code == 200


async def test_a_key_rotated_without_overlap_stops_at_once(api: Any) -> None:
    admin = await api.key("admin")
    made = (await api.call("POST", "/v1/keys", admin, json={"app": "Other", "scopes": ["read"]})).json()
    assert (await api.call("GET", "/v1/features", made["key"])).status_code == 200

    rotated = await api.call("POST", f"/v1/keys/{made['id']}/rotate", admin, json={"overlap_s": 0})

    assert (await api.call("GET", "/v1/features", made["key"])).status_code == 401
    assert (await api.call("GET", "/v1/features", rotated.json()["key"])).status_code == 200


async def test_of_a_key_rotated_twice_only_the_last_two_secrets_work(api: Any) -> None:
    first = await api.services.keys.create("Other", "", [Scope.READ])
    second = await api.services.keys.rotate(first.id)
    third = await api.services.keys.rotate(first.id)

    statuses = [(await api.call("GET", "/v1/features", one.key)).status_code for one in (first, second, third)]

    assert statuses == [401, 200, 200]


async def test_revoking_a_rotated_key_ends_both_secrets(api: Any, is_problem: Any) -> None:
    admin = await api.key("admin")
    old = await api.services.keys.create("Other", "", [Scope.READ])
    new = await api.services.keys.rotate(old.id)
    for one in (old, new):
        assert (await api.call("GET", "/v1/features", one.key)).status_code == 200

    await api.call("DELETE", f"/v1/keys/{old.id}", admin)

    for one in (old, new):
        is_problem(await api.call("GET", "/v1/features", one.key), 401, "key_revoked")
    is_problem(await api.call("POST", f"/v1/keys/{old.id}/rotate", admin), 409, "key_revoked")


async def test_rotating_is_in_the_audit_log_without_any_secret(api: Any) -> None:
    admin = await api.key("admin")
    made = await api.services.keys.create("Other", "", [Scope.READ])
    rotated = (await api.call("POST", f"/v1/keys/{made.id}/rotate", admin)).json()

    entries = await api.call("GET", f"/v1/audit?subject={made.id}", admin)

    assert [entry["action"] for entry in entries.json()["items"]] == ["key.rotate", "key.create"]
    assert entries.json()["items"][0]["changed"] == {"overlap_s": 86_400}
    assert rotated["key"] not in entries.text


async def test_the_last_use_of_a_key_is_noted_once_a_minute(api: Any, fake_clock: Any) -> None:
    made = await api.services.keys.create("Other", "", [Scope.READ])
    began = fake_clock.now()
    assert await _used_at(api, made.id) is None

    for seconds, expected in ((0, 0), (30, 0), (40, 70), (50, 70), (70, 190)):
        fake_clock.advance(timedelta(seconds=seconds))
        assert (await api.call("GET", "/v1/features", made.key)).status_code == 200
        assert await _used_at(api, made.id) == began + timedelta(seconds=expected)


async def test_a_key_works_where_its_use_cannot_be_noted(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await api.services.keys.create("Other", "", [Scope.READ])

    async def broken(*_: Any) -> None:
        raise OSError

    monkeypatch.setattr("writeback.store.apps.keys.mark_used", broken)

    assert (await api.call("GET", "/v1/features", made.key)).status_code == 200
    assert await _used_at(api, made.id) is None
