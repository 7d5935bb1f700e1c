"""Looks for detentions by their content, and for who is in one by detention and pupil.

A detention is the record's when type, room, start, end and supervisor agree and all its pupils are in it; the office
may have put more there. What the record says of each pupil is not compared: it may change as soon as it is known. Any
other one of the day that has one of the pupils, or none, is nearly the record's.
"""

from collections.abc import Iterator, Mapping, Sequence

from writeback.domain.kinds.detention import Detention
from writeback.domain.kinds.detention_attendance import DetentionMark, DetentionMarkRemoval
from writeback.domain.lookups import ListName, LookupView, Row
from writeback.domain.near_matches import Compared, joined
from writeback.domain.outcome import SlotReadBack
from writeback.providers.wonde.fields import id_of
from writeback.providers.wonde.payloads.resolving import attribute_row
from writeback.providers.wonde.readings.reader import (
    Question,
    Reader,
    Scene,
    SlotReadBacks,
    around,
    by_day,
    compared_choice,
    compared_id,
    found,
    in_order,
    is_same_id,
    is_same_text,
    on_the_wall,
    reading,
    related,
    says,
    was_made,
)

_DETENTIONS = ListName.DETENTION_ATTRIBUTES
Mark = DetentionMark | DetentionMarkRemoval


def _questions(records: Sequence[Detention], lookups: LookupView) -> Iterator[Question]:
    """Yield one list a day (Wonde 3788-3810). Its days may be UTC's: two of margin."""
    for day in by_day(records, lambda record: record.date):
        days = around(day, day, "detentions_start_after", "detentions_start_before", days=2)
        yield Question("detentions", {**days, "include": "attendances"})


def _read(records: Sequence[Detention], rows: Sequence[Row], scene: Scene) -> SlotReadBacks:
    """Return what there is of each detention; one is left out where Wonde does not show who is in one."""
    readings: SlotReadBacks = {}
    for position, record in enumerate(records):
        compared = [(row, _compared(row, record, scene)) for row in rows]
        same_but_whose = [
            row for row, fields in compared if all(one.field == "students" or not one.differs for one in fields)
        ]
        if record.students and any(_pupils(row) is None for row in same_but_whose):
            continue
        readings[position] = reading([(row, fields) for row, fields in compared if _is_like(row, record, fields)])
    return readings


_FEW = 2
"""In so many fields one without pupils may differ, and still be nearly the same."""


def _is_like(row: Row, record: Detention, fields: Sequence[Compared]) -> bool:
    """Whether it is of that day and one of the pupils; or the same on another day, to which it was moved."""
    pupils, differing = _pupils(row), [one.field for one in fields if one.differs]
    if "date" in differing:
        return differing == ["date"] and was_made(row)
    if not record.students:
        return len(differing) <= _FEW
    return not pupils or any(pupil.student_id in pupils for pupil in record.students)


def _compared(row: Row, record: Detention, scene: Scene) -> Sequence[Compared]:
    """Return its fields beside those of the record."""
    wanted, pupils = {pupil.student_id for pupil in record.students}, _pupils(row)

    def clock(field: str, shown: str) -> Compared:
        at, given = on_the_wall(row.get(shown), scene.zone), getattr(record, field)
        is_same = at is None or given is None or at.time() == given.replace(second=0, microsecond=0)
        return Compared(field, f"{given:%H:%M}" if given else None, f"{at:%H:%M}" if at else None, not is_same)

    start = on_the_wall(row.get("start_at"), scene.zone)
    day = start.date() if start else None
    return [
        Compared("date", record.date.isoformat(), day.isoformat() if day else None, day not in (None, record.date)),
        Compared("students", joined(wanted), joined(pupils or ()), not wanted <= (pupils or set())),
        compared_choice("type", row.get("detention_type"), record.type, _DETENTIONS, "type", scene.lookups),
        compared_choice("location", row.get("room"), record.location, _DETENTIONS, "location", scene.lookups),
        clock("start_time", "start_at"),
        clock("end_time", "end_at"),
        compared_id("supervisor_id", row.get("attended_by_employee"), record.supervisor_id),
    ]


def _pupils(row: Row) -> set[str] | None:
    attendances = related(row, "attendances")
    if attendances is None:
        return None
    return {pupil for one in attendances if (pupil := id_of(one.get("student")))}


def _mark_questions(records: Sequence[Mark], lookups: LookupView) -> Iterator[Question]:
    """Yield one list a detention, or a pupil's part of it (Wonde 4086-4098)."""
    pupils: dict[str, set[str]] = {}
    for record in records:
        pupils.setdefault(record.detention_id, set()).add(record.student_id)
    for detention, students in pupils.items():
        only = {"student": next(iter(students))} if len(students) == 1 else {}
        yield Question("attendance/detention", {"detention": detention, **only})


def _read_marks(records: Sequence[DetentionMark], rows: Sequence[Row], scene: Scene) -> SlotReadBacks:
    """Return each pupil's entry, its value as the school's code; where only more than the code differs, it says so."""
    held = _entries(rows)
    readings: SlotReadBacks = {}
    for position, record in enumerate(records):
        row = held.get((record.detention_id, record.student_id))
        readings[position] = SlotReadBack(None, False) if row is None else _mark_read_back(record, row, scene.lookups)
    return readings


def _mark_read_back(record: DetentionMark, row: Row, lookups: LookupView) -> SlotReadBack:
    code = row.get("detention_attendance_code")
    value = _code_named(id_of(code), lookups)
    if not says(code, record.attendance, _DETENTIONS, "attendance", lookups, if_hidden=False):
        return SlotReadBack(value or "an entry without a code", False)
    fields = {
        "comment": record.comment is None or is_same_text(row.get("comment"), record.comment),
        "behaviour": is_same_id(row.get("behaviour"), record.behaviour_id),
        "behaviour type": says(
            row.get("behaviour_type"), record.behaviour_type, ListName.BEHAVIOUR_ATTRIBUTES, "type", lookups
        ),
        "staff": is_same_id(row.get("recorded_by_employee"), record.recorded_by_id),
    }
    differing = [name for name, is_same in fields.items() if not is_same]
    if differing:
        return SlotReadBack(f"{value or 'an entry'} with another {' and '.join(differing)}", False)
    return SlotReadBack(value, True, found([row]))


def _read_removed(records: Sequence[DetentionMarkRemoval], rows: Sequence[Row], scene: Scene) -> SlotReadBacks:
    """Return whether each pupil is out of the detention."""
    held = _entries(rows)
    readings: SlotReadBacks = {}
    for position, record in enumerate(records):
        row = held.get((record.detention_id, record.student_id))
        value = None if row is None else _code_named(id_of(row.get("detention_attendance_code")), scene.lookups)
        readings[position] = SlotReadBack(None if row is None else value or "an entry", row is None)
    return readings


def _entries(rows: Sequence[Row]) -> Mapping[tuple[str | None, str | None], Row]:
    """Return the entries by detention and pupil; of several the one last changed."""
    return {(id_of(row.get("detention")), id_of(row.get("student"))): row for row in in_order(rows)}


def _code_named(code_id: str | None, lookups: LookupView) -> str | None:
    row = attribute_row(lookups, _DETENTIONS, "attendance", code_id)
    return str(row["code"]) if row and row.get("code") else code_id


READERS: Mapping[str, Reader] = {
    "detention.create": Reader(
        _questions, _read, needs_zone=True, changed=Question("detentions", {"include": "attendances"})
    ),
    "detention_attendance.set": Reader(_mark_questions, _read_marks),
    "detention_attendance.delete": Reader(_mark_questions, _read_removed),
}
