"""Achievements and behaviours (Wonde 1354-1369, 2787-2812). Wonde has no place for other staff, nor for files."""

from collections.abc import Callable, Mapping
from typing import Any

from writeback.domain.kinds.achievement import Achievement
from writeback.domain.kinds.behaviour import Behaviour
from writeback.domain.kinds.incident import Achiever, Incident, Involved
from writeback.domain.lookups import ListName
from writeback.providers.wonde.payloads.resolving import Resolver, given

_ACHIEVEMENTS, _BEHAVIOURS = ListName.ACHIEVEMENT_ATTRIBUTES, ListName.BEHAVIOUR_ATTRIBUTES


def _achievement(record: Achievement, resolver: Resolver) -> dict[str, Any]:
    def achiever(place: int, pupil: Achiever) -> dict[str, Any]:
        outcome = resolver.code_or_id(_ACHIEVEMENTS, "outcome", pupil.outcome, f"/students/{place}/outcome")
        return _pupil(pupil, award=outcome, award_date=_day(pupil))

    students = [achiever(place, pupil) for place, pupil in enumerate(record.students)]
    return {"students": students, **_incident(record, _ACHIEVEMENTS, resolver)}


def _behaviour(record: Behaviour, resolver: Resolver) -> dict[str, Any]:
    def involved(place: int, pupil: Involved) -> dict[str, Any]:
        role = resolver.code_or_id(_BEHAVIOURS, "role", pupil.role, f"/students/{place}/role")
        outcome = resolver.code_or_id(_BEHAVIOURS, "outcome", pupil.outcome, f"/students/{place}/outcome")
        return _pupil(pupil, role=role, action=outcome, action_date=_day(pupil))

    def attribute(field: str) -> str | None:
        return resolver.code_or_id(_BEHAVIOURS, field, getattr(record, field), f"/{field}")

    students = [involved(place, pupil) for place, pupil in enumerate(record.students)]
    more = {field: attribute(field) for field in ("status", "bullying_type", "location", "time")}
    return {"students": students, **_incident(record, _BEHAVIOURS, resolver), **given(**more)}


def _pupil(pupil: Achiever, **more: Any) -> dict[str, Any]:
    return {"student_id": pupil.student_id, "points": pupil.points, **given(**more)}


def _day(pupil: Achiever) -> str | None:
    return pupil.outcome_date.isoformat() if pupil.outcome_date else None


def _incident(record: Incident, attributes: ListName, resolver: Resolver) -> dict[str, Any]:
    return {
        "employee_id": record.employee_id,
        "date": record.date.isoformat(),
        "type": resolver.code_or_id(attributes, "type", record.type, "/type"),
        **given(
            lesson_id=record.lesson_id,
            comment=record.comment,
            activity_type=resolver.code_or_id(attributes, "activity", record.activity, "/activity"),
        ),
    }


ENTRIES: Mapping[str, Callable[[Any, Resolver], dict[str, Any]]] = {
    "achievement.create": _achievement,
    "behaviour.create": _behaviour,
}
