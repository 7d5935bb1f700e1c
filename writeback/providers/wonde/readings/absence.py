"""Looks for absences: those of pupils by pupil, event and start, those of staff by employee and start.

Wonde shows type, reason, illness and pay rate as descriptions (Wonde 5183-5251, 8341-8412): they are compared by the
school's list as far as it goes. It shows no absence code. A MIS may keep only the day of an absence of all day.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from writeback.domain.kinds.employee_absence import EmployeeAbsence, EmployeeAbsenceChange
from writeback.domain.kinds.student_absence import StudentAbsence
from writeback.domain.lookups import ListName, LookupView, Row
from writeback.domain.outcome import SlotReading
from writeback.providers.wonde.fields import id_of
from writeback.providers.wonde.operations import OPERATIONS
from writeback.providers.wonde.payloads.absence import EVENTS
from writeback.providers.wonde.readings.reader import (
    Question,
    Reader,
    Readings,
    Scene,
    around,
    is_same_id,
    is_same_text,
    on_the_wall,
    reading,
    says,
    to_the_minute,
)

_OF_PUPILS, _OF_STAFF = ListName.STUDENT_ABSENCE_ATTRIBUTES, ListName.EMPLOYEE_ABSENCE_ATTRIBUTES
_ASK_ONE_BY_ONE = 5
"""Up to so many people are asked for one by one; for more the days are one list."""


def _of_pupils(records: Sequence[StudentAbsence], lookups: LookupView) -> Iterator[Question]:
    """Yield the lists that would have the absences (Wonde 8416-8437)."""
    return _questions("attendance/absence", "student", [(record.student_id, record.start_at) for record in records])


def _of_staff(records: Sequence[EmployeeAbsence], lookups: LookupView) -> Iterator[Question]:
    """Yield the lists that would have the absences (Wonde 5262-5283)."""
    return _questions("employee-absences", "employee", [(record.employee_id, record.start_at) for record in records])


def _questions(path: str, who: str, absences: Sequence[tuple[str, datetime]]) -> Iterator[Question]:
    """Yield one list a person, or one for all. Its days may be UTC's: two of margin."""
    days: dict[str, list[date]] = {}
    for person, at in absences:
        days.setdefault(person, []).append(at.date())
    if len(days) > _ASK_ONE_BY_ONE:
        yield Question(path, _days([day for theirs in days.values() for day in theirs]))
    else:
        yield from (Question(path, {**_days(theirs), who: person}) for person, theirs in days.items())


def _days(days: Sequence[date]) -> dict[str, str]:
    return around(min(days), max(days), "absence_start_at_after", "absence_start_at_before", days=2)


def _read_pupils(records: Sequence[StudentAbsence], rows: Sequence[Row], scene: Scene) -> Readings:
    readings: Readings = {}
    for position, record in enumerate(records):
        alike = [row for row in rows if _is_event(row, record, scene)]
        differing = [(row, _pupil_differences(row, record, scene.lookups)) for row in alike]
        readings[position] = _reading(differing)
    return readings


def _is_event(row: Row, record: StudentAbsence, scene: Scene) -> bool:
    """Whether pupil, event and start agree."""
    start, wanted = on_the_wall(row.get("start_at"), scene.zone), to_the_minute(record.start_at)
    is_then = start is not None and (start == wanted or (record.event == "all_day" and start.date() == wanted.date()))
    event = str(row.get("event_type") or "").strip().casefold()
    return id_of(row.get("student")) == record.student_id and is_then and event in ("", EVENTS[record.event])


def _pupil_differences(row: Row, record: StudentAbsence, lookups: LookupView) -> list[str]:
    fields = {
        "type": says(row.get("absence_type"), record.type, _OF_PUPILS, "type", lookups),
        "reason": says(row.get("reason"), record.reason, _OF_PUPILS, "reason", lookups),
        "staff": is_same_id(row.get("authorised_by"), record.authorised_by_id),
    }
    return [name for name, is_same in fields.items() if not is_same]


def _read_staff(records: Sequence[EmployeeAbsence], rows: Sequence[Row], scene: Scene) -> Readings:
    readings: Readings = {}
    for position, record in enumerate(records):
        start = to_the_minute(record.start_at)
        alike = [
            row
            for row in rows
            if id_of(row.get("employee")) == record.employee_id
            and on_the_wall(row.get("start_at"), scene.zone) == start
        ]
        readings[position] = _reading([(row, _staff_differences(row, record, scene)) for row in alike])
    return readings


def _by_id(records: Sequence[EmployeeAbsenceChange], lookups: LookupView) -> Iterator[Question]:
    path = OPERATIONS["employee_absence.update"].path_for
    return (Question(path(record), is_one=True) for record in records)


def _read_changed(records: Sequence[EmployeeAbsenceChange], rows: Sequence[Row], scene: Scene) -> Readings:
    """Return whether each absence says all that it is to say, its note included."""
    held = {id_of(row.get("id")): row for row in rows}
    readings: Readings = {}
    for position, record in enumerate(records):
        row = held.get(record.absence_id)
        if row is None:
            readings[position] = SlotReading(None, False)
            continue
        differences = _staff_differences(row, record, scene, if_hidden=False)
        if on_the_wall(row.get("start_at"), scene.zone) != to_the_minute(record.start_at):
            differences.insert(0, "start")
        if not is_same_text(row.get("absence_note"), record.comment):
            differences.append("comment")
        readings[position] = _reading([(row, differences)])
    return readings


def _staff_differences(
    row: Row, record: EmployeeAbsence | EmployeeAbsenceChange, scene: Scene, *, if_hidden: bool = True
) -> list[str]:
    """Return the fields that differ, but for the start and the note; those that Wonde hides unless `if_hidden`."""

    def is_same(field: str, given: str | None, type_: str) -> bool:
        return says(row.get(field), given, _OF_STAFF, type_, scene.lookups, if_hidden=if_hidden)

    fields = {
        "end": _ends(row.get("end_at"), record, scene, if_hidden),
        "working days": _is_amount(row.get("working_days"), record.working_days, if_hidden),
        "hours": _is_amount(row.get("number_of_hours"), record.hours, if_hidden),
        "type": is_same("absence_type", record.type, "type"),
        "illness": is_same("illness_category", record.illness_category, "illness_category"),
        "pay rate": is_same("authorised_pay_rate", record.pay_rate, "pay_rate"),
    }
    return [name for name, is_same_there in fields.items() if not is_same_there]


def _ends(value: object, record: EmployeeAbsence | EmployeeAbsenceChange, scene: Scene, if_hidden: bool) -> bool:
    """Whether the end agrees; which hour a MIS makes of AM and PM is its own affair."""
    at, wanted = on_the_wall(value, scene.zone), record.end_at
    if wanted is None:
        return True
    if at is None:
        return if_hidden
    if isinstance(wanted, str):
        return at.date() == record.start_at.date()
    return at == to_the_minute(wanted)


def _is_amount(value: Any, wanted: Decimal, if_hidden: bool) -> bool:
    """Wonde shows amounts as numbers or texts (Wonde 5208, 5476)."""
    try:
        return if_hidden if value is None else Decimal(str(value)) == wanted
    except InvalidOperation:
        return if_hidden


def _reading(differing: Sequence[tuple[Row, list[str]]]) -> SlotReading:
    same = [row for row, differences in differing if not differences]
    nearly = [(row, f"the same with another {' and '.join(names)}") for row, names in differing if names]
    return reading(same, nearly)


READERS: Mapping[str, Reader] = {
    "student_absence.create": Reader(_of_pupils, _read_pupils, needs_zone=True),
    "employee_absence.create": Reader(_of_staff, _read_staff, needs_zone=True),
    "employee_absence.update": Reader(_by_id, _read_changed, needs_zone=True),
}
