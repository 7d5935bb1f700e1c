"""What is kept of Wonde's lists, and where the next page is."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from writeback.domain.kinds import KINDS
from writeback.domain.kinds.attendance_lesson import LessonMark
from writeback.domain.kinds.attendance_session import SessionMark
from writeback.domain.lookups import ListName, LookupView
from writeback.domain.outcome import Blocked, NotReached, SlotReading
from writeback.domain.school import HoldReason
from writeback.providers.base import SchoolReport
from writeback.providers.http import Answer
from writeback.providers.wonde import lists, readings
from writeback.providers.wonde.report import read_report

EXAMPLES = Path(__file__).parents[2] / "examples/wonde"
BASE = "https://api-ap-southeast-2.wonde.com/v1.0"
SESSION, LESSON = KINDS["attendance.session"], KINDS["attendance.lesson"]


def example(name: str) -> Any:
    return json.loads((EXAMPLES / name).read_text("utf-8"))


def test_only_the_id_is_kept_of_a_person() -> None:
    row = {"id": "A1", "forename": "Amelia", "surname": "Abbess", "upn": "X"}
    assert lists.reduce_row(ListName.STUDENTS, row) == {"id": "A1"}
    assert lists.reduce_row(ListName.EMPLOYEES, row) == {"id": "A1"}


def test_the_blank_in_the_documents_own_id_is_no_part_of_it() -> None:
    (_, row) = example("attendance-codes.response/accepts/document_custom.json")["data"]
    assert lists.reduce_row(ListName.ATTENDANCE_CODES, row) == {
        "id": "A1478304481",
        "code": "UA",
        "description": "Unauthorised absence",
        "type": "UNAUTHORISED",
        "active": True,
    }


def test_a_lesson_keeps_its_instants_and_the_schools_own_day() -> None:
    (row,) = example("lessons.response/accepts/document.json")["data"]
    assert lists.reduce_row(ListName.LESSONS, row) == {
        "id": "A749126774",
        "date": "2016-02-22",
        "start_at": "2016-02-22T09:15:00+00:00",
        "end_at": "2016-02-22T10:15:00+00:00",
        "period_instance_id": "40860",
    }


@pytest.mark.parametrize(
    ("zone", "day"), [("Europe/London", "2026-06-30"), ("Australia/Perth", "2026-07-01"), ("UTC", "2026-06-30")]
)
def test_the_day_of_a_lesson_is_that_of_the_schools_zone(zone: str, day: str) -> None:
    start = {"date": "2026-06-30 22:30:00.000000", "timezone_type": 3, "timezone": "UTC"}
    row = lists.reduce_row(ListName.LESSONS, {"id": "A1", "start_at": start, "end_at": start}, ZoneInfo(zone))
    assert row is not None
    assert row["date"] == day


def test_a_row_without_an_id_is_left_out() -> None:
    assert lists.reduce_row(ListName.STUDENTS, {"id": None}) is None
    assert lists.reduce_row(ListName.STUDENTS, {"id": "A\x001"}) is None


def test_what_is_kept_of_a_code_can_be_kept() -> None:
    row = lists.reduce_row(ListName.ATTENDANCE_CODES, {"id": "A1", "code": "L\x00", "description": "Late\ud800"})
    assert row is not None
    assert (row["code"], row["description"]) == ("L", "Late")


@pytest.mark.parametrize(
    ("following", "expected"),
    [
        (f"{BASE}/schools/A1/students/?page=2", f"{BASE}/schools/A1/students/?page=2"),
        ("https://evil.example/v1.0/students?page=2", f"{BASE}/students?page=2"),
        (
            "http://api-ap-southeast-2.wonde.com/v1.0/students?page=2&updated_after=2026-01-12+08%3A55%3A00",
            f"{BASE}/students?page=2&updated_after=2026-01-12+08%3A55%3A00",
        ),
        ("https://user:pw@evil.example:99/v1.0/s?page=2", "https://api-ap-southeast-2.wonde.com/v1.0/s?page=2"),
    ],
)
def test_the_next_page_keeps_its_path_and_query_on_our_own_host(following: str, expected: str) -> None:
    body = {"data": [], "meta": {"pagination": {"next": following, "more": True}}}
    assert lists.next_page(body, BASE) == expected


@pytest.mark.parametrize(
    "body", [{}, {"meta": []}, {"meta": {"pagination": {"next": None}}}, {"meta": {"pagination": {"next": 2}}}]
)
def test_without_a_next_page_the_list_ends(body: Any) -> None:
    assert lists.next_page(body, BASE) is None


def test_each_week_of_the_window_is_asked_for_once() -> None:
    wednesday, next_monday = date(2026, 1, 14), date(2026, 1, 26)
    assert [week["lessons_start_after"] for week in lists.weeks((wednesday, next_monday))] == [
        "2026-01-12",
        "2026-01-19",
        "2026-01-26",
    ]


def test_the_cursor_reaches_back_and_is_in_utc() -> None:
    at = datetime(2026, 7, 1, 10, 0, tzinfo=ZoneInfo("Europe/London"))
    assert lists.cursor_at(at) == "2026-07-01 08:55:00"


def test_a_restored_deletion_is_none() -> None:
    assert lists.gone(example("deletions.response/accepts/document.json")["data"]) == []
    assert lists.gone(example("deletions.response/accepts/not_restored.json")["data"]) == ["A791227211"]


# Reading back.


def mark(**fields: Any) -> dict[str, Any]:
    at = {"date": "2026-01-12 00:00:00.000000", "timezone_type": 3, "timezone": "Europe/London"}
    return {"id": "A5", "date": at, "session": "AM", "attendance_code": "A1", "student": "A10", **fields}


def test_a_session_mark_is_found_by_student_date_and_session(
    wonde_lookups: LookupView, session_mark: SessionMark
) -> None:
    afternoon = session_mark.model_copy(update={"session": "PM"})
    tomorrow = session_mark.model_copy(update={"date": date(2026, 1, 13)})
    rows = [mark(), mark(session="PM", attendance_code="A2"), mark(student="A11", attendance_code="A3")]

    found = readings.read_slots(SESSION, [session_mark, afternoon, tomorrow], rows, wonde_lookups)

    assert found == {0: SlotReading("/", True), 1: SlotReading("L", False), 2: SlotReading(None, False)}


def test_a_lesson_mark_is_found_by_its_period_instance(wonde_lookups: LookupView, lesson_mark: LessonMark) -> None:
    row = mark(period_instance_id=40860)
    assert readings.read_slots(LESSON, [lesson_mark], [row], wonde_lookups) == {0: SlotReading("/", True)}


def test_a_lesson_that_no_list_has_cannot_be_read(wonde_lookups: LookupView, lesson_mark: LessonMark) -> None:
    unknown = lesson_mark.model_copy(update={"lesson_id": "A901"})
    assert readings.read_slots(LESSON, [unknown], [mark(period_instance_id=40860)], wonde_lookups) == {}


def test_included_objects_and_unknown_codes_are_read(wonde_lookups: LookupView, session_mark: SessionMark) -> None:
    row = mark(student={"data": {"id": "A10"}}, attendance_code={"data": {"id": "A99"}})
    assert readings.read_slots(SESSION, [session_mark], [row], wonde_lookups) == {0: SlotReading("A99", False)}


def test_of_two_marks_in_a_slot_the_later_counts(wonde_lookups: LookupView, session_mark: SessionMark) -> None:
    earlier, later = ({"date": f"2026-01-12 09:0{minute}:00.000000", "timezone": "UTC"} for minute in (1, 2))
    rows = [mark(attendance_code="A1", updated_at=later), mark(attendance_code="A2", updated_at=earlier)]
    assert readings.read_slots(SESSION, [session_mark], rows, wonde_lookups) == {0: SlotReading("/", True)}


def test_few_pupils_are_asked_for_one_by_one_and_many_at_once(
    wonde_lookups: LookupView, session_mark: SessionMark
) -> None:
    marks = [session_mark.model_copy(update={"student_id": f"A{number}"}) for number in range(4)]
    around = {"attendance_date_after": "2026-01-11", "attendance_date_before": "2026-01-13"}

    assert list(readings.questions(SESSION, marks, wonde_lookups)) == [around]
    assert list(readings.questions(SESSION, [*marks[:2], marks[0]], wonde_lookups)) == [
        {**around, "student": "A0"},
        {**around, "student": "A1"},
    ]


# The report.


def ok(data: Any) -> Answer:
    return Answer(200, {"data": data}, True)


NOT_FOUND = Answer(404, {"message": "Not found"}, True)


def test_the_report_gathers_what_three_answers_say() -> None:
    meta = ok({"online": True, "approved": True, "audited": False, "custom_attendance_codes": False})
    school = ok(
        {
            "mis": "SIMS",
            "timezone": None,
            "extended": {"allows_writeback": True, "has_lesson_attendance": False},
            "region": {"domain": "api.wonde.com"},
        }
    )
    granted = ok([{"identity": "students.read", "approved": True}, {"identity": "x.read", "approved": False}])

    report = read_report(meta, school, granted)

    assert isinstance(report, SchoolReport)
    assert report.is_online
    assert report.blocked is None
    assert report.facts == {
        "online": True,
        "approved": True,
        "custom_attendance_codes": False,
        "mis": "SIMS",
        "allows_writeback": True,
        "has_lesson_attendance": False,
        "region_domain": "api.wonde.com",
        "permissions": ["students.read"],
    }


def test_an_offline_school_is_offline() -> None:
    report = read_report(ok({"online": False, "approved": True}), NOT_FOUND, NOT_FOUND)
    assert isinstance(report, SchoolReport)
    assert not report.is_online


def test_what_is_missing_everywhere_holds_nothing() -> None:
    report = read_report(NOT_FOUND, NOT_FOUND, NOT_FOUND)
    assert report == SchoolReport(is_online=True, blocked=None, facts={})


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ((NOT_FOUND, Answer(401, None, False), NOT_FOUND), HoldReason.TOKEN_REFUSED),
        ((Answer(403, None, False), Answer(403, None, False), NOT_FOUND), HoldReason.SCOPE_MISSING),
        ((ok({"online": True, "approved": False}), NOT_FOUND, NOT_FOUND), HoldReason.REVOKED),
        ((ok({"approved": False}), ok({"extended": {"allows_writeback": False}}), NOT_FOUND), HoldReason.REVOKED),
        ((ok({"approved": True}), ok({"extended": {"allows_writeback": False}}), NOT_FOUND), HoldReason.WRITEBACK_OFF),
        ((NOT_FOUND, ok({"extended": {"allows_writeback": False}}), NOT_FOUND), HoldReason.WRITEBACK_OFF),
        ((ok({"approved": False}), NOT_FOUND, Answer(401, None, False)), HoldReason.TOKEN_REFUSED),
    ],
)
def test_a_refused_school_is_blocked(answers: tuple[Answer, Answer, Answer], reason: HoldReason) -> None:
    report = read_report(*answers)
    assert isinstance(report, SchoolReport)
    assert isinstance(report.blocked, Blocked)
    assert report.blocked.reason is reason


def test_a_permission_that_is_not_granted_alone_blocks_nothing() -> None:
    report = read_report(ok({"online": True, "approved": True}), NOT_FOUND, Answer(403, None, False))
    assert isinstance(report, SchoolReport)
    assert report.blocked is None


@pytest.mark.parametrize("status", [403, 404])
def test_a_school_object_that_is_not_shown_is_only_a_fact(status: int) -> None:
    report = read_report(ok({"online": True, "approved": True}), Answer(status, None, False), NOT_FOUND)
    assert report == SchoolReport(is_online=True, facts={"online": True, "approved": True, "school_answered": status})


def test_a_school_without_lesson_attendance_is_only_a_fact() -> None:
    extended = {"allows_writeback": True, "has_lesson_attendance": False}
    report = read_report(ok({"online": True, "approved": True}), ok({"extended": extended}), NOT_FOUND)
    assert isinstance(report, SchoolReport)
    assert report.blocked is None
    assert report.facts["has_lesson_attendance"] is False


def test_an_offline_school_that_is_revoked_is_both() -> None:
    report = read_report(ok({"online": False, "approved": False}), NOT_FOUND, NOT_FOUND)
    assert isinstance(report, SchoolReport)
    assert not report.is_online
    assert report.blocked is not None
    assert report.blocked.reason is HoldReason.REVOKED


def test_no_answer_at_all_is_no_report() -> None:
    down = Answer(503, None, False, 9.0)
    assert read_report(down, down, down) == NotReached("Wonde answered 503: not available", 9.0)


def test_instants_are_read_in_their_own_zone() -> None:
    from writeback.providers.wonde.fields import instant_of

    told = {"date": "2026-07-01 09:15:00.000000", "timezone_type": 3, "timezone": "Europe/London"}
    assert instant_of(told) == datetime(2026, 7, 1, 8, 15, tzinfo=UTC)
    assert instant_of({"date": "soon", "timezone": "UTC"}) is None
    assert instant_of(None) is None
