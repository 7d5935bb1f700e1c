"""Wonde's objects for conduct, detentions and absences, and for the lists that they are made from."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

from writeback.sandbox.mis.absences import EmployeeAbsence, StudentAbsence
from writeback.sandbox.mis.detentions import Detention, HeldEntry
from writeback.sandbox.mis.diary import DiaryEvent
from writeback.sandbox.mis.incidents import Incident
from writeback.sandbox.mis.lists import Attribute, DetentionType, Room
from writeback.sandbox.mis.mis import Mis
from writeback.sandbox.wonde.rows import Row, day, moment, school_clock, wall_clock

ATTRIBUTE_TYPES: Final[dict[str, dict[str, str]]] = {
    "achievement": {"type": "ACHIEVEMENT_TYPE", "activity": "EVENT_SUBJECT", "outcome": "ACHIEVEMENT_OUTCOME"},
    "behaviour": {
        "type": "BEHAVIOUR_TYPE",
        "bullying_type": "BULLYING_MODE",
        "activity": "BEHAVIOUR_ACTIVITY",
        "time": "EVENT_TIME",
        "outcome": "BEHAVIOUR_OUTCOME",
        "status": "EVENT_STATUS",
        "location": "EVENT_LOCATION",
        "role": "BEHAVIOUR_ROLE",
    },
    "student_absence": {"type": "ABSENCE_TYPE", "reason": "ABSENCE_REASON"},
    "employee_absence": {
        "type": "ABSENCE_TYPE",
        "illness_category": "ILLNESS_CATEGORY",
        "pay_rate": "AUTHORISED_PAY_RATE",
    },
}
"""List and select box → Wonde's type (1529-1537, 2985-3013, 5554-5559, 8624-8625)."""


def attribute(row: Attribute) -> Row:
    """Return a choice; those of conduct have points and say whether they take a bullying type (2932); others not."""
    conduct = {"points": row.points, "bullying_type_enabled": row.allows_bullying_type}
    return {
        "id": row.id,
        "mis_id": row.mis_id,
        "type": ATTRIBUTE_TYPES[row.list][row.type],
        "code": row.code,
        "active": row.is_active,
        **(conduct if row.list in ("achievement", "behaviour") else {}),
        "description": row.description,
        **_stamps(row.created_at, row.updated_at),
    }


def detention_attendance_code(row: Attribute) -> Row:
    return {"id": row.id, "mis_id": row.mis_id, "code": row.code, "description": row.description}


def room(row: Room) -> Row:
    return {
        "id": row.id,
        "mis_id": row.mis_id,
        "code": row.code,
        "name": row.name,
        **_stamps(row.created_at, row.updated_at),
    }


def event(row: DiaryEvent) -> Row:
    """Fields: Wonde 5685-5696; the document shows no type, and events that end with the last second of a day."""
    made_at = datetime.combine(row.first - timedelta(days=30), time(10), UTC)
    return {
        "id": row.id,
        "mis_id": row.id,
        "description": row.description,
        "type": None,
        "start_at": school_clock(datetime.combine(row.first, time())),
        "end_at": school_clock(datetime.combine(row.last, time(23, 59, 59))),
        **_stamps(made_at, made_at),
    }


def detention_type(row: DetentionType) -> Row:
    minutes = (datetime.combine(date.min, row.end) - datetime.combine(date.min, row.start)).seconds // 60
    return {
        "id": row.id,
        "mis_id": row.mis_id,
        "name": row.name,
        "duration_in_minutes": minutes,
        "frequency_per_month": row.frequency_id,
        "start_time": row.start.isoformat("minutes"),
        "end_time": row.end.isoformat("minutes"),
        "day_of_week": row.day_of_week,
        "employee": row.employee_id,
        "room": row.room.id,
        **_stamps(row.created_at, row.updated_at),
    }


def incident(row: Incident, mis: Mis) -> Row:
    """Return an achievement (1381) or a behaviour (2824).

    `points` and `action` are one for the record, though each pupil has their own: here the first pupil's, a guess.
    """
    details, first = row.details, next(iter(row.pupils.values()))
    lesson = mis.timetable.by_id.get(details.lesson_id or "")
    of_behaviour = {"location": _text(details.location), "status": _text(details.status)}
    is_behaviour = row.category == "behaviour"
    return {
        "id": row.id,
        "mis_id": row.mis_id,
        "type": row.type.description,
        **(of_behaviour if is_behaviour else {}),
        "subject": _text(details.activity),
        "class": lesson.class_name if lesson else None,
        "action": _text(first.outcome),
        "points": first.points,
        "total_points": row.total_points,
        "comment": details.comment,
        "parents_notified": False,
        ("incident_date" if is_behaviour else "achievement_date"): day(row.day),
        "action_date": day(first.outcome_date) if first.outcome_date else None,
        "recorded_date": day(row.recorded_on),
        **_stamps(row.created_at, row.updated_at),
    }


def detention(row: Detention) -> Row:
    return {
        "id": row.id,
        "mis_id": row.mis_id,
        "detention_type": row.type.id,
        "comment": row.terms.comment,
        "room": row.terms.room.id if row.terms.room else None,
        "start_at": wall_clock(row.start_at),
        "end_at": wall_clock(row.end_at),
        "attended_by_employee": row.terms.supervisor_id,
        **_stamps(row.created_at, row.updated_at),
    }


def detention_attendance(row: HeldEntry) -> Row:
    entry = row.entry
    return {
        "id": row.id,
        "mis_id": row.mis_id,
        "detention": row.detention_id,
        "comment": entry.comment,
        "detention_attendance_code": entry.attendance.id if entry.attendance else None,
        "student": entry.student_id,
        "recorded_by_employee": entry.recorded_by,
        "behaviour": entry.behaviour_id,
        "behaviour_type": entry.behaviour_type.id if entry.behaviour_type else None,
        **_stamps(row.created_at, row.updated_at),
    }


def student_absence(row: StudentAbsence) -> Row:
    """Return an absence. Its end, which nobody can write (8489-8499), is not known."""
    says = row.says
    return {
        "id": row.id,
        "mis_id": row.mis_id,
        "student": says.student_id,
        "event_type": says.event,
        "start_at": school_clock(says.start_at),
        "end_at": None,
        "absence_type": says.type.description,
        "reason": _text(says.reason),
        "comment": says.comment,
        "authorised_by": says.authorised_by,
        **_stamps(row.created_at, row.updated_at),
    }


def employee_absence(row: EmployeeAbsence) -> Row:
    says = row.says
    return {
        "id": row.id,
        "mis_id": row.mis_id,
        "employee": says.employee_id,
        "start_at": school_clock(says.start_at),
        "end_at": school_clock(says.end_at),
        "working_days": _number(says.working_days),
        "number_of_hours": _number(says.hours),
        "absence_type": says.type.description,
        "illness_category": _text(says.illness_category),
        "authorised_pay_rate": says.pay_rate.description,
        "absence_note": says.comment,
        **_stamps(row.created_at, row.updated_at),
    }


def _stamps(created_at: datetime, updated_at: datetime) -> dict[str, Any]:
    return {"created_at": moment(created_at), "updated_at": moment(updated_at)}


def _text(row: Attribute | None) -> str | None:
    """Return a choice as records show it: "Lunchtime Detention" (2646)."""
    return row.description if row else None


def _number(value: Decimal) -> int | float:
    """Return the plain number of 5209, whole where it is."""
    return int(value) if value == value.to_integral_value() else float(value)
