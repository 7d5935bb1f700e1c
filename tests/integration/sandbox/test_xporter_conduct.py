"""Xporter's conduct writeback over real HTTP: the table of messages, and what SIMS makes of a payload."""

import base64
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

import httpx
import pytest

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))
Body = dict[str, list[dict[str, Any]]]


@pytest.fixture
async def staff(xporter: Any) -> list[int]:
    return [row["Id"] for row in (await xporter.get("Staff"))["Staff"]]


@pytest.fixture
async def lookups(xporter: Any) -> Mapping[str, int]:
    """LocalIds by lookup type and code, e.g. `BehStatus.RES`."""
    body = await xporter.get("ConductLookups")
    return {f"{row['LookupType']}.{row['Code']}": row["LocalId"] for row in body["ConductLookups"]}


@pytest.fixture
def behaviour(xporter: Any, staff: list[int], lookups: Mapping[str, int]) -> Body:
    """A behaviour with every field that the document has."""
    return {
        "Conducts": [
            {
                "Id": 1,
                "IncidentType": "Beh",
                "RecordedById": staff[0],
                "EntryDate": "2026-01-12",
                "TypeId": 1,
                "ActivityId": lookups["BehActivity.MAT"],
                "LocationId": lookups["BehLocation.CORR"],
                "StatusId": lookups["BehStatus.UNR"],
                "BullTypeId": lookups["BehBullMode.VER"],
                "EntryTimeId": lookups["BehTime.LUN"],
                "Note": "Graffiti on a wall",
            }
        ],
        "Participants": [
            {
                "ConductId": 1,
                "StudentId": int(student),
                "Points": 10 + place,
                "RoleId": lookups["BehStuRole.PT"],
                "OutcomeId": lookups["BehOutcome.DP"],
            }
            for place, student in enumerate(xporter.pupils[:2])
        ],
        "Staff": [{"ConductId": 1, "StaffId": staff[1], "StaffRoleId": lookups["StfRole.WIT"]}],
        "MediaFiles": [
            {
                "Id": 1,
                "ConductId": 1,
                "MediaDateTime": "2026-01-12T12:00:00",
                "Description": "Example image",
                "MediaType": "png",
                "FileName": "small_tick.png",
                "MediaBase64": base64.b64encode(PNG).decode(),
            }
        ],
    }


@pytest.fixture
def achievement(xporter: Any, staff: list[int], lookups: Mapping[str, int]) -> Body:
    return {
        "Conducts": [
            {
                "Id": 1,
                "IncidentType": "Ach",
                "RecordedById": staff[0],
                "EntryDate": "2026-01-12",
                "TypeId": 1,
                "ActivityId": lookups["AchActivity.ENG"],
                "Note": "Great piece of work",
            }
        ],
        "Participants": [
            {
                "ConductId": 1,
                "Points": 10,
                "StudentId": int(xporter.pupils[0]),
                "OutcomeId": lookups["AchOutcome.COM"],
            }
        ],
    }


async def written(control: Any, xporter: Any, receiver: Any, body: Body) -> list[dict[str, Any]]:
    """Post conduct, let it be done, and return the result of its callback."""
    answer = await xporter.send("ConductAsync", body)
    assert answer["ExceptionMessage"] is None, answer
    await control.advance()
    said = receiver.got[-1]
    assert said["query"]["XodCompleted"] == "True", said
    return list(said["body"]["result"])


async def refused_by_the_mis(control: Any, xporter: Any, receiver: Any, body: Body) -> str:
    answer = await xporter.send("ConductAsync", body)
    assert answer["ExceptionMessage"] is None, answer
    await control.advance()
    said = receiver.got[-1]
    assert (said["query"]["XodCompleted"], said["body"]) == ("", {})
    return str(said["query"]["ErrorMessage"])


def changed(section: str, **fields: Any) -> Callable[[Body], None]:
    """Return what sets fields in the first row of a section; None takes a field away."""

    def change(body: Body) -> None:
        row = body[section][0]
        row.update(fields)
        for name in [name for name, value in row.items() if value is None]:
            del row[name]

    return change


def repeated(section: str, **fields: Any) -> Callable[[Body], None]:
    return lambda body: body[section].append({**body[section][0], **fields})


TABLE: dict[str, Callable[[Body], None]] = {
    "Invalid StudentId: 999999": changed("Participants", StudentId=999999),
    "Invalid Student RoleId for StudentId: {student}": changed("Participants", RoleId=99),
    "Invalid StaffId: 999999": changed("Staff", StaffId=999999),
    "Invalid Staff RoleId for StaffId: {staff}": changed("Staff", StaffRoleId=99),
    "Note field max character limit (500) exceeded for Conduct Id: 1": changed("Conducts", Note="x" * 501),
    "Invalid IncidentType Bad should be Ach or Beh": changed("Conducts", IncidentType="Bad"),
    "Invalid TypeId 99": changed("Conducts", TypeId=99),
    "Invalid ActivityId 99": changed("Conducts", ActivityId=99),
    "Invalid LocationId 99": changed("Conducts", LocationId=99),
    "Invalid StatusId 99": changed("Conducts", StatusId=99),
    "Mandatory field StatusId missing": changed("Conducts", StatusId=None),
    "Invalid RecordedById 99": changed("Conducts", RecordedById=99),
    "Invalid BullTypeId 99": changed("Conducts", BullTypeId=99),
    "Invalid EntryTimeId 99": changed("Conducts", EntryTimeId=99),
    "Invalid Behaviour OutcomeId 99": changed("Participants", OutcomeId=99),
    "You must provide an UpdateId when trying to remove students from a behaviour record": changed(
        "Participants", StudentId=-9919
    ),
    "You must provide an UpdateId when trying to remove staff from a behaviour record": changed("Staff", StaffId=-1),
    "You must provide an UpdateId when trying to remove media from a behaviour record": changed("MediaFiles", Id=-1),
    "You have assigned the same student to the same conduct more than once": repeated("Participants"),
    "You have assigned the same staff to the same conduct more than once": repeated("Staff"),
    "You have defined the same conduct more than once": repeated("Conducts"),
    "Missing mandatory field TypeId": changed("Conducts", TypeId=None),
}
"""Xporter 14301-14325, but for the three that have tests of their own."""
GUESSED: dict[str, Callable[[Body], None]] = {
    "Missing mandatory field Conducts": lambda body: body.pop("Conducts") and None,
    "Missing mandatory field Participants": lambda body: body.pop("Participants") and None,
    "Missing mandatory field RecordedById": changed("Conducts", RecordedById=None),
    "Missing mandatory field EntryDate": changed("Conducts", EntryDate=None),
    "Invalid EntryDate provided: 2026-02-30": changed("Conducts", EntryDate="2026-02-30"),
    "Missing mandatory field StudentId": changed("Participants", StudentId=None),
    "Missing mandatory field Points": changed("Participants", Points=None),
    "Invalid Points provided: many": changed("Participants", Points="many"),
    "Missing mandatory field ConductId": changed("Staff", ConductId=None),
    "Invalid ConductId 7": changed("Staff", ConductId=7),
    "Missing mandatory field MediaBase64": changed("MediaFiles", MediaBase64=None),
    "Missing mandatory field FileName": changed("MediaFiles", FileName=None),
    "Invalid MediaBase64 for Media Id: 1": changed("MediaFiles", MediaBase64="iVBORw0KGgo....RK5CYII="),
    "Invalid MediaDateTime provided: noon": changed("MediaFiles", MediaDateTime="noon"),
    "Invalid IncidentType  should be Ach or Beh": changed("Conducts", IncidentType=None),
    "Invalid Staff provided": lambda body: body.update(Staff=["x"]),  # type: ignore[list-item]
}


@pytest.mark.parametrize("message", [*TABLE, *GUESSED])
async def test_what_the_checks_refuse_is_answered_at_once_and_not_queued(
    control: Any, xporter: Any, behaviour: Body, staff: list[int], message: str
) -> None:
    (TABLE | GUESSED)[message](behaviour)
    answer = await xporter.send("ConductAsync", behaviour)
    assert answer["ExceptionMessage"] == message.format(student=xporter.pupils[0], staff=staff[1])
    assert (await control.advance())["pending"] == 0


async def test_an_outcome_of_an_achievement_has_a_message_of_its_own(xporter: Any, achievement: Body) -> None:
    changed("Participants", OutcomeId=99)(achievement)
    answer = await xporter.send("ConductAsync", achievement)
    assert answer["ExceptionMessage"] == "Invalid Achievement OutcomeId 99"


@pytest.mark.parametrize("mis", ["Arbor", "SIMS Primary", "SchoolBase"])
async def test_other_mises_take_no_conduct(new_xporter: Any, mis: str) -> None:
    xporter = await new_xporter(mis=mis)
    answer = await xporter.send("ConductAsync", {"Conducts": []})
    assert answer["ExceptionMessage"] == f"Conduct writeback is not supported for {mis}"


async def test_what_is_withdrawn_in_the_mis_is_no_valid_choice(
    http: httpx.AsyncClient, xporter: Any, behaviour: Body
) -> None:
    body = await xporter.get("ConductLookups", includeInactive="true")
    active = {row["Id"] for row in (await xporter.get("ConductLookups"))["ConductLookups"]}
    gone = next(row for row in body["ConductLookups"] if row["LookupType"] == "BehStatus" and row["Id"] not in active)
    changed("Conducts", StatusId=gone["LocalId"])(behaviour)
    answer = await xporter.send("ConductAsync", behaviour)
    assert answer["ExceptionMessage"] == f"Invalid StatusId {gone['LocalId']}"


async def test_conduct_needs_its_scope(control: Any, xporter: Any, behaviour: Body) -> None:
    await control.change(xporter.estab, grants=["School", "Conduct", "WritebackAttendance"])
    assert "WritebackConduct" in (await xporter.send("ConductAsync", behaviour))["ExceptionMessage"]


async def test_the_answer_is_a_tracking_id_as_the_document_shows(xporter: Any, behaviour: Body) -> None:
    answer = await xporter.send("ConductAsync", behaviour)
    tracking = answer["TrackingId"]
    assert answer == {
        "TrackingId": tracking,
        "DataSet": {"trackingid": [{"trackingid": tracking, "errorquery": "Writeback.ConductAsync_OnError"}]},
        "Message": "success",
        "ExceptionType": None,
        "ExceptionMessage": None,
        "InnerException": None,
    }


async def test_sims_makes_one_record_of_all_students(
    control: Any, xporter: Any, receiver: Any, behaviour: Body, staff: list[int]
) -> None:
    result = await written(control, xporter, receiver, behaviour)
    assert [row["IncidentId"] for row in result] == [1]
    body = await xporter.get(
        "BehaviourForDateRange", DateFrom="2026-01-12", DateTo="2026-01-12", includeStudentIds="true"
    )
    incident = body["Behaviour"][0]
    assert incident["Id"] == result[0]["ActualId"]
    assert isinstance(incident["Id"], int)
    assert {name: incident[name] for name in ("BehaviourType", "Time", "Activity", "Status", "Location")} == {
        "BehaviourType": "Bullying",
        "Time": "Lunchtime",
        "Activity": "Mathematics",
        "Status": "Unresolved",
        "Location": "Corridor",
    }
    assert (incident["Date"], incident["Description"], incident["Category"]) == (
        "2026-01-12",
        "Graffiti on a wall",
        "Beh",
    )
    assert incident["StudentIds"] == ",".join(xporter.pupils[:2])
    assert [
        (str(row["StudentId"]), row["Points"], row["Role"], row["OutcomeCode"]) for row in body["StudentBehaviour"]
    ] == [
        (xporter.pupils[0], 10, "Participant", "DP"),
        (xporter.pupils[1], 11, "Participant", "DP"),
    ]
    assert [(row["StaffId"], row["StaffRole"]) for row in body["StaffBehaviour"]] == [(staff[1], "Witness")]


async def test_media_are_decoded_and_kept_until_they_are_removed(
    http: httpx.AsyncClient, control: Any, xporter: Any, receiver: Any, behaviour: Body
) -> None:
    [result] = await written(control, xporter, receiver, behaviour)
    url = f"/_sandbox/schools/{xporter.estab}/behaviours"
    [medium] = (await http.get(url)).json()["behaviours"][0]["media"]
    assert (medium["size"], medium["sha256"]) == (len(PNG), sha256(PNG).hexdigest())
    assert (medium["file_name"], medium["media_type"], medium["description"]) == (
        "small_tick.png",
        "png",
        "Example image",
    )
    update = {
        "Conducts": [{"Id": 1, "UpdateId": result["ActualId"], "IncidentType": "Beh"}],
        "MediaFiles": [{"Id": -int(medium["id"]), "ConductId": 1}],
    }
    await written(control, xporter, receiver, update)
    assert (await http.get(url)).json()["behaviours"][0]["media"] == []


async def test_an_achievement_and_a_behaviour_may_come_together(
    control: Any, xporter: Any, receiver: Any, behaviour: Body, achievement: Body
) -> None:
    achievement["Conducts"][0]["Id"] = 2
    achievement["Participants"][0]["ConductId"] = 2
    both = {name: behaviour[name] + achievement.get(name, []) for name in behaviour}
    result = await written(control, xporter, receiver, both)
    assert [row["IncidentId"] for row in result] == [1, 2]
    found = (await xporter.get("AchievementForDateRange"))["Achievements"]
    assert [(row["Id"], row["AchievementType"], row["Description"]) for row in found] == [
        (result[1]["ActualId"], "Excellent Effort", "Great piece of work")
    ]


async def test_an_id_comes_back_as_it_was_sent(control: Any, xporter: Any, receiver: Any, achievement: Body) -> None:
    achievement["Conducts"][0]["Id"] = "7"
    achievement["Participants"][0]["ConductId"] = 7
    [result] = await written(control, xporter, receiver, achievement)
    assert result["IncidentId"] == "7"


async def test_ids_may_be_text(control: Any, xporter: Any, receiver: Any, behaviour: Body) -> None:
    as_text = {
        name: [{key: str(value) for key, value in row.items()} for row in rows] for name, rows in behaviour.items()
    }
    assert len(await written(control, xporter, receiver, as_text)) == 1


async def test_an_update_changes_what_it_names_and_leaves_the_rest(
    control: Any, xporter: Any, receiver: Any, behaviour: Body, lookups: Mapping[str, int]
) -> None:
    [made] = await written(control, xporter, receiver, behaviour)
    update = {
        "Conducts": [
            {"Id": 5, "UpdateId": made["ActualId"], "IncidentType": "Beh", "StatusId": lookups["BehStatus.RES"]}
        ],
        "Participants": [
            {"ConductId": 5, "Points": 11, "StudentId": int(xporter.pupils[0])},
            {"ConductId": 5, "Points": 3, "StudentId": int(xporter.pupils[2])},
        ],
    }
    assert await written(control, xporter, receiver, update) == [{"IncidentId": 5, "ActualId": made["ActualId"]}]
    body = await xporter.get("BehaviourForDateRange", DateFrom="2026-01-12", DateTo="2026-01-12")
    assert [(row["Status"], row["Location"]) for row in body["Behaviour"]] == [("Resolved", "Corridor")]
    assert [(row["Points"], row["Role"]) for row in body["StudentBehaviour"]] == [
        (11, "Participant"),
        (11, "Participant"),
        (3, None),
    ]


async def test_a_minus_sign_removes_students_and_staff(
    control: Any, xporter: Any, receiver: Any, behaviour: Body, staff: list[int]
) -> None:
    [made] = await written(control, xporter, receiver, behaviour)
    removal = {
        "Conducts": [{"Id": 1, "UpdateId": made["ActualId"], "IncidentType": "Beh"}],
        "Participants": [{"ConductId": 1, "StudentId": -int(xporter.pupils[1])}],
        "Staff": [{"ConductId": 1, "StaffId": -staff[1]}],
    }
    await written(control, xporter, receiver, removal)
    body = await xporter.get("BehaviourForDateRange", DateFrom="2026-01-12", DateTo="2026-01-12")
    assert [str(row["StudentId"]) for row in body["StudentBehaviour"]] == [xporter.pupils[0]]
    assert body["StaffBehaviour"] == []


async def test_an_update_of_what_is_not_there_is_refused_by_the_mis(
    control: Any, xporter: Any, receiver: Any, behaviour: Body
) -> None:
    changed("Conducts", UpdateId=3785)(behaviour)
    assert "3785" in await refused_by_the_mis(control, xporter, receiver, behaviour)


async def test_sims_writes_all_or_nothing(
    control: Any, xporter: Any, receiver: Any, behaviour: Body, achievement: Body
) -> None:
    await control.change(xporter.estab, refusals=[{"message": "Record is locked", "student_id": xporter.pupils[5]}])
    achievement["Conducts"][0]["Id"] = 2
    achievement["Participants"][0] |= {"ConductId": 2, "StudentId": xporter.pupils[5]}
    both = {name: behaviour[name] + achievement.get(name, []) for name in behaviour}
    assert await refused_by_the_mis(control, xporter, receiver, both) == "Record is locked"
    body = await xporter.get("BehaviourForDateRange", DateFrom="2026-01-12", DateTo="2026-01-12")
    assert body["Behaviour"] == []
    assert (await xporter.get("AchievementForDateRange"))["Achievements"] == []


async def test_a_silent_agent_ends_in_false_after_an_hour(
    control: Any, xporter: Any, receiver: Any, behaviour: Body
) -> None:
    await control.change(xporter.estab, online=False)
    tracking = (await xporter.send("ConductAsync", behaviour))["TrackingId"]
    await control.advance(seconds=3_590)
    assert receiver.got == []
    await control.advance(seconds=20)
    [answer] = receiver.got
    assert (answer["query"]["trackingid"], answer["query"]["XodCompleted"], answer["body"]) == (tracking, "False", {})
    assert "communicate" in answer["query"]["ErrorMessage"]


async def test_an_agent_that_comes_back_gets_the_conduct_once(
    control: Any, xporter: Any, receiver: Any, behaviour: Body
) -> None:
    await control.change(xporter.estab, online=False)
    tracking = (await xporter.send("ConductAsync", behaviour))["TrackingId"]
    await control.advance(seconds=400)
    await control.change(xporter.estab, online=True)
    await control.advance(seconds=400)
    assert [row["query"]["XodCompleted"] for row in receiver.got] == ["True"]
    changes = (await control.ledger(ref=tracking))["changes"]
    assert [(row["effect"], row["family"]) for row in changes] == [("created", "behaviour")]


async def test_a_callback_is_optional(http: httpx.AsyncClient, control: Any, xporter: Any, behaviour: Body) -> None:
    url = f"/api/v1/ConductAsync/{xporter.estab}"
    answer = (await http.post(url, headers=xporter.headers, json=behaviour)).json()
    await control.advance()
    ledger = await control.ledger(ref=answer["TrackingId"])
    assert (ledger["writes"][0]["result"], ledger["deliveries"]) == ("applied", [])


@pytest.mark.parametrize("path", ["ConductAsync/{estab}/", "Writeback/ConductAsync", "Writeback/ConductAsync/{estab}"])
async def test_older_and_newer_paths_are_taken(
    http: httpx.AsyncClient, xporter: Any, behaviour: Body, path: str
) -> None:
    url = f"/api/v1/{path.format(estab=xporter.estab)}"
    assert (await http.post(url, headers=xporter.headers, json=behaviour)).json()["Message"] == "success"


async def test_the_synchronous_call_answers_with_the_result(xporter: Any, achievement: Body) -> None:
    answer = await xporter.send("Conduct", achievement)
    assert (answer["Message"], [row["IncidentId"] for row in answer["result"]]) == ("success", [1])
    found = (await xporter.get("AchievementForDateRange", id=answer["result"][0]["ActualId"]))["Achievements"]
    assert len(found) == 1


async def test_the_synchronous_call_takes_behaviour_too(xporter: Any, behaviour: Body) -> None:
    assert len((await xporter.send("Conduct", behaviour))["result"]) == 1


async def test_the_synchronous_call_is_for_sims(control: Any, xporter: Any, achievement: Body) -> None:
    await control.change(xporter.estab, mis="Bromcom")
    message = (await xporter.send("Conduct", achievement))["ExceptionMessage"]
    assert message == "Conduct writeback is not supported for Bromcom"


async def test_the_synchronous_call_tells_what_the_mis_said(control: Any, xporter: Any, achievement: Body) -> None:
    await control.change(xporter.estab, refusals=[{"message": "Locked"}])
    assert (await xporter.send("Conduct", achievement))["ExceptionMessage"] == "Locked"


async def test_the_synchronous_call_does_not_wait_for_a_silent_agent(
    control: Any, xporter: Any, receiver: Any, achievement: Body
) -> None:
    await control.change(xporter.estab, online=False)
    assert "communicate" in (await xporter.send("Conduct", achievement))["ExceptionMessage"]
    assert (await control.advance())["pending"] == 0
    assert [row["query"]["XodCompleted"] for row in receiver.got] == ["False"]


async def test_the_examples_of_the_document_are_taken(
    control: Any, xporter: Any, receiver: Any, achievement: Body
) -> None:
    await control.change(xporter.estab, add_pupils=[{"id": "9919"}])
    achievement["Participants"].append({"ConductId": 1, "Points": 10, "StudentId": 9919})
    [made] = await written(control, xporter, receiver, achievement)
    conduct = [{"Id": 1, "UpdateId": made["ActualId"], "IncidentType": "Ach"}]
    points = {"Conducts": conduct, "Participants": [{"ConductId": 1, "Points": 11, "StudentId": 9919}]}  # 14550
    await written(control, xporter, receiver, points)
    rows = (await xporter.get("AchievementForDateRange"))["StudentAchievements"]
    assert {row["StudentId"]: row["Points"] for row in rows} == {int(xporter.pupils[0]): 10, 9919: 11}
    removal = {"Conducts": conduct, "Participants": [{"ConductId": 1, "StudentId": -9919}]}  # 14575
    await written(control, xporter, receiver, removal)
    rows = (await xporter.get("AchievementForDateRange"))["StudentAchievements"]
    assert [row["StudentId"] for row in rows] == [int(xporter.pupils[0])]
