"""Xporter's detention writeback and its reads, over real HTTP."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

Body = dict[str, list[dict[str, Any]]]


@pytest.fixture
async def staff(xporter: Any) -> list[int]:
    return [row["Id"] for row in (await xporter.get("Staff"))["Staff"]]


@pytest.fixture
async def lookups(xporter: Any) -> dict[str, Any]:
    return dict(await xporter.get("DetentionLookups"))


@pytest.fixture
def detention(xporter: Any, staff: list[int], lookups: dict[str, Any]) -> Body:
    """A detention with every field that the document has."""
    return {
        "Detentions": [
            {
                "Id": 1,
                "DetentionTypeId": lookups["DetentionTypeLookup"][0]["Id"],
                "LocationId": lookups["DetentionLocationLookup"][0]["Id"],
                "DetentionDate": "2026-01-14",
                "StartTime": "15:20",
                "EndTime": "15:50",
                "AssignedStaffId": staff[0],
                "RecordedDate": "2026-01-11",
                "RecordedByStaffId": staff[1],
            }
        ],
        "DetentionStudents": [
            {
                "DetentionId": 1,
                "StudentId": student,
                "ReasonId": str(lookups["DetentionReasonLookup"][0]["Id"]),
                "AttendedId": lookups["DetentionAttendedLookup"][0]["Id"],
                "NonAttendanceReason": "Personal errand",
                "AddedByStaffId": staff[2],
                "Comments": "Biology homework",
            }
            for student in xporter.pupils[:2]
        ],
        "DetentionStaff": [{"DetentionId": 1, "StaffId": staff[3]}],
    }


async def written(control: Any, xporter: Any, receiver: Any, body: Body) -> list[dict[str, Any]]:
    answer = await xporter.send("DetentionAsync", body)
    assert answer["ExceptionMessage"] is None, answer
    await control.advance()
    said = receiver.got[-1]
    assert said["query"]["XodCompleted"] == "True", said
    return list(said["body"]["result"])


def changed(section: str, **fields: Any) -> Callable[[Body], None]:
    def change(body: Body) -> None:
        row = body[section][0]
        row.update(fields)
        for name in [name for name, value in row.items() if value is None]:
            del row[name]

    return change


def repeated(section: str) -> Callable[[Body], None]:
    return lambda body: body[section].append(dict(body[section][0]))


MESSAGES: dict[str, Callable[[Body], None]] = {
    "Missing mandatory field Detentions": lambda body: body.update(Detentions=[]),
    "Missing mandatory field Id": changed("Detentions", Id=None),
    "Missing mandatory field DetentionTypeId": changed("Detentions", DetentionTypeId=None),
    "Invalid DetentionTypeId 99": changed("Detentions", DetentionTypeId=99),
    "Missing mandatory field LocationId": changed("Detentions", LocationId=None),
    "Invalid LocationId 99": changed("Detentions", LocationId="99"),
    "Invalid DetentionDate provided: tomorrow": changed("Detentions", DetentionDate="tomorrow"),
    "Invalid StartTime provided: 3 pm": changed("Detentions", StartTime="3 pm"),
    "Invalid AssignedStaffId 99": changed("Detentions", AssignedStaffId=99),
    "Invalid RecordedByStaffId 99": changed("Detentions", RecordedByStaffId=99),
    "Invalid StudentId: 99": changed("DetentionStudents", StudentId=99),
    "Invalid ReasonId 99": changed("DetentionStudents", ReasonId=99),
    "Invalid AttendedId 99": changed("DetentionStudents", AttendedId=99),
    "Invalid AddedByStaffId 99": changed("DetentionStudents", AddedByStaffId=99),
    "Invalid DetentionId 7": changed("DetentionStudents", DetentionId=7),
    "Invalid StaffId: 99": changed("DetentionStaff", StaffId=99),
    "Missing mandatory field StaffId": changed("DetentionStaff", StaffId=None),
    "You have assigned the same student to the same detention more than once": repeated("DetentionStudents"),
    "You have assigned the same staff to the same detention more than once": repeated("DetentionStaff"),
    "You have defined the same detention more than once": repeated("Detentions"),
    "You must provide an UpdateId when trying to remove students from a detention record": changed(
        "DetentionStudents", StudentId=-9919
    ),
    "You must provide an UpdateId when trying to remove staff from a detention record": changed(
        "DetentionStaff", StaffId=-1
    ),
}


@pytest.mark.parametrize("message", MESSAGES)
async def test_what_the_checks_refuse_is_answered_at_once(
    control: Any, xporter: Any, detention: Body, message: str
) -> None:
    MESSAGES[message](detention)
    assert (await xporter.send("DetentionAsync", detention))["ExceptionMessage"] == message
    assert (await control.advance())["pending"] == 0


async def test_a_payload_of_conduct_is_no_detention(xporter: Any) -> None:
    # The examples in the document's own section (14550, 14575) are of conduct: a slip.
    body = {"Conducts": [{"Id": 1, "UpdateId": 3785, "IncidentType": "Ach"}]}
    assert (await xporter.send("DetentionAsync", body))["ExceptionMessage"] == "Missing mandatory field Detentions"


async def test_a_detention_needs_the_scope_of_conduct(control: Any, xporter: Any, detention: Body) -> None:
    await control.change(xporter.estab, grants=["School", "StudentDetentions"])
    assert "WritebackConduct" in (await xporter.send("DetentionAsync", detention))["ExceptionMessage"]


async def test_a_detention_is_made_and_read_back(
    control: Any, xporter: Any, receiver: Any, detention: Body, staff: list[int]
) -> None:
    [result] = await written(control, xporter, receiver, detention)
    assert result["DetentionId"] == 1
    body = await xporter.get("Detentions", DateFrom="2026-01-14", DateTo="2026-01-14")
    sent = detention["Detentions"][0]
    assert body["Detentions"] == [{**sent, "Id": result["ActualId"]}]
    rows = [{name: value for name, value in row.items() if name != "Id"} for row in body["DetentionStudents"]]
    assert rows == [
        {
            **row,
            "DetentionId": result["ActualId"],
            "StudentId": int(row["StudentId"]),
            "ReasonId": int(row["ReasonId"]),
            "BehaviourId": None,
        }
        for row in detention["DetentionStudents"]
    ]
    assert [(row["DetentionId"], row["StaffId"]) for row in body["DetentionOtherStaff"]] == [
        (result["ActualId"], staff[3])
    ]


async def test_dates_and_times_have_defaults(
    control: Any, xporter: Any, receiver: Any, detention: Body, lookups: dict[str, Any]
) -> None:
    row = detention["Detentions"][0]
    detention["Detentions"] = [{name: row[name] for name in ("Id", "DetentionTypeId", "LocationId")}]
    detention["Detentions"][0]["RecordedDate"] = "2026-02-01"
    await written(control, xporter, receiver, detention)
    [found] = (await xporter.get("Detentions"))["Detentions"]
    kind = lookups["DetentionTypeLookup"][0]
    assert (found["DetentionDate"], found["RecordedDate"]) == ("2026-01-12", "2026-01-12")
    assert (found["StartTime"], found["EndTime"]) == (kind["DefaultStartTime"], kind["DefaultEndTime"])


async def test_students_and_staff_may_be_left_out(control: Any, xporter: Any, receiver: Any, detention: Body) -> None:
    assert len(await written(control, xporter, receiver, {"Detentions": detention["Detentions"]})) == 1


async def test_several_detentions_come_back_each_with_its_id(
    control: Any, xporter: Any, receiver: Any, detention: Body
) -> None:
    detention["Detentions"].append({**detention["Detentions"][0], "Id": 2})
    result = await written(control, xporter, receiver, detention)
    assert [row["DetentionId"] for row in result] == [1, 2]
    assert len({row["ActualId"] for row in result}) == 2


async def test_an_update_changes_what_it_names_and_removes_by_minus_signs(
    control: Any, xporter: Any, receiver: Any, detention: Body, staff: list[int], lookups: dict[str, Any]
) -> None:
    [made] = await written(control, xporter, receiver, detention)
    first, second, third = (int(student) for student in xporter.pupils[:3])
    attended = lookups["DetentionAttendedLookup"][1]["Id"]
    update = {
        "Detentions": [{"Id": 4, "UpdateId": made["ActualId"], "EndTime": "16:30"}],
        "DetentionStudents": [
            {"DetentionId": 4, "StudentId": first, "AttendedId": attended},
            {"DetentionId": 4, "StudentId": -second},
            {"DetentionId": 4, "StudentId": third},
        ],
        "DetentionStaff": [{"DetentionId": 4, "StaffId": -staff[3]}, {"DetentionId": 4, "StaffId": staff[4]}],
    }
    assert await written(control, xporter, receiver, update) == [{"DetentionId": 4, "ActualId": made["ActualId"]}]
    body = await xporter.get("Detentions")
    assert [(row["StartTime"], row["EndTime"]) for row in body["Detentions"]] == [("15:20", "16:30")]
    assert [(row["StudentId"], row["AttendedId"], row["Comments"]) for row in body["DetentionStudents"]] == [
        (first, attended, "Biology homework"),
        (third, None, None),
    ]
    assert [row["StaffId"] for row in body["DetentionOtherStaff"]] == [staff[4]]


@pytest.mark.parametrize("what", ["detention", "student", "behaviour"])
async def test_what_is_not_there_is_refused_by_the_mis(
    control: Any, xporter: Any, receiver: Any, detention: Body, what: str
) -> None:
    match what:
        case "detention":
            changed("Detentions", UpdateId=99)(detention)
        case "student":
            [made] = await written(control, xporter, receiver, detention)
            changed("Detentions", UpdateId=made["ActualId"])(detention)
            changed("DetentionStudents", StudentId=-99)(detention)
        case _:
            changed("DetentionStudents", BehaviourId=99)(detention)
    assert (await xporter.send("DetentionAsync", detention))["ExceptionMessage"] is None
    await control.advance()
    query = receiver.got[-1]["query"]
    assert (query["XodCompleted"], "99" in query["ErrorMessage"]) == ("", True)


async def test_a_silent_agent_ends_in_false_after_an_hour(
    control: Any, xporter: Any, receiver: Any, detention: Body
) -> None:
    await control.change(xporter.estab, online=False)
    await xporter.send("DetentionAsync", detention)
    await control.advance(seconds=3_590)
    assert receiver.got == []
    await control.advance(seconds=20)
    assert receiver.got[0]["query"]["XodCompleted"] == "False"


async def test_detentions_of_one_student_can_be_asked_for(
    control: Any, xporter: Any, receiver: Any, detention: Body
) -> None:
    await written(control, xporter, receiver, detention)
    detention["DetentionStudents"] = [{"DetentionId": 1, "StudentId": xporter.pupils[4]}]
    await written(control, xporter, receiver, detention)
    body = await xporter.get("Detentions", StudentId=xporter.pupils[4])
    assert len(body["Detentions"]) == 1
    assert [str(row["StudentId"]) for row in body["DetentionStudents"]] == [xporter.pupils[4]]


async def test_the_lookups_leave_out_what_is_withdrawn_unless_asked(xporter: Any, lookups: dict[str, Any]) -> None:
    everything = await xporter.get("DetentionLookups", includeInactive="true")
    for table in ("DetentionReasonLookup", "DetentionAttendedLookup", "DetentionTypeLookup"):
        assert len(lookups[table]) < len(everything[table])
    assert set(lookups["DetentionTypeLookup"][0]) == {
        "Id",
        "Code",
        "Description",
        "DefaultLocationId",
        "Frequency",
        "DefaultDayOfWeekNum",
        "DefaultStartTime",
        "DefaultEndTime",
        "YearGroupId",
    }
    assert {"Id", "Code", "Description"} == set(lookups["DetentionLocationLookup"][0])


async def test_a_student_taken_out_is_shown_as_deleted(
    control: Any, xporter: Any, receiver: Any, detention: Body
) -> None:
    [made] = await written(control, xporter, receiver, detention)
    start = await xporter.get("Detentions", changedRows="*")
    removal = {
        "Detentions": [{"Id": 1, "UpdateId": made["ActualId"]}],
        "DetentionStudents": [{"DetentionId": 1, "StudentId": -int(xporter.pupils[0])}],
    }
    await written(control, xporter, receiver, removal)
    token = start["__changedRows__"][0]["changedRows"]
    change = await xporter.get("Detentions", changedRows=token)
    assert change["DetentionStudents_deleted"] == [{"Id": start["DetentionStudents"][0]["Id"]}]
    assert change["DetentionStudents"] == []


async def test_detentions_are_read_with_their_scope(control: Any, http: httpx.AsyncClient, xporter: Any) -> None:
    await control.change(xporter.estab, grants=["School", "Conduct"])
    for table in ("Detentions", "DetentionLookups"):
        assert "StudentDetentions" in (await xporter.get(table))["ExceptionMessage"]
