"""What Wonde checks before it takes detentions (3865-3883) and attendance at them (4148-4163)."""

from datetime import datetime
from typing import Any

from writeback.sandbox.mis.detentions import DetentionEdit, Entry, NewDetention, Terms
from writeback.sandbox.mis.lists import NO_TYPE, Attribute
from writeback.sandbox.mis.school import SandboxSchool
from writeback.sandbox.strictness import Errors
from writeback.sandbox.wonde.given import INVALID, Given


def check_detentions(body: Any, school: SandboxSchool) -> tuple[list[NewDetention], Errors]:
    """Return the detentions, and what is wrong with them; they are complete only without errors."""
    errors: Errors = {}
    detentions = [_detention(row, school) for row in Given(body, "", errors).each("detention")]
    return detentions, errors


def check_attendance(body: Any, school: SandboxSchool) -> tuple[list[DetentionEdit], Errors]:
    """Return the pupils' entries, made or changed; each is complete only without errors."""
    errors: Errors = {}
    changes = []
    for row in Given(body, "", errors).each("attendance"):
        detention = row.one_of("detention_id", school.mis.detentions.by_id)
        changes.append(DetentionEdit(detention or "", entries=(_entry(row, school),)))
    return changes, errors


def _detention(row: Given, school: SandboxSchool) -> NewDetention:
    mis = school.mis
    types = mis.lists.detention_types
    type_id = row.known("detention_type_id", lambda given: given in types and types[given].is_active)
    room_id = row.one_of("room_id", mis.lists.rooms)
    start, end = row.moment("start_at"), row.moment("end_at")
    _check_order(row, start, end)
    terms = Terms(
        type=types[type_id] if type_id else None,
        room=mis.lists.rooms[room_id] if room_id else None,
        day=start.date() if start else None,
        start=start.time() if start else None,
        end=end.time() if end else None,
        supervisor_id=row.one_of("attended_by_employee_id", mis.staff, is_required=False),
    )
    return NewDetention(terms, _entries(row, school))


def _check_order(row: Given, start: datetime | None, end: datetime | None) -> None:
    """Refuse what does not end after it starts, on the same day. The document does not say so: a guess."""
    if start and end and (end <= start or end.date() != start.date()):
        row.wrong("end_at", "The {field} must be a time after start_at on the same day.")


def _entries(row: Given, school: SandboxSchool) -> tuple[Entry, ...]:
    entries: dict[str, Entry] = {}
    for attendee in row.each("attendees", is_required=False):
        entry = _entry(attendee, school)
        if entry.student_id in entries:
            attendee.wrong("student_id", "The {field} field has a duplicate value.")
        elif entry.student_id:
            entries[entry.student_id] = entry
    return tuple(entries.values())


def _entry(row: Given, school: SandboxSchool) -> Entry:
    mis = school.mis
    return Entry(
        student_id=row.one_of("student_id", mis.pupils) or "",
        comment=row.text("comments", is_required=False),
        attendance=_attendance_code(row, school),
        recorded_by=row.one_of("recorded_by_employee_id", mis.staff, is_required=False),
        behaviour_id=row.one_of("behaviour_id", mis.conduct.by_category["behaviour"], is_required=False),
        behaviour_type=row.attribute("behaviour_type", mis.lists, "behaviour", "type")
        # "If a value is not provided, the default BEHAVIOUR_TYPE of <NONE> is used" (3883).
        or mis.lists.find("behaviour", "type", NO_TYPE),
    )


def _attendance_code(row: Given, school: SandboxSchool) -> Attribute | None:
    """Return the code with an id: the table asks for "The Wonde ID" (3879), though an example has a code (3847)."""
    value = row.text("detention_attendance_code_id")
    found = school.mis.lists.by_id("detention", "attendance", value) if value else None
    if value and (found is None or not found.is_active):
        row.wrong("detention_attendance_code_id", INVALID)
        return None
    return found
