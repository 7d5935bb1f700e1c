"""What is different where the MIS behind Xporter is Bromcom (14391-14429)."""

from typing import Any

import pytest


@pytest.fixture
async def bromcom(new_xporter: Any) -> Any:
    return await new_xporter(mis="Bromcom")


@pytest.fixture
async def behaviour(bromcom: Any) -> dict[str, list[dict[str, Any]]]:
    """A behaviour of three students, without a status."""
    staff = [row["Id"] for row in (await bromcom.get("Staff"))["Staff"]]
    return {
        "Conducts": [
            {"Id": 1, "IncidentType": "Beh", "RecordedById": staff[0], "EntryDate": "2026-01-12", "TypeId": 1}
        ],
        "Participants": [
            {"ConductId": 1, "StudentId": int(student), "Points": 1 + place}
            for place, student in enumerate(bromcom.pupils[:3])
        ],
        "Staff": [{"ConductId": 1, "StaffId": staff[1], "StaffRoleId": 1}],
    }


async def test_each_student_gets_a_record_with_an_id_of_its_own(
    control: Any, bromcom: Any, receiver: Any, behaviour: Any
) -> None:
    assert (await bromcom.send("ConductAsync", behaviour))["ExceptionMessage"] is None
    await control.advance()
    result = receiver.got[0]["body"]["result"]
    assert [row["IncidentId"] for row in result] == [1, 1, 1]
    ids = [row["ActualId"] for row in result]
    assert all(mis_id.startswith("B") and mis_id[1:].isdigit() for mis_id in ids)
    body = await bromcom.get("BehaviourForDateRange", DateFrom="2026-01-12", DateTo="2026-01-12")
    assert [row["Id"] for row in body["Behaviour"]] == ids
    assert {row["BehaviourId"]: str(row["StudentId"]) for row in body["StudentBehaviour"]} == dict(
        zip(ids, bromcom.pupils, strict=False)
    )
    assert {row["StaffRole"] for row in body["StaffBehaviour"]} == {"Witness"}


async def test_a_record_can_be_updated_by_its_id(control: Any, bromcom: Any, receiver: Any, behaviour: Any) -> None:
    behaviour["Participants"] = behaviour["Participants"][:1]
    await bromcom.send("ConductAsync", behaviour)
    await control.advance()
    made = receiver.got[0]["body"]["result"][0]["ActualId"]
    update = {
        "Conducts": [{"Id": 1, "UpdateId": made, "IncidentType": "Beh", "Note": "Apologised"}],
        "Participants": [{"ConductId": 1, "StudentId": int(bromcom.pupils[0]), "Points": 9}],
    }
    await bromcom.send("ConductAsync", update)
    await control.advance()
    assert receiver.got[1]["body"]["result"] == [{"IncidentId": 1, "ActualId": made}]
    body = await bromcom.get("BehaviourForDateRange", DateFrom="2026-01-12", DateTo="2026-01-12")
    assert [row["Description"] for row in body["Behaviour"]] == ["Apologised"]
    assert [row["Points"] for row in body["StudentBehaviour"]] == [9]


async def test_a_second_student_does_not_fit_into_a_record(
    control: Any, bromcom: Any, receiver: Any, behaviour: Any
) -> None:
    await bromcom.send("ConductAsync", behaviour)
    await control.advance()
    behaviour["Conducts"][0]["UpdateId"] = receiver.got[0]["body"]["result"][0]["ActualId"]
    await bromcom.send("ConductAsync", behaviour)
    await control.advance()
    query = receiver.got[1]["query"]
    assert (query["XodCompleted"], query["ErrorMessage"]) == ("", "Bromcom holds one student in a record")


async def test_staff_can_only_be_witnesses(bromcom: Any, behaviour: Any) -> None:
    lookups = (await bromcom.get("ConductLookups"))["ConductLookups"]
    roles = [row for row in lookups if row["LookupType"] == "StfRole"]
    assert [(row["LocalId"], row["Description"]) for row in roles] == [(1, "Witness")]
    behaviour["Staff"][0]["StaffRoleId"] = 2
    message = (await bromcom.send("ConductAsync", behaviour))["ExceptionMessage"]
    assert message == f"Invalid Staff RoleId for StaffId: {behaviour['Staff'][0]['StaffId']}"


@pytest.mark.parametrize(("section", "key"), [("Participants", "StudentId"), ("Staff", "StaffId")])
async def test_nothing_can_be_removed(bromcom: Any, behaviour: Any, section: str, key: str) -> None:
    behaviour["Conducts"][0]["UpdateId"] = "B78894"
    behaviour[section][0][key] *= -1
    message = (await bromcom.send("ConductAsync", behaviour))["ExceptionMessage"]
    assert message == "Deletion of conduct records is not supported for Bromcom"


async def test_media_are_refused(bromcom: Any, behaviour: Any) -> None:
    behaviour["MediaFiles"] = [{"Id": 1, "ConductId": 1, "MediaBase64": "aGk="}]
    message = (await bromcom.send("ConductAsync", behaviour))["ExceptionMessage"]
    assert message == "Media is not supported for Bromcom"


async def test_it_takes_no_detentions(bromcom: Any) -> None:
    message = (await bromcom.send("DetentionAsync", {"Detentions": [{"Id": 1}]}))["ExceptionMessage"]
    assert message == "Detention writeback is not supported for Bromcom"
