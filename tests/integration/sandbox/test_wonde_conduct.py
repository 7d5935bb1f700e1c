"""Wonde's achievements and behaviours: taken, refused, read back, deleted."""

from typing import Any

import pytest


def achievement(wonde: Any, **fields: Any) -> dict[str, Any]:
    """Return the document's example (1327) with ids of this school."""
    body = {
        "students": [
            {"student_id": wonde.pupils[0], "points": 200, "award": "TROP", "award_date": "2016-04-04"},
            {"student_id": wonde.pupils[1], "points": 200, "award": "CERT", "award_date": "2016-04-04"},
        ],
        "employee_id": wonde.employee,
        "date": "2016-04-01",
        "type": "NYPA",
        "comment": "A4",
        "activity_type": "RE",
    }
    return {**body, **fields}


def behaviour(wonde: Any, **fields: Any) -> dict[str, Any]:
    """Return the document's example (2755) with ids of this school."""
    body = {
        "students": [
            {
                "student_id": wonde.pupils[0],
                "role": "AG",
                "action": "COOL",
                "action_date": "2016-04-01",
                "points": 200,
            },
            {"student_id": wonde.pupils[1], "role": "TA", "points": 0},
        ],
        "employee_id": wonde.employee,
        "date": "2016-03-31",
        "status": "REV2",
        "type": "BULL",
        "bullying_type": "B_INT",
        "comment": "Bulling incident",
        "activity_type": "RE",
        "location": "CORR",
        "time": "LUN",
    }
    return {**body, **fields}


BODIES = {"achievements": achievement, "behaviours": behaviour}


async def test_an_achievement_is_taken_written_notified_and_read_back(
    control: Any, wonde: Any, receiver: Any, http: Any
) -> None:
    await http.post("/_sandbox/webhooks", json={"url": receiver.url})
    lesson = (await control.lessons(wonde.id))[0]
    ref = await wonde.taken("POST", "achievements", achievement(wonde, lesson_id=lesson["lesson_id"]))
    assert (await wonde.status(ref))["status"] == "PENDING"
    assert await wonde.rows("achievements") == []
    await control.advance()

    done = await wonde.status(ref)
    assert (done["type"], done["status"], done["next_attempt"]) == ("ACHIEVEMENT", "SUCCESS", None)
    assert [(row["body"]["writeback_id"], row["body"]["status"]) for row in receiver.got] == [(ref, "SUCCESS")]
    row = (await wonde.rows("achievements"))[0]
    assert (row["type"], row["action"]) == ("Excellent Effort", "Trophy")
    assert (row["subject"], row["class"], row["comment"]) == ("Religious Education", lesson["class"], "A4")
    assert (row["points"], row["total_points"]) == (200, 400)
    assert row["achievement_date"] == {
        "date": "2016-04-01 00:00:00.000000",
        "timezone_type": 3,
        "timezone": "Europe/London",
    }
    assert row["recorded_date"]["date"].startswith("2026-01-12")
    assert row["created_at"]["date"] == row["updated_at"]["date"] == "2026-01-12 09:00:00.000000"
    assert (await wonde.get(f"achievements/{row['id']}")).json()["data"] == row


async def test_a_behaviour_holds_what_was_sent(control: Any, wonde: Any) -> None:
    ref = await wonde.taken("POST", "behaviours", behaviour(wonde))
    await control.advance()
    held = (await control.records(wonde.id, "behaviours"))[0]
    assert [(row["student_id"], row["points"], row["role"], row["outcome"]) for row in held["students"]] == [
        (wonde.pupils[0], 200, "AG", "COOL"),
        (wonde.pupils[1], 0, "TA", None),
    ]
    assert held["students"][0]["outcome_date"] == "2016-04-01"
    said = {name: held[name] for name in ("type", "status", "bullying_type", "activity", "location", "time")}
    assert list(said.values()) == ["BULL", "REV2", "B_INT", "RE", "CORR", "LUN"]
    assert (held["date"], held["employee_id"], held["source"]) == ("2016-03-31", wonde.employee, ref)
    row = (await wonde.rows("behaviours"))[0]
    assert (row["location"], row["status"], row["mis_id"]) == ("Corridor", "Review in 2 weeks", held["mis_id"])
    assert row["incident_date"]["date"] == "2016-03-31 00:00:00.000000"


async def test_pupils_and_staff_come_with_include(control: Any, wonde: Any) -> None:
    await wonde.taken("POST", "achievements", achievement(wonde))
    await control.advance()
    row = (await wonde.rows("achievements", include="students,employees"))[0]
    assert [pupil["id"] for pupil in row["students"]["data"]] == wonde.pupils[:2]
    assert [member["id"] for member in row["employees"]["data"]] == [wonde.employee]


async def test_codes_are_taken_in_any_case_and_ids_too(control: Any, wonde: Any) -> None:
    rows = await wonde.rows("behaviours/attributes", per_page=200)
    ids = {(row["type"], row["code"]): row["id"] for row in rows}
    body = behaviour(wonde, status=ids["EVENT_STATUS", "RES"], location="corr", type=ids["BEHAVIOUR_TYPE", "BULL"])
    await wonde.taken("POST", "behaviours", body)
    await control.advance()
    held = (await control.records(wonde.id, "behaviours"))[0]
    assert (held["status"], held["location"], held["type"]) == ("RES", "CORR", "BULL")


@pytest.mark.parametrize(
    ("path", "fields", "errors"),
    [
        ("achievements", {"students": []}, {"students": "The students field is required."}),
        ("achievements", {"employee_id": None}, {"employee_id": "The employee_id field is required."}),
        ("achievements", {"employee_id": "A1"}, {"employee_id": "The selected employee_id is invalid."}),
        ("achievements", {"type": None}, {"type": "The type field is required."}),
        ("achievements", {"type": "BULL"}, {"type": "The selected type is invalid."}),
        ("achievements", {"type": "ACAD"}, {"type": "The selected type is invalid."}),
        ("achievements", {"activity_type": "LAT"}, {"activity_type": "The selected activity_type is invalid."}),
        ("achievements", {"date": "01/04/2016"}, {"date": "The date is not a valid date."}),
        ("achievements", {"lesson_id": "A1"}, {"lesson_id": "The selected lesson_id is invalid."}),
        ("achievements", {"comment": 4}, {"comment": "The comment must be a string."}),
        ("behaviours", {"status": None}, {"status": "The status field is required."}),
        ("behaviours", {"status": "OLD"}, {"status": "The selected status is invalid."}),
        ("behaviours", {"time": "TWI"}, {"time": "The selected time is invalid."}),
        ("behaviours", {"location": "HUT"}, {"location": "The selected location is invalid."}),
        ("behaviours", {"bullying_type": "GES"}, {"bullying_type": "The selected bullying_type is invalid."}),
        ("behaviours", {"type": "HWK"}, {"bullying_type": "The selected bullying_type is invalid."}),
    ],
)
async def test_a_wrong_incident_is_refused_by_field(
    control: Any, wonde: Any, path: str, fields: dict[str, Any], errors: dict[str, str]
) -> None:
    response = await wonde.send("POST", path, BODIES[path](wonde, **fields))
    assert response.status_code == 422
    assert response.json() == {field: [message] for field, message in errors.items()}
    assert (await control.advance())["done"] == 0


@pytest.mark.parametrize(
    ("path", "pupil", "field"),
    [
        ("achievements", {"points": None}, "points"),
        ("achievements", {"points": "200"}, "points"),
        ("achievements", {"student_id": "A1"}, "student_id"),
        ("achievements", {"award": "BADGE"}, "award"),
        ("achievements", {"award_date": "2016-02-30"}, "award_date"),
        ("behaviours", {"role": "BYS"}, "role"),
        ("behaviours", {"action": "LINES"}, "action"),
        ("behaviours", {"action_date": "soon"}, "action_date"),
    ],
)
async def test_a_wrong_pupil_is_refused_by_field(wonde: Any, path: str, pupil: dict[str, Any], field: str) -> None:
    body = BODIES[path](wonde)
    body["students"][1] |= pupil
    response = await wonde.send("POST", path, body)
    assert (response.status_code, list(response.json())) == (422, [f"students.1.{field}"])


async def test_the_same_pupil_twice_is_refused(wonde: Any) -> None:
    pupil = {"student_id": wonde.pupils[0], "points": 1}
    response = await wonde.send("POST", "achievements", achievement(wonde, students=[pupil, pupil]))
    assert (response.status_code, list(response.json())) == (422, ["students.1.student_id"])


async def test_explicit_nulls_are_nothing(wonde: Any) -> None:
    body = achievement(wonde, comment=None, activity_type=None, lesson_id=None)
    body["students"][0] |= {"award": None, "award_date": None}
    assert (await wonde.send("POST", "achievements", body)).status_code == 200


@pytest.mark.parametrize("path", ["achievements", "behaviours"])
async def test_an_incident_is_deleted(control: Any, wonde: Any, path: str) -> None:
    await wonde.taken("POST", path, BODIES[path](wonde))
    await control.advance()
    row = (await wonde.rows(path))[0]
    ref = await wonde.taken("DELETE", f"{path}/{row['id']}")
    assert len(await wonde.rows(path)) == 1
    await control.advance()
    assert (await wonde.status(ref))["status"] == "SUCCESS"
    assert await wonde.rows(path) == []
    assert (await wonde.get(f"{path}/{row['id']}")).status_code == 404
    gone = await wonde.rows("deletions", type=path.removesuffix("s"))
    assert [(entry["id"], entry["mis_id"]) for entry in gone] == [(row["id"], row["mis_id"])]


async def test_deleting_what_is_not_there_answers_404(wonde: Any) -> None:
    assert (await wonde.send("DELETE", "achievements/A1")).status_code == 404


async def test_deleting_what_goes_meanwhile_ends_failed(control: Any, wonde: Any) -> None:
    await wonde.taken("POST", "behaviours", behaviour(wonde))
    await control.advance()
    row = (await wonde.rows("behaviours"))[0]
    refs = [await wonde.taken("DELETE", f"behaviours/{row['id']}") for _ in range(2)]
    await control.advance()
    assert [(await wonde.status(ref))["status"] for ref in refs] == ["SUCCESS", "FAILED"]


@pytest.mark.parametrize("path", ["achievements", "behaviours"])
async def test_the_answer_may_have_no_body(control: Any, wonde: Any, path: str) -> None:
    await control.change(wonde.id, names_conduct_writebacks=False)
    response = await wonde.send("POST", path, BODIES[path](wonde))
    assert (response.status_code, response.content) == (200, b"")
    await control.advance()
    row = (await wonde.rows(path))[0]
    response = await wonde.send("DELETE", f"{path}/{row['id']}")
    assert (response.status_code, response.content) == (200, b"")


async def test_bromcom_makes_a_record_of_each_pupil(control: Any, new_wonde: Any) -> None:
    wonde = await new_wonde(mis="Bromcom")
    await wonde.taken("POST", "behaviours", behaviour(wonde))
    await control.advance()
    rows = await wonde.rows("behaviours", include="students")
    assert [[pupil["id"] for pupil in row["students"]["data"]] for row in rows] == [[id_] for id_ in wonde.pupils[:2]]
    assert all(row["mis_id"].startswith("B") for row in rows)


@pytest.mark.parametrize(
    "change",
    [
        {"deactivate_attribute": {"list": "behaviour", "type": "status", "code": "REV2"}},
        {"refusals": [{"message": "locked", "kind": "behaviour"}]},
    ],
)
async def test_what_the_mis_refuses_ends_failed_and_makes_nothing(
    control: Any, wonde: Any, change: dict[str, Any]
) -> None:
    ref = await wonde.taken("POST", "behaviours", behaviour(wonde))
    await control.change(wonde.id, **change)
    await control.advance()
    assert (await wonde.status(ref))["status"] == "FAILED"
    assert await control.records(wonde.id, "behaviours") == []


async def test_people_who_leave_meanwhile_fail_the_incident(control: Any, wonde: Any) -> None:
    ref = await wonde.taken("POST", "achievements", achievement(wonde))
    await control.change(wonde.id, remove_employees=[wonde.employee])
    await control.advance()
    assert (await wonde.status(ref))["status"] == "FAILED"
    response = await wonde.send("POST", "achievements", achievement(wonde))
    assert list(response.json()) == ["employee_id"]


async def test_an_offline_school_is_tried_again(control: Any, wonde: Any) -> None:
    await control.change(wonde.id, online=False)
    ref = await wonde.taken("POST", "achievements", achievement(wonde))
    await control.advance(seconds=1)
    assert (await wonde.status(ref))["next_attempt"] == "2026-01-12 09:05:00"
    await control.change(wonde.id, online=True)
    await control.advance(seconds=300)
    assert len(await control.records(wonde.id, "achievements")) == 1


@pytest.mark.parametrize(
    ("method", "path", "permission"),
    [
        ("GET", "achievements", "achievement.read"),
        ("GET", "achievements/attributes", "achievement.read"),
        ("POST", "achievements", "achievement.write"),
        ("DELETE", "achievements/A1", "achievement.delete"),
        ("GET", "behaviours", "behaviour.read"),
        ("POST", "behaviours", "behaviour.write"),
        ("DELETE", "behaviours/A1", "behaviour.delete"),
        ("GET", "detentions", "detentions.read"),
        ("POST", "detentions", "detentions.write"),
        ("DELETE", "detentions/A1", "detentions.delete"),
        ("GET", "attendance/detention", "attendance-detentions.read"),
        ("POST", "attendance/detention", "attendance-detentions.write"),
        ("DELETE", "attendance/detention/A1/attendee/A2", "attendance-detentions.delete"),
        ("GET", "attendance/absence", "student-absences.read"),
        ("POST", "attendance/absence", "student-absences.write"),
        ("GET", "employee-absences", "employees-absence.read"),
        ("POST", "employee-absences", "employees-absence.write"),
        ("PUT", "employee-absences/A1", "employees-absence.write"),
        ("DELETE", "employee-absences/A1", "employees-absence.delete"),
        ("GET", "rooms", "rooms.read"),
        ("GET", "detention-types", "detention-types.read"),
    ],
)
async def test_a_permission_that_is_not_granted_is_forbidden(
    control: Any, wonde: Any, http: Any, method: str, path: str, permission: str
) -> None:
    assert (await wonde.send(method, path)).status_code != 403
    granted = (await http.get(f"/_sandbox/schools/{wonde.id}")).json()["grants"]
    await control.change(wonde.id, grants=[name for name in granted if name != permission])
    assert (await wonde.send(method, path)).status_code == 403
    listed = {
        row["identity"]: row["approved"] for row in await wonde.rows("/meta/schools/" + wonde.id + "/permissions")
    }
    assert [name for name, approved in listed.items() if not approved] == [permission]


async def test_filters_and_pages_of_incidents(control: Any, wonde: Any) -> None:
    for day in ("2026-01-05", "2026-01-06", "2026-01-07"):
        await wonde.taken("POST", "behaviours", behaviour(wonde, date=day))
        await control.advance(seconds=60)

    async def days(**params: str) -> list[str]:
        return [row["incident_date"]["date"][:10] for row in await wonde.rows("behaviours", **params)]

    assert await days(incident_date_after="2026-01-05") == ["2026-01-06", "2026-01-07"]
    assert await days(incident_date_before="2026-01-06") == ["2026-01-05"]
    assert await days(updated_after="2026-01-12 09:01:30") == ["2026-01-07"]
    second = (await control.records(wonde.id, "behaviours", date="2026-01-06"))[0]
    assert await days(mis_id=second["mis_id"]) == ["2026-01-06"]
    first = (await wonde.get("behaviours", per_page=2)).json()
    assert first["meta"]["includes"] == ["students", "employees"]
    following = await control.http.get(first["meta"]["pagination"]["next"], headers=wonde.headers)
    assert [row["incident_date"]["date"][:10] for row in following.json()["data"]] == ["2026-01-07"]


async def test_a_timeout_after_it_took_effect_and_a_second_try_show_as_a_duplicate(control: Any, wonde: Any) -> None:
    await control.fault("500", path="achievements", method="POST", times=1, after_effect=True)
    assert (await wonde.send("POST", "achievements", achievement(wonde))).status_code == 500
    await wonde.taken("POST", "achievements", achievement(wonde))
    await control.advance()
    changes = (await control.ledger(school=wonde.id))["changes"]
    assert [(row["effect"], row["family"], row["index"]) for row in changes] == [("created", "achievement", 0)] * 2
    assert len({row["id"] for row in changes}) == 2
    assert len({row["content"] for row in changes}) == 1
