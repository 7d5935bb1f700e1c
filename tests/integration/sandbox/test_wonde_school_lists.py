"""The simulated Wonde's lists about how a school is made up, its includes, access, and what is not there."""

from typing import Any

import httpx
import pytest


async def test_classes_and_groups_come_with_their_members(wonde: Any) -> None:
    (first, *_) = await wonde.rows("classes", include="students,employees,subject")
    alone = (await wonde.get(f"classes/{first['id']}")).json()["data"]
    years = await wonde.rows("groups", type="YEAR", include="students")
    registrations = await wonde.rows("groups", type="REGISTRATION")

    assert wonde.pupils[0] in [pupil["id"] for pupil in first["students"]["data"]]
    assert wonde.employee in [person["id"] for person in first["employees"]["data"]]
    assert "students" not in alone
    assert sum(len(year["students"]["data"]) for year in years) == 60
    assert [row["id"] for row in await wonde.rows("classes", class_name=first["name"])] == [first["id"]]
    assert {row["type"] for row in registrations} == {"REGISTRATION"}


async def test_counts_say_what_was_asked_for(wonde: Any) -> None:
    body = (await wonde.get("counts", include="students,rooms")).json()

    assert body["data"]["students"] == {"data": {"count": 60}}
    assert set(body["data"]) == {"students", "rooms"}
    assert (await wonde.get("counts", include="doctors")).status_code == 400


async def test_lessons_include_what_the_list_says_that_they_may(wonde: Any) -> None:
    given = {"lessons_start_after": "2026-01-12", "include": "class,employee,period,room"}
    (lesson, *_) = await wonde.rows("lessons", **given)

    assert lesson["employee"]["data"]["surname"]
    assert lesson["period"]["data"]["name"] == "Mon:1"
    assert lesson["room"]["data"]["code"].startswith("R")
    assert lesson["class"]["data"]["name"]


async def test_subjects_and_periods_are_lists(wonde: Any) -> None:
    assert {"En", "Ma"} <= {row["code"] for row in await wonde.rows("subjects")}
    assert len(await wonde.rows("periods")) == 25


async def test_a_list_on_one_page_has_pagination_where_the_school_is_set_so(wonde: Any, control: Any) -> None:
    before = (await wonde.get("rooms")).json()["meta"]
    await control.change(wonde.id, paginates_always=True)
    after = (await wonde.get("rooms")).json()["meta"]

    assert "pagination" not in before
    assert (after["pagination"]["more"], after["pagination"]["next"]) == (False, None)


async def test_an_application_gives_access_up_and_asks_for_it_again(wonde: Any) -> None:
    revoked = await wonde.send("DELETE", "revoke-access")
    refused = await wonde.get("students")
    asked = await wonde.send("POST", "request-access", {"contacts": []})

    assert revoked.json() == {"success": True, "state": "revoked", "message": "Access revoked"}
    assert refused.status_code == 403
    assert asked.json()["state"] == "pending"


@pytest.mark.parametrize(
    ("method", "path", "status", "field"),
    [
        ("GET", "/v1.0/nothing", 404, "error"),
        ("DELETE", "/v1.0/schools/A1/behaviours", 405, "error"),
        ("POST", "/api/v1/Nothing", 404, "ExceptionMessage"),
        ("GET", "/idaas/nothing", 404, "ExceptionMessage"),
        ("GET", "/_sandbox/nothing", 404, "error"),
    ],
)
async def test_what_is_not_there_is_told_as_json(
    http: httpx.AsyncClient, method: str, path: str, status: int, field: str
) -> None:
    response = await http.request(method, path)

    assert response.status_code == status
    assert response.json()[field]
