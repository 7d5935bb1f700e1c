"""Lookups of a small school, as each provider's lists would have filled them, and what a test sends."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest

from writeback.domain.kinds import KINDS, Record
from writeback.domain.kinds.attendance_lesson import LessonMark
from writeback.domain.kinds.attendance_session import SessionMark
from writeback.domain.lookups import ListName, Lookup, LookupView, attribute_key

AT = datetime(2026, 1, 12, 9, 0, tzinfo=UTC)


def _lookup(name: ListName, rows: Mapping[str, Mapping[str, Any]]) -> Lookup:
    return Lookup(name, 1, AT, rows)


def _attributes(name: ListName, *rows: tuple[str, str, str, str]) -> Lookup:
    """Return a list of attributes: type, id, code and description of each."""
    found = {
        attribute_key(type_, row_id): {"id": row_id, "type": type_, "code": code, "description": said, "active": True}
        for type_, row_id, code, said in rows
    }
    return _lookup(name, found)


@pytest.fixture
def wonde_lookups() -> LookupView:
    codes = {
        "A1": {"id": "A1", "code": "/", "active": True},
        "A2": {"id": "A2", "code": "L", "active": True},
        "A3": {"id": "A3", "code": "N", "active": True},
    }
    lesson = {"id": "A900", "date": "2026-01-12", "period_instance_id": "40860"}
    return LookupView(
        attendance_codes=_lookup(ListName.ATTENDANCE_CODES, codes),
        lessons=_lookup(ListName.LESSONS, {"A900": lesson}),
        achievement_attributes=_attributes(
            ListName.ACHIEVEMENT_ATTRIBUTES,
            ("type", "A201", "NYPA", "Musical Activity"),
            ("activity", "A202", "RE", "Religious Education"),
            ("outcome", "A203", "TROP", "Trophy"),
        ),
        behaviour_attributes=_attributes(
            ListName.BEHAVIOUR_ATTRIBUTES,
            ("type", "A301", "BULL", "Bullying"),
            ("type", "A302", "DIS", "Disruption"),
            ("status", "A303", "REV2", "Review in 2 weeks"),
            ("bullying_type", "A304", "B_INT", "Intimidation"),
            ("activity", "A305", "RE", "Religious Education"),
            ("location", "A306", "CORR", "Corridor"),
            ("time", "A307", "LUN", "Lunch"),
            ("role", "A308", "AG", "Aggressor"),
            ("outcome", "A309", "COOL", "Cooling-off"),
        ),
        detention_attributes=_attributes(
            ListName.DETENTION_ATTRIBUTES,
            ("type", "A401", "Monday Lunchtime", "Monday Lunchtime"),
            ("location", "A402", "A1", "Art Room 1"),
            ("attendance", "A403", "NOR", "Not Recorded"),
            ("attendance", "A404", "ATT", "Attended"),
        ),
        student_absence_attributes=_attributes(
            ListName.STUDENT_ABSENCE_ATTRIBUTES,
            ("type", "A501", "JUS", "Justified with school policy"),
            ("reason", "A502", "NUR", "School Nurse"),
        ),
        employee_absence_attributes=_attributes(
            ListName.EMPLOYEE_ABSENCE_ATTRIBUTES,
            ("type", "A601", "SIC", "Sickness"),
            ("type", "A602", "TRA", "Training"),
            ("illness_category", "A603", "DIG", "Digestive illness"),
            ("pay_rate", "A604", "F", "Full pay"),
        ),
    )


WONDE_SAMPLES: Mapping[str, Mapping[str, Any]] = {
    "attendance.session": {"student_id": "A10", "date": "2026-01-12", "session": "AM", "code": "/"},
    "attendance.lesson": {"student_id": "A10", "lesson_id": "A900", "code": "/"},
    "achievement.create": {
        "students": [{"student_id": "A10", "points": 5, "outcome": "TROP", "outcome_date": "2026-01-13"}],
        "employee_id": "A50",
        "date": "2026-01-12",
        "type": "NYPA",
        "activity": "RE",
        "lesson_id": "A900",
        "comment": "Solo",
    },
    "achievement.delete": {"achievement_id": "A71"},
    "behaviour.create": {
        "students": [
            {"student_id": "A10", "points": 3, "role": "AG", "outcome": "COOL", "outcome_date": "2026-01-13"},
            {"student_id": "A11", "points": 0},
        ],
        "employee_id": "A50",
        "date": "2026-01-12",
        "type": "BULL",
        "status": "REV2",
        "bullying_type": "B_INT",
        "activity": "RE",
        "location": "CORR",
        "time": "LUN",
        "comment": "Seen by many",
    },
    "behaviour.delete": {"behaviour_id": "A72"},
    "detention.create": {
        "type": "Monday Lunchtime",
        "location": "A1",
        "date": "2026-01-12",
        "start_time": "12:30",
        "end_time": "13:00",
        "supervisor_id": "A50",
        "students": [
            {"student_id": "A10", "attendance": "NOR", "behaviour_id": "A72", "behaviour_type": "BULL"},
            {"student_id": "A11", "attendance": "A403", "recorded_by_id": "A51", "comment": "Late twice"},
        ],
    },
    "detention.delete": {"detention_id": "A73"},
    "detention_attendance.set": {
        "detention_id": "A73",
        "student_id": "A10",
        "attendance": "ATT",
        "recorded_by_id": "A51",
        "behaviour_id": "A72",
        "behaviour_type": "BULL",
        "comment": "Worked well",
    },
    "detention_attendance.delete": {"detention_id": "A73", "student_id": "A10"},
    "student_absence.create": {
        "student_id": "A10",
        "start_at": "2026-01-12T08:30:00",
        "event": "sign_in",
        "type": "JUS",
        "reason": "NUR",
        "comment": "Flu",
        "authorised_by_id": "A50",
    },
    "employee_absence.create": {
        "employee_id": "A50",
        "start_at": "2026-01-12T08:00:00",
        "end_at": "2026-01-13T12:00:00",
        "working_days": "1.50",
        "hours": "12",
        "type": "SIC",
        "pay_rate": "F",
        "illness_category": "DIG",
        "absence_code": "A605",
        "comment": "Called at seven",
    },
    "employee_absence.update": {
        "absence_id": "A74",
        "start_at": "2026-01-12T08:00:00",
        "end_at": "AM",
        "working_days": "0.5",
        "hours": "4",
        "type": "SIC",
        "pay_rate": "F",
    },
    "employee_absence.delete": {"absence_id": "A74"},
}
"""A full record of every kind that Wonde takes."""


@pytest.fixture
def wonde_records() -> Mapping[str, Record]:
    """The samples, read."""
    return {kind: KINDS[kind].record.model_validate(sample) for kind, sample in WONDE_SAMPLES.items()}


@pytest.fixture
def xporter_lookups() -> LookupView:
    codes = {code: {"id": code, "code": code, "active": True} for code in ("/", "\\", "L", "N")}
    lessons = {
        "44905": {"id": "44905", "date": "2026-01-12", "period_instance_id": "44905"},
        "44999": {"id": "44999", "date": "2026-01-13", "period_instance_id": "44999"},
    }
    return LookupView(
        attendance_codes=_lookup(ListName.ATTENDANCE_CODES, codes),
        lessons=_lookup(ListName.LESSONS, lessons),
        achievement_attributes=_attributes(
            ListName.ACHIEVEMENT_ATTRIBUTES,
            ("type", "4", "NYPA", "Musical Activity"),
            ("activity", "13", "RE", "Religious Education"),
            ("outcome", "1", "COM", "Commended"),
            ("staff_role", "3", "WIT", "Witness"),
        ),
        behaviour_attributes=_attributes(
            ListName.BEHAVIOUR_ATTRIBUTES,
            ("type", "7", "ASLT", "Assault"),
            ("type", "8", "DIS", "Disruption"),
            ("status", "2", "UNR", "Unresolved"),
            ("status", "9", "RES", "Resolved"),
            ("bullying_type", "3", "B_INT", "Intimidation"),
            ("activity", "14", "LUN", "Lunch"),
            ("location", "5", "CORR", "Corridor"),
            ("time", "6", "LT", "Lunchtime"),
            ("role", "1", "PT", "Participant"),
            ("outcome", "2", "DP", "Discussed with Pupil"),
            ("staff_role", "3", "WIT", "Witness"),
        ),
        detention_attributes=_attributes(
            ListName.DETENTION_ATTRIBUTES,
            ("type", "24", "SLTD", "SLT Detention"),
            ("location", "1", "HALL", "Main Hall"),
            ("reason", "4", "LI", "Lunchtime Incident"),
            ("attendance", "2", "ATT", "Attended"),
        ),
    )


@pytest.fixture
def session_mark() -> SessionMark:
    return SessionMark(student_id="A10", date=date(2026, 1, 12), session="AM", code="/")


@pytest.fixture
def lesson_mark() -> LessonMark:
    return LessonMark(student_id="A10", lesson_id="A900", code="/")
