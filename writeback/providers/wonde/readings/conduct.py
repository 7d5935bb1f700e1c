"""Looks for achievements and behaviours by their content.

Wonde's list shows an incident's type as a description and its points once, not for each pupil (Wonde 1187-1291,
2627-2745), so an incident counts as the record's when day, type, the member of staff and the pupils agree, and the
points as far as they are shown. Not compared: the comment, which MISes cut and reword, what they follow up (status,
outcome), and where it was. A MIS may keep one incident for each pupil: they are counted together. Any other one of the
day that has one of the pupils is nearly the record's, and one of another day that differs in nothing else.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from writeback.domain.kinds.achievement import Achievement
from writeback.domain.kinds.behaviour import Behaviour
from writeback.domain.lookups import ListName, LookupView, Row
from writeback.domain.near_matches import Compared, in_words, joined
from writeback.domain.outcome import Found, SlotReadBack
from writeback.providers.wonde.fields import day_of, id_of
from writeback.providers.wonde.readings.reader import (
    Question,
    Reader,
    Scene,
    SlotReadBacks,
    around,
    by_day,
    compared_choice,
    found,
    is_same_text,
    nearly,
    related,
    was_made,
)

Incident = Achievement | Behaviour


@dataclass(frozen=True)
class _Shown:
    """How Wonde shows one kind of incident."""

    path: str
    date: str
    """Both the field of the day and the stem of its parameters."""
    attributes: ListName


_ACHIEVEMENTS = _Shown("achievements", "achievement_date", ListName.ACHIEVEMENT_ATTRIBUTES)
_BEHAVIOURS = _Shown("behaviours", "incident_date", ListName.BEHAVIOUR_ATTRIBUTES)


_INCLUDED = "students,employees"


def _questions(records: Sequence[Incident], lookups: LookupView, *, shown: _Shown) -> Iterator[Question]:
    """Yield one list a day: there is no parameter for a pupil (Wonde 1284-1293, 2733-2742)."""
    for day in by_day(records, lambda record: record.date):
        days = around(day, day, f"{shown.date}_after", f"{shown.date}_before")
        yield Question(shown.path, {**days, "include": _INCLUDED})


def _read(records: Sequence[Incident], rows: Sequence[Row], scene: Scene, *, shown: _Shown) -> SlotReadBacks:
    """Return what there is of each incident; one is left out where Wonde does not show whose an incident is."""
    readings: SlotReadBacks = {}
    for position, record in enumerate(records):
        compared = [(row, _compared(row, record, scene, shown)) for row in rows]
        if all(_pupils(row) is not None for row, fields in compared if not _differs(fields, _WHAT)):
            readings[position] = _reading(record, compared)
    return readings


_WHAT = ("date", "type", "employee_id")
"""When it was, what it is and who recorded it."""
_OWN = (*_WHAT, "students", "points")
"""What must agree; the rest is followed up, and only shown."""
_Fields = Sequence[Compared]


def _compared(row: Row, record: Incident, scene: Scene, shown: _Shown) -> _Fields:
    staff = {member for one in related(row, "employees") or () if (member := id_of(one.get("id")))}
    wanted, pupils = {pupil.student_id: pupil.points for pupil in record.students}, _pupils(row)

    def choice(field: str) -> Compared:
        given = getattr(record, field)
        return compared_choice(field, row.get(field), given, shown.attributes, field, scene.lookups)

    day = day_of(row.get(shown.date))
    return [
        Compared("date", record.date.isoformat(), day.isoformat() if day else None, day != record.date),
        choice("type"),
        Compared("employee_id", record.employee_id, joined(staff), bool(staff) and record.employee_id not in staff),
        Compared("students", joined(wanted), joined(pupils or ()), not wanted.keys() <= (pupils or set())),
        Compared("points", _points(wanted.values()), _points(_shown_points(row)), not _points_agree(row, wanted)),
        *(choice(field) for field in ("status", "location") if getattr(record, field, None) is not None),
    ]


def _differs(fields: _Fields, names: Sequence[str]) -> bool:
    return any(one.differs for one in fields if one.field in names)


def _reading(record: Incident, compared: Sequence[tuple[Row, _Fields]]) -> SlotReadBack:
    wanted = {pupil.student_id for pupil in record.students}
    theirs = [(row, fields) for row, fields in compared if _may_be(row, fields, record)]
    same = [row for row, fields in theirs if not _differs(fields, _OWN)]
    of_one = [row for row, fields in theirs if _is_one_pupils(row) and not _differs(fields, (*_WHAT, "points"))]
    sets = _sets([row for row in of_one if row not in same], sorted(wanted))
    whole = (*found(same), *sets)
    ids = {mis_id for one in whole for mis_id in one.ids}
    near = nearly((row, fields) for row, fields in theirs if id_of(row.get("id")) not in ids)
    return SlotReadBack(None if whole else in_words(near), bool(whole), whole, near)


def _may_be(row: Row, fields: _Fields, record: Incident) -> bool:
    """Whether it is of that day and one of the pupils, or as good as it on another day, to which it was moved."""
    of_pupils = not {pupil.student_id for pupil in record.students}.isdisjoint(_pupils(row) or ())
    if not _differs(fields, ("date",)):
        return of_pupils or not _pupils(row)
    is_same = not _differs(fields, ("type", "employee_id", "points")) and is_same_text(
        row.get("comment"), record.comment
    )
    return of_pupils and is_same and was_made(row)


def _is_one_pupils(row: Row) -> bool:
    return len(_pupils(row) or ()) == 1


def _sets(rows: Sequence[Row], wanted: Sequence[str]) -> tuple[Found, ...]:
    """Return the incidents that consist of one for each pupil, the oldest together."""
    ordered = sorted(found(rows), key=lambda one: (one.created_at is not None, one.created_at))
    whose = {id_of(row.get("id")): _pupils(row) or set() for row in rows}
    each = [[one for one in ordered if pupil in whose[one.mis_id]] for pupil in wanted]
    sets = zip(*each, strict=False)
    return tuple(Found(one[0].mis_id, one[0].created_at, tuple(part.mis_id for part in one[1:])) for one in sets)


def _points_agree(row: Row, wanted: Mapping[str, int]) -> bool:
    """Whether the points may be those of the record: of one of its pupils there, or of all of them together."""
    expected = [points for pupil, points in wanted.items() if pupil in (_pupils(row) or ())]
    shown = _shown_points(row)
    return not shown or bool(shown & {*expected, sum(expected)})


def _shown_points(row: Row) -> set[int]:
    numbers = [_number(row.get(field)) for field in ("points", "total_points")]
    return {points for points in numbers if points is not None}


def _points(values: Iterable[int]) -> str | None:
    return ", ".join(map(str, sorted(set(values)))) or None


def _number(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def _pupils(row: Row) -> set[str] | None:
    pupils = related(row, "students")
    return None if pupils is None else {pupil for one in pupils if (pupil := id_of(one.get("id")))}


READERS: Mapping[str, Reader] = {
    f"{name}.create": Reader(
        partial(_questions, shown=shown),
        partial(_read, shown=shown),
        changed=Question(shown.path, {"include": _INCLUDED}),
    )
    for name, shown in (("achievement", _ACHIEVEMENTS), ("behaviour", _BEHAVIOURS))
}
