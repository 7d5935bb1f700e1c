"""Reads marks back by their slots: pupil, day, and session or period instance."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any

from writeback.domain.kinds.attendance_lesson import LessonMark
from writeback.domain.kinds.attendance_session import SessionMark
from writeback.domain.kinds.base import NO_MARK
from writeback.domain.lookups import LookupView, Row
from writeback.domain.outcome import SlotReadBack
from writeback.providers.texts import shorten
from writeback.providers.times import parse_day
from writeback.providers.wonde.fields import day_of, id_of
from writeback.providers.wonde.readings.reader import Question, Reader, Scene, SlotReadBacks, around, in_order

_ASK_BY_STUDENT = 3
"""Up to so many pupils of a day are asked for one by one; for more the whole day is one list."""

Slot = tuple[str, str, str]
"""Student, day, and session or period instance."""
Mark = SessionMark | LessonMark


def _questions(records: Sequence[Mark], lookups: LookupView, *, path: str) -> Iterator[Question]:
    """Yield the lists that hold the records' slots (Wonde 2119-2121, 2324-2326)."""
    students: defaultdict[str, set[str]] = defaultdict(set)
    for record in records:
        slot = slot_of(record, lookups)
        if slot is not None:
            students[slot[1]].add(slot[0])
    for day in sorted(students):
        on = date.fromisoformat(day)
        days = around(on, on, "attendance_date_after", "attendance_date_before")
        if len(students[day]) > _ASK_BY_STUDENT:
            yield Question(path, days)
        else:
            yield from (Question(path, {**days, "student": student}) for student in sorted(students[day]))


def _read(records: Sequence[Mark], rows: Sequence[Row], scene: Scene, *, place: str) -> SlotReadBacks:
    """Return what the MIS holds for each record; one whose slot cannot be read is left out."""
    held = {_slot_of_row(row, place): row for row in in_order(rows)}
    readings: SlotReadBacks = {}
    for position, record in enumerate(records):
        slot, expected = slot_of(record, scene.lookups), _code_id_of(record, scene.lookups)
        if slot is None or expected is None:
            continue
        code_id = id_of(held.get(slot, {}).get("attendance_code"))
        readings[position] = SlotReadBack(_code_named(code_id, scene.lookups), matches=code_id == expected)
    return readings


def slot_of(record: Mark, lookups: LookupView) -> Slot | None:
    """Return the record's slot; None where a lesson's day or period instance is not known (Wonde 2410)."""
    if isinstance(record, SessionMark):
        return record.student_id, record.date.isoformat(), record.session
    lesson: Mapping[str, Any] = (lookups.lessons.rows.get(record.lesson_id) if lookups.lessons else None) or {}
    day = record.date or parse_day(lesson.get("date"))
    instance = lesson.get("period_instance_id")
    return (record.student_id, day.isoformat(), str(instance)) if day and instance is not None else None


def _slot_of_row(row: Row, place: str) -> Slot:
    day = day_of(row.get("date"))
    # A lesson gives its instance as a text, a mark as a number (Wonde 6247, 2293): compare them as texts.
    return id_of(row.get("student")) or "", day.isoformat() if day else "", str(row.get(place)).upper()


def _code_id_of(record: Mark, lookups: LookupView) -> str | None:
    """Return Wonde's id for the record's attendance code; None when no list has it."""
    codes = lookups.attendance_codes
    row = codes.resolve(record.code) if codes else None
    return str(row["id"]) if row else None


def _code_named(code_id: str | None, lookups: LookupView) -> str | None:
    """Return the code of that id, None for the one that says there is no mark; the id itself where no list has it."""
    row = lookups.attendance_codes.rows.get(code_id) if lookups.attendance_codes and code_id else None
    if row is None:
        return code_id
    return None if row["code"] == NO_MARK else shorten(row["code"])


READERS: Mapping[str, Reader] = {
    "attendance.session": Reader(partial(_questions, path="attendance/session"), partial(_read, place="session")),
    "attendance.lesson": Reader(
        partial(_questions, path="attendance/lesson"), partial(_read, place="period_instance_id")
    ),
}
