"""Wonde's writeback: what it takes, what it refuses, how it ends, who is notified."""

import json
from typing import Any

import httpx
import pytest


async def test_a_register_is_taken_written_and_notified(control: Any, wonde: Any, receiver: Any, http: Any) -> None:
    await http.post("/_sandbox/webhooks", json={"url": f"{receiver.url}/hooks"})
    register = [wonde.session_mark(student_id=student) for student in wonde.pupils[:20]]
    writeback_id = await wonde.accepted("session", *register)

    assert (await wonde.status(writeback_id))["status"] == "PENDING"
    assert await control.marks(wonde.id) == []
    await control.advance()
    done = await wonde.status(writeback_id)
    assert (done["status"], done["next_attempt"]) == ("SUCCESS", None)
    assert done["last_attempt"] == "2026-01-12 09:00:00"
    assert {(row["student_id"], row["code"], row["source"]) for row in await control.marks(wonde.id)} == {
        (student, "/", writeback_id) for student in wonde.pupils[:20]
    }
    assert [row["body"] for row in receiver.got] == [
        {
            "payload_type": "writeback",
            "writeback_id": writeback_id,
            "status": "SUCCESS",
            "type": "attendance.session",
        }
    ]


async def test_it_completes_by_itself_when_its_time_has_come(clock: Any, wonde: Any, control: Any) -> None:
    writeback_id = await wonde.accepted("session", wonde.session_mark())
    await control.advance(seconds=0.29)
    assert (await wonde.status(writeback_id))["status"] == "PENDING"
    await control.advance(seconds=0.02)
    assert (await wonde.status(writeback_id))["status"] == "SUCCESS"


async def test_a_lesson_mark_is_written_for_the_period_instance(control: Any, wonde: Any) -> None:
    lesson = (await control.lessons(wonde.id))[0]
    mark = {"student_id": lesson["student_ids"][0], "lesson_id": lesson["lesson_id"]}
    await wonde.accepted("lesson", {**mark, "attendance_code_id": wonde.codes["L"], "minutes_late": 7})
    await control.advance()
    rows = await control.marks(wonde.id, type="lesson")
    assert [(row["period_instance_id"], row["code"], row["minutes_late"]) for row in rows] == [
        (lesson["period_instance_id"], "L", 7)
    ]


async def test_a_later_mark_overwrites_an_earlier_one(control: Any, wonde: Any) -> None:
    for code in ("/", "L"):
        await wonde.accepted("session", wonde.session_mark(code))
        await control.advance()
    assert [row["code"] for row in await control.marks(wonde.id)] == ["L"]
    history = await control.marks(wonde.id, history="true")
    assert [change["code"] for change in history[0]["changes"]] == ["/", "L"]


async def test_explicit_nulls_are_taken(wonde: Any) -> None:
    mark = wonde.session_mark(comment=None, minutes_late=None, employee_id=None)
    assert (await wonde.post("session", mark)).status_code == 200


async def test_a_client_that_expects_100_continue_is_served(http: httpx.AsyncClient, wonde: Any) -> None:
    response = await http.post(
        f"/v1.0/schools/{wonde.id}/attendance/session/",
        headers={**wonde.headers, "Expect": "100-continue"},
        content=json.dumps({"attendance": [wonde.session_mark()]}),
    )
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("student_id", None, "The attendance.0.student_id field is required."),
        ("student_id", "A1", "The selected attendance.0.student_id is invalid."),
        ("student_id", 5, "The attendance.0.student_id must be a string."),
        ("date", None, "The attendance.0.date field is required."),
        ("date", "2026-02-30", "The attendance.0.date is not a valid date."),
        ("date", "12/01/2026", "The attendance.0.date is not a valid date."),
        ("session", None, "The attendance.0.session field is required."),
        ("session", "XM", "The selected attendance.0.session is invalid."),
        ("attendance_code_id", "", "The attendance.0.attendance_code_id field is required."),
        ("attendance_code_id", "/", "The selected attendance.0.attendance_code_id is invalid."),
        ("employee_id", "A1", "The selected attendance.0.employee_id is invalid."),
        ("minutes_late", "five", "The attendance.0.minutes_late must be a number."),
        ("comment", "Poorly \U0001f912", "The attendance.0.comment may not contain emoji characters."),
    ],
)
async def test_a_wrong_session_mark_is_refused_by_field(wonde: Any, field: str, value: Any, message: str) -> None:
    response = await wonde.post("session", wonde.session_mark(**{field: value}))
    assert response.status_code == 422
    assert response.json() == {f"attendance.0.{field}": [message]}


@pytest.mark.parametrize(
    ("field", "value"),
    [("student_id", "A1"), ("lesson_id", "A1"), ("lesson_id", None), ("attendance_code_id", "A1")],
)
async def test_a_wrong_lesson_mark_is_refused_by_field(control: Any, wonde: Any, field: str, value: Any) -> None:
    lesson = (await control.lessons(wonde.id))[0]
    mark = {"student_id": wonde.pupils[0], "lesson_id": lesson["lesson_id"], "attendance_code_id": wonde.codes["/"]}
    response = await wonde.post("lesson", {**mark, field: value})
    assert (response.status_code, list(response.json())) == (422, [f"attendance.0.{field}"])


async def test_all_errors_come_at_once_and_one_bad_mark_keeps_all_out(control: Any, wonde: Any) -> None:
    response = await wonde.post(
        "session",
        wonde.session_mark(),
        wonde.session_mark(session="X", date="soon"),
        wonde.session_mark(student_id="A"),
    )
    assert set(response.json()) == {"attendance.1.session", "attendance.1.date", "attendance.2.student_id"}
    assert (await control.advance())["done"] == 0
    assert await control.marks(wonde.id) == []


@pytest.mark.parametrize("body", [{}, {"attendance": []}, {"attendance": {}}, [], {"attendance": None}])
async def test_a_body_without_marks_is_refused(http: httpx.AsyncClient, wonde: Any, body: Any) -> None:
    url = f"/v1.0/schools/{wonde.id}/attendance/session"
    response = await http.post(url, headers=wonde.headers, json=body)
    assert (response.status_code, response.json()) == (422, {"attendance": ["The attendance field is required."]})


async def test_a_body_that_is_no_json_answers_400(http: httpx.AsyncClient, wonde: Any) -> None:
    url = f"/v1.0/schools/{wonde.id}/attendance/session"
    assert (await http.post(url, headers=wonde.headers, content=b"{")).status_code == 400


async def test_a_disabled_code_does_not_pass(control: Any, wonde: Any) -> None:
    await control.change(wonde.id, deactivate_code="L")
    assert (await wonde.post("session", wonde.session_mark("L"))).status_code == 422
    await control.change(wonde.id, activate_code="L")
    assert (await wonde.post("session", wonde.session_mark("L"))).status_code == 200


@pytest.mark.parametrize("mis", ["Bromcom", "Department of Education Western Australia", "SchoolBase"])
async def test_some_mises_need_the_employee_on_a_session_mark(new_wonde: Any, mis: str) -> None:
    wonde = await new_wonde(mis=mis)
    response = await wonde.post("session", wonde.session_mark())
    assert response.json() == {"attendance.0.employee_id": ["The attendance.0.employee_id field is required."]}
    assert (await wonde.post("session", wonde.session_mark(employee_id=wonde.employee))).status_code == 200


@pytest.mark.parametrize("change", [{"allows_writeback": False}, {"has_lesson_attendance": False}])
async def test_what_the_school_does_not_allow_is_forbidden(control: Any, wonde: Any, change: dict[str, bool]) -> None:
    await control.change(wonde.id, **change)
    assert (await wonde.post("lesson", {})).status_code == 403


async def test_an_offline_school_is_tried_again_by_wonde(control: Any, wonde: Any) -> None:
    await control.change(wonde.id, online=False)
    writeback_id = await wonde.accepted("session", wonde.session_mark())
    await control.advance(seconds=1)
    waiting = await wonde.status(writeback_id)
    assert (waiting["status"], waiting["next_attempt"]) == ("PENDING", "2026-01-12 09:05:00")
    await control.change(wonde.id, online=True)
    await control.advance(seconds=300)
    assert (await wonde.status(writeback_id))["status"] == "SUCCESS"


async def test_wonde_gives_up_on_a_school_that_stays_offline(control: Any, wonde: Any) -> None:
    await control.change(wonde.id, online=False)
    writeback_id = await wonde.accepted("session", wonde.session_mark())
    await control.advance(seconds=3_700)
    done = await wonde.status(writeback_id)
    assert (done["status"], done["next_attempt"]) == ("FAILED", None)


@pytest.mark.parametrize(
    "change",
    [{"closed_days": ["2026-01-12"]}, {"deactivate_code": "/"}, {"refusals": [{"message": "no", "code": "/"}]}],
)
async def test_what_the_mis_refuses_ends_failed_and_writes_nothing(
    control: Any, wonde: Any, receiver: Any, http: Any, change: dict[str, Any]
) -> None:
    await http.post("/_sandbox/webhooks", json={"url": receiver.url, "school": wonde.id})
    good = wonde.session_mark("M", student_id=wonde.pupils[1])
    writeback_id = await wonde.accepted("session", good, wonde.session_mark())
    await control.change(wonde.id, **change)
    await control.advance()
    assert (await wonde.status(writeback_id))["status"] == "FAILED"
    assert await control.marks(wonde.id) == []
    assert [row["body"]["status"] for row in receiver.got] == ["FAILED"]


async def test_a_pupil_who_leaves_meanwhile_fails_the_whole_request(control: Any, wonde: Any) -> None:
    marks = [wonde.session_mark(student_id=student) for student in wonde.pupils[:2]]
    writeback_id = await wonde.accepted("session", *marks)
    await control.change(wonde.id, remove_pupils=[wonde.pupils[1]])
    await control.advance()
    assert (await wonde.status(writeback_id))["status"] == "FAILED"
    assert await control.marks(wonde.id) == []


async def test_another_applications_writeback_is_not_found(wonde: Any, new_wonde: Any) -> None:
    writeback_id = await wonde.accepted("session", wonde.session_mark())
    assert (await (await new_wonde()).get(f"/writebacks/{writeback_id}")).status_code == 404


async def test_the_webhook_tells_access_and_migration(control: Any, wonde: Any, receiver: Any, http: Any) -> None:
    await http.post("/_sandbox/webhooks", json={"url": receiver.url})
    await control.change(wonde.id, access="revoked")
    await control.change(wonde.id, access="declined")
    await control.change(wonde.id, access="approved")
    await control.change(wonde.id, migrate={"to": "Arbor", "completed": False})
    await control.change(wonde.id, migrate={"to": "Arbor"})
    await control.advance()
    answer = {row["body"]["payload_type"]: row["body"] for row in receiver.got}
    assert set(answer) == {"accessRevoked", "accessDeclined", "schoolApproved", "schoolMigration"}
    assert answer["schoolApproved"]["school_token"] == wonde.token
    moves = [row["body"] for row in receiver.got if row["body"]["payload_type"] == "schoolMigration"]
    assert sorted(move["completed_at"] is None for move in moves) == [False, True]
    assert {(move["migrate_from"], move["migrate_to"]) for move in moves} == {("SIMS", "Arbor")}


async def test_a_migration_gives_new_ids_and_keeps_the_marks(control: Any, wonde: Any) -> None:
    await control.set_mark(wonde.id, student_id=wonde.pupils[0], date="2026-01-12", session="AM", code="M")
    old = (await wonde.get(f"students/{wonde.pupils[0]}")).json()["data"]
    await control.change(wonde.id, migrate={"to": "Arbor"})
    rows = await wonde.rows("students", per_page=200)
    assert not {row["id"] for row in rows} & set(wonde.pupils)
    again = next(row for row in rows if row["mis_id"] == old["mis_id"])
    assert [row["student_id"] for row in await control.marks(wonde.id)] == [again["id"]]
    assert (await wonde.post("session", wonde.session_mark())).status_code == 422


async def test_a_strict_school_refuses_fields_that_it_does_not_know_and_nulls(control: Any, wonde: Any) -> None:
    odd = [{**wonde.session_mark(), "colour": "red"}, {**wonde.session_mark(), "comment": None}]
    assert (await wonde.post("session", *odd)).status_code == 200
    await control.change(wonde.id, strict=True)
    refused = await wonde.post("session", *odd)
    assert refused.status_code == 422
    assert refused.json() == {
        "attendance.0.colour": ["The attendance.0.colour field is unknown."],
        "attendance.1.comment": ["The attendance.1.comment field must not be null."],
    }
    assert (await wonde.post("session", wonde.session_mark())).status_code == 200
