"""The registry over HTTP: register, change, list, hold, and what is never shown."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from writeback.core.clock import FakeClock
from writeback.core.errors import Conflict
from writeback.core.secrets import SecretBox
from writeback.domain.kinds import KINDS
from writeback.domain.lookups import ListName, Lookup
from writeback.domain.school import Country, HoldReason
from writeback.flow.metrics.reading import FRESH_S
from writeback.flow.registry.entries import NewSchool, Registry
from writeback.store.schools import lists as lookups
from writeback.store.schools import removals
from writeback.store.tables import AuditRow, SchoolRow

HILLSIDE = {
    "name": "St Mary’s, Hillside",
    "provider": "wonde",
    "mis": "Bromcom",
    "provider_school_id": "A1930499544",
    "credentials": {"token": "very-secret"},
}
RIVERBANK = {
    "id": "riverbank",
    "name": "Riverbank",
    "provider": "xporter",
    "mis": "SIMS",
    "provider_school_id": "8301234",
    "credentials": {"secret": "very-secret", "relying_party": "app.example", "sts_url": "https://sts.example/Get"},
}


async def _row(api: Any, school_id: str) -> SchoolRow:
    async with api.database.read() as session:
        row: SchoolRow = (await session.exec(select(SchoolRow).where(SchoolRow.id == school_id))).one()
    return row


async def test_a_school_is_registered_with_an_id_made_from_its_name(api: Any) -> None:
    response = await api.call("POST", "/v1/schools", await api.key("admin"), json=HILLSIDE)

    assert response.status_code == 201
    assert response.headers["location"] == "/v1/schools/st-marys-hillside"
    school = response.json()
    assert school["id"] == "st-marys-hillside"
    assert (school["state"], school["hold"], school["waiting"], school["lookups"]) == ("active", None, 0, [])
    assert school["hook_url"].startswith("https://writeback.example/hooks/wonde/")
    assert school["created_at"] == "2026-01-12T09:00:00Z"


async def test_a_new_school_is_due_to_be_synced_at_once(api: Any, fake_clock: FakeClock) -> None:
    await api.call("POST", "/v1/schools", await api.key("admin"), json=RIVERBANK)

    assert (await _row(api, "riverbank")).sync_at == fake_clock.now()


async def test_credentials_are_sealed_and_come_back_only_to_the_flow(api: Any) -> None:
    response = await api.call("POST", "/v1/schools", await api.key("admin"), json=RIVERBANK)

    assert "very-secret" not in response.text
    assert "credentials" not in response.json()
    assert "very-secret" not in (await _row(api, "riverbank")).credentials
    account = await api.services.registry.account("riverbank")
    assert account.credentials == RIVERBANK["credentials"]
    assert account.provider_school_id == "8301234"
    assert "very-secret" not in repr(account)


async def test_a_school_that_is_there_is_not_registered_again(api: Any, is_problem: Any) -> None:
    key = await api.key("admin")
    await api.call("POST", "/v1/schools", key, json=RIVERBANK)

    is_problem(await api.call("POST", "/v1/schools", key, json={**RIVERBANK, "mis": "Arbor"}), 409, "school_exists")
    assert (await _row(api, "riverbank")).mis == "SIMS"


async def test_everything_wrong_with_an_entry_is_said_at_once(api: Any, is_problem: Any) -> None:
    wrong = {
        "id": "River Bank",
        "name": " ",
        "provider": "xporter",
        "mis": "SIMS",
        "provider_school_id": "301234",
        "base_url": "ftp://x",
        "credentials": {"token": "x"},
        "overrides": {"attendance.weekly": {}},
    }

    problem = is_problem(
        await api.call("POST", "/v1/schools", await api.key("admin"), json=wrong), 422, "school_invalid"
    )

    assert [(one["code"], one["pointer"]) for one in problem["findings"]] == [
        ("school_id_invalid", "/id"),
        ("name_missing", "/name"),
        ("estab_invalid", "/provider_school_id"),
        ("url_invalid", "/base_url"),
        ("credential_missing", "/credentials/secret"),
        ("credential_unknown", "/credentials/token"),
        ("overrides_invalid", "/overrides"),
    ]
    assert all(one["hint"] and one["message"] for one in problem["findings"])


async def test_a_school_without_credentials_is_served_by_those_of_our_account(api: Any, is_problem: Any) -> None:
    key = await api.key("admin")
    without = {name: value for name, value in HILLSIDE.items() if name != "credentials"}

    is_problem(await api.call("POST", "/v1/schools", key, json=without), 422, "school_invalid")
    registry = api.services.registry
    registry._rules = replace(registry._rules, accounts={"wonde": {"token": "account-token"}})
    assert (await api.call("POST", "/v1/schools", key, json=without)).status_code == 201

    account = await api.services.registry.account("st-marys-hillside")
    assert account.credentials == {"token": "account-token"}


async def test_the_providers_own_address_is_not_kept_so_that_it_follows_the_settings(api: Any) -> None:
    body = {**HILLSIDE, "base_url": "https://api.wonde.com/v1.0"}

    assert (await api.call("POST", "/v1/schools", await api.key("admin"), json=body)).json()["base_url"] == ""


async def test_a_change_touches_only_what_is_given(api: Any, fake_clock: FakeClock) -> None:
    await api.add_school(overrides={"attendance.session": {"required": ["comment"]}})
    before = await _row(api, "hillside")

    response = await api.call("PATCH", "/v1/schools/hillside", await api.key("admin"), json={"name": "Hillside High"})

    assert response.json()["name"] == "Hillside High"
    after = await _row(api, "hillside")
    assert (after.mis, after.credentials, after.overrides) == (before.mis, before.credentials, before.overrides)
    assert after.provider_school_id == before.provider_school_id


async def test_credentials_are_replaced_as_a_whole(api: Any) -> None:
    await api.call("POST", "/v1/schools", await api.key("admin"), json=RIVERBANK)

    response = await api.call(
        "PATCH", "/v1/schools/riverbank", await api.key("admin"), json={"credentials": {"secret": "new"}}
    )

    assert response.status_code == 200
    assert (await api.services.registry.account("riverbank")).credentials == {"secret": "new"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"provider": "xporter"}, "school_provider_fixed"),
        ({"id": "other"}, "school_id_fixed"),
        ({"credentials": {}}, "credential_missing"),
        ({"credentials": {"secret": "x"}}, "credential_missing"),
        ({"name": ""}, "name_missing"),
        ({"base_url": "https://user:pass@x.example"}, "url_invalid"),
        ({"provider_school_id": "../admin"}, "provider_school_id_invalid"),
    ],
)
async def test_a_change_that_would_break_the_entry_is_refused(
    api: Any, is_problem: Any, change: dict[str, Any], code: str
) -> None:
    await api.add_school()
    before = await _row(api, "hillside")

    response = await api.call("PATCH", "/v1/schools/hillside", await api.key("admin"), json=change)

    problem = is_problem(response, 422, "school_invalid")
    assert problem["findings"][0]["code"] == code
    assert (await _row(api, "hillside")) == before


@pytest.mark.parametrize("field", ["name", "mis", "base_url", "credentials"])
async def test_null_is_no_value_for_a_field(api: Any, is_problem: Any, field: str) -> None:
    await api.add_school()

    response = await api.call("PATCH", "/v1/schools/hillside", await api.key("admin"), json={field: None})

    is_problem(response, 422, "body_invalid")


async def test_credentials_that_cannot_be_read_any_more_are_mended_by_new_ones(api: Any) -> None:
    await api.add_school()
    async with api.database.write() as session:
        row = await session.get(SchoolRow, "hillside")
        row.credentials = SecretBox("another key").seal({"token": "lost"})
        session.add(row)

    for change in ({"name": "Hillside High"}, {"credentials": {"token": "new"}}):
        answer = await api.call("PATCH", "/v1/schools/hillside", await api.key("admin"), json=change)
        assert answer.status_code == 200, answer.text

    assert (await api.services.registry.account("hillside")).credentials == {"token": "new"}


async def test_another_mis_has_the_lists_fetched_again(api: Any, fake_clock: FakeClock) -> None:
    await api.add_school()
    async with api.database.write() as session:
        row = await session.get(SchoolRow, "hillside")
        row.sync_at = None
        session.add(row)

    await api.call("PATCH", "/v1/schools/hillside", await api.key("admin"), json={"name": "Other"})
    assert (await _row(api, "hillside")).sync_at is None
    await api.call("PATCH", "/v1/schools/hillside", await api.key("admin"), json={"mis": "Arbor"})
    assert (await _row(api, "hillside")).sync_at == fake_clock.now()
    assert (await api.services.registry.school("hillside")).mis == "Arbor"


async def test_new_credentials_have_a_hold_looked_at_again_but_not_one_by_staff(
    api: Any, fake_clock: FakeClock
) -> None:
    for school_id, reason in (("hillside", HoldReason.TOKEN_REFUSED), ("riverbank", HoldReason.BY_STAFF)):
        await api.add_school(school_id)
        async with api.database.write() as session:
            row = await session.get(SchoolRow, school_id)
            row.hold_reason, row.held_at = reason.value, fake_clock.now()
            row.recheck_at = fake_clock.now().replace(year=2027) if reason is HoldReason.TOKEN_REFUSED else None
            session.add(row)
        change = {"credentials": {"token": "new"}}
        await api.call("PATCH", f"/v1/schools/{school_id}", await api.key("admin"), json=change)

    assert (await _row(api, "hillside")).recheck_at == fake_clock.now()
    assert (await _row(api, "riverbank")).recheck_at is None


async def test_a_list_of_schools_has_those_that_the_key_may_touch_page_by_page(api: Any) -> None:
    for school_id in ("a", "b", "c", "d"):
        await api.add_school(school_id)
    everything, some = await api.key("read"), await api.key("read", schools=["b", "d"])

    first = (await api.call("GET", "/v1/schools?limit=3", everything)).json()
    second = (await api.call("GET", f"/v1/schools?limit=3&cursor={first['next_cursor']}", everything)).json()
    limited = (await api.call("GET", "/v1/schools", some)).json()

    assert [school["id"] for school in first["items"] + second["items"]] == ["a", "b", "c", "d"]
    assert second["next_cursor"] is None
    assert [school["id"] for school in limited["items"]] == ["b", "d"]


async def test_the_hook_url_is_shown_to_admins_alone(api: Any) -> None:
    await api.add_school()

    for scope, is_shown in (("admin", True), ("read", False)):
        key = await api.key(scope)
        one = (await api.call("GET", "/v1/schools/hillside", key)).json()
        listed = (await api.call("GET", "/v1/schools", key)).json()["items"][0]
        assert bool(one["hook_url"]) is bool(listed["hook_url"]) is is_shown


async def test_a_held_school_says_why_and_since_when(api: Any, fake_clock: FakeClock) -> None:
    await api.add_school()
    async with api.database.write() as session:
        row = await session.get(SchoolRow, "hillside")
        row.hold_reason, row.hold_detail, row.held_at = "school_offline", "no answer", fake_clock.now()
        session.add(row)

    school = (await api.call("GET", "/v1/schools/hillside", await api.key("read"))).json()

    assert school["state"] == "held"
    since = "2026-01-12T09:00:00Z"
    assert school["hold"] == {"reason": "school_offline", "detail": "no answer", "since": since, "until": None}


async def test_holding_and_resuming_name_who_did_it(api: Any) -> None:
    await api.add_school()
    made = await api.key("support")

    held = await api.call("POST", "/v1/schools/hillside/hold", made, json={"reason": " MIS upgrade until noon "})
    resumed = await api.call("POST", "/v1/schools/hillside/resume", made, json={"reason": "it is noon"})

    assert (held.status_code, resumed.status_code) == (200, 200)
    (hold, resume) = api.services.holds.calls
    assert hold[:4] == ("hold", "hillside", HoldReason.BY_STAFF, "MIS upgrade until noon")
    assert hold[4].name.startswith("app:registers/key:key_")
    assert resume == ("resume", "hillside", hold[4].because("it is noon"))


async def test_a_hold_may_have_an_end_with_an_offset(api: Any, is_problem: Any) -> None:
    await api.add_school()
    made = await api.key("support")
    body = {"reason": "MIS upgrade", "until": "2026-01-12T11:00:00+01:00"}

    held = await api.call("POST", "/v1/schools/hillside/hold", made, json=body)
    unclear = await api.call("POST", "/v1/schools/hillside/hold", made, json={**body, "until": "11:00"})

    assert held.status_code == 200
    assert api.services.holds.calls[0][5].isoformat() == "2026-01-12T10:00:00+00:00"
    is_problem(unclear, 422, "body_invalid")


async def test_a_hold_without_a_reason_is_refused(api: Any, is_problem: Any) -> None:
    await api.add_school()

    for body in ({"reason": " "}, {}):
        response = await api.call("POST", "/v1/schools/hillside/hold", await api.key("support"), json=body)
        is_problem(response, 422, "body_invalid")
    assert api.services.holds.calls == []


async def test_a_sync_says_what_came_of_each_list(api: Any) -> None:
    await api.add_school()

    answer = (await api.call("POST", "/v1/schools/hillside/sync", await api.key("support"))).json()

    assert answer["school"] == "hillside"
    assert answer["lists"] == [
        {
            "list": "students",
            "rows": 3,
            "changed": True,
            "fetched_at": "2026-01-12T09:00:00Z",
            "error": None,
            "not_available": None,
            "held_back": 0,
        }
    ]
    assert answer["report"] == {"is_online": True}


async def test_lookups_are_counted_and_listed_page_by_page(api: Any, fake_clock: FakeClock) -> None:
    await api.add_school()
    rows = {f"A{number}": {"id": f"A{number}"} for number in range(5)}
    async with api.database.write() as session:
        await lookups.save(session, "hillside", Lookup(ListName.STUDENTS, 3, fake_clock.now(), rows))
    key = await api.key("read")

    school = (await api.call("GET", "/v1/schools/hillside", key)).json()
    path = "/v1/schools/hillside/lookups/students?limit=3"
    first = (await api.call("GET", path, key)).json()
    second = (await api.call("GET", f"{path}&cursor={first['next_cursor']}", key)).json()

    (students,) = school["lookups"]
    assert students == {
        "list": "students",
        "rows": 5,
        "version": 3,
        "fetched_at": "2026-01-12T09:00:00Z",
        "full_at": None,
        "held_back": None,
    }
    assert [row["id"] for row in first["items"] + second["items"]] == ["A0", "A1", "A2", "A3", "A4"]
    assert second["next_cursor"] is None


async def test_an_unknown_list_is_answered_with_400(api: Any, is_problem: Any) -> None:
    await api.add_school()

    response = await api.call("GET", "/v1/schools/hillside/lookups/pets", await api.key("read"))

    is_problem(response, 400, "parameter_invalid")


async def test_features_of_a_school_are_those_of_its_mis_with_its_own_overrides(api: Any) -> None:
    await api.add_school(overrides={"attendance.lesson": {"supported": False, "reason": "no lessons here"}})

    answer = (await api.call("GET", "/v1/schools/hillside/features", await api.key("read"))).json()

    assert (answer["school"], answer["provider"], answer["mis"]) == ("hillside", "wonde", "Bromcom")
    assert set(answer["kinds"]) == set(KINDS)
    assert "employee_id" in answer["kinds"]["attendance.session"]["required"]
    assert answer["kinds"]["attendance.lesson"]["supported"] is False
    assert answer["kinds"]["attendance.lesson"]["is_overridden"] is True


async def test_features_of_a_kind_have_its_fields_and_the_codes_to_choose_from(
    api: Any, fake_clock: FakeClock, is_problem: Any
) -> None:
    await api.add_school()
    rows = {"C1": {"id": "C1", "code": "/", "description": "Present", "active": True}}
    async with api.database.write() as session:
        await lookups.save(session, "hillside", Lookup(ListName.ATTENDANCE_CODES, 1, fake_clock.now(), rows))
    path, key = "/v1/schools/hillside/features", await api.key("read")

    answer = (await api.call("GET", f"{path}?kind=attendance.session", key)).json()

    assert set(answer["kinds"]) == {"attendance.session"}
    fields = {field["name"]: field for field in answer["kinds"]["attendance.session"]["fields"]}
    assert fields["employee_id"]["use"] == "needed"
    assert fields["code"]["choices"] == [{"id": "C1", "code": "/", "description": "Present"}]
    assert fields["code"]["choices_of"] == "attendance_codes"
    is_problem(await api.call("GET", f"{path}?kind=attendance.weekly", key), 400, "parameter_invalid")


@pytest.mark.parametrize("name", list(ListName))
async def test_every_list_can_be_read(api: Any, fake_clock: FakeClock, name: ListName) -> None:
    await api.add_school()
    row = {"id": "1", "type": "type", "code": "BULL"}
    async with api.database.write() as session:
        await lookups.save(session, "hillside", Lookup(name, 1, fake_clock.now(), {"type:1": row}))

    page = (await api.call("GET", f"/v1/schools/hillside/lookups/{name.value}", await api.key("read"))).json()

    assert page == {"items": [row], "next_cursor": None}


async def test_all_features_are_listed_by_provider_and_mis(api: Any) -> None:
    items = (await api.call("GET", "/v1/features", await api.key("read"))).json()["items"]

    by_name = {(entry["provider"], entry["mis"]): entry["kinds"] for entry in items}
    assert len(by_name) == len(items)
    assert by_name["xporter", "*"]["attendance.session"]["supported"] is False
    assert by_name["xporter", "SIMS"]["attendance.session"]["supported"] is True


async def test_a_school_known_a_moment_ago_is_asked_for_without_sql_and_own_changes_show_at_once(
    api: Any, fake_clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await api.add_school()
    assert (await api.services.registry.school("hillside")).mis == "Bromcom"

    await api.services.registry.patch("hillside", {"mis": "Arbor"})
    assert (await api.services.registry.school("hillside")).mis == "Arbor"

    def no_sql() -> None:
        raise AssertionError("the cache is warm")

    monkeypatch.setattr(api.services.registry._db, "read", no_sql)
    assert (await api.services.registry.school("hillside")).mis == "Arbor"
    assert (await api.services.registry.account("hillside")).credentials == {"token": "very-secret"}


@pytest.mark.parametrize(
    "base_url",
    ["", "https://api.wonde.com/v1.0/", "HTTPS://API.Wonde.com:443/v1.0"],
    ids=["usual", "slash", "capitals"],
)
async def test_a_second_school_for_one_account_is_refused_with_the_name_of_the_first(
    api: Any, is_problem: Any, base_url: str
) -> None:
    key = await api.key("admin")
    await api.call("POST", "/v1/schools", key, json={**HILLSIDE, "id": "hillside"})

    answer = await api.call("POST", "/v1/schools", key, json={**HILLSIDE, "id": "second", "base_url": base_url})

    problem = is_problem(answer, 409, "school_account_exists")
    assert problem["school"] == "hillside"
    assert "hillside" in problem["detail"]
    assert problem["hint"]
    assert (await api.call("GET", "/v1/schools/second", key)).status_code == 404


@pytest.mark.parametrize(
    "other",
    [
        {"provider_school_id": "A2"},
        {"base_url": "https://api.wonde.example/v1.0"},
        {"base_url": "https://api.wonde.com/v2.0"},
        {"base_url": "https://api.wonde.com:8443/v1.0"},
    ],
)
async def test_schools_of_other_accounts_and_regions_are_registered_beside_it(api: Any, other: dict[str, str]) -> None:
    key = await api.key("admin")
    await api.call("POST", "/v1/schools", key, json={**HILLSIDE, "id": "hillside"})

    answer = await api.call("POST", "/v1/schools", key, json={**HILLSIDE, "id": "second", **other})

    assert answer.status_code == 201, answer.text


async def test_a_change_that_makes_a_second_school_of_an_account_is_refused(api: Any, is_problem: Any) -> None:
    key = await api.key("admin")
    await api.add_school("hillside", provider_school_id="A1")
    await api.add_school("second", provider_school_id="A2")
    await api.add_school("third", provider_school_id="A1", base_url="https://region.example/v1.0")

    for school, change in (
        ("second", {"provider_school_id": "A1"}),
        ("third", {"base_url": "", "credentials": {"token": "t"}}),
        ("third", {"base_url": "https://api.wonde.com/v1.0", "credentials": {"token": "t"}}),
    ):
        answer = await api.call("PATCH", f"/v1/schools/{school}", key, json=change)
        assert is_problem(answer, 409, "school_account_exists")["school"] == "hillside"

    assert (await _row(api, "second")).provider_school_id == "A2"
    assert (await _row(api, "third")).base_url == "https://region.example/v1.0"
    assert (await api.call("PATCH", "/v1/schools/hillside", key, json={"provider_school_id": "A1"})).status_code == 200


async def test_two_who_register_one_account_at_once_do_not_both_succeed(any_database: Any, services: Any) -> None:
    registry = Registry(
        any_database,
        SecretBox("test"),
        services.clock,
        known_providers=("wonde",),
        hook_url=lambda *_: "",
        provider_urls={"wonde": "https://api.wonde.com/v1.0"},
    )

    answers = await asyncio.gather(
        *(registry.add(NewSchool(**HILLSIDE, id=f"school-{number}")) for number in range(6)), return_exceptions=True
    )

    refused = [answer for answer in answers if isinstance(answer, Conflict)]
    assert (len(refused), {answer.code for answer in refused}) == (5, {"school_account_exists"}), answers


async def test_a_full_sync_of_one_list_is_asked_for_in_the_name_of_whoever_does(api: Any) -> None:
    await api.add_school()
    key = await api.key("support")
    answers = [
        await api.call("POST", f"/v1/schools/hillside/sync{query}", key)
        for query in ("?full=true&list=students,employees", "", "?list=pupils", "?ful=true")
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 400, 400]
    asked = [(full, lists) for _, full, lists in api.services.sync.asked]
    assert asked == [(True, {ListName.STUDENTS, ListName.EMPLOYEES}), (False, set())]
    assert all(actor.startswith("app:") for actor, _, _ in api.services.sync.asked)


async def test_what_fell_out_of_a_list_waits_for_somebody_to_decide(api: Any, fake_clock: Any) -> None:
    await api.add_school()
    now, pupils = fake_clock.now(), {f"A{number}": {"id": f"A{number}"} for number in range(30)}
    async with api.database.write() as session:
        await lookups.save(session, "hillside", Lookup(ListName.STUDENTS, 3, now, pupils, full_at=now))
        await removals.keep(session, "hillside", ListName.STUDENTS, ["A1", "A2"], now)
    support, path = await api.key("support", "read"), "/v1/schools/hillside/lookups/students/removals"

    (before,) = (await api.call("GET", "/v1/schools/hillside", support)).json()["lookups"]
    assert before["held_back"]["count"] == 2
    assert before["full_at"] == before["fetched_at"]
    assert "writeback_lists_held_back 1.0" in (await api.call("GET", "/metrics")).text

    changed = await api.call("POST", path, support, json={"decision": "accept", "count": 5})
    assert (changed.status_code, changed.json()["code"]) == (409, "removals_changed")
    assert (await api.call("POST", path, support, json={"decision": "keep"})).status_code == 422
    reader = await api.key("read")
    assert (await api.call("POST", path, reader, json={"decision": "accept"})).status_code == 403

    for _ in range(2):  # the second time nothing waits
        decided = await api.call("POST", path, support, json={"decision": "accept", "reason": "year 13 has left"})
        (after,) = decided.json()["lookups"]
        assert (after["rows"], after["held_back"], after["version"]) == (28, None, 4)
    fake_clock.advance(timedelta(seconds=FRESH_S))
    assert "writeback_lists_held_back 0.0" in (await api.call("GET", "/metrics")).text


async def test_a_school_may_have_its_content_kept_for_up_to_thirteen_months(api: Any, is_problem: Any) -> None:
    await api.add_school()
    admin = await api.key("admin")

    async def change(days: Any) -> Any:
        return await api.call("PATCH", "/v1/schools/hillside", admin, json={"content_days": days})

    usual = await api.call("GET", "/v1/schools/hillside", admin)
    longer = await change(396)
    too_long = await change(397)
    never = await change(0)
    renamed = await api.call("PATCH", "/v1/schools/hillside", admin, json={"name": "Hill Side"})
    back = await change(None)

    assert usual.json()["content_days"] is None
    assert longer.json()["content_days"] == 396
    for refused in (too_long, never):
        problem = is_problem(refused, 422, "school_invalid")
        assert problem["findings"][0]["code"] == "content_days_out_of_range"
        assert "it must be 1 to 396" in problem["findings"][0]["message"]
    assert renamed.json()["content_days"] == 396
    assert back.json()["content_days"] is None
    async with api.database.read() as session:
        noted = (await session.exec(select(AuditRow).where(AuditRow.action == "school.change"))).all()
    assert [one.changed["fields"] for one in noted] == [["content_days"], ["name"], ["content_days"]]


async def test_a_school_may_be_said_to_be_in_another_country(api: Any, is_problem: Any) -> None:
    await api.add_school()
    admin = await api.key("admin")

    async def change(country: Any) -> Any:
        return await api.call("PATCH", "/v1/schools/hillside", admin, json={"country": country})

    usual = await api.call("GET", "/v1/schools/hillside", admin)
    scottish = await change("scotland")
    known = (await api.services.registry.school("hillside")).country
    unknown = await change("narnia")
    back = await change(None)

    assert [answer.json()["country"] for answer in (usual, scottish, back)] == [None, "scotland", None]
    assert known is Country.SCOTLAND
    (found,) = is_problem(unknown, 422, "school_invalid")["findings"]
    assert (found["code"], found["pointer"]) == ("country_unknown", "/country")
    assert "northern_ireland" in found["hint"]
    async with api.database.read() as session:
        noted = (await session.exec(select(AuditRow).where(AuditRow.action == "school.change"))).all()
    assert [one.changed["fields"] for one in noted] == [["country"], ["country"]]


async def test_a_school_may_have_late_registers_sent(api: Any, is_problem: Any) -> None:
    await api.add_school()
    admin = await api.key("admin")

    usual = await api.call("GET", "/v1/schools/hillside", admin)
    sent = await api.call("PATCH", "/v1/schools/hillside", admin, json={"late_registers": "send"})
    odd = await api.call("PATCH", "/v1/schools/hillside", admin, json={"late_registers": "drop"})
    reader = await api.call("PATCH", "/v1/schools/hillside", await api.key("read"), json={"late_registers": "leave"})

    assert usual.json()["late_registers"] == "leave"
    assert sent.json()["late_registers"] == "send"
    assert odd.status_code == 422
    assert "late_registers" in odd.text
    is_problem(reader, 403, "key_lacks_scope")
    async with api.database.read() as session:
        noted = (await session.exec(select(AuditRow).where(AuditRow.action == "school.change"))).all()
    assert [one.changed["fields"] for one in noted] == [["late_registers"]]


async def test_what_is_kept_of_people_is_changed_and_audited(api: Any, is_problem: Any) -> None:
    await api.add_school()
    key = await api.key("admin")

    usual = (await api.call("GET", "/v1/schools/hillside", key)).json()["directory"]
    named = await api.call("PATCH", "/v1/schools/hillside", key, json={"directory": "named"})
    other = await api.call("PATCH", "/v1/schools/hillside", key, json={"directory": "open"})
    log = (await api.call("GET", "/v1/audit?action=school.change", key)).json()["items"]

    assert (usual, named.json()["directory"]) == ("hashed", "named")
    is_problem(other, 422, "body_invalid")
    assert [one["changed"]["directory"] for one in log] == [{"before": "hashed", "after": "named"}]
