"""The Wonde drop-in endpoint: every call of Wonde's document, in the spellings of its clients, to confirmed with the
sandbox."""

import asyncio
import base64
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlmodel import select

from writeback.flow.upkeep.retention import Retention
from writeback.store.tables import DropInMemberRow, RequestRow

pytestmark = pytest.mark.sqlite_first


@pytest.fixture
async def world(make_world: Any) -> Any:
    return await make_world("wonde")


async def _call(world: Any, method: str, path: str, body: Any = None, **options: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {world.key}", **options.pop("headers", {})}
    url = f"/wonde/v1.0/schools/{options.pop('school', world.estab)}/{path}"
    content = None if body is None else json.dumps(body)
    return await world.http.request(method, url, content=content, headers=headers, **options)


async def _code(world: Any) -> str:
    return str(next(row["id"] for row in await world.rows("attendance_codes") if row["code"] == "/"))


async def _mark(world: Any, **changes: Any) -> dict[str, Any]:
    given = {
        "student_id": world.pupils[0],
        "attendance_code_id": await _code(world),
        "date": world.today,
        "session": "AM",
    }
    return {**given, **changes}


async def _employee_of(world: Any) -> str:
    return str((await world.rows("employees"))[0]["id"])


async def _status(world: Any, ref: str) -> dict[str, Any]:
    response = await world.http.get(f"/wonde/v1.0/writebacks/{ref}", headers={"Authorization": f"bearer {world.key}"})
    assert response.status_code == 200, response.text
    shown: dict[str, Any] = response.json()["data"]
    return shown


async def _written(world: Any, family: str) -> str:
    """The id of what was written into the MIS through us."""
    (rows,) = (await world.mis(family)).values()
    references = await _references(world)
    return str(next(row["id"] for row in rows if row["source"] in references))


async def _references(world: Any) -> set[str | None]:
    """The provider's references of all requests that carried something."""
    async with world.flow.db.read() as session:
        return set((await session.exec(select(RequestRow.provider_ref))).all())


@pytest.mark.both_databases
async def test_session_marks_go_to_confirmed_and_the_status_says_so(world: Any) -> None:
    body = {"attendance": [await _mark(world, comment="Student was late", minutes_late=5)]}

    response = await _call(world, "POST", "attendance/session", body)

    assert response.status_code == 200, response.text
    ref = response.json()["writeback_id"]
    assert list(response.json()) == ["writeback_id"]
    assert ref[0] == "A"
    assert ref[1:].isdigit()
    before = await _status(world, ref)
    assert (before["status"], before["last_attempt"]) == ("PENDING", None)
    assert await world.settle() == ["confirmed"]
    after = await _status(world, ref)
    assert after["status"] == "SUCCESS"
    assert after["type"] == "ATTENDANCE"
    assert after["last_attempt"] is not None
    assert set(after["created_at"]) == {"date", "timezone_type", "timezone"}
    marks = (await world.mis("marks", date=world.today, type="session"))["marks"]
    assert {mark["student_id"]: mark["code"] for mark in marks}[world.pupils[0]] == "/"


@pytest.mark.both_databases
async def test_every_other_call_that_creates_goes_to_confirmed(world: Any) -> None:
    lesson = (await world.mis("lessons", date=world.today))["lessons"][0]
    staff, pupil = await _employee_of(world), world.pupils[0]
    detention_type = await world.attribute("detention_attributes", "type")
    room = await world.attribute("detention_attributes", "location")
    attended = await world.attribute("detention_attributes", "attendance")
    calls = {
        "attendance/lesson": {
            "attendance": [
                {
                    "student_id": lesson["student_ids"][0],
                    "lesson_id": lesson["lesson_id"],
                    "attendance_code_id": await _code(world),
                }
            ]
        },
        "achievements": {
            "students": [{"student_id": pupil, "points": 200, "award": None}],
            "employee_id": staff,
            "lesson_id": None,
            "date": world.today,
            "type": await world.attribute("achievement_attributes", "type"),
            "comment": "A4",
        },
        "behaviours": {
            "students": [{"student_id": pupil, "points": "0"}, {"student_id": world.pupils[1], "points": 2}],
            "employee_id": staff,
            "date": world.today,
            "status": await world.attribute("behaviour_attributes", "status"),
            "type": await world.attribute("behaviour_attributes", "type"),
        },
        "detentions": {
            "detention": [
                {
                    "detention_type_id": detention_type,
                    "room_id": room,
                    "start_at": f"{world.today} 12:30:00",
                    "end_at": f"{world.today} 13:00:00",
                    "attended_by_employee_id": staff,
                    "attendees": [{"student_id": pupil, "comments": None, "detention_attendance_code_id": attended}],
                },
                {
                    "detention_type_id": detention_type,
                    "room_id": room,
                    "start_at": f"{world.today} 15:30:00",
                    "end_at": f"{world.today} 16:00:00",
                    "attendees": [],
                },
            ]
        },
        "attendance/absence": {
            "absence": [
                {
                    "student_id": pupil,
                    "start_at": f"{world.today} 08:00:00",
                    "event_type": "all day absence",
                    "absence_type": await world.attribute("student_absence_attributes", "type"),
                    "comment": "Student caught flu",
                }
            ]
        },
        "employee-absences": {
            "employee_absence": [
                {
                    "employee_id": staff,
                    "start_at": f"{world.today} 08:00:00",
                    "end_at": "AM",
                    "working_days": "1.5",
                    "number_of_hours": "12",
                    "absence_type": await world.attribute("employee_absence_attributes", "type"),
                    "authorised_pay_rate": await world.attribute("employee_absence_attributes", "pay_rate"),
                    "absence_note": "Absence due to illness.",
                }
            ]
        },
    }

    answers = {path: await _call(world, "POST", path, body) for path, body in calls.items()}

    assert {path: answer.text for path, answer in answers.items() if answer.status_code != 200} == {}
    assert await world.settle() == ["confirmed"] * len(calls)
    for answer in answers.values():
        assert (await _status(world, answer.json()["writeback_id"]))["status"] == "SUCCESS"


@pytest.mark.both_databases
async def test_what_is_there_can_be_changed_and_deleted(world: Any) -> None:
    staff, pupil = await _employee_of(world), world.pupils[0]
    absence = {
        "start_at": f"{world.today} 08:00:00",
        "end_at": f"{world.today} 12:00:00",
        "working_days": 1,
        "number_of_hours": 6.5,
        "absence_type": await world.attribute("employee_absence_attributes", "type"),
        "authorised_pay_rate": await world.attribute("employee_absence_attributes", "pay_rate"),
    }
    incident = {"students": [{"student_id": pupil, "points": 1}], "employee_id": staff, "date": world.today}
    made = {
        "employee-absences": {"employee_absence": [{**absence, "employee_id": staff}]},
        "achievements": {**incident, "type": await world.attribute("achievement_attributes", "type")},
        "behaviours": {
            **incident,
            "type": await world.attribute("behaviour_attributes", "type"),
            "status": await world.attribute("behaviour_attributes", "status"),
        },
        "detentions": {
            "detention": [
                {
                    "detention_type_id": await world.attribute("detention_attributes", "type"),
                    "room_id": await world.attribute("detention_attributes", "location"),
                    "start_at": f"{world.today} 12:30:00",
                    "end_at": f"{world.today} 13:00:00",
                }
            ]
        },
    }
    for path, body in made.items():
        assert (await _call(world, "POST", path, body)).status_code == 200
    assert set(await world.settle()) == {"confirmed"}
    ids = {path: await _written(world, path) for path in made}
    attended = await world.attribute("detention_attributes", "attendance")
    entry = {"detention_id": ids["detentions"], "student_id": pupil, "detention_attendance_code_id": attended}

    changed = [
        await _call(world, "PUT", f"employee-absences/{ids['employee-absences']}", {**absence, "absence_note": None}),
        await _call(world, "POST", "attendance/detention", {"attendance": [entry]}),
    ]
    assert [one.text for one in changed if one.status_code != 200] == []
    assert set(await world.settle()) == {"confirmed"}
    gone = [await _call(world, "DELETE", f"attendance/detention/{ids['detentions']}/attendee/{pupil}")]
    assert set(await world.settle()) == {"confirmed"}
    gone += [await _call(world, "DELETE", f"{path}/{mis_id}") for path, mis_id in ids.items()]

    assert [one.text for one in gone if one.status_code != 200] == []
    assert set(await world.settle()) == {"confirmed"}


async def test_the_key_is_taken_in_every_spelling(world: Any) -> None:
    basic = base64.b64encode(f"{world.key}:".encode()).decode()

    for spelling in ("Bearer {key}", "bearer {key}", "BEARER {key}", "Basic {basic}", "basic {key}", "Basic {key}"):
        header = {"Authorization": spelling.format(key=world.key, basic=basic)}
        body = {"attendance": [await _mark(world)]}
        response = await _call(world, "POST", "attendance/session", body, headers=header)
        assert response.status_code == 200, (spelling, response.text)


async def test_paths_may_have_slashes_doubled_and_at_the_end(world: Any) -> None:
    body = json.dumps({"attendance": [await _mark(world)]})
    headers = {"Authorization": f"Bearer {world.key}"}

    for path in (
        f"/wonde/v1.0/schools/{world.estab}/attendance/session/",
        f"/wonde/v1.0/schools/{world.estab}/attendance//session",
        f"/wonde//v1.0/schools/{world.estab}//attendance/session//",
        "/wonde/v1.0/schools/hillside/attendance/session",
    ):
        response = await world.http.post(path, content=body, headers=headers)
        assert response.status_code == 200, (path, response.text)
    response = await world.http.delete(f"/wonde/v1.0/schools/{world.estab}/behaviours//A123", headers=headers)
    assert response.status_code == 200


async def test_a_client_that_waits_for_100_continue_gets_it(world: Any) -> None:
    body = json.dumps({"attendance": [await _mark(world)]}).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", world.http.base_url.port)
    writer.write(
        f"POST /wonde/v1.0/schools/{world.estab}/attendance/session HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {world.key}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n".encode()
    )
    async with asyncio.timeout(10):
        first = await reader.readuntil(b"\r\n\r\n")
        writer.write(body)
        second = await reader.readuntil(b"\r\n\r\n")
    writer.close()

    assert first.startswith(b"HTTP/1.1 100")
    assert second.startswith(b"HTTP/1.1 200")


@pytest.mark.both_databases
async def test_everything_that_is_wrong_comes_back_by_field_and_nothing_is_kept(world: Any) -> None:
    marks = [
        await _mark(world, student_id="A0", comment=None),
        await _mark(world, session="noon", attendance_code_id="A0"),
        {"date": "2031-02-30", "session": "PM"},
        "no record",
        await _mark(world),
    ]

    response = await _call(world, "POST", "attendance/session", {"attendance": marks})

    assert response.status_code == 422
    errors = response.json()
    assert all(isinstance(one, str) and one for texts in errors.values() for one in texts)
    assert {"attendance.0.student_id", "attendance.1.session", "attendance.2.date", "attendance.3"} <= set(errors)
    assert errors["attendance.2.student_id"] == ["The attendance.2.student_id field is required."]
    assert errors["attendance.2.attendance_code_id"] == ["The attendance.2.attendance_code_id field is required."]
    assert await world.writebacks() == []


async def test_a_mark_of_a_day_to_come_is_refused_by_its_field(world: Any) -> None:
    mark = await _mark(world, date="2026-01-13")

    response = await _call(world, "POST", "attendance/session", {"attendance": [mark]})

    (text,) = response.json()["attendance.0.date"]
    assert response.status_code == 422
    assert "2026-01-13, which is still to come" in text


async def test_errors_of_nested_fields_and_timestamps_have_wondes_names(world: Any) -> None:
    behaviour = await _call(
        world,
        "POST",
        "behaviours",
        {"students": [{"student_id": world.pupils[0], "action": "NONE"}], "employee_id": "A0", "date": world.today},
    )
    detention = await _call(
        world,
        "POST",
        "detentions",
        {"detention": [{"start_at": "yesterday", "end_at": f"{world.today} 13:00:00", "room_id": "A0"}]},
    )

    assert {"students.0.points", "type"} <= set(behaviour.json())
    assert {"detention.0.start_at", "detention.0.detention_type_id"} <= set(detention.json())
    assert (behaviour.status_code, detention.status_code) == (422, 422)


async def test_a_body_without_its_list_is_told_which(world: Any) -> None:
    bodies: list[Any] = [{}, [], {"attendance": []}, {"attendance": "x"}]

    for body in bodies:
        response = await _call(world, "POST", "attendance/session", body)
        assert (response.status_code, list(response.json())) == (422, ["attendance"]), body


async def test_other_errors_have_wondes_codes(world: Any) -> None:
    body = {"attendance": [await _mark(world)]}
    reader = await world.make_key("read")
    limited = await world.make_key("submit", schools=["hillside"])
    wrong = {
        401: await _call(world, "POST", "attendance/session", body, headers={"Authorization": "Bearer wbk_nobody"}),
        403: await _call(world, "POST", "attendance/session", body, headers={"Authorization": f"Bearer {reader}"}),
        404: await _call(world, "POST", "attendance/session", body, school="A0"),
        400: await world.http.post(
            f"/wonde/v1.0/schools/{world.estab}/attendance/session",
            content=b"{not json",
            headers={"Authorization": f"Bearer {world.key}"},
        ),
    }
    elsewhere = await _call(
        world, "POST", "attendance/session", body, school="A0", headers={"Authorization": f"Bearer {limited}"}
    )

    for status, response in wrong.items():
        assert response.status_code == status, response.text
        assert set(response.json()) == {"error", "message"}
    assert elsewhere.status_code == 403
    assert (await _call(world, "POST", "students", {})).status_code == 404


@pytest.mark.both_databases
async def test_another_apps_writeback_is_not_there(world: Any) -> None:
    ref = (await _call(world, "POST", "attendance/session", {"attendance": [await _mark(world)]})).json()[
        "writeback_id"
    ]
    other = await world.make_key("submit", "read", app="Others")

    response = await world.http.get(f"/wonde/v1.0/writebacks/{ref}", headers={"Authorization": f"Bearer {other}"})

    assert response.status_code == 404
    assert set(response.json()) == {"error", "message"}


@pytest.mark.both_databases
async def test_the_same_idempotency_key_gives_the_same_writeback(world: Any) -> None:
    body, headers = {"attendance": [await _mark(world)]}, {"Idempotency-Key": "once"}

    first = await _call(world, "POST", "attendance/session", body, headers=headers)
    again = await _call(world, "POST", "attendance/session", body, headers=headers)
    other = await _call(world, "POST", "attendance/session", {"attendance": []}, headers=headers)
    different = await _call(
        world, "POST", "attendance/session", {"attendance": [await _mark(world, session="PM")]}, headers=headers
    )

    assert first.json() == again.json()
    assert len(await world.writebacks()) == 1
    assert (other.status_code, different.status_code) == (422, 400)


async def test_a_webhook_in_wondes_format_tells_the_end(world: Any) -> None:
    made = await world.http.post(
        "/v1/webhooks",
        json={"url": f"{world.ear.url}/hook", "format": "wonde"},
        headers={"Authorization": f"Bearer {world.key}"},
    )
    assert made.status_code == 201, made.text
    ref = (await _call(world, "POST", "attendance/session", {"attendance": [await _mark(world)]})).json()[
        "writeback_id"
    ]

    assert await world.settle() == ["confirmed"]
    await world.notify()

    assert [answer for _, _, answer in world.ear.heard] == [
        {"payload_type": "writeback", "writeback_id": ref, "status": "SUCCESS", "type": "attendance.session"}
    ]


async def test_a_failure_is_shown_with_its_reason(world: Any) -> None:
    ref = (await _call(world, "DELETE", "behaviours/A123")).json()["writeback_id"]

    assert await world.settle() == ["failed"]

    shown = await _status(world, ref)
    assert shown["status"] == "FAILED"
    assert shown["errors"]


async def test_php_lists_with_gaps_and_carbon_dates_are_understood(world: Any) -> None:
    mark = await _mark(world, date=f"{world.today} 00:00:00", minutes_late="5", comment="")

    response = await _call(world, "POST", "attendance/session", {"attendance": {"3": mark}})

    assert response.status_code == 200, response.text


@pytest.mark.both_databases
async def test_what_ended_long_ago_is_forgotten_and_what_waits_is_not(world: Any) -> None:
    body = {"attendance": [await _mark(world)]}
    ended = (await _call(world, "POST", "attendance/session", body)).json()["writeback_id"]
    assert await world.settle() == ["confirmed"]
    waiting = (await _call(world, "POST", "attendance/session", body)).json()["writeback_id"]
    retention = Retention(world.flow.db, world.clock, world.flow.settings)
    world.clock.advance(timedelta(days=29))
    await retention.run()
    assert (await _status(world, ended))["status"] == "SUCCESS"
    world.clock.advance(timedelta(days=2))

    await retention.run()

    headers = {"Authorization": f"Bearer {world.key}"}
    assert (await world.http.get(f"/wonde/v1.0/writebacks/{ended}", headers=headers)).status_code == 404
    assert (await _status(world, waiting))["status"] == "PENDING"
    assert len(await world.writebacks()) == 2
    async with world.flow.db.read() as session:
        assert [one.ref for one in (await session.exec(select(DropInMemberRow))).all()] == [waiting]
