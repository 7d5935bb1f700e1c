"""The control plane's records: what the MIS holds, and what a person in the school's office does to it."""

from typing import Any

import pytest


def incident(wonde: Any, **fields: Any) -> dict[str, Any]:
    pupils = [{"student_id": student, "points": 2, "outcome": "DP"} for student in wonde.pupils[:2]]
    return {"type": "DIS", "date": "2026-01-12", "employee_id": wonde.employee, "students": pupils, **fields}


async def test_the_office_makes_changes_and_removes_an_incident(control: Any, wonde: Any) -> None:
    made = (await control.office(wonde.id, "behaviours", create=[incident(wonde, status="UNR")]))[0]
    assert (made["source"], made["status"], made["comment"]) == ("office", "UNR", None)
    change = {
        "id": made["id"],
        "status": "RES",
        "students": [{"student_id": wonde.pupils[0], "points": 9}, {"student_id": wonde.pupils[2], "points": 1}],
        "staff": [{"employee_id": wonde.employee, "role": "WIT"}],
        "remove_students": [wonde.pupils[1]],
    }
    await control.advance(seconds=5)
    changed = (await control.office(wonde.id, "behaviours", update=[change]))[0]
    assert [(row["student_id"], row["points"], row["outcome"]) for row in changed["students"]] == [
        (wonde.pupils[0], 9, "DP"),
        (wonde.pupils[2], 1, None),
    ]
    assert (changed["status"], changed["type"], changed["staff"][0]["role"]) == ("RES", "DIS", "WIT")
    assert changed["updated_at"] > changed["created_at"] == made["created_at"]
    assert (await wonde.rows("behaviours"))[0]["status"] == "Resolved"
    assert await control.office(wonde.id, "behaviours", delete=[made["id"]]) == []
    effects = [(row["effect"], row["ref"]) for row in (await control.ledger(school=wonde.id))["changes"]]
    assert effects == [("created", "office"), ("updated", "office"), ("deleted", "office")]


async def test_records_are_found_by_pupil_day_and_source(control: Any, wonde: Any) -> None:
    await control.office(wonde.id, "achievements", create=[incident(wonde, type="GOL", students=[
        {"student_id": wonde.pupils[0], "points": 20}])])  # fmt: skip
    assert len(await control.records(wonde.id, "achievements", student=wonde.pupils[0])) == 1
    assert await control.records(wonde.id, "achievements", student=wonde.pupils[1]) == []
    assert await control.records(wonde.id, "achievements", date="2026-01-13") == []
    assert await control.records(wonde.id, "achievements", source="A1") == []


async def test_the_office_makes_a_detention_and_puts_pupils_in_it(control: Any, wonde: Any) -> None:
    made = {"type": "LUN1", "location": "HALL", "date": "2026-01-12", "supervisor_id": wonde.employee}
    held = (await control.office(wonde.id, "detentions", create=[made]))[0]
    assert (held["start_time"], held["end_time"], held["students"]) == ("12:30", "13:00", [])
    pupil = {"student_id": wonde.pupils[0], "reason": "LI", "attendance": "NAT", "non_attendance_reason": "Ill"}
    change = {"id": held["id"], "end_time": "13:15", "students": [pupil], "staff_ids": [wonde.employee]}
    changed = (await control.office(wonde.id, "detentions", update=[change]))[0]
    assert (changed["start_time"], changed["end_time"], changed["staff_ids"]) == ("12:30", "13:15", [wonde.employee])
    entry = changed["students"][0]
    assert (entry["reason"], entry["attendance"], entry["non_attendance_reason"]) == ("LI", "NAT", "Ill")
    came = {"id": held["id"], "students": [{"student_id": wonde.pupils[0], "attendance": "ATT"}]}
    entry = (await control.office(wonde.id, "detentions", update=[came]))[0]["students"][0]
    assert (entry["reason"], entry["attendance"]) == ("LI", "ATT")


async def test_the_office_makes_absences(control: Any, wonde: Any) -> None:
    pupil = {"student_id": wonde.pupils[0], "start_at": "2026-01-12 08:40:00", "event": "sign in", "type": "Sickness"}
    away = (await control.office(wonde.id, "student-absences", create=[pupil]))[0]
    assert away["source"] == "office"
    earlier = {**pupil, "id": away["id"], "start_at": "2026-01-12 08:20:00"}
    changed = (await control.office(wonde.id, "student-absences", update=[earlier]))[0]
    assert (changed["id"], changed["start_at"]) == (away["id"], "2026-01-12T08:20:00")
    await control.office(wonde.id, "student-absences", delete=[away["id"]])
    assert await control.records(wonde.id, "student-absences") == []
    member = {
        "employee_id": wonde.employee,
        "start_at": "2026-01-12 08:00:00",
        "end_at": "2026-01-12 16:00:00",
        "working_days": 1,
        "hours": 8,
        "type": "SIC",
        "pay_rate": "F",
    }
    held = (await control.office(wonde.id, "employee-absences", create=[member]))[0]
    later = {**member, "id": held["id"], "hours": 4}
    assert (await control.office(wonde.id, "employee-absences", update=[later]))[0]["hours"] == "4"
    assert len(await control.records(wonde.id, "employee-absences", employee=wonde.employee)) == 1


@pytest.mark.parametrize(
    ("family", "actions", "status"),
    [
        ("behaviours", {"create": [{"type": "DIS"}]}, 422),
        ("behaviours", {"update": [{"id": "A1"}]}, 422),
        ("behaviours", {"delete": ["A1"]}, 409),
        ("behaviours", {"delete": "A1"}, 422),
        ("behaviours", {"erase": ["A1"]}, 422),
        ("detentions", {"create": [{"type": "LUN1", "location": "NOWHERE", "date": "2026-01-12"}]}, 422),
        (
            "detentions",
            {"create": [{"type": "LUN1", "location": "HALL", "date": "2026-01-12", "end_time": "late"}]},
            422,
        ),
        (
            "detentions",
            {"create": [{"type": "LUN1", "location": "HALL", "date": "2026-01-12", "end_time": "12:00"}]},
            409,
        ),
        ("student-absences", {"delete": ["A1"]}, 409),
        ("student-absences", {"update": [{"id": "A1"}]}, 422),
    ],
)
async def test_what_the_office_cannot_do_is_reported(
    http: Any, wonde: Any, family: str, actions: dict[str, Any], status: int
) -> None:
    response = await http.post(f"/_sandbox/schools/{wonde.id}/{family}", json=actions)
    assert (response.status_code, bool(response.json()["error"]["message"])) == (status, True)


async def test_lists_are_shown_by_the_control_plane(http: Any, wonde: Any) -> None:
    base = f"/_sandbox/schools/{wonde.id}"
    rows = (await http.get(f"{base}/attributes", params={"list": "detention", "type": "reason"})).json()["attributes"]
    assert {row["code"]: row["active"] for row in rows} == {"LI": True, "HW": True, "LATE": True, "GUM": False}
    rooms = {row["code"] for row in (await http.get(f"{base}/rooms")).json()["rooms"]}
    types = (await http.get(f"{base}/detention-types")).json()["detention_types"]
    assert {row["location"] for row in types} <= rooms


@pytest.mark.parametrize(
    "change",
    [
        {"deactivate_attribute": {"list": "behaviour", "type": "type", "code": "NOPE"}},
        {"add_attributes": [{"list": "behaviour", "type": "colour", "code": "RED"}]},
        {"remove_employees": ["A1"]},
        {"names_conduct_writebacks": "yes"},
    ],
)
async def test_a_change_that_cannot_be_is_reported(http: Any, wonde: Any, change: dict[str, Any]) -> None:
    response = await http.post(f"/_sandbox/schools/{wonde.id}", json=change)
    assert response.status_code == 422
