"""The Xporter drop-in endpoint: every writeback that its document describes, to confirmed with the sandbox, and the
callbacks."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.sqlite_first


@pytest.fixture
async def world(make_world: Any) -> Any:
    return await make_world("xporter")


async def _token(world: Any, **changes: Any) -> dict[str, Any]:
    fields = {
        "estab": world.estab,
        "relyingParty": "app.example.dev",
        "password": world.key,
        "thirdpartyid": "XporterOnDemand",
    }
    response = await world.http.post("/xporter/idaas/sts/STS/GetToken", json={**fields, **changes})
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def _post(world: Any, operation: str, body: Any, **options: Any) -> httpx.Response:
    token = options.pop("token", world.key)
    path = options.pop("path", f"/xporter/api/v1/{operation}/{world.estab}/")
    headers = {"Authorization": f"Idaas {token}", **options.pop("headers", {})}
    return await world.http.post(path, content=json.dumps(body), headers=headers, **options)


def _callback(world: Any, name: str = "Attendance") -> dict[str, Any]:
    return {"Method": "POST", "Url": f"{world.ear.url}/Callback/?id={name}&estab={world.estab}"}


def _marks(world: Any, *pupils: Any, **changes: Any) -> dict[str, Any]:
    mark = {"MarkType": "S", "Date": world.today, "Session": "AM", "Mark": "/", **changes}
    return {
        "Marks": [{"StudentId": pupil, **mark} for pupil in pupils or world.pupils[:3]],
        "Callback": _callback(world),
    }


async def _staff(world: Any) -> int:
    return int((await world.rows("employees"))[0]["id"])


async def _conduct(world: Any, type_: str, row_id: int = 1, **changes: Any) -> dict[str, Any]:
    subject = "achievement_attributes" if type_ == "Ach" else "behaviour_attributes"
    found = {
        "Id": row_id,
        "IncidentType": type_,
        "RecordedById": await _staff(world),
        "EntryDate": world.today,
        "TypeId": int(await world.attribute(subject, "type")),
        "Note": "Great piece of work",
    }
    if type_ == "Beh":
        found["StatusId"] = int(await world.attribute(subject, "status"))
    return {**found, **changes}


def _taken(response: httpx.Response) -> str:
    assert response.status_code == 200, response.text
    answer = response.json()
    assert answer["Message"] == "success", answer
    assert answer["ExceptionMessage"] is None
    ref: str = answer["TrackingId"]
    return ref


def _refused(response: httpx.Response) -> str:
    assert response.status_code == 200, response.text
    answer = response.json()
    assert answer.get("TrackingId") is None
    assert set(answer) >= {"Message", "ExceptionType", "ExceptionMessage", "InnerException"}
    message: str = answer["ExceptionMessage"]
    return message


@pytest.mark.both_databases
async def test_a_register_goes_to_confirmed_and_is_called_back(world: Any) -> None:
    token = (await _token(world))["token"]

    response = await _post(world, "AttendanceAsync", _marks(world), token=token)

    ref = _taken(response)
    assert response.json()["DataSet"] == {
        "trackingid": [{"trackingid": ref, "errorquery": "Writeback.AttendanceAsync_OnError"}]
    }
    assert await world.settle() == ["confirmed"]
    await world.notify()
    ((path, query, body),) = world.ear.heard
    assert path == "/Callback/"
    assert query == {
        "id": "Attendance",
        "estab": world.estab,
        "trackingid": ref,
        "XodCompleted": "True",
        "ErrorMessage": "",
    }
    assert body == {}


async def test_lesson_marks_with_an_escaped_backslash_go_to_confirmed(world: Any) -> None:
    lesson = (await world.mis("lessons", date=world.today))["lessons"][0]
    pupil = lesson["student_ids"][0]
    marks = [
        {"StudentId": pupil, "MarkType": "L", "Date": world.today, "InstanceId": lesson["lesson_id"], "Mark": "L"},
        {"StudentId": pupil, "MarkType": "S", "Date": world.today, "Session": "PM", "Mark": "\\"},
    ]

    ref = _taken(await _post(world, "AttendanceAsync", {"Marks": marks, "Callback": [_callback(world)]}))

    assert await world.settle() == ["confirmed", "confirmed"]
    await world.notify()
    assert [query["trackingid"] for _, query, _ in world.ear.heard] == [ref]


@pytest.mark.both_databases
async def test_achievements_and_behaviour_in_one_request_have_one_tracking_id_and_one_callback(world: Any) -> None:
    staff, pupil = await _staff(world), int(world.pupils[0])
    body = {
        "Conducts": [
            await _conduct(world, "Ach", 11),
            await _conduct(world, "Beh", 12),
            await _conduct(world, "Ach", 13),
        ],
        "Participants": [
            {"ConductId": 11, "Points": 10, "StudentId": pupil},
            {"ConductId": 11, "Points": 10, "StudentId": int(world.pupils[1])},
            {"ConductId": "12", "Points": "2", "StudentId": str(pupil)},
            {"ConductId": 13, "Points": 1, "StudentId": pupil},
        ],
        "Staff": [{"ConductId": 11, "StaffId": staff}],
        "MediaFiles": [
            {
                "Id": 1,
                "ConductId": 11,
                "MediaDateTime": f"{world.today}T08:00:00",
                "Description": "Example image",
                "MediaType": "png",
                "FileName": "small_tick.png",
                "MediaBase64": "iVBORw0KGgo=",
            }
        ],
        "Callback": _callback(world, "ConductBeh"),
    }

    ref = _taken(await _post(world, "Writeback/ConductAsync", body))

    assert [row.kind for row in await world.writebacks()] == ["achievement.create", "behaviour.create"]
    assert await world.settle() == ["confirmed", "confirmed"]
    await world.notify()
    ((_, query, answer),) = world.ear.heard
    assert (query["id"], query["trackingid"], query["XodCompleted"]) == ("ConductBeh", ref, "True")
    assert {one["IncidentId"] for one in answer["result"]} == {11, 12, 13}
    assert all(isinstance(one["ActualId"], int) for one in answer["result"])


@pytest.mark.both_databases
async def test_what_was_written_is_updated_by_its_id_and_pupils_are_removed_by_a_minus_sign(world: Any) -> None:
    first, second = (int(one) for one in world.pupils[:2])
    made = {
        "Conducts": [await _conduct(world, "Ach")],
        "Participants": [{"ConductId": 1, "Points": 1, "StudentId": one} for one in (first, second)],
        "Callback": _callback(world),
    }
    _taken(await _post(world, "ConductAsync", made))
    await world.settle()
    await world.notify()
    actual = world.ear.heard[-1][2]["result"][0]["ActualId"]

    changed = {
        "Conducts": [{"Id": 1, "UpdateId": actual, "IncidentType": "Ach"}],
        "Participants": [{"ConductId": 1, "Points": 11, "StudentId": first}, {"ConductId": 1, "StudentId": -second}],
        "Callback": _callback(world),
    }
    _taken(await _post(world, "ConductAsync", changed))

    assert await world.settle() == ["confirmed", "confirmed"]
    await world.notify()
    assert world.ear.heard[-1][1]["XodCompleted"] == "True"
    (row,) = (await world.mis("achievements", id=str(actual)))["achievements"]
    assert {one["student_id"]: one["points"] for one in row["students"]} == {str(first): 11}


@pytest.mark.both_databases
async def test_detentions_go_to_confirmed_today_where_they_name_no_date(world: Any) -> None:
    staff = str(await _staff(world))
    body = {
        "Detentions": [
            {
                "Id": 1,
                "DetentionTypeId": await world.attribute("detention_attributes", "type"),
                "LocationId": await world.attribute("detention_attributes", "location"),
                "StartTime": "15:20",
                "EndTime": "15:50",
                "AssignedStaffId": staff,
                "RecordedByStaffId": staff,
            }
        ],
        "DetentionStudents": [{"DetentionId": 1, "StudentId": world.pupils[0], "Comments": "Biology homework"}],
        "DetentionStaff": [{"DetentionId": 1, "StaffId": staff}],
        "Callback": _callback(world),
    }

    _taken(await _post(world, "Writeback/DetentionAsync", body))

    assert await world.settle() == ["confirmed"]
    await world.notify()
    ((_, _, answer),) = world.ear.heard
    (result,) = answer["result"]
    assert result["DetentionId"] == 1
    update = {
        "Detentions": [{"Id": 1, "UpdateId": result["ActualId"], "EndTime": "16:00"}],
        "DetentionStudents": [{"DetentionId": 1, "StudentId": f"-{world.pupils[0]}"}],
        "Callback": _callback(world),
    }
    _taken(await _post(world, "DetentionAsync", update))
    assert await world.settle() == ["confirmed", "confirmed"]


async def test_every_spelling_of_a_path_is_taken(world: Any) -> None:
    token = (await _token(world))["token"]

    for path in (
        f"/xporter/api/v1/AttendanceAsync/{world.estab}",
        f"/xporter/api/v1/attendanceasync/{world.estab}/",
        f"/xporter/api/v1/Writeback/AttendanceAsync/{world.estab}",
        f"/xporter//api/v1/AttendanceAsync//{world.estab}//",
        "/xporter/api/v1/Writeback/AttendanceAsync",
        "/xporter/api/v1/AttendanceAsync/hillside",
    ):
        _taken(await _post(world, "", _marks(world), path=path, token=token))


async def test_a_synchronous_call_answers_as_taken_when_it_has_not_ended_in_time(world: Any) -> None:
    body = _marks(world)
    del body["Callback"]

    _taken(await _post(world, "Attendance", body))

    assert await world.settle() == ["confirmed"]


WRONG_MARKS: list[tuple[dict[str, Any], str]] = [
    ({"StudentId": ""}, "Missing mandatory field StudentId"),
    ({"StudentId": 1}, "Invalid StudentId: 1"),
    (
        {"MarkType": "L", "Session": None},
        "InstanceId required for Lesson attendance writeback for StudentId: {pupil}",
    ),
    ({"Notes": "x" * 501}, "Notes field max character limit (500) exceeded for StudentId: {pupil}"),
    ({"Session": "noon"}, "Invalid Session provided: noon"),
    ({"Mark": "%"}, "Invalid Mark provided: %"),
    ({"Mark": "B"}, "Missing mandatory field StatutoryComment"),
    ({"Date": "2031-02-30"}, "Invalid Date provided: 2031-02-30"),
    (
        {"Date": "2026-01-13"},
        "Invalid Date: date is 2026-01-13, which is still to come, and code / says that the pupil was seen",
    ),
    ({"Date": "2206-01-12"}, "Invalid Date: date is 2206-01-12: that is after the end of the next academic year"),
    ({"Mark": "-"}, "Invalid Mark: Code - says that there is no mark: there is nothing to write"),
    ({"MarkType": "X"}, "Invalid MarkType provided: X"),
    ({"Mins": "five"}, "Invalid Mins provided: five"),
]


async def test_what_is_wrong_with_a_mark_is_said_in_xporters_words(world: Any) -> None:
    pupil = world.pupils[0]

    for changes, message in WRONG_MARKS:
        response = await _post(world, "AttendanceAsync", _marks(world, pupil, **changes))
        assert _refused(response) == message.format(pupil=pupil), changes

    assert await world.writebacks() == []


async def test_marks_of_two_dates_and_unknown_lessons_are_refused_in_xporters_words(world: Any) -> None:
    two = _marks(world)
    two["Marks"][1]["Date"] = "2026-01-13"
    lesson = _marks(world, world.pupils[0], MarkType="L", InstanceId="999999")
    no_callback = {"Marks": two["Marks"][:1]}

    assert _refused(await _post(world, "AttendanceAsync", two)) == "Only write back a set of marks for the same date"
    assert _refused(await _post(world, "AttendanceAsync", lesson)) == "Invalid lesson InstanceId provided"
    assert _refused(await _post(world, "AttendanceAsync", no_callback)) == "Missing mandatory field Callback"


WRONG_CONDUCT: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"IncidentType": "Bad"}, {}, "Invalid IncidentType Bad should be Ach or Beh"),
    ({"TypeId": None}, {}, "Missing mandatory field TypeId"),
    ({"TypeId": 9999}, {}, "Invalid TypeId 9999"),
    ({"ActivityId": 9999}, {}, "Invalid ActivityId 9999"),
    ({"LocationId": 9999}, {}, "Invalid LocationId 9999"),
    ({"StatusId": 9999}, {}, "Invalid StatusId 9999"),
    ({"StatusId": None}, {}, "Mandatory field StatusId missing"),
    ({"RecordedById": 9999999}, {}, "Invalid RecordedById 9999999"),
    ({"BullTypeId": 9999}, {}, "Invalid BullTypeId 9999"),
    ({"EntryTimeId": 9999}, {}, "Invalid EntryTimeId 9999"),
    ({"Note": "x" * 501}, {}, "Note field max character limit (500) exceeded for Conduct Id: 7"),
    ({}, {"StudentId": 1}, "Invalid StudentId: 1"),
    ({}, {"OutcomeId": 9999}, "Invalid Behaviour OutcomeId 9999"),
    ({}, {"RoleId": 9999}, "Invalid Student RoleId for StudentId: {pupil}"),
    ({}, {"StudentId": -5}, "You must provide an UpdateId when trying to remove students from a behaviour record"),
    ({}, {"ConductId": 8}, "Invalid ConductId 8"),
]
"""What is changed in an incident, and in its pupil's part, and what is said."""


async def test_what_is_wrong_with_conduct_is_said_in_xporters_words(world: Any) -> None:
    pupil = int(world.pupils[0])

    for changes, participant, message in WRONG_CONDUCT:
        body = {
            "Conducts": [await _conduct(world, "Beh", 7, **changes)],
            "Participants": [{"ConductId": 7, "Points": 1, "StudentId": pupil, **participant}],
            "Callback": _callback(world),
        }
        answer = _refused(await _post(world, "ConductAsync", body))
        assert message.format(pupil=pupil) in answer.split("; "), (changes, participant)

    assert await world.writebacks() == []


async def test_who_or_what_is_named_twice_is_refused_in_xporters_words(world: Any) -> None:
    pupil, staff = int(world.pupils[0]), await _staff(world)
    conduct = await _conduct(world, "Ach")
    present = {"ConductId": 1, "Points": 1, "StudentId": pupil}
    bodies = {
        "You have assigned the same student to the same conduct more than once": {
            "Conducts": [conduct],
            "Participants": [present, present],
        },
        "You have assigned the same staff to the same conduct more than once": {
            "Conducts": [conduct],
            "Participants": [present],
            "Staff": [{"ConductId": 1, "StaffId": staff}] * 2,
        },
        "You have defined the same conduct more than once": {
            "Conducts": [conduct, conduct],
            "Participants": [present],
        },
        "Missing mandatory field Participants": {"Conducts": [conduct]},
        "Missing mandatory field Conducts": {"Detentions": []},
    }

    for message, body in bodies.items():
        answer = _refused(await _post(world, "ConductAsync", {**body, "Callback": _callback(world)}))
        assert answer == message


@pytest.mark.both_databases
async def test_one_bad_part_keeps_the_good_one_out_too(world: Any) -> None:
    body = {
        "Conducts": [await _conduct(world, "Ach", 1), await _conduct(world, "Beh", 2, TypeId=9999)],
        "Participants": [{"ConductId": one, "Points": 1, "StudentId": int(world.pupils[0])} for one in (1, 2)],
        "Callback": _callback(world),
    }

    assert _refused(await _post(world, "ConductAsync", body)) == "Invalid TypeId 9999"
    assert await world.writebacks() == []


async def test_a_mis_that_cannot_take_it_is_named(make_world: Any) -> None:
    world = await make_world("xporter", mis="Bromcom")

    response = await _post(world, "AttendanceAsync", _marks(world))

    assert _refused(response) == "Attendance writeback is not supported for Bromcom"


async def test_real_status_codes_come_when_they_are_asked_for(world: Any) -> None:
    bad, anyone = _marks(world, "1"), {"token": "nobody's"}

    assert (await _post(world, "AttendanceAsync", bad, params={"HttpStatusCodes": "true"})).status_code == 400
    assert (await _post(world, "AttendanceAsync", bad, params={"options": "x,httpstatuscodes"})).status_code == 400
    assert (await _post(world, "AttendanceAsync", bad, params={"httpstatuscodes": "1"}, **anyone)).status_code == 401
    assert _refused(await _post(world, "AttendanceAsync", bad, **anyone)) == "The STS token is invalid or has expired"


async def test_a_token_is_refused_in_the_documents_words(world: Any) -> None:
    wrong: list[dict[str, Any]] = [
        {"password": "wbk_nobody"},
        {"estab": "0000000"},
        {"estab": ""},
        {"thirdpartyid": "Something"},
        {"relyingParty": ""},
        {"password": None},
    ]

    for changes in wrong:
        answer = await _token(world, **changes)
        assert answer["token"] is None, changes
        assert answer["expires"] == "0001-01-01T00:00:00"
        assert answer["ExceptionMessage"] == "Relying Party not found for estab or secret not correct"


async def test_a_token_comes_for_a_form_and_for_any_case_of_the_fields_and_ends_in_time(world: Any) -> None:
    fields = {"Estab": world.estab, "relyingparty": "x", "Password": world.key, "ThirdPartyId": "xporterondemand"}
    response = await world.http.post("/xporter/idaas/sts/sts/gettoken", data=fields)
    token = response.json()["token"]
    assert world.key not in token

    _taken(await _post(world, "AttendanceAsync", _marks(world), token=token))
    elsewhere = await _post(world, "", _marks(world), path="/xporter/api/v1/AttendanceAsync/0000000", token=token)
    world.clock.advance(timedelta(hours=13))
    late = await _post(world, "AttendanceAsync", _marks(world), token=token)

    assert _refused(elsewhere)
    assert _refused(late) == "The STS token is invalid or has expired"


@pytest.mark.both_databases
async def test_a_callback_that_is_not_answered_comes_again(world: Any) -> None:
    world.ear.status = 500
    _taken(await _post(world, "AttendanceAsync", _marks(world)))
    assert await world.settle() == ["confirmed"]
    await world.notify()
    assert len(world.ear.heard) == 1

    world.ear.status = 200
    world.clock.advance(timedelta(seconds=30))
    await world.notify()
    world.clock.advance(timedelta(seconds=3_000))
    await world.notify()

    assert len(world.ear.heard) == 2
    assert world.ear.heard[0] == world.ear.heard[1]


async def test_a_failure_is_called_back_with_its_reason(world: Any) -> None:
    _taken(await _post(world, "AttendanceAsync", _marks(world, *world.pupils[:2])))
    response = await world.http.post(
        f"/v1/writebacks/{(await world.writebacks())[0].id}/cancel",
        json={"reason": "a mistake"},
        headers={"Authorization": f"Bearer {world.key}"},
    )
    assert response.is_success, response.text

    await world.notify()

    ((_, query, body),) = world.ear.heard
    assert query["XodCompleted"] == "False"
    assert query["ErrorMessage"] == "The writeback was withdrawn"
    assert body == {}


async def test_a_callback_that_may_not_be_called_is_refused(world: Any) -> None:
    wrong: list[Any] = [
        {"Method": "POST", "Url": "ftp://example.org/x"},
        {"Method": "POST", "Url": "https://user:secret@example.org/"},
        {"Method": "GET", "Url": "https://example.org/"},
        {"Method": "POST", "Url": 7},
        "https://example.org/",
    ]

    for callback in wrong:
        answer = _refused(await _post(world, "AttendanceAsync", {**_marks(world), "Callback": callback}))
        assert answer.startswith(("Invalid ", "Missing ")), callback

    assert await world.writebacks() == []
