"""Looks for absences: those of pupils by pupil, event and start, those of staff by employee and start.

Wonde shows type, reason, illness and pay rate as descriptions (Wonde 5183-5251, 8341-8412): they are compared by the
school's list as far as it goes. It shows no absence code. A MIS may keep only the day of an absence of all day. Any
other one of the person's in the same days, or beside them, is nearly the record's, and one of another day at the same
time that differs in nothing else.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from writeback.domain.kinds.employee_absence import EmployeeAbsence, EmployeeAbsenceChange
from writeback.domain.kinds.student_absence import StudentAbsence
from writeback.domain.lookups import ListName, LookupView, Row
from writeback.domain.near_matches import Compared
from writeback.domain.outcome import SlotReadBack
from writeback.providers.wonde.fields import id_of
from writeback.providers.wonde.operations import OPERATIONS
from writeback.providers.wonde.payloads.absence import EVENTS
from writeback.providers.wonde.readings.reader import (
    Question,
    Reader,
    Scene,
    SlotReadBacks,
    around,
    compared_choice,
    compared_id,
    compared_text,
    found,
    on_the_wall,
    reading,
    to_the_minute,
    was_made,
)

_OF_PUPILS, _OF_STAFF = ListName.STUDENT_ABSENCE_ATTRIBUTES, ListName.EMPLOYEE_ABSENCE_ATTRIBUTES
_NEXT = timedelta(days=1)
_EVENT_OF = {words: event for event, words in EVENTS.items()}
_ASK_ONE_BY_ONE = 5
"""Up to so many people are asked for one by one; for more the days are one list."""


def _of_pupils(records: Sequence[StudentAbsence], lookups: LookupView) -> Iterator[Question]:
    """Yield the lists that would have the absences (Wonde 8416-8437)."""
    return _questions("attendance/absence", "student", [(record.student_id, _days_of(record)) for record in records])


def _of_staff(records: Sequence[EmployeeAbsence], lookups: LookupView) -> Iterator[Question]:
    """Yield the lists that would have the absences (Wonde 5262-5283)."""
    return _questions("employee-absences", "employee", [(record.employee_id, _days_of(record)) for record in records])


def _days_of(record: StudentAbsence | EmployeeAbsence) -> tuple[date, date]:
    """Return its first day and its last."""
    first, end = record.start_at.date(), getattr(record, "end_at", None)
    return first, max(first, end.date()) if isinstance(end, datetime) else first


def _questions(path: str, who: str, absences: Sequence[tuple[str, tuple[date, date]]]) -> Iterator[Question]:
    """Yield one list a person, or one for all. Its days may be UTC's: two of margin."""
    days: dict[str, list[date]] = {}
    for person, first_and_last in absences:
        days.setdefault(person, []).extend(first_and_last)
    if len(days) > _ASK_ONE_BY_ONE:
        yield Question(path, _days([day for theirs in days.values() for day in theirs]))
    else:
        yield from (Question(path, {**_days(theirs), who: person}) for person, theirs in days.items())


def _days(days: Sequence[date]) -> dict[str, str]:
    return around(min(days), max(days), "absence_start_at_after", "absence_start_at_before", days=2)


def _read_pupils(records: Sequence[StudentAbsence], rows: Sequence[Row], scene: Scene) -> SlotReadBacks:
    readings: SlotReadBacks = {}
    for position, record in enumerate(records):
        theirs = [row for row in rows if id_of(row.get("student")) == record.student_id]
        readings[position] = _reading(record, [(row, _pupil_fields(row, record, scene)) for row in theirs], scene)
    return readings


def _reading(
    record: StudentAbsence | EmployeeAbsence, theirs: Sequence[tuple[Row, Sequence[Compared]]], scene: Scene
) -> SlotReadBack:
    return reading(
        [
            (row, fields)
            for row, fields in theirs
            if _is_beside(row, record, scene) or _was_moved(row, fields, record, scene)
        ]
    )


def _was_moved(row: Row, fields: Sequence[Compared], record: StudentAbsence | EmployeeAbsence, scene: Scene) -> bool:
    """Whether nothing differs but its days."""
    start, wanted = on_the_wall(row.get("start_at"), scene.zone), to_the_minute(record.start_at)
    is_same = not any(one.differs for one in fields if one.field not in _DAYS)
    is_then = start is not None and (start.time() == wanted.time() or getattr(record, "event", None) == "all_day")
    return is_same and is_then and was_made(row)


_DAYS = ("start_at", "end_at")


def _is_beside(row: Row, record: StudentAbsence | EmployeeAbsence, scene: Scene) -> bool:
    """Whether their days overlap, or are next to each other; true too of one whose start Wonde does not show."""
    start, end = on_the_wall(row.get("start_at"), scene.zone), on_the_wall(row.get("end_at"), scene.zone)
    first, last = _days_of(record)
    return start is None or (start.date() <= last + _NEXT and max(start, end or start).date() >= first - _NEXT)


def _pupil_fields(row: Row, record: StudentAbsence, scene: Scene) -> list[Compared]:
    start, wanted = on_the_wall(row.get("start_at"), scene.zone), to_the_minute(record.start_at)
    is_then = start is not None and (start == wanted or (record.event == "all_day" and start.date() == wanted.date()))
    event = str(row.get("event_type") or "").strip().casefold()

    def choice(field: str, shown: str) -> Compared:
        return compared_choice(field, row.get(shown), getattr(record, field), _OF_PUPILS, field, scene.lookups)

    return [
        Compared("start_at", _when(wanted), _when(start), not is_then),
        Compared("event", record.event, _EVENT_OF.get(event), event not in ("", EVENTS[record.event])),
        choice("type", "absence_type"),
        choice("reason", "reason"),
        compared_id("authorised_by_id", row.get("authorised_by"), record.authorised_by_id),
    ]


def _when(at: datetime | None) -> str | None:
    return f"{at:%Y-%m-%d %H:%M}" if at else None


def _read_staff(records: Sequence[EmployeeAbsence], rows: Sequence[Row], scene: Scene) -> SlotReadBacks:
    readings: SlotReadBacks = {}
    for position, record in enumerate(records):
        theirs = [row for row in rows if id_of(row.get("employee")) == record.employee_id]
        readings[position] = _reading(record, [(row, _staff_fields(row, record, scene)) for row in theirs], scene)
    return readings


def _by_id(records: Sequence[EmployeeAbsenceChange], lookups: LookupView) -> Iterator[Question]:
    path = OPERATIONS["employee_absence.update"].path_for
    return (Question(path(record), is_one=True) for record in records)


def _read_changed(records: Sequence[EmployeeAbsenceChange], rows: Sequence[Row], scene: Scene) -> SlotReadBacks:
    """Return whether each absence says all that it is to say, its note included."""
    held = {id_of(row.get("id")): row for row in rows}
    readings: SlotReadBacks = {}
    for position, record in enumerate(records):
        row = held.get(record.absence_id)
        if row is None:
            readings[position] = SlotReadBack(None, False)
            continue
        fields = [*_staff_fields(row, record, scene, if_hidden=False)]
        fields.append(compared_text("comment", row.get("absence_note"), record.comment))
        others = [one.field.removesuffix("_at").replace("_", " ") for one in fields if one.differs]
        value = f"the same with another {' and '.join(others)}" if others else None
        readings[position] = SlotReadBack(value, not others, () if others else found([row]))
    return readings


def _staff_fields(
    row: Row, record: EmployeeAbsence | EmployeeAbsenceChange, scene: Scene, *, if_hidden: bool = True
) -> list[Compared]:
    """Return the fields beside those of the record, but for the note; those that Wonde hides agree if `if_hidden`."""
    start, end = (on_the_wall(row.get(field), scene.zone) for field in ("start_at", "end_at"))
    wanted_end = _when(record.end_at) if isinstance(record.end_at, datetime) else record.end_at

    def amount(field: str, shown: str) -> Compared:
        wanted, held = getattr(record, field), _amount(row.get(shown))
        is_same = held == wanted if held is not None else if_hidden
        return Compared(field, str(wanted), None if held is None else str(held), not is_same)

    def choice(field: str, shown: str) -> Compared:
        given = getattr(record, field)
        return compared_choice(field, row.get(shown), given, _OF_STAFF, field, scene.lookups, if_hidden=if_hidden)

    return [
        Compared("start_at", _when(record.start_at), _when(start), start != to_the_minute(record.start_at)),
        Compared("end_at", wanted_end, _when(end), not _ends(row.get("end_at"), record, scene, if_hidden)),
        amount("working_days", "working_days"),
        amount("hours", "number_of_hours"),
        choice("type", "absence_type"),
        choice("illness_category", "illness_category"),
        choice("pay_rate", "authorised_pay_rate"),
    ]


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


def _amount(value: Any) -> Decimal | None:
    """Return an amount, which Wonde shows as number or text (Wonde 5208, 5476); None for what is none."""
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None


READERS: Mapping[str, Reader] = {
    "student_absence.create": Reader(_of_pupils, _read_pupils, needs_zone=True, changed=Question("attendance/absence")),
    "employee_absence.create": Reader(_of_staff, _read_staff, needs_zone=True, changed=Question("employee-absences")),
    "employee_absence.update": Reader(_by_id, _read_changed, needs_zone=True),
}
