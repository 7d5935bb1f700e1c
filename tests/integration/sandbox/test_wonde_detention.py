"""Wonde's detentions and who came to them: taken, refused, read back, deleted."""

from typing import Any

import pytest


@pytest.fixture
async def given(control: Any, wonde: Any) -> dict[str, Any]:
    """Return the ids that the document's examples need."""
    incident = {
        "type": "BULL",
        "date": "2026-01-09",
        "employee_id": wonde.employee,
        "students": [{"student_id": wonde.pupils[0], "points": 3}],
    }
    codes = {row["code"]: row["id"] for row in await wonde.rows("detention-attendance-codes")}
    types = [row["id"] for row in await wonde.rows("detention-types")]
    room = (await wonde.rows("rooms"))[0]["id"]
    held = (await control.office(wonde.id, "behaviours", create=[incident]))[0]["id"]
    return {"codes": codes, "types": types, "room": room, "behaviour": held}


def detention(wonde: Any, given: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return the first of the document's example (3829) with ids of this school."""
    body = {
        "detention_type_id": given["types"][0],
        "room_id": given["room"],
        "start_at": "2023-05-30 12:00:00",
        "end_at": "2023-05-30 12:30:00",
        "attended_by_employee_id": wonde.employee,
        "attendees": [
            attendee(wonde, given, behaviour_type="BULL"),
            attendee(wonde, given, student_id=wonde.pupils[1], comments=None),
        ],
    }
    return {**body, **fields}


def attendee(wonde: Any, given: dict[str, Any], **fields: Any) -> dict[str, Any]:
    body = {
        "student_id": wonde.pupils[0],
        "comments": "Bring a book",
        "detention_attendance_code_id": given["codes"]["NOR"],
        "recorded_by_employee_id": wonde.employee,
        "behaviour_id": given["behaviour"],
    }
    return {**body, **fields}


async def held_one(control: Any, wonde: Any, given: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Write a detention, and return it as Wonde shows it."""
    await wonde.taken("POST", "detentions", {"detention": [detention(wonde, given, **fields)]})
    await control.advance()
    return dict((await wonde.rows("detentions"))[-1])


async def test_detentions_are_taken_written_and_read_back(control: Any, wonde: Any, given: dict[str, Any]) -> None:
    empty = detention(wonde, given, start_at="2023-06-06 12:30:00", end_at="2023-06-06 13:00:00", attendees=[])
    ref = await wonde.taken("POST", "detentions", {"detention": [detention(wonde, given), empty]})
    await control.advance()
    assert (await wonde.status(ref))["type"] == "DETENTION"
    first, second = await wonde.rows("detentions", include="attendances")
    assert (first["detention_type"], first["room"]) == (given["types"][0], given["room"])
    # 12:00 on the school's clock in summer is 11:00 UTC.
    assert first["start_at"] == {"date": "2023-05-30 11:00:00.000000", "timezone_type": 3, "timezone": "UTC"}
    assert (first["end_at"]["date"], first["attended_by_employee"]) == ("2023-05-30 11:30:00.000000", wonde.employee)
    assert [row["student"] for row in first["attendances"]["data"]] == wonde.pupils[:2]
    assert second["attendances"]["data"] == []
    assert (await wonde.get(f"detentions/{second['id']}")).json()["data"]["start_at"] == second["start_at"]


async def test_a_pupils_entry_is_read_back_with_the_default_behaviour_type(
    control: Any, wonde: Any, given: dict[str, Any]
) -> None:
    row = await held_one(control, wonde, given)
    first, second = await wonde.rows("attendance/detention", detention=row["id"])
    types = {row["code"]: row for row in await wonde.rows("behaviours/attributes", per_page=200)}
    assert (first["behaviour_type"], second["behaviour_type"]) == (types["BULL"]["id"], types["<NONE>"]["id"])
    assert (first["behaviour"], first["comment"]) == (given["behaviour"], "Bring a book")
    assert (first["detention_attendance_code"], first["recorded_by_employee"]) == (
        given["codes"]["NOR"],
        wonde.employee,
    )
    assert (await wonde.get(f"attendance/detention/{first['id']}")).json()["data"] == first


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"detention_type_id": None}, "detention_type_id"),
        ({"detention_type_id": "LUN1"}, "detention_type_id"),
        ({"room_id": "HALL"}, "room_id"),
        ({"start_at": None}, "start_at"),
        ({"start_at": "2023-05-30"}, "start_at"),
        ({"end_at": "2023-05-30T12:30:00"}, "end_at"),
        ({"end_at": "2023-05-30 11:30:00"}, "end_at"),
        ({"end_at": "2023-05-31 12:30:00"}, "end_at"),
        ({"attended_by_employee_id": "A1"}, "attended_by_employee_id"),
        ({"attendees": "nobody"}, "attendees"),
    ],
)
async def test_a_wrong_detention_is_refused_by_field(
    wonde: Any, given: dict[str, Any], fields: dict[str, Any], field: str
) -> None:
    response = await wonde.send("POST", "detentions", {"detention": [detention(wonde, given, **fields)]})
    assert (response.status_code, list(response.json())) == (422, [f"detention.0.{field}"])


async def test_a_detention_needs_no_attendees(control: Any, wonde: Any, given: dict[str, Any]) -> None:
    body = detention(wonde, given)
    del body["attendees"]
    await wonde.taken("POST", "detentions", {"detention": [body, {**body, "attendees": None}]})
    await control.advance()
    assert [row["students"] for row in await control.records(wonde.id, "detentions")] == [[], []]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"student_id": "A1"}, "student_id"),
        ({"detention_attendance_code_id": None}, "detention_attendance_code_id"),
        ({"detention_attendance_code_id": "ATT"}, "detention_attendance_code_id"),
        ({"recorded_by_employee_id": "A1"}, "recorded_by_employee_id"),
        ({"behaviour_id": "A1"}, "behaviour_id"),
        ({"behaviour_type": "SMOK"}, "behaviour_type"),
    ],
)
async def test_a_wrong_attendee_is_refused_by_field(
    wonde: Any, given: dict[str, Any], fields: dict[str, Any], field: str
) -> None:
    row = attendee(wonde, given, **fields)
    body = {"detention": [detention(wonde, given, attendees=[row])]}
    response = await wonde.send("POST", "detentions", body)
    assert (response.status_code, list(response.json())) == (422, [f"detention.0.attendees.0.{field}"])
    response = await wonde.send("POST", "attendance/detention", {"attendance": [{**row, "detention_id": "A1"}]})
    assert set(response.json()) == {"attendance.0.detention_id", f"attendance.0.{field}"}


@pytest.mark.parametrize(("path", "name"), [("detentions", "detention"), ("attendance/detention", "attendance")])
async def test_a_body_without_records_is_refused(wonde: Any, path: str, name: str) -> None:
    response = await wonde.send("POST", path, {name: []})
    assert (response.status_code, list(response.json())) == (422, [name])


async def test_attendance_makes_an_entry_or_changes_it(control: Any, wonde: Any, given: dict[str, Any]) -> None:
    row = await held_one(control, wonde, given, attendees=[])
    before = (await wonde.rows("detentions"))[0]["updated_at"]["date"]
    entry = {"detention_id": row["id"], **attendee(wonde, given)}
    await wonde.taken("POST", "attendance/detention", {"attendance": [entry]})
    await control.advance(seconds=60)
    came = {**entry, "detention_attendance_code_id": given["codes"]["ATT"], "comments": "Student was present"}
    ref = await wonde.taken("POST", "attendance/detention", {"attendance": [came]})
    await control.advance()
    assert (await wonde.status(ref))["type"] == "DETENTION_ATTENDANCE"
    held = await wonde.rows("attendance/detention")
    assert [(row["detention_attendance_code"], row["comment"]) for row in held] == [
        (given["codes"]["ATT"], "Student was present")
    ]
    assert held[0]["created_at"]["date"] < held[0]["updated_at"]["date"]
    assert (await wonde.rows("detentions"))[0]["updated_at"]["date"] > before
    effects = [
        row["effect"]
        for row in (await control.ledger(school=wonde.id))["changes"]
        if row["family"] == "detention_attendance"
    ]
    assert effects == ["created", "updated"]


async def test_a_pupil_is_taken_out_of_a_detention(control: Any, wonde: Any, given: dict[str, Any]) -> None:
    row = await held_one(control, wonde, given)
    path = f"attendance/detention/{row['id']}/attendee/{wonde.pupils[0]}"
    await wonde.taken("DELETE", path)
    await control.advance()
    assert [entry["student"] for entry in await wonde.rows("attendance/detention")] == [wonde.pupils[1]]
    assert (await wonde.send("DELETE", path)).status_code == 404
    assert len(await wonde.rows("deletions", type="detention_attendance")) == 1


async def test_a_detention_is_deleted_with_its_entries(control: Any, wonde: Any, given: dict[str, Any]) -> None:
    row = await held_one(control, wonde, given)
    await control.change(wonde.id, names_conduct_writebacks=False)
    await wonde.taken("DELETE", f"detentions/{row['id']}")
    await control.advance()
    assert await wonde.rows("detentions") == await wonde.rows("attendance/detention") == []
    assert [entry["type"] for entry in await wonde.rows("deletions")] == ["detention"]


async def test_filters_of_detentions(control: Any, wonde: Any, given: dict[str, Any]) -> None:
    first = await held_one(control, wonde, given)
    later = {"start_at": "2023-06-06 12:30:00", "end_at": "2023-06-06 13:00:00", "attendees": []}
    other = {"detention_type_id": given["types"][1], "attended_by_employee_id": None, **later}
    second = await held_one(control, wonde, given, **other)

    async def ids(path: str = "detentions", **params: str) -> list[str]:
        return [row["id"] for row in await wonde.rows(path, **params)]

    assert await ids(detentions_start_after="2023-06-01") == [second["id"]]
    assert await ids(detentions_start_before="2023-06-01 00:00:00") == [first["id"]]
    assert await ids(detention_type=given["types"][1]) == [second["id"]]
    assert await ids(attended_by_employee=wonde.employee) == [first["id"]]
    assert await ids(has_students="true") == [first["id"]]
    assert await ids(room="A1") == []
    rows = await wonde.rows("attendance/detention", student=wonde.pupils[1], detention_date_before="2023-06-01")
    assert [row["student"] for row in rows] == [wonde.pupils[1]]
    assert await ids("attendance/detention", detention_attendance_code=given["codes"]["ATT"]) == []


async def test_a_detention_that_goes_meanwhile_fails_its_attendance(
    control: Any, wonde: Any, given: dict[str, Any]
) -> None:
    row = await held_one(control, wonde, given)
    entry = {"detention_id": row["id"], **attendee(wonde, given)}
    ref = await wonde.taken("POST", "attendance/detention", {"attendance": [entry]})
    await control.office(wonde.id, "detentions", delete=[row["id"]])
    await control.advance()
    assert (await wonde.status(ref))["status"] == "FAILED"
