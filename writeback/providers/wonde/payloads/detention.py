"""Detentions and who came to them (Wonde 3870-3883, 4153-4161). Wonde has no place for reasons."""

from collections.abc import Callable, Mapping
from datetime import datetime, time
from typing import Any

from writeback.domain.kinds.detention import Attendee, Detention
from writeback.domain.kinds.detention_attendance import DetentionMark
from writeback.domain.lookups import ListName
from writeback.providers.wonde.payloads.resolving import Resolver, given, wall_clock

_DETENTIONS = ListName.DETENTION_ATTRIBUTES


def _detention(record: Detention, resolver: Resolver) -> dict[str, Any]:
    resolver.require(record.start_time, "/start_time")
    resolver.require(record.end_time, "/end_time")
    attendees = [_attendee(pupil, resolver, f"/students/{place}") for place, pupil in enumerate(record.students)]
    return {
        "detention_type_id": resolver.id_only(_DETENTIONS, "type", record.type, "/type"),
        "room_id": resolver.id_only(_DETENTIONS, "location", record.location, "/location"),
        "start_at": wall_clock(datetime.combine(record.date, record.start_time or time())),
        "end_at": wall_clock(datetime.combine(record.date, record.end_time or time())),
        **given(attended_by_employee_id=record.supervisor_id),
        "attendees": attendees,
    }


def _mark(record: DetentionMark, resolver: Resolver) -> dict[str, Any]:
    return {"detention_id": record.detention_id, **_attendee(record, resolver, "")}


def _attendee(pupil: Attendee, resolver: Resolver, at: str) -> dict[str, Any]:
    resolver.require(pupil.attendance, f"{at}/attendance")
    attendance = resolver.id_only(_DETENTIONS, "attendance", pupil.attendance, f"{at}/attendance")
    behaviour_type = resolver.code_or_id(
        ListName.BEHAVIOUR_ATTRIBUTES, "type", pupil.behaviour_type, f"{at}/behaviour_type"
    )
    return {
        "student_id": pupil.student_id,
        "detention_attendance_code_id": attendance,
        **given(
            comments=pupil.comment,
            recorded_by_employee_id=pupil.recorded_by_id,
            behaviour_id=pupil.behaviour_id,
            behaviour_type=behaviour_type,
        ),
    }


ENTRIES: Mapping[str, Callable[[Any, Resolver], dict[str, Any]]] = {
    "detention.create": _detention,
    "detention_attendance.set": _mark,
}
