"""Xporter's reads of conduct over real HTTP."""

from typing import Any

import httpx
import pytest


@pytest.fixture
async def staff(xporter: Any) -> list[int]:
    return [row["Id"] for row in (await xporter.get("Staff"))["Staff"]]


@pytest.fixture
async def ids(control: Any, xporter: Any, receiver: Any, staff: list[int]) -> list[int]:
    """The MIS's ids of three achievements: on Monday, Tuesday and Wednesday, of one pupil each."""
    body = {
        "Conducts": [
            {"Id": place, "IncidentType": "Ach", "RecordedById": staff[place], "EntryDate": day, "TypeId": 1}
            for place, day in enumerate(["2026-01-12", "2026-01-13", "2026-01-14"])
        ],
        "Participants": [
            {"ConductId": place, "StudentId": int(student), "Points": 5}
            for place, student in enumerate(xporter.pupils[:3])
        ],
        "Staff": [{"ConductId": 0, "StaffId": staff[4]}],
    }
    assert (await xporter.send("ConductAsync", body))["ExceptionMessage"] is None
    await control.advance()
    return [row["ActualId"] for row in receiver.got[0]["body"]["result"]]


async def test_lookups_have_the_columns_of_the_document(xporter: Any) -> None:
    body = await xporter.get("ConductLookups")
    kind = next(row for row in body["ConductTypes"] if row["Description"] == "Bullying")
    assert (
        kind.items()
        >= {"Id": "Beh.1", "Type": "Beh", "LocalId": 1, "Points": 50, "SubTypeLookup": "BehBullMode"}.items()
    )
    assert set(kind) == {
        "Id",
        "Type",
        "LocalId",
        "Description",
        "Points",
        "SubTypeLookup",
        "DisplayOrder",
        "LastUpdated",
        "RowHash",
    }
    role = next(row for row in body["ConductLookups"] if row["Id"] == "BehStuRole.1")
    assert (
        role.items() >= {"LookupType": "BehStuRole", "LocalId": 1, "Code": "PT", "Description": "Participant"}.items()
    )
    assert set(role) == {
        "Id",
        "LookupType",
        "LocalId",
        "Code",
        "Description",
        "DisplayOrder",
        "LastUpdated",
        "RowHash",
    }


@pytest.mark.parametrize(
    ("kind", "types"),
    [
        ("Ach", {"AchActivity", "AchOutcome", "StfRole"}),
        (
            "Beh",
            {
                "BehActivity",
                "BehBullMode",
                "BehLocation",
                "BehStatus",
                "BehStuRole",
                "BehOutcome",
                "BehTime",
                "StfRole",
            },
        ),
    ],
)
async def test_lookups_can_be_those_of_one_kind(xporter: Any, kind: str, types: set[str]) -> None:
    body = await xporter.get("ConductLookups", conductType=kind)
    assert {row["Type"] for row in body["ConductTypes"]} == {kind}
    assert {row["LookupType"] for row in body["ConductLookups"]} == types


async def test_lookups_can_be_asked_for_in_any_letter_case(http: httpx.AsyncClient, xporter: Any) -> None:
    url = f"/api/v1/School/{xporter.estab}/conductlookups/"
    assert (await http.get(url, headers=xporter.headers)).json()["ConductTypes"]


async def test_lookups_leave_out_what_is_withdrawn_unless_asked(xporter: Any) -> None:
    active, everything = (
        await xporter.get("ConductLookups"),
        await xporter.get("ConductLookups", includeInactive="true"),
    )
    for table in ("ConductTypes", "ConductLookups"):
        gone = {row["Description"] for row in everything[table]} - {row["Description"] for row in active[table]}
        assert gone


async def test_lookups_since_a_date_are_those_changed_after_it(xporter: Any) -> None:
    assert (await xporter.get("ConductLookups", updatedSince="2026-01-11"))["ConductTypes"]
    assert (await xporter.get("ConductLookups", updatedSince="2026-01-12"))["ConductTypes"] == []


async def test_a_kind_that_is_none_is_refused(xporter: Any) -> None:
    message = (await xporter.get("ConductLookups", conductType="Both"))["ExceptionMessage"]
    assert message == "Invalid conductType provided: Both"


@pytest.mark.parametrize("path", ["AchievementForDateRange", "AchievementsForDateRange"])
async def test_achievements_have_the_columns_of_the_document(
    xporter: Any, ids: list[int], staff: list[int], path: str
) -> None:
    body = await xporter.get(path, DateFrom="2026-01-12", DateTo="2026-01-12", options="includeStaffIds")
    [row] = body["Achievements"]
    assert (
        row.items()
        >= {"Id": ids[0], "ConductId": f"Ach.{ids[0]}", "Category": "Ach", "RecordedOn": "2026-01-12"}.items()
    )
    assert row["StaffIds"] == str(staff[4])
    [student], [member] = body["StudentAchievements"], body["StaffAchievements"]
    assert student["Id"] == f"PL-{xporter.pupils[0]}.Ach.{ids[0]}"
    assert (student["AchievementId"], student["Points"], student["OutcomeCode"]) == (ids[0], 5, None)
    assert (member["Id"], member["StaffRole"]) == (f"PWT-{staff[4]}.Ach.{ids[0]}", None)


@pytest.mark.parametrize(
    ("params", "places"),
    [
        ({"DateFrom": "2026-01-13"}, [1, 2]),
        ({"DateTo": "2026-01-13"}, [0, 1]),
        ({"IncidentDate": "2026-01-13"}, [1]),
        ({"StudentId": "student"}, [2]),
        ({"StaffId": "staff"}, [0]),
        ({"id": "id"}, [1]),
        ({"updatedSince": "2026-01-11"}, [0, 1, 2]),
        ({"updatedSince": "2026-01-12"}, []),
    ],
)
async def test_achievements_can_be_narrowed_down(
    xporter: Any, ids: list[int], staff: list[int], params: dict[str, str], places: list[int]
) -> None:
    meant = {"student": xporter.pupils[2], "staff": staff[4], "id": ids[1]}
    given = {name: meant.get(value, value) for name, value in params.items()}
    body = await xporter.get("AchievementForDateRange", **given)
    assert [row["Id"] for row in body["Achievements"]] == [ids[place] for place in places]


@pytest.mark.parametrize("name", ["DateFrom", "DateTo"])
async def test_behaviour_is_asked_for_with_both_dates(xporter: Any, name: str) -> None:
    params = {"DateFrom": "2026-01-12", "DateTo": "2026-01-12"}
    del params[name]
    message = (await xporter.get("BehaviourForDateRange", **params))["ExceptionMessage"]
    assert message == f"Missing mandatory parameter {name}"
    wrong = await xporter.get("BehaviourForDateRange", **{**params, name: "today"})
    assert wrong["ExceptionMessage"] == f"Invalid {name} provided: today"


async def test_comments_need_a_scope_of_their_own(control: Any, xporter: Any, ids: list[int]) -> None:
    await control.change(xporter.estab, grants=["Conduct"])
    assert "Description" not in (await xporter.get("AchievementForDateRange"))["Achievements"][0]
    await control.change(xporter.estab, grants=["ConductComments"])
    assert "Conduct" in (await xporter.get("AchievementForDateRange"))["ExceptionMessage"]


async def test_changes_tell_what_is_new_and_what_is_gone(
    control: Any, xporter: Any, receiver: Any, ids: list[int], staff: list[int]
) -> None:
    params = {"DateFrom": "2026-01-12", "DateTo": "2026-01-12"}
    start = await xporter.get("AchievementForDateRange", changedRows="*", **params)
    moved = {"Conducts": [{"Id": 1, "UpdateId": ids[0], "IncidentType": "Ach", "EntryDate": "2026-01-15"}]}
    added = {"Id": 2, "IncidentType": "Ach", "RecordedById": staff[0], "EntryDate": "2026-01-12", "TypeId": 2}
    body = {
        "Conducts": [*moved["Conducts"], added],
        "Participants": [{"ConductId": 2, "StudentId": int(xporter.pupils[7]), "Points": 1}],
    }
    assert (await xporter.send("ConductAsync", body))["ExceptionMessage"] is None
    await control.advance()
    new_id = receiver.got[-1]["body"]["result"][1]["ActualId"]
    token = start["__changedRows__"][0]["changedRows"]
    change = await xporter.get("AchievementForDateRange", changedRows=token, **params)
    assert [row["Id"] for row in change["Achievements"]] == [new_id]
    assert change["Achievements_deleted"] == [{"Id": ids[0]}]
    assert change["StudentAchievements_deleted"] == [{"Id": f"PL-{xporter.pupils[0]}.Ach.{ids[0]}"}]
