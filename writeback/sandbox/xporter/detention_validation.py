"""The checks of detentions before they are sent to the MIS.

The document prints no messages for them (14488-14611); these follow the ones of conduct (14301-14325).
"""

from collections.abc import Container, Sequence
from datetime import date, time
from typing import Any

from writeback.sandbox.mis.detentions import DetentionChange, DetentionEdit, Entry, NewDetention, Terms
from writeback.sandbox.mis.lists import Attribute, DetentionType
from writeback.sandbox.mis.school import SandboxSchool
from writeback.sandbox.xporter import fields, lookups
from writeback.sandbox.xporter.access import XporterError
from writeback.sandbox.xporter.fields import Row, missing, required, text


def check_detentions(body: Any, school: SandboxSchool, today: date) -> list[DetentionChange]:
    """Return what each detention of a body asks for; raise XporterError with the first thing that is wrong."""
    if school.mis_name.upper() != "SIMS":
        raise XporterError(f"Detention writeback is not supported for {school.mis_name}")
    rows = fields.required_section(body, "Detentions")
    ids = [required(row, "Id") for row in rows]
    updated = [given for row in rows if (given := text(row, "UpdateId"))]
    if len(set(ids)) < len(ids) or len(set(updated)) < len(updated):
        raise XporterError("You have defined the same detention more than once")
    students = fields.by_parent(body, "DetentionStudents", "DetentionId", ids)
    staff = fields.by_parent(body, "DetentionStaff", "DetentionId", ids)
    return [
        _change(row, students.get(row_id, []), staff.get(row_id, []), school, today)
        for row, row_id in zip(rows, ids, strict=True)
    ]


def _change(
    row: Row, students: Sequence[Row], staff: Sequence[Row], school: SandboxSchool, today: date
) -> DetentionChange:
    update_id = text(row, "UpdateId") or None
    terms = _terms(row, school, today, is_new=update_id is None)
    present, gone_students = _split(students, "StudentId", "students", update_id)
    helping, gone_staff = _split(staff, "StaffId", "staff", update_id)
    entries = [_entry(child, school) for child in present]
    helpers = [_staff_id(child, "StaffId", school.mis.staff, "Invalid StaffId:") or "" for child in helping]
    fields.assert_once([*(entry.student_id for entry in entries), *gone_students], "student", "detention")
    fields.assert_once([*helpers, *gone_staff], "staff", "detention")
    if update_id is None:
        return NewDetention(terms, entries, helpers)
    return DetentionEdit(update_id, terms, entries, helpers, remove_students=gone_students, remove_staff=gone_staff)


def _terms(row: Row, school: SandboxSchool, today: date, *, is_new: bool) -> Terms:
    room_id = text(row, "LocationId")
    detention_type = _type(row, school, is_new=is_new)
    if is_new and not room_id:
        raise missing("LocationId")
    room = school.mis.lists.rooms.get(room_id)
    if room_id and room is None:
        raise XporterError(f"Invalid LocationId {room_id}")
    recorded_on = fields.day(row, "RecordedDate") or (today if is_new else None)
    return Terms(
        type=detention_type,
        room=room,
        # Both defaults are the document's (14507, 14511).
        day=fields.day(row, "DetentionDate") or (today if is_new else None),
        recorded_on=min(recorded_on, today) if recorded_on else None,
        start=_time(row, "StartTime"),
        end=_time(row, "EndTime"),
        supervisor_id=_staff_id(row, "AssignedStaffId", school.mis.staff),
        recorded_by=_staff_id(row, "RecordedByStaffId", school.mis.staff),
    )


def _type(row: Row, school: SandboxSchool, *, is_new: bool) -> DetentionType | None:
    type_id = text(row, "DetentionTypeId")
    if is_new and not type_id:
        raise missing("DetentionTypeId")
    found = school.mis.lists.detention_types.get(type_id)
    if type_id and (found is None or not found.is_active):
        raise XporterError(f"Invalid DetentionTypeId {type_id}")
    return found


def _entry(row: Row, school: SandboxSchool) -> Entry:
    student_id = text(row, "StudentId")
    if student_id not in school.mis.pupils:
        raise XporterError(f"Invalid StudentId: {student_id}")
    return Entry(
        student_id,
        attendance=_lookup(row, "AttendedId", "DetentionAttended", school),
        reason=_lookup(row, "ReasonId", "DetentionReason", school),
        non_attendance_reason=text(row, "NonAttendanceReason") or None,
        behaviour_id=text(row, "BehaviourId") or None,
        recorded_by=_staff_id(row, "AddedByStaffId", school.mis.staff),
        comment=text(row, "Comments") or None,
    )


def _lookup(row: Row, name: str, lookup_type: str, school: SandboxSchool) -> Attribute | None:
    given = text(row, name)
    found = lookups.find(school, lookup_type, given)
    if given and found is None:
        raise XporterError(f"Invalid {name} {given}")
    return found


def _staff_id(row: Row, name: str, staff: Container[str], said: str = "") -> str | None:
    given = text(row, name)
    if given and given not in staff:
        raise XporterError(f"{said or f'Invalid {name}'} {given}")
    return given or None


def _time(row: Row, name: str) -> time | None:
    given = fields.time_of_day(row, name)
    return time.fromisoformat(given) if given else None


def _split(rows: Sequence[Row], key: str, what: str, update_id: str | None) -> tuple[list[Row], list[str]]:
    """Return the rows that stay, and the ids that a minus sign asks to remove (14569)."""
    stay, gone = fields.split(rows, key)
    if gone and update_id is None:
        raise XporterError(f"You must provide an UpdateId when trying to remove {what} from a detention record")
    return stay, gone
