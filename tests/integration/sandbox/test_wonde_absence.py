"""Wonde's absences of pupils and of staff: taken, refused, read back, changed, deleted."""

from typing import Any

import pytest


def student_absence(wonde: Any, **fields: Any) -> dict[str, Any]:
    """Return the document's example (8466) with ids of this school."""
    body = {
        "student_id": wonde.pupils[0],
        "start_at": "2018-01-29 08:00:00",
        "event_type": "sign in",
        "absence_type": "Sickness",
        "reason": "School nurse",
        "comment": "Student caught flu",
        "authorised_by": wonde.employee,
    }
    return {**body, **fields}


def employee_absence(wonde: Any, **fields: Any) -> dict[str, Any]:
    """Return the document's example (5292) with ids of this school."""
    body = {
        "employee_id": wonde.employee,
        "start_at": "2018-01-29 08:00:00",
        "end_at": "2018-01-30 12:00:00",
        "working_days": "1.5",
        "number_of_hours": "12",
        "absence_type": "sic",
        "illness_category": "dig",
        "authorised_pay_rate": "f",
        "absence_note": "Absence due to illness.",
        "absence_code": "A311585473",
    }
    return {name: value for name, value in {**body, **fields}.items() if value is not ...}


async def taken_absence(control: Any, wonde: Any, **fields: Any) -> dict[str, Any]:
    await wonde.taken("POST", "employee-absences", {"employee_absence": [employee_absence(wonde, **fields)]})
    await control.advance()
    return dict((await wonde.rows("employee-absences"))[-1])


async def test_pupils_absences_are_taken_written_and_read_back(control: Any, wonde: Any) -> None:
    body = {"absence": [student_absence(wonde), student_absence(wonde, event_type="sign out", reason=None)]}
    ref = await wonde.taken("POST", "attendance/absence", body)
    await control.advance()
    assert (await wonde.status(ref))["type"] == "STUDENT_ABSENCE"
    first, second = await wonde.rows("attendance/absence")
    assert (first["student"], first["event_type"], second["event_type"]) == (wonde.pupils[0], "sign in", "sign out")
    assert first["start_at"] == {
        "date": "2018-01-29 08:00:00.000000",
        "timezone_type": 3,
        "timezone": "Europe/London",
    }
    assert (first["absence_type"], first["reason"], second["reason"]) == ("Sickness", "School nurse", None)
    assert (first["comment"], first["authorised_by"]) == ("Student caught flu", wonde.employee)
    assert (await wonde.get(f"attendance/absence/{first['id']}")).json()["data"] == first


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("student_id", "A1"),
        ("start_at", None),
        ("start_at", "29/01/2018"),
        ("event_type", "sign_in"),
        ("event_type", None),
        ("absence_type", None),
        ("absence_type", "OLD"),
        ("reason", "FAIR"),
        ("authorised_by", "A1"),
    ],
)
async def test_a_wrong_pupils_absence_is_refused_by_field(wonde: Any, field: str, value: Any) -> None:
    response = await wonde.send("POST", "attendance/absence", {"absence": [student_absence(wonde, **{field: value})]})
    assert (response.status_code, list(response.json())) == (422, [f"absence.0.{field}"])


async def test_staff_absences_are_taken_written_and_read_back(control: Any, wonde: Any) -> None:
    row = await taken_absence(control, wonde)
    assert (row["employee"], row["working_days"], row["number_of_hours"]) == (wonde.employee, 1.5, 12)
    assert (row["start_at"]["date"], row["end_at"]["date"]) == (
        "2018-01-29 08:00:00.000000",
        "2018-01-30 12:00:00.000000",
    )
    assert (row["absence_type"], row["illness_category"], row["authorised_pay_rate"]) == (
        "Sickness",
        "Digestive illness",
        "Full pay",
    )
    assert row["absence_note"] == "Absence due to illness."
    shown = (await wonde.get(f"employee-absences/{row['id']}", include="employee")).json()["data"]
    assert shown["employee"]["data"]["id"] == wonde.employee


async def test_an_absence_may_end_with_half_of_its_first_day(control: Any, wonde: Any) -> None:
    morning = await taken_absence(control, wonde, start_at="2015-12-14", end_at="AM")
    assert (morning["start_at"]["date"], morning["end_at"]["date"]) == (
        "2015-12-14 00:00:00.000000",
        "2015-12-14 12:00:00.000000",
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("employee_id", "A1"),
        ("start_at", "yesterday"),
        ("end_at", None),
        ("end_at", "2018-01-28 12:00:00"),
        ("working_days", "some"),
        ("working_days", True),
        ("number_of_hours", None),
        ("number_of_hours", "-1"),
        ("absence_type", "OLD"),
        ("authorised_pay_rate", None),
        ("authorised_pay_rate", "Q"),
        ("illness_category", "FLU9"),
    ],
)
async def test_a_wrong_staff_absence_is_refused_by_field(wonde: Any, field: str, value: Any) -> None:
    body = {"employee_absence": [employee_absence(wonde, **{field: value})]}
    response = await wonde.send("POST", "employee-absences", body)
    assert (response.status_code, list(response.json())) == (422, [f"employee_absence.0.{field}"])


async def test_bromcom_needs_category_and_code(control: Any, new_wonde: Any) -> None:
    wonde = await new_wonde(mis="Bromcom")
    without = employee_absence(wonde, illness_category=None, absence_code=None)
    response = await wonde.send("POST", "employee-absences", {"employee_absence": [without]})
    assert set(response.json()) == {"employee_absence.0.illness_category", "employee_absence.0.absence_code"}
    row = await taken_absence(control, wonde)
    response = await wonde.send("PUT", f"employee-absences/{row['id']}", without)
    assert list(response.json()) == ["absence_code"]


async def test_a_staff_absence_is_replaced(control: Any, wonde: Any) -> None:
    row = await taken_absence(control, wonde)
    body = employee_absence(wonde, employee_id=..., absence_type="TRA", illness_category=None, absence_note=None)
    ref = await wonde.taken("PUT", f"employee-absences/{row['id']}", body)
    await control.advance()
    assert (await wonde.status(ref))["type"] == "EMPLOYEE_ABSENCE"
    changed = (await wonde.rows("employee-absences"))[0]
    assert (changed["id"], changed["employee"], changed["absence_type"]) == (row["id"], wonde.employee, "Training")
    assert (changed["illness_category"], changed["absence_note"]) == (None, None)


async def test_a_change_must_say_what_the_note_is(control: Any, wonde: Any) -> None:
    row = await taken_absence(control, wonde)
    body = employee_absence(wonde, absence_note=..., absence_type=None)
    response = await wonde.send("PUT", f"employee-absences/{row['id']}", body)
    assert (response.status_code, set(response.json())) == (422, {"absence_note", "absence_type"})
    assert (await wonde.send("PUT", "employee-absences/A1", body)).status_code == 404


@pytest.mark.parametrize("is_named", [True, False])
async def test_a_staff_absence_is_deleted(control: Any, wonde: Any, is_named: bool) -> None:
    row = await taken_absence(control, wonde)
    await control.change(wonde.id, names_conduct_writebacks=is_named)
    response = await wonde.send("DELETE", f"employee-absences/{row['id']}")
    assert (response.status_code, bool(response.content)) == (200, is_named)
    await control.advance()
    assert await wonde.rows("employee-absences") == []
    assert [entry["id"] for entry in await wonde.rows("deletions", type="employee_absence")] == [row["id"]]
    assert (await wonde.send("DELETE", f"employee-absences/{row['id']}")).status_code == 404


async def test_filters_of_absences(control: Any, wonde: Any) -> None:
    for day in ("28", "29", "30"):
        await taken_absence(control, wonde, start_at=f"2018-01-{day} 08:00:00", end_at=f"2018-01-{day} 12:00:00")

    async def days(**params: str) -> list[str]:
        return [row["start_at"]["date"][8:10] for row in await wonde.rows("employee-absences", **params)]

    assert await days(absence_start_at_after="2018-01-28") == ["29", "30"]
    assert await days(absence_start_at_from="2018-01-29", absence_start_at_to="2018-01-29") == ["29"]
    assert await days(absence_end_at_before="2018-01-29 12:00:00") == ["28"]
    assert await days(absence_end_at_to="2018-01-29 12:00:00") == ["28", "29"]
    assert await days(employee="A1") == []
    await wonde.taken("POST", "attendance/absence", {"absence": [student_absence(wonde)]})
    await control.advance()
    assert len(await wonde.rows("attendance/absence", student=wonde.pupils[0])) == 1
    assert await wonde.rows("attendance/absence", absence_start_at_before="2018-01-29") == []


async def test_one_absence_that_the_mis_refuses_keeps_all_out(control: Any, wonde: Any) -> None:
    await control.change(
        wonde.id, refusals=[{"message": "no", "kind": "student_absence", "student_id": wonde.pupils[1]}]
    )
    body = {"absence": [student_absence(wonde), student_absence(wonde, student_id=wonde.pupils[1])]}
    ref = await wonde.taken("POST", "attendance/absence", body)
    await control.advance()
    assert (await wonde.status(ref))["status"] == "FAILED"
    assert await control.records(wonde.id, "student-absences") == []


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_a_webhook_of_a_change_can_be_lost(
    control: Any, wonde: Any, receiver: Any, http: Any, method: str
) -> None:
    row = await taken_absence(control, wonde)
    await http.post("/_sandbox/webhooks", json={"url": receiver.url})
    await control.fault("lost", school=wonde.id, method=method, path="employee-absences")
    ref = await wonde.taken(method, f"employee-absences/{row['id']}", employee_absence(wonde))
    await control.advance()
    assert (await wonde.status(ref))["status"] == "SUCCESS"
    assert receiver.got == []
    assert [answer["error"] for answer in (await control.ledger(ref=ref))["deliveries"]] == ["lost"]
