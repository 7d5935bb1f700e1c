"""Xporter's reads of detentions (9280), and of the lookups to write them with (9206). Either scope is a guess but one:
`StudentDetentions` stands at every column."""

from datetime import time
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from writeback.sandbox.mis.detentions import Detention, HeldEntry
from writeback.sandbox.mis.lists import Attribute, DetentionType, Room
from writeback.sandbox.mis.school import SandboxSchool
from writeback.sandbox.xporter import lookups
from writeback.sandbox.xporter.access import is_set, parameters, school_for
from writeback.sandbox.xporter.fields import query_day
from writeback.sandbox.xporter.tables import Row, tables

SCOPE = "StudentDetentions"


async def detention_lookups(request: Request) -> Response:
    """Answer the lookups alone; withdrawn ones when `includeInactive` is set."""
    return tables(request, _lookups(request, school_for(request, SCOPE)))


async def detentions(request: Request) -> Response:
    """Answer detentions, who is in them, and the lookups."""
    school, given = school_for(request, SCOPE), parameters(request)
    first, last = query_day(given, "DateFrom"), query_day(given, "DateTo")
    student = given.get("studentid")
    found = [
        row
        for row in school.mis.detentions.by_id.values()
        if (first is None or row.start_at.date() >= first)
        and (last is None or row.start_at.date() <= last)
        and (not student or student in row.entries)
    ]
    entries = [held for row in found for held in row.entries.values() if student in (None, "", held.entry.student_id)]
    return tables(
        request,
        {
            "DetentionStudents": [_entry_row(held) for held in entries],
            "Detentions": [_detention_row(row) for row in found],
            **_lookups(request, school),
            # Nothing that can be written has an activity.
            "DetentionActivities": [],
            "DetentionOtherStaff": [
                {"Id": f"{row.id}.{member}", "DetentionId": int(row.id), "StaffId": int(member)}
                for row in found
                for member in row.staff
            ],
        },
    )


def _lookups(request: Request, school: SandboxSchool) -> dict[str, list[Row]]:
    with_inactive = is_set(parameters(request), "includeInactive")

    def rows(lookup_type: str) -> list[Row]:
        found = lookups.rows(school, lookup_type)
        return [_attribute_row(row) for row in found if row.is_active or with_inactive]

    lists = school.mis.lists
    return {
        "DetentionReasonLookup": rows("DetentionReason"),
        "DetentionAttendedLookup": rows("DetentionAttended"),
        "DetentionTypeLookup": [
            _type_row(row) for row in lists.detention_types.values() if row.is_active or with_inactive
        ],
        "DetentionLocationLookup": [_room_row(room) for room in lists.rooms.values()],
        "DetentionActivityLookup": rows("DetentionActivity"),
    }


def _detention_row(row: Detention) -> Row:
    terms = row.terms
    return {
        "Id": int(row.id),
        "DetentionTypeId": int(row.type.id),
        "LocationId": int(terms.room.id) if terms.room else None,
        "DetentionDate": row.start_at.date().isoformat(),
        "StartTime": _clock(row.start_at.time()),
        "EndTime": _clock(row.end_at.time()),
        "AssignedStaffId": _number(terms.supervisor_id),
        "RecordedDate": terms.recorded_on.isoformat() if terms.recorded_on else None,
        "RecordedByStaffId": _number(terms.recorded_by),
    }


def _entry_row(held: HeldEntry) -> Row:
    entry = held.entry
    return {
        "Id": int(held.id),
        "DetentionId": int(held.detention_id),
        "StudentId": int(entry.student_id),
        "ReasonId": _number(entry.reason.id if entry.reason else None),
        "AttendedId": _number(entry.attendance.id if entry.attendance else None),
        "NonAttendanceReason": entry.non_attendance_reason,
        "BehaviourId": _number(entry.behaviour_id),
        "AddedByStaffId": _number(entry.recorded_by),
        "Comments": entry.comment,
    }


def _attribute_row(row: Attribute) -> Row:
    return {"Id": int(row.id), "Code": row.code, "Description": row.description, "DisplayOrder": row.order}


def _type_row(row: DetentionType) -> dict[str, Any]:
    return {
        "Id": int(row.id),
        "Code": row.code,
        "Description": row.name,
        "DefaultLocationId": int(row.room.id),
        "Frequency": row.frequency,
        "DefaultDayOfWeekNum": row.day_of_week,
        "DefaultStartTime": _clock(row.start),
        "DefaultEndTime": _clock(row.end),
        "YearGroupId": None,
    }


def _room_row(room: Room) -> Row:
    return {"Id": int(room.id), "Code": room.code, "Description": room.name}


def _clock(at: time) -> str:
    return at.isoformat("minutes")


def _number(given: str | None) -> int | None:
    return int(given) if given else None
