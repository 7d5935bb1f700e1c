"""What is kept of Xporter's tables, which page is the last, what a school's health says, and what the MIS holds."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from writeback.domain.kinds import KINDS
from writeback.domain.kinds.attendance_lesson import LessonMark
from writeback.domain.kinds.attendance_session import SessionMark
from writeback.domain.lookups import ListName, LookupView
from writeback.domain.outcome import NotReached, SlotReadBack
from writeback.providers.answers import Answer
from writeback.providers.base import SchoolReport, SentRequest
from writeback.providers.xporter import lists, readings
from writeback.providers.xporter.fields import table_of
from writeback.providers.xporter.readings import marks
from writeback.providers.xporter.report import read_report

EXAMPLES = Path(__file__).parents[3] / "examples/xporter"
SESSION, LESSON = KINDS["attendance.session"], KINDS["attendance.lesson"]
WINDOW = (date(2026, 1, 5), date(2026, 1, 30))


def example(name: str) -> Any:
    return json.loads((EXAMPLES / name).read_text("utf-8"))


@pytest.mark.parametrize("key", ["Students", "students", "Student", "STUDENT"])
def test_a_table_is_found_in_singular_and_plural_and_any_case(key: str) -> None:
    assert table_of({key: [{"Id": 1}], "meta": []}, "Students") == [{"Id": 1}]


def test_the_table_of_deleted_rows_is_another() -> None:
    body = {"Students_deleted": [{"Id": 1}], "Students": []}
    assert table_of(body, "Students") == []
    assert lists.deleted_of(ListName.STUDENTS, body) == ["1"]


def test_only_the_id_is_kept_of_a_person() -> None:
    body = {"Students": [{"Id": 9919, "Forename": "Graham", "Surname": "Abbess"}, {"Id": None}]}
    assert list(lists.reduce_rows(ListName.STUDENTS, body)) == [{"id": "9919"}]


def test_names_are_not_even_asked_for() -> None:
    for name in (ListName.STUDENTS, ListName.EMPLOYEES):
        asked = lists.params_of(name, None, WINDOW)
        assert (asked["select"], asked["changedRows"]) == ("Id", "*")


def test_who_teaches_or_is_taught_here_for_a_while_is_asked_for() -> None:
    pupils, staff = (lists.params_of(name, None, WINDOW) for name in (ListName.STUDENTS, ListName.EMPLOYEES))

    assert (pupils["includeSubsidiary"], pupils["includeGuests"]) == ("true", "true")
    assert staff["includeTemporary"] == "true"


def test_a_code_is_its_own_id() -> None:
    body = example("attendance-codes.response/accepts/document_fields.json")
    assert list(lists.reduce_rows(ListName.ATTENDANCE_CODES, body)) == [
        {"id": "M", "code": "M", "description": "Medical/Dental appointments", "type": "AUTHORISED", "active": True}
    ]


@pytest.mark.parametrize(
    ("given", "is_active"),
    [(1, True), (0, False), (None, True), ("1", True), ("0", False), (True, True), (False, False)],
)
def test_a_code_is_active_unless_it_is_said_not_to_be(given: Any, is_active: bool) -> None:
    (row,) = lists.reduce_rows(ListName.ATTENDANCE_CODES, {"AttendCodes": [{"Mark": "H", "Active": given}]})
    assert row["active"] is is_active


@pytest.mark.parametrize(
    ("meaning", "kind"),
    [
        ("Present", "PRESENT"),
        ("Approved Education Activity", "PRESENT"),
        ("Authorised Absence", "AUTHORISED"),
        ("Unauthorised absence", "UNAUTHORISED"),
        ("Attendance not required", "VOID"),
        ("?", None),
        ("", None),
    ],
)
def test_a_meaning_is_shown_in_our_words(meaning: str, kind: str | None) -> None:
    body = {"AttendCodes": [{"Mark": "H", "MeaningDescription": meaning}]}
    (row,) = lists.reduce_rows(ListName.ATTENDANCE_CODES, body)
    assert row["type"] == kind


def test_a_lesson_is_named_by_its_period_and_its_times_are_the_schools() -> None:
    summer = {"Lessons": [{"Id": 81, "PeriodId": 46297, "StartDateTime": "2026-06-30T11:35:00", "EndDateTime": None}]}
    assert list(lists.reduce_rows(ListName.LESSONS, summer)) == [
        {
            "id": "46297",
            "date": "2026-06-30",
            "start_at": "2026-06-30T10:35:00+00:00",
            "end_at": None,
            "period_instance_id": "46297",
        }
    ]


@pytest.mark.parametrize(
    ("type_", "last", "kind"),
    [
        ("Holiday", "2026-05-29", "holiday"),
        ("Public Holiday", "2026-05-25", "holiday"),
        ("StaffTraining", "2026-05-25", "inset"),
        ("Half Term", "2026-05-29", "holiday"),
        ("HalfTerm", "2026-07-17", None),
        ("School Event", "2026-05-25", None),
    ],
)
def test_of_the_diary_the_days_without_pupils_are_kept(type_: str, last: str, kind: str | None) -> None:
    row = {"Id": 7, "StartDate": "2026-05-25", "EndDate": last, "Description": "Whitsun", "Type": type_}
    kept = list(lists.reduce_rows(ListName.CLOSURES, {"SchoolCalendar": [row]}))
    stretch = {"id": "7", "kind": kind, "first": "2026-05-25", "last": last, "name": "Whitsun"}
    assert kept == ([stretch] if kind else [])


def test_a_choir_closes_no_school() -> None:
    body = example("school-calendar.response/accepts/document_fields.json")
    assert lists.is_page_of(ListName.CLOSURES, body)
    assert list(lists.reduce_rows(ListName.CLOSURES, body)) == []


def test_the_window_bounds_the_lessons() -> None:
    assert lists.params_of(ListName.LESSONS, "ignored", WINDOW) == {
        "includeLessons": "true",
        "DateFrom": "2026-01-05",
        "DateTo": "2026-01-30",
    }


@pytest.mark.parametrize(
    "body",
    [
        {"changedRows": "c1"},
        {"__changedRows__": [{"changedRows": "c1"}]},
        {"meta": [{"Table": "Students"}, {"ChangedRows": "c1"}]},
        {"__pagination__": [{"changedRows": "c1"}]},
    ],
)
def test_the_next_cursor_is_found_wherever_it_is(body: Any) -> None:
    assert lists.cursor_of(body) == "c1"


@pytest.mark.parametrize("body", [{}, {"changedRows": "*"}, {"meta": []}, {"meta": [{"changedRows": None}]}])
def test_without_a_cursor_the_next_sync_is_full(body: Any) -> None:
    assert lists.cursor_of(body) is None


@pytest.mark.parametrize(
    ("body", "page", "is_last"),
    [
        ({"Students": [{"Id": 1}, {"Id": 2}]}, 1, False),
        ({"Students": [{"Id": 1}]}, 1, True),
        ({"Students": []}, 3, True),
        ({"Students": [{"Id": 1}, {"Id": 2}], "__pagination__": [{"PageNumber": 1, "PageCount": 1}]}, 1, True),
        ({"Students": [{"Id": 1}], "__pagination__": [{"PageCount": 2}]}, 1, False),
        ({"Students": [], "Students_deleted": [{"Id": 1}, {"Id": 2}]}, 1, False),
    ],
)
def test_the_last_page_says_so_or_is_not_full(body: Any, page: int, is_last: bool) -> None:
    assert lists.is_last_page(ListName.STUDENTS, body, page, 2) is is_last


def test_an_error_page_is_no_page_of_a_list() -> None:
    assert not lists.is_page_of(ListName.STUDENTS, {"Message": "hello"})
    assert not lists.is_page_of(ListName.LESSONS, {"changedRows": "c1"})
    assert lists.is_page_of(ListName.STUDENTS, {"changedRows": "c1"})


# Reading back.


def row(**fields: Any) -> dict[str, Any]:
    return {
        "Id": "1",
        "Date": "2026-01-12",
        "InstanceId": None,
        "StudentId": 9919,
        "Mark": "/",
        "Type": "S",
        "Session": "AM",
        **fields,
    }


def mark(**changes: Any) -> SessionMark:
    return SessionMark(**{"student_id": "9919", "date": date(2026, 1, 12), "session": "AM", "code": "/", **changes})


def test_a_session_mark_is_found_by_student_and_session(xporter_lookups: LookupView) -> None:
    records = [mark(), mark(session="PM"), mark(student_id="1")]
    rows = [row(), row(Session="PM", Mark="L"), row(Type="L", InstanceId=1, Mark="N")]

    found = marks.read_slots(SESSION, records, rows, xporter_lookups)

    assert found == {0: SlotReadBack("/", True), 1: SlotReadBack("L", False), 2: SlotReadBack(None, False)}


def test_a_lesson_mark_is_found_by_its_instance(xporter_lookups: LookupView) -> None:
    record = LessonMark(student_id="9919", lesson_id="44905", code="\\")
    rows = [row(), row(Type="L", InstanceId=44905, Mark="\\", Session="AM")]

    assert marks.read_slots(LESSON, [record], rows, xporter_lookups) == {0: SlotReadBack("\\", True)}


def test_a_dash_is_no_mark(xporter_lookups: LookupView) -> None:
    assert marks.read_slots(SESSION, [mark()], [row(Mark="-")], xporter_lookups) == {0: SlotReadBack(None, False)}


@pytest.mark.parametrize(("held", "matches"), [("N", True), ("/", True), ("-", False)])
def test_n_is_answered_by_any_mark(held: str, matches: bool, xporter_lookups: LookupView) -> None:
    found = marks.read_slots(SESSION, [mark(code="N")], [row(Mark=held)], xporter_lookups)
    assert found[0].matches is matches
    assert found[0].is_kept is (matches and held != "N"), "it is not ours that stands there"


def asked(records: list[SessionMark], lookups: LookupView) -> list[Mapping[str, str]]:
    sent = SentRequest("req_1", SESSION, records, "T1", datetime(2026, 1, 12, 9, tzinfo=UTC))
    return [question.params for question in marks.questions(sent, lookups)]


def test_each_day_is_asked_for_once_and_a_single_pupil_alone(xporter_lookups: LookupView) -> None:
    (alone,) = asked([mark(), mark(session="PM")], xporter_lookups)
    (together,) = asked([mark(), mark(student_id="1")], xporter_lookups)

    assert (alone["date"], alone["attendanceType"], alone["id"]) == ("2026-01-12", "S", "9919")
    assert "id" not in together


@pytest.mark.parametrize(
    ("body", "at"),
    [
        ({"meta": [{"LastUpdated": "2026-01-12T08:30:00Z"}]}, datetime(2026, 1, 12, 8, 30, tzinfo=UTC)),
        ({"meta": [{"LastUpdated": "2026-07-01T08:30:00"}]}, datetime(2026, 7, 1, 7, 30, tzinfo=UTC)),
        ({"meta": {"cacheDate": "2026-01-12T08:30:00"}}, datetime(2026, 1, 12, 8, 30, tzinfo=UTC)),
        (
            {"meta": [{"LastUpdated": "2026-01-12T08:30:00Z"}, {"LastUpdated": "2026-01-12T08:00:00Z"}]},
            datetime(2026, 1, 12, 8, 0, tzinfo=UTC),
        ),
        ({"meta": [{"Table": "AttendMarks", "AgeSeconds": 3}]}, None),
        ({}, None),
    ],
)
def test_a_reading_is_as_old_as_its_oldest_table(body: Any, at: datetime | None) -> None:
    assert readings.as_of(body) == at


# The report.


def ok(body: Any) -> Answer:
    return Answer(200, body, True)


NOT_FOUND = Answer(404, None, False)


def test_the_report_tells_health_and_scopes() -> None:
    health = ok({"health": [{"SchoolDataStatus": "ok", "SchoolDataAgeDays": 0, "XodStatus": "ok"}]})
    report = read_report(health, ok({"Scopes": ["WritebackAttendance", {"Name": "Attendance"}]}))

    assert report == SchoolReport(
        is_online=True,
        facts={
            "xod_status": "ok",
            "school_data_status": "ok",
            "school_data_age_days": 0,
            "scopes": ["Attendance", "WritebackAttendance"],
        },
    )


@pytest.mark.parametrize(
    "row", [{"XodStatus": "error"}, {"XodStatus": "Offline"}, {"XodStatus": "ok", "AgentOnline": False}]
)
def test_a_bad_health_is_offline(row: Any) -> None:
    report = read_report(ok({"health": [row]}), NOT_FOUND)
    assert isinstance(report, SchoolReport)
    assert not report.is_online


def test_old_data_alone_does_not_make_a_school_offline() -> None:
    report = read_report(ok({"health": [{"SchoolDataStatus": "error", "XodStatus": "ok"}]}), NOT_FOUND)
    assert isinstance(report, SchoolReport)
    assert report.is_online


def test_what_is_missing_holds_nothing() -> None:
    assert read_report(NOT_FOUND, NOT_FOUND) == SchoolReport(is_online=True, facts={})


def test_no_health_for_now_is_no_report() -> None:
    assert isinstance(read_report(Answer(503, None, False, 5.0), NOT_FOUND), NotReached)
