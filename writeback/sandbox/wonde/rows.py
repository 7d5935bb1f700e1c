"""Wonde's objects, as its document shows them."""

from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from writeback.sandbox.mis.codes import Code
from writeback.sandbox.mis.mis import Mark, Slot
from writeback.sandbox.mis.records import Deletion
from writeback.sandbox.mis.roll import Person
from writeback.sandbox.mis.school import SandboxSchool, Write
from writeback.sandbox.mis.timetable import DAY_NAMES, LONDON, PERIOD_TIMES, Lesson, Period

Row = dict[str, Any]
_COUNTRIES = {"GBR": "United Kingdom", "AUS": "Australia"}


def moment(instant: datetime) -> Row:
    """Return an instant as Wonde's date object, in UTC."""
    return _stamp(instant.astimezone(UTC), "UTC")


def day(value: date) -> Row:
    """Return a calendar day as Wonde's date object: midnight at the school (2083)."""
    return _stamp(datetime.combine(value, time()), "Europe/London")


def wall_clock(value: datetime, zone: ZoneInfo = LONDON) -> Row:
    """Return a time of the school's own clock; lessons are given in UTC (6250)."""
    return moment(value.replace(tzinfo=zone))


def school_clock(value: datetime) -> Row:
    """Return a time of the school's own clock as it is; absences are given so (5197)."""
    return _stamp(value, "Europe/London")


def school(row: SandboxSchool, base_url: str) -> Row:
    identifiers = {"la_code": "201", "establishment_number": row.id[-4:], "urn": 100_000 + int(row.id[-4:])}
    return {
        "id": row.id,
        "name": row.name,
        "establishment_number": identifiers["establishment_number"],
        "urn": identifiers["urn"],
        "phase_of_education": "SECONDARY",
        "la_code": identifiers["la_code"],
        "timezone": "Europe/London",
        "mis": row.mis_name,
        "address": {
            "address_line_1": "1 School Lane",
            "address_line_2": None,
            "address_town": "London",
            "address_postcode": "EC3A 5DE",
            "address_country": {"code": row.country_code, "name": _COUNTRIES.get(row.country_code, row.country_code)},
        },
        "extended": {
            "allows_writeback": row.allows_writeback,
            "has_timetables": True,
            "has_lesson_attendance": row.has_lesson_attendance,
        },
        "region": {
            "code": "GBR",
            "domain": base_url.partition("://")[2],
            "school_url": f"{base_url}/v1.0/schools/{row.id}",
            "identifiers": identifiers,
        },
    }


def student(row: Person) -> Row:
    return {**_person(row), "gender": row.gender}


def employee(row: Person) -> Row:
    return {**_person(row), "title": "Mx", "gender": row.gender.lower()}


def lesson(row: Lesson, room_id: str | None) -> Row:
    """Return a lesson. The list calls the teacher `employee` (6247), the object `employee_id` (6316): both here."""
    return {
        "id": row.id,
        "room": room_id,
        "period": row.period.id,
        "period_instance_id": str(row.instance),
        "employee": None,
        "employee_id": row.employee_id,
        "alternative": False,
        "start_at": wall_clock(row.start),
        "end_at": wall_clock(row.end),
        "created_at": moment(row.updated_at),
        "updated_at": moment(row.updated_at),
    }


def period(row: Period, made_at: datetime) -> Row:
    start, end = PERIOD_TIMES[row.number - 1]
    return {
        "id": row.id,
        "start_time": start.isoformat(),
        "end_time": end.isoformat(),
        "name": row.name,
        "day": DAY_NAMES[row.weekday],
        "day_number": row.weekday + 1,
        "description": f"{DAY_NAMES[row.weekday].title()} {row.number}",
        "created_at": moment(made_at),
        "updated_at": moment(made_at),
    }


def attendance_code(row: Code) -> Row:
    return {"id": row.id, "code": row.code, "description": row.description, "type": row.type}


def mark(slot: Slot, row: Mark, code_id: str) -> Row:
    """Return a session mark (2079) or a lesson mark (2260)."""
    place: Row = (
        {"session": slot.place, "employee": row.employee_id}
        if slot.kind == "S"
        else {"period_instance_id": int(slot.place)}
    )
    return {
        "id": row.id,
        "date": day(slot.day),
        **place,
        "comment": row.comment,
        "attendance_code": code_id,
        "student": slot.student_id,
    }


def deletion(row: Deletion) -> Row:
    return {"type": row.type, "id": row.id, "mis_id": row.mis_id, "deleted_at": moment(row.at), "restored_at": None}


def writeback(row: Write) -> Row:
    """Return the status object (8744). Only the `type` ACHIEVEMENT is shown; the others are formed after it."""
    return {
        "id": row.ref,
        "type": row.kind.partition(".")[0].upper(),
        "status": row.status,
        "last_attempt": _text(row.last_attempt),
        "next_attempt": _text(row.next_attempt),
        "created_at": moment(row.created_at),
        "updated_at": moment(row.updated_at),
    }


def _person(row: Person) -> Row:
    return {
        "id": row.id,
        "upi": f"{int(row.mis_id):032x}",
        "mis_id": row.mis_id,
        "initials": row.forename[0] + row.surname[0],
        "surname": row.surname,
        "forename": row.forename,
        "middle_names": None,
        "legal_surname": row.surname,
        "legal_forename": row.legal_forename or row.forename,
        "date_of_birth": day(row.born),
        "restored_at": None,
        "created_at": moment(row.created_at),
        "updated_at": moment(row.updated_at),
    }


def _stamp(value: datetime, zone: str) -> Row:
    return {"date": value.strftime("%Y-%m-%d %H:%M:%S.%f"), "timezone_type": 3, "timezone": zone}


def _text(instant: datetime | None) -> str | None:
    """Return the plain string that the document promises for attempts (8776)."""
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if instant else None
