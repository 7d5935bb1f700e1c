"""Reads what the MIS holds, through AttendanceForDate (Xporter 2063), and compares it with what was sent. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from writeback.domain.kinds import Kind, Record
from writeback.domain.lookups import LookupView, Row
from writeback.domain.outcome import SlotReading
from writeback.providers.http import shorten
from writeback.providers.times import LONDON, parse_day, parse_instant
from writeback.providers.xporter.fields import table_of, text_of, value_of
from writeback.providers.xporter.payloads import MARK_TYPES, day_of, mark_of

NO_MARK = "-"
"""How Xporter writes that no mark has been received (Xporter 2074)."""

_AS_OF = re.compile(r"updated|refresh|cache|generated|asof|timestamp", re.IGNORECASE)

Slot = tuple[str, str, str]
"""Student, day, and session or instance."""


def questions(kind: Kind, records: Sequence[Record], lookups: LookupView) -> Iterator[dict[str, str]]:
    """Yield the query parameters of the lists that hold the records' slots, one a day (Xporter 2083-2086)."""
    students: defaultdict[str, set[str]] = defaultdict(set)
    for record in records:
        slot = slot_of(kind, record, lookups)
        if slot is not None:
            students[slot[1]].add(slot[0])
    for day, asked in sorted(students.items()):
        question = {
            "date": day,
            "attendanceType": MARK_TYPES[kind.name],
            "excludeNoMarks": "false",
            "excludeClosed": "false",
        }
        yield question | {"id": next(iter(asked))} if len(asked) == 1 else question


def marks_of(body: Any) -> list[Mapping[str, Any]] | None:
    """Return the table of marks; None where the answer has none."""
    return table_of(body, "AttendMarks", "AttendanceMarks", "Marks")


def read_slots(
    kind: Kind, records: Sequence[Record], rows: Sequence[Row], lookups: LookupView
) -> dict[int, SlotReading]:
    """Return what the MIS holds for each record, by position; one whose day or code is not known is left out."""
    held = {_slot_of_row(kind, row): text_of(row, "Mark") for row in rows if _is_of_type(kind, row)}
    readings: dict[int, SlotReading] = {}
    for position, record in enumerate(records):
        slot, mark = slot_of(kind, record, lookups), mark_of(record, lookups)
        if slot is None or mark is None:
            continue
        value = held.get(slot) or None
        value = None if value == NO_MARK else value
        readings[position] = SlotReading(shorten(value) if value else None, matches=_answers(mark, value))
    return readings


def _answers(mark: str, value: str | None) -> bool:
    """Whether the MIS holds what the mark asks for. N asks for nothing where another mark is (Xporter 14061-14064)."""
    return value == mark or (mark == "N" and value is not None)


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


def as_of(body: Any) -> datetime | None:
    """Return when Xporter last read the MIS for this answer, by its `meta` (Xporter 5375); None where it is silent.

    Its times have no zone: they are taken as London's. Were they UTC, the reading would count as an hour older than it
    is in summer, and be asked for again; the other way round a stale one would count as fresh.
    """
    meta = value_of(body, "meta")
    rows = meta if isinstance(meta, list) else [meta]
    stamps = [
        stamp
        for row in rows
        if isinstance(row, Mapping)
        for key, value in row.items()
        if _AS_OF.search(str(key)) and (stamp := parse_instant(value, LONDON)) is not None
    ]
    return min(stamps, default=None)
