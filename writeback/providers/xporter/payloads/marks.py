"""Marks of sessions and lessons: one body for both (Xporter 14017)."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from writeback.domain.finding import Finding
from writeback.domain.kinds import Kind
from writeback.domain.kinds.attendance_lesson import LessonMark
from writeback.domain.kinds.attendance_session import SessionMark
from writeback.domain.lookups import ListName, LookupView
from writeback.providers.base import CannotBuild, ListsMissing
from writeback.providers.texts import shorten
from writeback.providers.times import parse_day

MARK_TYPES: Mapping[str, str] = {"attendance.session": "S", "attendance.lesson": "L"}
"""Kind → MarkType (Xporter 14078, 13968); both go to the same endpoint (14017)."""


def build(kind: Kind, records: Sequence[Any], lookups: LookupView) -> dict[str, Any]:
    """Return the section of marks.

    Raise ListsMissing without the codes, or without the timetable that a lesson mark needs for its date; CannotBuild
    for an unknown code, no date, or another date.
    """
    missing = _missing_lists(records, lookups)
    if missing:
        raise ListsMissing(missing)
    marks = [mark_of(record, lookups) for record in records]
    days = [day_of(record, lookups) for record in records]
    first = next((day for day in days if day is not None), None)
    said = {
        position: findings
        for position, (record, mark, day) in enumerate(zip(records, marks, days, strict=True))
        if (findings := _findings(record, mark, day, first))
    }
    if said:
        raise CannotBuild(said)
    entry = _ENTRIES[kind.name]
    return {"Marks": [entry(record, mark, day) for record, mark, day in zip(records, marks, days, strict=True)]}


def as_given(kind: Kind, records: Sequence[Any]) -> dict[str, Any]:
    """Return the section with each code as it was given; a code is its own id (1981). Dates are left open."""
    entry = _ENTRIES[kind.name]
    return {"Marks": [entry(record, record.code, record.date or date.min) for record in records]}


def mark_of(record: Any, lookups: LookupView) -> str | None:
    """Return the Mark of the record's code; None when no list has it."""
    row = lookups.attendance_codes.resolve(record.code) if lookups.attendance_codes else None
    return str(row["code"]) if row else None


def day_of(record: Any, lookups: LookupView) -> date | None:
    """Return the record's own date, else its lesson's in the timetable."""
    if record.date is not None:
        day: date = record.date
        return day
    lesson = lookups.lessons.rows.get(record.lesson_id) if lookups.lessons else None
    return parse_day(lesson.get("date")) if lesson else None


def _missing_lists(records: Sequence[Any], lookups: LookupView) -> frozenset[ListName]:
    needed = {ListName.ATTENDANCE_CODES}
    if any(record.date is None for record in records):
        needed.add(ListName.LESSONS)
    return frozenset(name for name in needed if lookups.get(name) is None)


def _findings(record: Any, mark: str | None, day: date | None, first: date | None) -> Sequence[Finding]:
    if mark is None:
        return [_unknown_code(record.code)]
    if day is None:
        message = shorten(f"date is missing, and the timetable does not say when lesson {record.lesson_id} is")
        return [Finding("date_required", message, "Send the lesson's date.", pointer="/date")]
    if day != first:
        message = f"the mark is of {day}, the others of this request are of {first}"
        return [Finding("several_dates", message, "Send it in a request of its own.", pointer="/date")]
    return []


def _unknown_code(code: str) -> Finding:
    message = shorten(f"code {code!r} is not among the school's attendance codes")
    return Finding("code_unknown", message, "Choose a code that the school has.", pointer="/code")


def _session_entry(record: Any, mark: str, day: date) -> dict[str, Any]:
    given: SessionMark = record  # fields: Xporter 14076-14084
    entry = {
        "StudentId": given.student_id,
        "MarkType": "S",
        "Date": day.isoformat(),
        "Session": given.session,
        "Mark": mark,
    }
    optional = {"Mins": given.minutes_late, "Notes": given.comment, "StatutoryComment": given.statutory_comment}
    return entry | {name: value for name, value in optional.items() if value is not None}


def _lesson_entry(record: Any, mark: str, day: date) -> dict[str, Any]:
    given: LessonMark = record  # fields: Xporter 13964-13971; no Mins, Notes or StatutoryComment
    return {
        "StudentId": given.student_id,
        "MarkType": "L",
        "Date": day.isoformat(),
        "InstanceId": given.lesson_id,
        "Mark": mark,
    }


_ENTRIES: Mapping[str, Callable[[Any, Any, Any], dict[str, Any]]] = {
    "attendance.session": _session_entry,
    "attendance.lesson": _lesson_entry,
}
