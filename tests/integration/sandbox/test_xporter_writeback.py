"""Xporter's attendance writeback: every validation message, the N rule, all or nothing, callbacks."""

import re
from typing import Any

import httpx
import pytest

TIER_1 = [
    ({"StudentId": None}, "Missing mandatory field StudentId"),
    ({"StudentId": "1"}, "Invalid StudentId: 1"),
    ({"MarkType": "L"}, "InstanceId required for Lesson attendance writeback for StudentId: {pupil}"),
    ({"Notes": "x" * 501}, "Notes field max character limit (500) exceeded for StudentId: {pupil}"),
    ({"Session": "XM"}, "Invalid Session provided: XM"),
    ({"Session": None}, "Invalid Session provided: "),
    ({"Mark": "QQ"}, "Invalid Mark provided: QQ"),
    ({"Mark": "H"}, "Invalid Mark provided: H"),
    ({"MarkType": "X"}, "Missing mandatory field MarkType"),
    ({"Date": None}, "Missing mandatory field Date"),
    ({"Date": "2026-02-30"}, "Invalid Date provided: 2026-02-30"),
    ({"Mins": "five"}, "Invalid Mins provided: five"),
    ({"Mark": "B"}, "Missing mandatory field StatutoryComment"),
    ({"Mark": "K"}, "Missing mandatory field StatutoryComment"),
    ({"Mark": "Y7"}, "Missing mandatory field StatutoryComment"),
    (
        {"StatutoryComment": "x" * 501},
        "StatutoryComment field max character limit (500) exceeded for StudentId: {pupil}",
    ),
]


@pytest.mark.parametrize("sync", [False, True])
@pytest.mark.parametrize(("wrong", "message"), TIER_1)
async def test_tier_1_refuses_at_once_in_the_documents_words(
    control: Any, xporter: Any, wrong: dict[str, Any], message: str, sync: bool
) -> None:
    expected = message.format(pupil=xporter.pupils[0])
    good = xporter.mark(StudentId=xporter.pupils[1])
    assert await xporter.refusal(good, xporter.mark(**wrong), sync=sync) == expected
    assert (await control.advance())["pending"] == 0
    assert await control.marks(xporter.estab) == []


async def test_marks_of_two_dates_are_refused(xporter: Any) -> None:
    message = await xporter.refusal(xporter.mark(), xporter.mark(Date="2026-01-13"))
    assert message == "Only write back a set of marks for the same date"


@pytest.mark.parametrize("mis", ["Bromcom", "Arbor", "SIMS Primary"])
async def test_only_sims_takes_attendance(new_xporter: Any, mis: str) -> None:
    xporter = await new_xporter(mis=mis)
    assert await xporter.refusal(xporter.mark()) == f"Attendance writeback is not supported for {mis}"


async def test_a_refusal_is_http_400_when_status_codes_are_asked_for(xporter: Any) -> None:
    response = await xporter.post(xporter.mark(StudentId="1"), params={"httpstatuscodes": "true"})
    assert (response.status_code, response.json()["ExceptionMessage"]) == (400, "Invalid StudentId: 1")


async def test_an_asynchronous_call_needs_a_callback(http: httpx.AsyncClient, xporter: Any) -> None:
    url = f"/api/v1/AttendanceAsync/{xporter.estab}"
    response = await http.post(url, headers=xporter.headers, json={"Marks": [xporter.mark()]})
    assert response.json()["ExceptionMessage"] == "Missing mandatory field Callback"


async def test_writing_needs_its_scope(control: Any, xporter: Any) -> None:
    await control.change(xporter.estab, grants=["School", "Attendance"])
    assert "WritebackAttendance" in await xporter.refusal(xporter.mark())


async def test_a_register_is_taken_written_and_called_back(control: Any, xporter: Any, receiver: Any) -> None:
    register = [xporter.mark("\\", StudentId=student, Session="PM") for student in xporter.pupils[:30]]
    response = await xporter.post(*register)
    tracking = response.json()["TrackingId"]
    assert re.fullmatch(r"20260112090000\.[0-9a-f-]{36}", tracking)
    assert response.json() == {
        "TrackingId": tracking,
        "DataSet": {"trackingid": [{"trackingid": tracking, "errorquery": "Writeback.AttendanceAsync_OnError"}]},
        "Message": "success",
        "ExceptionType": None,
        "ExceptionMessage": None,
        "InnerException": None,
    }
    assert await control.marks(xporter.estab) == []
    await control.advance()
    assert {(row["student_id"], row["code"]) for row in await control.marks(xporter.estab)} == {
        (student, "\\") for student in xporter.pupils[:30]
    }
    assert [(row["path"], row["query"]) for row in receiver.got] == [
        (
            "/callback",
            {
                "id": "req_1",
                "estab": xporter.estab,
                "trackingid": tracking,
                "XodCompleted": "True",
                "ErrorMessage": "",
            },
        )
    ]


async def test_the_older_path_without_estab_is_taken(http: httpx.AsyncClient, xporter: Any) -> None:
    body = {"Marks": [xporter.mark()], "Callback": {"Method": "POST", "Url": xporter.callback_url}}
    for path in ("/api/v1/AttendanceAsync/", "/api/v1/Attendance"):
        assert (await http.post(path, headers=xporter.headers, json=body)).json()["Message"] == "success"


async def test_the_callback_may_be_named_in_a_list(
    http: httpx.AsyncClient, control: Any, xporter: Any, receiver: Any
) -> None:
    callback = {"Method": "POST", "Url": f"{xporter.callback_url}?id=req_1"}
    url = f"/api/v1/AttendanceAsync/{xporter.estab}/"
    taken = await http.post(url, headers=xporter.headers, json={"Marks": [xporter.mark()], "Callback": [callback]})
    await control.advance()
    assert [row["query"]["trackingid"] for row in receiver.got] == [taken.json()["TrackingId"]]


@pytest.mark.parametrize("callback", [[], [{"Method": "POST", "Url": "http://a/"}] * 2, ["http://a/"]])
async def test_a_list_that_names_no_one_callback_is_refused(
    http: httpx.AsyncClient, xporter: Any, callback: Any
) -> None:
    url = f"/api/v1/AttendanceAsync/{xporter.estab}/"
    refused = await http.post(url, headers=xporter.headers, json={"Marks": [xporter.mark()], "Callback": callback})
    assert "Callback" in refused.json()["ExceptionMessage"]


async def test_session_and_lesson_marks_may_come_together(control: Any, xporter: Any) -> None:
    lesson = (await control.lessons(xporter.estab))[0]
    lesson_mark = xporter.mark(MarkType="L", InstanceId=lesson["lesson_id"], Session=None)
    await xporter.accepted(xporter.mark("L", Mins=5, Notes="Bus"), lesson_mark)
    await control.advance()
    rows = {row["type"]: row for row in await control.marks(xporter.estab)}
    assert (rows["session"]["minutes_late"], rows["session"]["comment"]) == (5, "Bus")
    assert rows["lesson"]["period_instance_id"] == int(lesson["lesson_id"])


async def test_ids_may_be_numbers(xporter: Any) -> None:
    assert await xporter.accepted(xporter.mark(StudentId=int(xporter.pupils[0])))


async def test_b_k_and_y7_pass_with_a_statutory_comment(control: Any, xporter: Any) -> None:
    marks = [
        xporter.mark(code, StudentId=student, StatutoryComment="Referral order")
        for code, student in zip(("B", "K", "Y7"), xporter.pupils, strict=False)
    ]
    await xporter.accepted(*marks)
    await control.advance()
    assert {row["statutory_comment"] for row in await control.marks(xporter.estab)} == {"Referral order"}


@pytest.mark.parametrize(("held", "after"), [(None, "N"), ("N", "N"), ("L", "L"), ("/", "/"), ("I", "I")])
async def test_n_is_set_only_where_there_is_no_mark_or_n(
    control: Any, xporter: Any, receiver: Any, held: str | None, after: str
) -> None:
    slot = {"student_id": xporter.pupils[0], "date": "2026-01-12", "session": "AM"}
    if held:
        await control.set_mark(xporter.estab, **slot, code=held)
    await xporter.accepted(xporter.mark("N"), xporter.mark("/", StudentId=xporter.pupils[1]))
    await control.advance()
    marks = {row["student_id"]: row["code"] for row in await control.marks(xporter.estab)}
    assert marks == {xporter.pupils[0]: after, xporter.pupils[1]: "/"}
    assert [row["query"]["XodCompleted"] for row in receiver.got] == ["True"]


async def test_the_history_tells_where_n_left_a_mark_as_it_was(control: Any, xporter: Any) -> None:
    await control.set_mark(xporter.estab, student_id=xporter.pupils[0], date="2026-01-12", session="AM", code="L")
    await xporter.accepted(xporter.mark("N"))
    await control.advance()
    changes = (await control.marks(xporter.estab, history="true"))[0]["changes"]
    assert [(change["code"], change["effect"]) for change in changes] == [("L", "set"), ("N", "kept")]


async def test_any_other_code_overwrites_what_is_there(control: Any, xporter: Any) -> None:
    await control.set_mark(xporter.estab, student_id=xporter.pupils[0], date="2026-01-12", session="AM", code="N")
    await xporter.accepted(xporter.mark("L"))
    await control.advance()
    assert [row["code"] for row in await control.marks(xporter.estab)] == ["L"]


@pytest.mark.parametrize("closed_by", ["calendar", "hash"])
async def test_tier_2_finds_a_closed_school_and_calls_back_false(
    control: Any, xporter: Any, receiver: Any, closed_by: str
) -> None:
    if closed_by == "calendar":
        await control.change(xporter.estab, closed_days=["2026-01-12"])
    else:
        slot = {"student_id": xporter.pupils[0], "date": "2026-01-12", "session": "AM"}
        await control.set_mark(xporter.estab, **slot, code="#")
    await xporter.accepted(xporter.mark(), xporter.mark(StudentId=xporter.pupils[1]))
    await control.advance()
    query = receiver.got[0]["query"]
    assert (query["XodCompleted"], query["ErrorMessage"]) == (
        "False",
        "School appears to be closed to students on this date",
    )
    assert "/" not in {row["code"] for row in await control.marks(xporter.estab)}


@pytest.mark.parametrize("instance", ["44905", "Mon:1"])
async def test_tier_2_finds_an_unknown_lesson_and_calls_back_false(
    control: Any, xporter: Any, receiver: Any, instance: str
) -> None:
    await xporter.accepted(xporter.mark(MarkType="L", InstanceId=instance), xporter.mark())
    await control.advance()
    query = receiver.got[0]["query"]
    assert (query["XodCompleted"], query["ErrorMessage"]) == ("False", "Invalid lesson InstanceId provided")
    assert await control.marks(xporter.estab) == []


async def test_a_lesson_on_another_date_is_unknown_there(control: Any, xporter: Any, receiver: Any) -> None:
    lesson = (await control.lessons(xporter.estab))[0]
    await xporter.accepted(xporter.mark(MarkType="L", InstanceId=lesson["lesson_id"], Date="2026-01-13"))
    await control.advance()
    assert receiver.got[0]["query"]["ErrorMessage"] == "Invalid lesson InstanceId provided"


async def test_a_removed_lesson_is_unknown(control: Any, xporter: Any, receiver: Any) -> None:
    lesson = (await control.lessons(xporter.estab))[0]
    await xporter.accepted(xporter.mark(MarkType="L", InstanceId=lesson["lesson_id"]))
    await control.change(xporter.estab, remove_lessons=[lesson["lesson_id"]])
    await control.advance()
    assert receiver.got[0]["query"]["XodCompleted"] == "False"


async def test_what_the_mis_refuses_is_called_back_empty_with_its_words(
    control: Any, xporter: Any, receiver: Any
) -> None:
    bad = xporter.pupils[1]
    await control.change(xporter.estab, refusals=[{"message": "Mark is locked & closed", "student_id": bad}])
    await xporter.accepted(xporter.mark(), xporter.mark(StudentId=bad))
    await control.advance()
    query = receiver.got[0]["query"]
    assert (query["XodCompleted"], query["ErrorMessage"]) == ("", "Mark is locked & closed")
    assert await control.marks(xporter.estab) == []
    await xporter.accepted(xporter.mark(), xporter.mark(StudentId=bad))
    await control.advance()
    assert len(await control.marks(xporter.estab)) == 2


async def test_a_silent_agent_is_tried_every_five_minutes_for_an_hour(
    control: Any, xporter: Any, receiver: Any
) -> None:
    await control.change(xporter.estab, online=False)
    tracking = await xporter.accepted(xporter.mark())
    await control.advance(seconds=3_590)
    assert receiver.got == []
    await control.advance(seconds=20)
    query = receiver.got[0]["query"]
    assert (query["trackingid"], query["XodCompleted"]) == (tracking, "False")
    assert "communicate" in query["ErrorMessage"]
    tries = [row["result"] for row in (await control.ledger(ref=tracking))["writes"]]
    assert tries == ["offline"] * 13


async def test_an_agent_that_comes_back_within_the_hour_gets_the_marks(
    control: Any, xporter: Any, receiver: Any
) -> None:
    await control.change(xporter.estab, online=False, retry_every_s=5, retry_for_s=60)
    await xporter.accepted(xporter.mark())
    await control.advance(seconds=20)
    await control.change(xporter.estab, online=True)
    await control.advance(seconds=6)
    assert [row["query"]["XodCompleted"] for row in receiver.got] == ["True"]
    assert len(await control.marks(xporter.estab)) == 1


async def test_the_synchronous_call_writes_before_it_answers(control: Any, xporter: Any) -> None:
    body = (await xporter.post(xporter.mark(), sync=True)).json()
    assert (body["Message"], body["ExceptionMessage"]) == ("success", None)
    assert len(await control.marks(xporter.estab)) == 1


async def test_the_synchronous_call_tells_what_went_wrong(control: Any, xporter: Any, receiver: Any) -> None:
    await control.change(xporter.estab, closed_days=["2026-01-12"])
    assert await xporter.refusal(xporter.mark(), sync=True) == "School appears to be closed to students on this date"
    await control.change(xporter.estab, closed_days=[], refusals=[{"message": "Locked"}])
    assert await xporter.refusal(xporter.mark(), sync=True) == "Locked"
    await control.change(xporter.estab, online=False)
    assert "communicate" in await xporter.refusal(xporter.mark(), sync=True)
    await control.advance()
    assert sorted(row["query"]["XodCompleted"] for row in receiver.got) == ["", "False", "False"]


async def test_a_body_that_is_no_json_is_refused(http: httpx.AsyncClient, xporter: Any) -> None:
    url = f"/api/v1/AttendanceAsync/{xporter.estab}/"
    assert "JSON" in (await http.post(url, headers=xporter.headers, content=b"[")).json()["ExceptionMessage"]


async def test_a_strict_school_refuses_fields_that_it_does_not_know_and_nulls(control: Any, xporter: Any) -> None:
    assert (await xporter.post({**xporter.mark(), "Colour": "red", "Mins": None})).json()["Message"] == "success"
    await control.change(xporter.estab, strict=True)
    assert await xporter.refusal({**xporter.mark(), "Colour": "red"}) == "The Marks.0.Colour field is unknown."
    assert await xporter.refusal({**xporter.mark(), "Mins": None}) == "The Marks.0.Mins field must not be null."
    assert (await xporter.post(xporter.mark())).json()["Message"] == "success"
