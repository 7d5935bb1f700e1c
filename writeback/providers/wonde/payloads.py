"""Builds what goes to Wonde. Pure; `adapter` sends it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from writeback.domain.finding import Finding
from writeback.domain.kinds import Kind, Record
from writeback.domain.kinds.attendance_lesson import LessonMark
from writeback.domain.kinds.attendance_session import SessionMark
from writeback.domain.lookups import ListName, LookupView
from writeback.providers.base import CannotBuild, ListsMissing, ProviderRequest
from writeback.providers.http import shorten

PATHS: Mapping[str, str] = {
    "attendance.session": "attendance/session",  # Wonde 2127
    "attendance.lesson": "attendance/lesson",  # Wonde 2332
}


def build(kind: Kind, records: Sequence[Record], lookups: LookupView, *, school_id: str) -> ProviderRequest:
    """Return the POST that carries `records`; raise ListsMissing without codes, CannotBuild for an unknown code."""
    code_ids = _code_ids(records, lookups)
    entry = _ENTRIES[kind.name]
    marks = [entry(record, code_id) for record, code_id in zip(records, code_ids, strict=True)]
    return ProviderRequest("POST", f"/schools/{quote(school_id, safe='')}/{PATHS[kind.name]}", {"attendance": marks})


def code_id_of(record: Record, lookups: LookupView) -> str | None:
    """Return Wonde's id for the record's attendance code; None when no list has it."""
    codes = lookups.attendance_codes
    row = codes.resolve(getattr(record, "code", "")) if codes else None
    return str(row["id"]) if row else None


def _code_ids(records: Sequence[Record], lookups: LookupView) -> list[str]:
    if lookups.attendance_codes is None:
        raise ListsMissing(frozenset({ListName.ATTENDANCE_CODES}))
    found = [code_id_of(record, lookups) for record in records]
    missing = {
        position: [_unknown_code(getattr(record, "code", ""))]
        for position, (record, code_id) in enumerate(zip(records, found, strict=True))
        if code_id is None
    }
    if missing:
        raise CannotBuild(missing)
    return [code_id for code_id in found if code_id is not None]


def _unknown_code(code: str) -> Finding:
    message = shorten(f"code {code!r} is not among the school's attendance codes")
    return Finding("code_unknown", message, "Choose a code that the school has.", pointer="/code")


def _session_entry(record: Any, code_id: str) -> dict[str, Any]:
    mark: SessionMark = record  # fields: Wonde 2166-2177
    entry = {
        "student_id": mark.student_id,
        "date": mark.date.isoformat(),
        "session": mark.session,
        "attendance_code_id": code_id,
    }
    return entry | _given(comment=mark.comment, minutes_late=mark.minutes_late, employee_id=mark.employee_id)


def _lesson_entry(record: Any, code_id: str) -> dict[str, Any]:
    mark: LessonMark = record  # fields: Wonde 2367-2376; no date, no employee
    entry = {"student_id": mark.student_id, "lesson_id": mark.lesson_id, "attendance_code_id": code_id}
    return entry | _given(comment=mark.comment, minutes_late=mark.minutes_late)


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


_ENTRIES: Mapping[str, Callable[[Any, str], dict[str, Any]]] = {
    "attendance.session": _session_entry,
    "attendance.lesson": _lesson_entry,
}
