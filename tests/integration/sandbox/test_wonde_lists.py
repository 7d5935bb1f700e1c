"""What Wonde's records are made from: attributes, rooms, detention types and codes; and the schools themselves."""

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("path", "types"),
    [
        ("achievements", {"ACHIEVEMENT_TYPE", "EVENT_SUBJECT", "ACHIEVEMENT_OUTCOME"}),
        (
            "behaviours",
            {
                "BEHAVIOUR_TYPE", "BULLYING_MODE", "BEHAVIOUR_ACTIVITY", "EVENT_TIME", "BEHAVIOUR_OUTCOME",
                "EVENT_STATUS", "EVENT_LOCATION", "BEHAVIOUR_ROLE",
            },
        ),
        ("attendance/absence", {"ABSENCE_TYPE", "ABSENCE_REASON"}),
        ("employee-absences", {"ABSENCE_TYPE", "ILLNESS_CATEGORY", "AUTHORISED_PAY_RATE"}),
    ],
)  # fmt: skip
async def test_attributes_are_listed_with_those_withdrawn(wonde: Any, path: str, types: set[str]) -> None:
    rows = await wonde.rows(f"{path}/attributes", per_page=200)
    assert {row["type"] for row in rows} == types
    assert {row["active"] for row in rows} == {True, False}
    assert len({row["id"] for row in rows}) == len(rows)
    assert ("points" in rows[0]) == (path in ("achievements", "behaviours"))


async def test_behaviour_types_say_their_points_and_bullying(wonde: Any) -> None:
    rows = {row["code"]: row for row in await wonde.rows("behaviours/attributes", per_page=200)}
    bullying = rows["BULL"]
    assert (bullying["type"], bullying["points"], bullying["bullying_type_enabled"]) == ("BEHAVIOUR_TYPE", 50, True)
    assert not rows["HWK"]["bullying_type_enabled"]


async def test_an_attribute_that_changes_comes_with_updated_after(control: Any, wonde: Any) -> None:
    await control.advance(seconds=60)
    await control.change(
        wonde.id,
        deactivate_attribute={"list": "achievement", "type": "type", "code": "NYPA"},
        add_attributes=[{"list": "achievement", "type": "type", "code": "NEW", "points": 4}],
    )
    rows = await wonde.rows("achievements/attributes", updated_after="2026-01-12 09:00:30")
    assert {(row["code"], row["active"], row["points"]) for row in rows} == {("NYPA", False, 5), ("NEW", True, 4)}


async def test_more_attributes_than_a_page_come_in_pages(wonde: Any, control: Any) -> None:
    many = [{"list": "achievement", "type": "outcome", "code": f"O{place}"} for place in range(60)]
    await control.change(wonde.id, add_attributes=many)
    first = (await wonde.get("achievements/attributes")).json()
    assert (len(first["data"]), first["meta"]["pagination"]["more"]) == (50, True)


async def test_rooms_and_detention_types_belong_together(wonde: Any, control: Any) -> None:
    rooms = {row["id"]: row for row in await wonde.rows("rooms")}
    types = await wonde.rows("detention-types")
    assert (types[0]["name"], types[0]["duration_in_minutes"]) == ("Monday Lunchtime", 30)
    assert (types[0]["start_time"], types[0]["end_time"], types[0]["day_of_week"]) == ("12:30", "13:00", 1)
    assert rooms[types[0]["room"]]["code"] == "HALL"
    assert [row["name"] for row in types if row["employee"] is None] == ["Tuesday Lunchtime"]
    assert "Saturday Morning" not in {row["name"] for row in types}
    assert (await wonde.get(f"detention-types/{types[0]['id']}")).json()["data"] == types[0]
    lesson = (await control.lessons(wonde.id))[0]
    placed = (await wonde.get(f"lessons/{lesson['lesson_id']}")).json()["data"]["room"]
    assert (await wonde.get(f"rooms/{placed}")).json()["data"] == rooms[placed]


@pytest.mark.parametrize("path", ["rooms/A1", "detention-types/A1", "detentions/A1", "employee-absences/A1"])
async def test_what_is_not_there_answers_404(wonde: Any, path: str) -> None:
    assert (await wonde.get(path)).status_code == 404


async def test_detention_attendance_codes_are_those_of_the_document(wonde: Any) -> None:
    rows = await wonde.rows("detention-attendance-codes")
    assert [(row["code"], row["description"]) for row in rows] == [
        ("NOR", "Not Recorded"),
        ("ATT", "Attended"),
        ("NAT", "Not Attended"),
    ]


@pytest.mark.parametrize("state", ["pending", "revoked", "declined"])
async def test_a_school_is_listed_in_its_state_only(control: Any, wonde: Any, state: str) -> None:
    await control.change(wonde.id, access=state)
    assert [row["id"] for row in await wonde.rows(f"/schools/{state}")] == [wonde.id]
    assert await wonde.rows("/schools") == []
    assert [row["id"] for row in await wonde.rows("/schools/all")] == [wonde.id]


async def test_an_offline_school_is_listed_and_found_by_its_numbers(control: Any, wonde: Any) -> None:
    assert await wonde.rows("/schools/offline") == []
    await control.change(wonde.id, online=False)
    assert [row["id"] for row in await wonde.rows("/schools/offline")] == [wonde.id]
    found = await wonde.rows("/schools", establishment_number=wonde.id[-4:], postcode="ec3a5de", la_code="201")
    assert [row["id"] for row in found] == [wonde.id]
    assert await wonde.rows("/schools", la_code="999") == []


async def test_a_migration_is_announced_then_completed_and_all_ids_change(
    control: Any, wonde: Any, receiver: Any, http: Any
) -> None:
    await http.post("/_sandbox/webhooks", json={"url": receiver.url})
    pupil = {"student_id": wonde.pupils[0], "points": 1}
    made = {"type": "HWK", "date": "2026-01-09", "employee_id": wonde.employee, "students": [pupil]}
    held = (await control.office(wonde.id, "behaviours", create=[made]))[0]
    lists = {row["code"]: row["id"] for row in await wonde.rows("behaviours/attributes", per_page=200)}
    await control.change(wonde.id, migrate={"to": "Bromcom", "completed": False})
    await control.advance(seconds=3_600)
    assert (await wonde.rows("behaviours"))[0]["id"] == held["id"]
    await control.change(wonde.id, migrate={"to": "Bromcom"})
    await control.advance()

    answer = sorted((row["body"]["completed_at"] or "", row["body"]["scheduled_at"]) for row in receiver.got)
    assert answer == [("", "2026-01-12T09:00:00.000Z"), ("2026-01-12T10:00:00.000Z", "2026-01-12T09:00:00.000Z")]
    moved = (await wonde.rows("behaviours", include="students,employees"))[0]
    assert (moved["id"] != held["id"], moved["mis_id"]) == (True, held["mis_id"])
    assert moved["students"]["data"][0]["id"] not in wonde.pupils
    assert moved["employees"]["data"][0]["id"] != wonde.employee
    after = {row["code"]: row["id"] for row in await wonde.rows("behaviours/attributes", per_page=200)}
    assert after.keys() == lists.keys()
    assert not set(after.values()) & set(lists.values())
