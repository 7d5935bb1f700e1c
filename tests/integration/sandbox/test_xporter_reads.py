"""Xporter's token service and reads over real HTTP."""

import asyncio
from typing import Any

import httpx
import pytest

NOT_FOUND = "Relying Party not found for estab or secret not correct"


async def test_a_token_is_answered_as_the_document_shows(xporter: Any) -> None:
    body = await xporter.authorise()
    assert set(body) == {"token", "expires", "Message", "ExceptionType", "ExceptionMessage", "InnerException"}
    assert body["expires"] == "2026-01-12T21:00:00.000000Z"
    assert body["token"]


@pytest.mark.parametrize("name", ["thirdpartyid", "thirdPartyId", "ThirdPartyID"])
async def test_the_fields_of_a_token_request_may_be_json_or_form_in_any_case(
    http: httpx.AsyncClient, xporter: Any, name: str
) -> None:
    body = {"estab": xporter.estab, "relyingParty": "app", "password": xporter.secret, name: "XporterOnDemand"}
    for sent in ({"json": body}, {"data": body}):
        assert (await http.post("/idaas/sts/STS/GetToken", **sent)).json()["token"]


@pytest.mark.parametrize(
    "wrong", [{"password": "x"}, {"estab": "9999999"}, {"relyingParty": ""}, {"thirdpartyid": "Other"}, {"estab": ""}]
)
async def test_a_refused_token_is_http_200_with_a_message(xporter: Any, wrong: dict[str, str]) -> None:
    body = await xporter.authorise(**wrong)
    assert (body["token"], body["expires"], body["ExceptionMessage"]) == (None, "0001-01-01T00:00:00", NOT_FOUND)


async def test_only_the_schools_relying_party_gets_a_token(new_xporter: Any) -> None:
    xporter = await new_xporter(relying_party="app.example")
    assert (await xporter.authorise())["token"]
    assert (await xporter.authorise(relyingParty="other"))["ExceptionMessage"] == NOT_FOUND


async def test_paused_authorisation_is_said_in_the_documents_words(control: Any, xporter: Any) -> None:
    await control.change(xporter.estab, paused=True)
    assert (await xporter.authorise())["ExceptionMessage"] == (
        "Authorisation is currently paused while the school finalises the selection of people they wish to include "
        "in this feed."
    )


async def test_a_revoked_school_gives_no_token_and_ends_those_given(control: Any, xporter: Any) -> None:
    await control.change(xporter.estab, access="revoked")
    assert (await xporter.authorise())["ExceptionMessage"] == NOT_FOUND
    assert (await xporter.get("Students"))["ExceptionMessage"]


@pytest.mark.parametrize("how", ["time", "by hand"])
async def test_a_token_runs_out(control: Any, xporter: Any, how: str) -> None:
    if how == "time":
        await control.advance(seconds=12 * 3_600 + 1)
    else:
        await control.change(xporter.estab, expire_tokens=True)
    assert "expired" in (await xporter.get("Students"))["ExceptionMessage"]
    xporter.token = (await xporter.authorise())["token"]
    assert (await xporter.get("Students"))["Students"]


async def test_errors_are_http_200_unless_status_codes_are_asked_for(http: httpx.AsyncClient, xporter: Any) -> None:
    url = f"/api/v1/School/{xporter.estab}/Students"
    assert (await http.get(url)).status_code == 200
    assert (await http.get(url, params={"httpstatuscodes": "true"})).status_code == 401


async def test_a_token_is_for_one_school(http: httpx.AsyncClient, xporter: Any) -> None:
    response = await http.get("/api/v1/School/3281103/Students", headers=xporter.headers)
    assert "3281103" in response.json()["ExceptionMessage"]


async def test_the_token_tells_its_scopes(http: httpx.AsyncClient, control: Any, xporter: Any) -> None:
    await control.change(xporter.estab, grants=["School", "Attendance"])
    assert (await http.get("/api/v1/Scopes", headers=xporter.headers)).json()["Scopes"] == ["Attendance", "School"]
    details = (await http.get("/api/v1/TokenDetails", headers=xporter.headers)).json()
    assert (details["Estab"], details["RelyingParty"]) == (xporter.estab, "app.example")
    assert "Student" in (await xporter.get("Students"))["ExceptionMessage"]


async def test_xod_schools_are_told_by_what_they_granted(http: httpx.AsyncClient, control: Any, xporter: Any) -> None:
    pending = await control.seed(provider="xporter", estab="3281110", changes={"access": "pending"})
    await control.seed(provider="xporter", estab="3281111", changes={"access": "revoked"})
    management = {
        "estab": "",
        "relyingParty": "app",
        "password": "management-secret",
        "thirdpartyid": "XporterOnDemand",
    }
    token = (await http.post("/idaas/sts/STS/GetToken", json=management)).json()["token"]
    headers = {"Authorization": f"Idaas {token}"}
    body = (await http.get("/api/XporterOnDemand/GetXodSchools", headers=headers)).json()
    assert [row["estab"] for row in body["Authorised"]] == [xporter.estab]
    assert "WritebackAttendance" in body["Authorised"][0]["scopesAuthorised"].split(",")
    assert [row["estab"] for row in body["Revoked"]] == ["3281111"]
    assert "PendingAuthorisation" not in body
    params = {"includePendingAuthorisation": "true", "estab": pending["provider_school_id"]}
    body = (await http.get("/api/XporterOnDemand/GetXodSchools", headers=headers, params=params)).json()
    assert ([row["estab"] for row in body["PendingAuthorisation"]], body["Authorised"]) == (["3281110"], [])


async def test_students_come_in_pages(xporter: Any) -> None:
    body = await xporter.get("Students", page=2, pageSize=25)
    assert [str(row["Id"]) for row in body["Students"]] == xporter.pupils[25:50]
    assert body["__pagination__"] == [{"PageNumber": 2, "PageSize": 25, "PageCount": 3, "RowCount": 60}]
    assert body["meta"][0]["Table"] == "Students"


async def test_one_student_can_be_asked_for(xporter: Any) -> None:
    by_filter = await xporter.get("Students", id=xporter.pupils[3])
    by_path = await xporter.get(f"Students/{xporter.pupils[3]}")
    assert [row["Id"] for row in by_filter["Students"]] == [int(xporter.pupils[3])]
    assert by_path["Students"] == by_filter["Students"]


async def test_changed_rows_tell_what_is_new_and_what_is_gone(control: Any, xporter: Any) -> None:
    first = await xporter.get("Students", changedRows="*")
    assert (len(first["Students"]), first["Students_deleted"]) == (60, [])
    token = first["__changedRows__"][0]["changedRows"]
    assert (await xporter.get("Students", changedRows=token))["Students"] == []
    await control.change(xporter.estab, remove_pupils=[xporter.pupils[0]], add_pupils=[{"id": "77001"}])
    after = await xporter.get("Students", changedRows=token)
    assert [row["Id"] for row in after["Students"]] == [77_001]
    assert after["Students_deleted"] == [{"Id": int(xporter.pupils[0])}]
    assert after["__changedRows__"][0]["changedRows"] != token


async def test_select_keeps_and_renames_columns_and_change_sets_still_see_the_rest(control: Any, xporter: Any) -> None:
    first = await xporter.get("Students", changedRows="*", select="Id, DisplayName as Name", pagesize=1)
    assert [set(row) for row in first["Students"]] == [{"Id", "Name"}]
    token = first["__changedRows__"][0]["changedRows"]
    assert (await xporter.get("Students", changedRows=token, select="Id"))["Students"] == []
    await control.change(xporter.estab, add_pupils=[{"id": "77001"}])
    assert (await xporter.get("Students", changedRows=token, select="Id"))["Students"] == [{"Id": 77_001}]


async def test_an_unknown_change_set_is_refused(xporter: Any) -> None:
    assert "changedRows" in (await xporter.get("Students", changedRows="feed"))["ExceptionMessage"]


async def test_staff_and_health_are_reported(control: Any, xporter: Any) -> None:
    assert len((await xporter.get("Staff"))["Staff"]) >= 4
    assert (await xporter.get("Health"))["health"][0]["XodStatus"] == "ok"
    await control.change(xporter.estab, online=False)
    assert (await xporter.get("Health"))["health"][0]["XodStatus"] == "error"


async def test_inactive_codes_come_only_when_asked_for(control: Any, xporter: Any) -> None:
    await control.change(xporter.estab, deactivate_code=["L"])
    active = {row["Mark"]: row["Active"] for row in (await xporter.get("AttendanceCodes"))["AttendCodes"]}
    every = {
        row["Mark"]: row["Active"]
        for row in (await xporter.get("AttendanceCodes", includeInactive="true"))["AttendCodes"]
    }
    assert "L" not in active
    assert (every["L"], every["H"], every["/"]) == (0, 0, 1)


async def test_the_timetable_is_empty_without_an_option(xporter: Any) -> None:
    assert "Lessons" not in await xporter.get("Timetable")


@pytest.mark.parametrize("option", [{"options": "includeLessonStaff,includeLessons"}, {"includeLessons": "true"}])
async def test_options_may_be_a_list_or_parameters(xporter: Any, option: dict[str, str]) -> None:
    body = await xporter.get("Timetable", **option, DateFrom="2026-01-12", DateTo="2026-01-12")
    assert {row["StartDateTime"][:10] for row in body["Lessons"]} == {"2026-01-12"}
    assert len({row["PeriodId"] for row in body["Lessons"]}) == 5
    assert ("LessonStaff" in body) == ("options" in option)


async def test_the_timetable_reaches_from_last_week_to_two_weeks_on(xporter: Any) -> None:
    lessons = (await xporter.get("Timetable", options="includeLessons"))["Lessons"]
    days = sorted({row["StartDateTime"][:10] for row in lessons})
    assert (days[0], days[-1]) == ("2026-01-05", "2026-01-26")


async def test_attendance_shows_every_session_and_lesson_with_a_dash_for_no_mark(control: Any, xporter: Any) -> None:
    lesson = (await control.lessons(xporter.estab))[0]
    pupil = lesson["student_ids"][0]
    await control.set_mark(xporter.estab, student_id=pupil, date="2026-01-12", session="AM", code="L")
    await control.set_mark(xporter.estab, student_id=pupil, lesson_id=lesson["lesson_id"], code="/")
    rows = (await xporter.get("AttendanceForDate", date="2026-01-12", id=pupil))["AttendMarks"]
    assert [(row["Type"], row["Session"], row["Mark"]) for row in rows[:3]] == [
        ("S", "AM", "L"), ("S", "PM", "-"), ("L", "AM", "/"),
    ]  # fmt: skip
    assert (rows[0]["Id"], rows[0]["InstanceId"]) == (f"{pupil}.2026-01-12.AM", None)
    assert str(rows[2]["InstanceId"]) == lesson["lesson_id"]
    assert len(rows) == 2 + 5


async def test_attendance_can_be_narrowed_down(control: Any, xporter: Any) -> None:
    await control.set_mark(xporter.estab, student_id=xporter.pupils[0], date="2026-01-12", session="AM", code="L")
    ask = {"date": "2026-01-12"}
    assert len((await xporter.get("AttendanceForDate", **ask, options="excludeNoMarks"))["AttendMarks"]) == 1
    assert len((await xporter.get("AttendanceForDate", **ask, attendanceType="S"))["AttendMarks"]) == 120
    assert len((await xporter.get("AttendanceForDate", **ask, sessionType="PM"))["AttendMarks"]) == 60


async def test_a_closed_day_shows_hashes_unless_excluded(control: Any, xporter: Any) -> None:
    await control.change(xporter.estab, closed_days=["2026-01-13"])
    ask = {"date": "2026-01-13", "attendanceType": "S"}
    assert {row["Mark"] for row in (await xporter.get("AttendanceForDate", **ask))["AttendMarks"]} == {"#"}
    assert (await xporter.get("AttendanceForDate", **ask, excludeClosed="true"))["AttendMarks"] == []


async def test_attendance_is_up_to_thirty_minutes_old_and_says_so(control: Any, xporter: Any) -> None:
    async def marks() -> tuple[int, float]:
        body = await xporter.get("AttendanceForDate", date="2026-01-12", excludeNoMarks="true")
        return len(body["AttendMarks"]), body["meta"][0]["AgeSeconds"]

    assert await marks() == (0, 0)
    await control.set_mark(xporter.estab, student_id=xporter.pupils[0], date="2026-01-12", session="AM", code="/")
    await control.advance(seconds=1_799)
    assert await marks() == (0, 1_799)
    await control.advance(seconds=1)
    assert await marks() == (1, 0)


async def test_old_attendance_is_served_while_the_agent_is_silent(control: Any, xporter: Any) -> None:
    await xporter.get("AttendanceForDate", date="2026-01-12")
    await control.change(xporter.estab, online=False)
    await control.advance(seconds=7_200)
    known, unknown = await asyncio.gather(
        xporter.get("AttendanceForDate", date="2026-01-12"), xporter.get("AttendanceForDate", date="2026-01-13")
    )
    assert known["meta"][0]["AgeSeconds"] == 7_200
    assert "agent" in unknown["ExceptionMessage"]
