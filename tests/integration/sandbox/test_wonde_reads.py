"""Wonde's reads over real HTTP: authorisation, spellings, pagination, filters, objects."""

import base64
from datetime import date
from typing import Any

import httpx
import pytest


@pytest.mark.parametrize("spelling", ["Bearer {}", "bearer {}", "BEARER {}", "Basic {basic}", "basic {}"])
async def test_every_spelling_of_authorisation_is_taken(http: httpx.AsyncClient, wonde: Any, spelling: str) -> None:
    basic = base64.b64encode(f"{wonde.token}:".encode()).decode()
    header = spelling.format(wonde.token, basic=basic)
    response = await http.get(f"/v1.0/schools/{wonde.id}", headers={"Authorization": header})
    assert response.status_code == 200


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Basic !!", "Digest x"])
async def test_without_a_good_token_it_answers_401(http: httpx.AsyncClient, wonde: Any, header: str) -> None:
    response = await http.get(f"/v1.0/schools/{wonde.id}", headers={"Authorization": header} if header else {})
    assert (response.status_code, response.json()["error"]) == (401, "unauthorized")


async def test_another_schools_token_answers_403(http: httpx.AsyncClient, wonde: Any, new_wonde: Any) -> None:
    other = await new_wonde(name="Elsewhere")
    response = await http.get(f"/v1.0/schools/{other.id}/students", headers=wonde.headers)
    assert response.status_code == 403


async def test_an_unknown_school_answers_404(wonde: Any) -> None:
    assert (await wonde.get("/schools/A404")).status_code == 404


async def test_a_missing_permission_answers_403(control: Any, wonde: Any) -> None:
    await control.change(wonde.id, grants=["students.read"])
    assert (await wonde.get("students")).status_code == 200
    assert (await wonde.get("employees")).status_code == 403
    assert (await wonde.post("session", wonde.session_mark())).status_code == 403


async def test_one_token_may_be_for_several_schools(wonde: Any, new_wonde: Any) -> None:
    await new_wonde(token=wonde.token)
    assert len(await wonde.rows("/schools")) == 2


@pytest.mark.parametrize("path", ["students", "students/", "/schools//{id}/students", "/schools/{id}//students//"])
async def test_every_spelling_of_a_path_is_taken(wonde: Any, path: str) -> None:
    assert (await wonde.get(path.format(id=wonde.id))).status_code == 200


async def test_fifty_rows_come_by_default_and_next_leads_through_all(http: httpx.AsyncClient, wonde: Any) -> None:
    body = (await wonde.get("students")).json()
    assert len(body["data"]) == 50
    assert body["meta"]["pagination"] == {
        "next": f"{http.base_url}/v1.0/schools/{wonde.id}/students/?page=2".replace("//v1.0", "/v1.0"),
        "previous": None,
        "more": True,
        "per_page": 50,
        "current_page": 1,
    }
    second = (await http.get(body["meta"]["pagination"]["next"], headers=wonde.headers)).json()
    assert len(second["data"]) == 10
    assert (second["meta"]["pagination"]["more"], second["meta"]["pagination"]["next"]) == (False, None)
    assert {row["id"] for row in body["data"] + second["data"]} == set(wonde.pupils)


async def test_next_keeps_per_page_and_filters(http: httpx.AsyncClient, wonde: Any) -> None:
    body = (await wonde.get("students", per_page=25, updated_after="2020-01-01 00:00:00")).json()
    seen = len(body["data"])
    while url := body["meta"]["pagination"]["next"]:
        body = (await http.get(url, headers=wonde.headers)).json()
        seen += len(body["data"])
    assert seen == len(wonde.pupils)
    assert body["meta"]["pagination"]["per_page"] == "25"


async def test_up_to_fifty_rows_have_no_pagination_unless_asked_for(wonde: Any) -> None:
    assert "pagination" not in (await wonde.get("periods")).json()["meta"]
    assert "pagination" in (await wonde.get("periods", per_page=100)).json()["meta"]


async def test_next_names_the_host_that_the_client_used(http: httpx.AsyncClient, wonde: Any) -> None:
    headers = {**wonde.headers, "Host": "api.wonde.example"}
    body = (await http.get(f"/v1.0/schools/{wonde.id}/students", headers=headers)).json()
    assert body["meta"]["pagination"]["next"].startswith("http://api.wonde.example/v1.0/")


@pytest.mark.parametrize("params", [{"per_page": "many"}, {"page": "0"}, {"updated_after": "yesterday"}])
async def test_parameters_that_cannot_be_read_answer_400(wonde: Any, params: dict[str, str]) -> None:
    assert (await wonde.get("students", **params)).status_code == 400


async def test_the_school_object_says_what_it_allows(control: Any, wonde: Any) -> None:
    await control.change(wonde.id, has_lesson_attendance=False)
    school = (await wonde.get(f"/schools/{wonde.id}")).json()["data"]
    assert school["extended"]["allows_writeback"] is True
    assert school["extended"]["has_lesson_attendance"] is False
    assert school["region"]["school_url"].endswith(f"/v1.0/schools/{wonde.id}")
    assert school["mis"] == "SIMS"


async def test_schools_are_listed_by_their_state(control: Any, wonde: Any) -> None:
    assert [len(await wonde.rows(f"/schools{state}")) for state in ("", "/offline", "/audited", "/all")] == [1, 0, 1, 1]
    await control.change(wonde.id, online=False)
    assert len(await wonde.rows("/schools/offline")) == 1
    await control.change(wonde.id, access="revoked")
    assert [len(await wonde.rows(f"/schools{state}")) for state in ("", "/revoked", "/declined", "/pending")] == [
        0, 1, 0, 0,
    ]  # fmt: skip


async def test_meta_says_whether_the_school_is_online_and_approved(control: Any, wonde: Any) -> None:
    await control.change(wonde.id, online=False, custom_codes=[{"code": "ZZ", "type": "AUTHORISED"}])
    meta = (await wonde.get(f"/meta/schools/{wonde.id}")).json()["data"]
    assert meta == {"online": False, "approved": True, "audited": True, "custom_attendance_codes": True}


async def test_permissions_show_what_is_approved(control: Any, wonde: Any) -> None:
    await control.change(wonde.id, grants=["attendance.read"])
    shown = {row["identity"]: row["approved"] for row in await wonde.rows(f"/meta/schools/{wonde.id}/permissions")}
    assert shown["attendance.read"] is True
    assert shown["attendance.write"] is False


async def test_people_of_a_new_school_have_been_there_for_a_while(wonde: Any) -> None:
    assert await wonde.rows("students", updated_after="2026-01-11 09:00:00") == []
    assert await wonde.rows("employees", updated_after="2026-01-11 09:00:00") == []


async def test_only_what_changed_comes_with_updated_after(clock: Any, control: Any, wonde: Any) -> None:
    before = clock.now()
    await control.advance(seconds=60)
    await control.change(wonde.id, add_pupils=[{"id": "A1234567"}])
    changed = await wonde.rows("students", updated_after=before.strftime("%Y-%m-%d %H:%M:%S"))
    assert [row["id"] for row in changed] == ["A1234567"]


async def test_a_pupil_who_left_is_gone_and_in_the_deletions(clock: Any, control: Any, wonde: Any) -> None:
    gone = wonde.pupils[0]
    await control.change(wonde.id, remove_pupils=[gone])
    assert (await wonde.get(f"students/{gone}")).status_code == 404
    rows = await wonde.rows("deletions", updated_after="2026-01-01", type="student")
    assert [(row["type"], row["id"]) for row in rows] == [("student", gone)]
    assert not await wonde.rows("deletions", type="employee")


async def test_one_student_and_one_employee_can_be_read(wonde: Any) -> None:
    assert (await wonde.get(f"students/{wonde.pupils[0]}")).json()["data"]["id"] == wonde.pupils[0]
    assert (await wonde.get(f"employees/{wonde.employee}")).json()["data"]["id"] == wonde.employee


async def test_lessons_come_one_academic_week_at_a_time(wonde: Any) -> None:
    def days(rows: list[dict[str, Any]]) -> set[str]:
        return {row["start_at"]["date"][:10] for row in rows}

    this_week = await wonde.rows("lessons", per_page=200)
    assert len(this_week) == 5 * 5 * 3
    assert days(this_week) == {f"2026-01-{day}" for day in range(12, 17)}
    next_week = await wonde.rows("lessons", per_page=200, lessons_start_after="2026-01-21")
    assert days(next_week) == {"2026-01-21", "2026-01-22", "2026-01-23"}
    until = await wonde.rows("lessons", per_page=200, lessons_start_before="2026-01-07")
    assert days(until) == {"2026-01-05", "2026-01-06"}


async def test_lessons_of_one_period_share_its_instance(wonde: Any) -> None:
    rows = await wonde.rows(
        "lessons", per_page=200, lessons_start_before="2026-01-13", lessons_start_after="2026-01-12"
    )
    assert len(rows) == 15
    assert len({row["period_instance_id"] for row in rows}) == 5
    assert (await wonde.get(f"lessons/{rows[0]['id']}")).json()["data"]["id"] == rows[0]["id"]


async def test_lessons_are_in_utc_also_in_summer(control: Any, wonde: Any) -> None:
    await control.advance(seconds=(date(2026, 6, 1) - date(2026, 1, 12)).days * 86_400)
    first = (await wonde.rows("lessons", per_page=1))[0]
    assert first["start_at"] == {"date": "2026-06-01 08:00:00.000000", "timezone_type": 3, "timezone": "UTC"}


async def test_a_moved_lesson_gets_a_new_id(control: Any, wonde: Any) -> None:
    old = (await control.lessons(wonde.id))[0]
    await control.change(wonde.id, move_lesson={"lesson_id": old["lesson_id"], "date": "2026-01-13", "period": 2})
    assert (await wonde.get(f"lessons/{old['lesson_id']}")).status_code == 404
    moved = [row for row in await control.lessons(wonde.id, date(2026, 1, 13)) if row["class"] == old["class"]]
    assert any(row["start_at"] == "2026-01-13T10:00:00" for row in moved)


async def test_disabled_codes_are_not_listed_and_custom_ones_are(control: Any, wonde: Any) -> None:
    await control.change(wonde.id, deactivate_code="L", custom_codes=[{"code": "ZZ", "type": "AUTHORISED"}])
    own = {row["code"]: row["type"] for row in await wonde.rows("attendance-codes")}
    national = {row["code"] for row in await wonde.rows("/attendance-codes")}
    assert "L" not in own
    assert own["ZZ"] == "AUTHORISED"
    assert {"L", "/", "\\", "Y7", "#"} <= national
    assert "H" not in national


async def test_attendance_dates_exclude_their_own_day(control: Any, wonde: Any) -> None:
    for day in ("2026-01-12", "2026-01-13", "2026-01-14"):
        await control.set_mark(wonde.id, student_id=wonde.pupils[0], date=day, session="AM", code="/")
    rows = await wonde.rows(
        "attendance/session", attendance_date_after="2026-01-12", attendance_date_before="2026-01-14"
    )
    assert [row["date"]["date"] for row in rows] == ["2026-01-13 00:00:00.000000"]


async def test_attendance_can_be_read_for_one_student(control: Any, wonde: Any) -> None:
    for student in wonde.pupils[:2]:
        await control.set_mark(wonde.id, student_id=student, date="2026-01-12", session="PM", code="L")
    rows = await wonde.rows("attendance/session", student=wonde.pupils[1])
    assert [(row["student"], row["session"], row["attendance_code"]) for row in rows] == [
        (wonde.pupils[1], "PM", wonde.codes["L"])
    ]


async def test_lesson_attendance_names_the_period_instance(control: Any, wonde: Any) -> None:
    lesson = (await control.lessons(wonde.id))[0]
    await control.set_mark(wonde.id, student_id=wonde.pupils[0], lesson_id=lesson["lesson_id"], code="/")
    rows = await wonde.rows("attendance/lesson")
    assert [row["period_instance_id"] for row in rows] == [lesson["period_instance_id"]]
    assert not await wonde.rows("attendance/session")
