"""Session and lesson marks (Wonde 2166-2177, 2367-2376)."""

from collections.abc import Callable, Mapping
from typing import Any

from writeback.domain.kinds.attendance_lesson import LessonMark
from writeback.domain.kinds.attendance_session import SessionMark
from writeback.providers.wonde.payloads.resolving import Resolver, given


def _session(mark: SessionMark, resolver: Resolver) -> dict[str, Any]:
    return {
        "student_id": mark.student_id,
        "date": mark.date.isoformat(),
        "session": mark.session,
        "attendance_code_id": resolver.attendance_code(mark.code),
        **given(comment=mark.comment, minutes_late=mark.minutes_late, employee_id=mark.employee_id),
    }


def _lesson(mark: LessonMark, resolver: Resolver) -> dict[str, Any]:
    """A lesson mark has neither date nor employee."""
    return {
        "student_id": mark.student_id,
        "lesson_id": mark.lesson_id,
        "attendance_code_id": resolver.attendance_code(mark.code),
        **given(comment=mark.comment, minutes_late=mark.minutes_late),
    }


ENTRIES: Mapping[str, Callable[[Any, Resolver], dict[str, Any]]] = {
    "attendance.session": _session,
    "attendance.lesson": _lesson,
}
