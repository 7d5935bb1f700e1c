"""Reads what the MIS holds, through Wonde's own attendance lists, and compares it with what was sent. Pure."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from writeback.domain.kinds import Kind, Record
from writeback.domain.lookups import LookupView, Row
from writeback.domain.outcome import SlotReading
from writeback.providers.http import shorten
from writeback.providers.times import parse_day
from writeback.providers.wonde.fields import day_of, id_of, instant_of
from writeback.providers.wonde.payloads import code_id_of

_ASK_BY_STUDENT = 3
"""Up to so many pupils of a day are asked for one by one; for more the whole day is one list."""

Slot = tuple[str, str, str]
"""Student, day, and session or period instance."""


def questions(kind: Kind, records: Sequence[Record], lookups: LookupView) -> Iterator[dict[str, str]]:
    """Yield the query parameters of the lists that hold the records' slots (Wonde 2119-2121, 2324-2326)."""
    students: defaultdict[str, set[str]] = defaultdict(set)
    for record in records:
        slot = slot_of(kind, record, lookups)
        if slot is not None:
            students[slot[1]].add(slot[0])
    for day in sorted(students):
        # "after" and "before" do not say whether the day itself counts: ask for its neighbours too, keep only it.
        on = date.fromisoformat(day)
        around = {
            "attendance_date_after": (on - timedelta(days=1)).isoformat(),
            "attendance_date_before": (on + timedelta(days=1)).isoformat(),
        }
        if len(students[day]) > _ASK_BY_STUDENT:
            yield around
        else:
            yield from ({**around, "student": student} for student in sorted(students[day]))


def read_slots(
    kind: Kind, records: Sequence[Record], rows: Sequence[Row], lookups: LookupView
) -> dict[int, SlotReading]:
    """Return what the MIS holds for each record, by position; one whose slot cannot be told is left out."""
    held = {_slot_of_row(kind, row): row for row in sorted(rows, key=_updated_at)}
    readings: dict[int, SlotReading] = {}
    for position, record in enumerate(records):
        slot, expected = slot_of(kind, record, lookups), code_id_of(record, lookups)
        if slot is None or expected is None:
            continue
        code_id = id_of(held.get(slot, {}).get("attendance_code"))
        readings[position] = SlotReading(_code_named(code_id, lookups), matches=code_id == expected)
    return readings


def slot_of(kind: Kind, record: Any, lookups: LookupView) -> Slot | None:
    """Return the record's slot; None where a lesson's day or period instance is not known (Wonde 2410)."""
    if kind.name == "attendance.session":
        return record.student_id, record.date.isoformat(), record.session
    lesson: Mapping[str, Any] = (lookups.lessons.rows.get(record.lesson_id) if lookups.lessons else None) or {}
    day = record.date or parse_day(lesson.get("date"))
    instance = lesson.get("period_instance_id")
    return (record.student_id, day.isoformat(), str(instance)) if day and instance is not None else None


def _slot_of_row(kind: Kind, row: Row) -> Slot:
    day = day_of(row.get("date"))
    last = row.get("session" if kind.name == "attendance.session" else "period_instance_id")
    # A lesson gives its instance as a text, a mark as a number (Wonde 6247, 2293): compare them as texts.
    return id_of(row.get("student")) or "", day.isoformat() if day else "", str(last).upper()


def _updated_at(row: Row) -> datetime:
    return instant_of(row.get("updated_at")) or datetime.min.replace(tzinfo=UTC)


def _code_named(code_id: str | None, lookups: LookupView) -> str | None:
    """Return the code of that id; the id itself where no list has it."""
    row = lookups.attendance_codes.rows.get(code_id) if lookups.attendance_codes and code_id else None
    return shorten(row["code"]) if row else code_id
