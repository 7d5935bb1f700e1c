"""Detentions, and the entries of pupils in them: Detentions, DetentionStudents, DetentionStaff (Xporter 14498-14536).

Ids are text here but for Id, DetentionId and UpdateId: so the document types them.
"""

from collections.abc import Iterator, Sequence
from datetime import time
from typing import Any

from writeback.domain.kinds import Kind
from writeback.domain.lookups import ListName, LookupView
from writeback.providers.xporter.payloads.codes import (
    AsGiven,
    Codes,
    Resolver,
    filled,
    number,
    number_or_none,
    present,
)

_UNKNOWN = {
    "type": "type_unknown",
    "location": "location_unknown",
    "reason": "reason_unknown",
    "attendance": "detention_attendance_unknown",
}


def is_entry(kind: Kind) -> bool:
    """Whether a record is one pupil's entry in a detention."""
    return kind.name.startswith("detention_attendance.")


def build(kind: Kind, records: Sequence[Any], lookups: LookupView) -> dict[str, Any]:
    """Return the sections that have entries."""
    codes = Codes(lookups, ListName.DETENTION_ATTRIBUTES, _UNKNOWN)
    body = _entries(kind, records, codes) if is_entry(kind) else _detentions(records, codes)
    codes.settle()
    return body


def as_given(kind: Kind, records: Sequence[Any]) -> dict[str, Any]:
    return _entries(kind, records, AsGiven()) if is_entry(kind) else _detentions(records, AsGiven())


def links_of(kind: Kind, records: Sequence[Any]) -> list[int]:
    """Return the Id that each record's detention has in the body, counted from 1.

    Entries of one detention share its update: to update it twice in a request would be refused (14324, of conduct).
    """
    if not is_entry(kind):
        return [position + 1 for position in range(len(records))]
    first: dict[str, int] = {}
    return [first.setdefault(record.detention_id, position + 1) for position, record in enumerate(records)]


def _entries(kind: Kind, records: Sequence[Any], codes: Resolver) -> dict[str, Any]:
    """Return one update a detention and one entry a record, in order."""
    links = links_of(kind, records)
    updates = {link: number(record.detention_id) for link, record in zip(links, records, strict=True)}
    is_removal = kind.name.endswith(".delete")
    return filled(
        {
            "Detentions": [{"Id": link, "UpdateId": update_id} for link, update_id in updates.items()],
            "DetentionStudents": [
                _removed_student(link, record.student_id) if is_removal else _student(position, link, record, codes, "")
                for position, (link, record) in enumerate(zip(links, records, strict=True))
            ],
        }
    )


def _detentions(records: Sequence[Any], codes: Resolver) -> dict[str, Any]:
    sections: dict[str, list[dict[str, Any]]] = {"Detentions": [], "DetentionStudents": [], "DetentionStaff": []}
    for position, record in enumerate(records):
        sections["Detentions"].append(_detention(position, record, codes))
        sections["DetentionStudents"] += _students(position, record, codes)
        sections["DetentionStaff"] += _staff(position + 1, record)
    return filled(sections)


def _detention(position: int, record: Any, codes: Resolver) -> dict[str, Any]:
    """Fields: Xporter 14503-14512."""
    return present(
        Id=position + 1,
        UpdateId=number_or_none(getattr(record, "detention_id", None)),
        DetentionTypeId=codes.local_id(position, "type", record.type, "/type"),
        LocationId=codes.local_id(position, "location", record.location, "/location"),
        DetentionDate=record.date.isoformat() if record.date else None,
        StartTime=_clock(record.start_time),
        EndTime=_clock(record.end_time),
        AssignedStaffId=record.supervisor_id,
        RecordedDate=record.recorded_date.isoformat() if record.recorded_date else None,
        RecordedByStaffId=record.recorded_by_id,
    )


def _students(position: int, record: Any, codes: Resolver) -> Iterator[dict[str, Any]]:
    for place, student in enumerate(record.students):
        yield _student(position, position + 1, student, codes, f"/students/{place}")
    for student_id in getattr(record, "remove_students", ()):
        yield _removed_student(position + 1, student_id)


def _student(position: int, link: int, student: Any, codes: Resolver, at: str) -> dict[str, Any]:
    """Fields: Xporter 14521-14528."""
    return present(
        DetentionId=link,
        StudentId=student.student_id,
        ReasonId=codes.local_id(position, "reason", student.reason, f"{at}/reason"),
        AttendedId=codes.local_id(position, "attendance", student.attendance, f"{at}/attendance"),
        NonAttendanceReason=student.non_attendance_reason,
        BehaviourId=student.behaviour_id,
        AddedByStaffId=student.recorded_by_id,
        Comments=student.comment,
    )


def _removed_student(link: int, student_id: str) -> dict[str, Any]:
    return {"DetentionId": link, "StudentId": f"-{student_id}"}  # Xporter 14569


def _staff(link: int, record: Any) -> Iterator[dict[str, Any]]:
    """Fields: Xporter 14535-14536."""
    for employee_id in record.staff_ids:
        yield {"DetentionId": link, "StaffId": employee_id}
    for employee_id in getattr(record, "remove_staff", ()):
        yield {"DetentionId": link, "StaffId": f"-{employee_id}"}


def _clock(at: time | None) -> str | None:
    return at.strftime("%H:%M") if at else None  # 15:20 (Xporter 14508)
