"""Marks, through AttendanceForDate (Xporter 2063)."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from writeback.domain.kinds import Kind, Record
from writeback.domain.kinds.base import NO_MARK
from writeback.domain.lookups import LookupView, Row
from writeback.domain.outcome import SlotReadBack
from writeback.providers.base import SentRequest
from writeback.providers.texts import shorten
from writeback.providers.times import parse_day
from writeback.providers.xporter.fields import table_of, text_of, value_of
from writeback.providers.xporter.payloads.marks import MARK_TYPES, day_of, mark_of
from writeback.providers.xporter.readings.base import Question

Slot = tuple[str, str, str]
"""Student, day, and session or instance."""


def questions(sent: SentRequest, lookups: LookupView) -> Iterator[Question]:
    """Yield the questions for the lists that hold the records' slots, one a day (Xporter 2083-2086)."""
    students: defaultdict[str, set[str]] = defaultdict(set)
    for record in sent.records:
        slot = slot_of(sent.kind, record, lookups)
        if slot is not None:
            students[slot[1]].add(slot[0])
    for day, asked in sorted(students.items()):
        params = {
            "date": day,
            "attendanceType": MARK_TYPES[sent.kind.name],
            "excludeNoMarks": "false",
            "excludeClosed": "false",
        }
        one = {"id": next(iter(asked))} if len(asked) == 1 else {}
        yield Question(lambda settings: settings.attendance_for_date_path, params | one)


def is_answer(kind: Kind, body: Any) -> bool:
    return _marks_of(body) is not None


def _marks_of(body: Any) -> list[Mapping[str, Any]] | None:
    """Return the table of marks; None where the answer has none."""
    return table_of(body, "AttendMarks", "AttendanceMarks", "Marks")


def read(sent: SentRequest, bodies: Sequence[Any], lookups: LookupView, mis: str) -> dict[int, SlotReadBack]:
    """Return what the MIS holds for each record, by position; one whose day or code is not known is left out."""
    rows = [row for body in bodies for row in _marks_of(body) or ()]
    return read_slots(sent.kind, sent.records, rows, lookups)


def read_slots(
    kind: Kind, records: Sequence[Record], rows: Sequence[Row], lookups: LookupView
) -> dict[int, SlotReadBack]:
    """Return the readings from rows of marks."""
    held = {_slot_of_row(kind, row): text_of(row, "Mark") for row in rows if _is_of_type(kind, row)}
    readings: dict[int, SlotReadBack] = {}
    for position, record in enumerate(records):
        slot, mark = slot_of(kind, record, lookups), mark_of(record, lookups)
        if slot is None or mark is None:
            continue
        value = held.get(slot) or None
        value = None if value == NO_MARK else value
        is_kept = mark == "N" and value not in (None, "N")  # the N rule (Xporter 14061-14064)
        readings[position] = SlotReadBack(
            shorten(value) if value else None, matches=value == mark or is_kept, is_kept=is_kept
        )
    return readings


def slot_of(kind: Kind, record: Any, lookups: LookupView) -> Slot | None:
    day = day_of(record, lookups)
    if day is None:
        return None
    return record.student_id, day.isoformat(), record.session if kind.name == "attendance.session" else record.lesson_id


def _is_of_type(kind: Kind, row: Row) -> bool:
    """Session and lesson marks share a table where the filter is not heeded."""
    return text_of(row, "Type").upper() in ("", MARK_TYPES[kind.name])


def _slot_of_row(kind: Kind, row: Row) -> Slot:
    day = parse_day(value_of(row, "Date"))
    last = text_of(row, "Session").upper() if kind.name == "attendance.session" else text_of(row, "InstanceId")
    return text_of(row, "StudentId"), day.isoformat() if day else "", last
