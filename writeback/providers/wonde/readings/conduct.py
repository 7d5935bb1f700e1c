"""Looks for achievements and behaviours by their content.

Wonde's list shows an incident's type as a description and its points once, not for each pupil (Wonde 1187-1291,
2627-2745), so an incident counts as the record's when day, type, the member of staff and the pupils agree, and the
points as far as they are shown. Not compared: the comment, which MISes cut and reword, what they follow up (status,
outcome), and where it was. A MIS may keep one incident for each pupil: they are counted together.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from writeback.domain.kinds.achievement import Achievement
from writeback.domain.kinds.behaviour import Behaviour
from writeback.domain.lookups import ListName, LookupView, Row
from writeback.domain.outcome import SlotReading
from writeback.providers.wonde.fields import day_of, id_of
from writeback.providers.wonde.readings.reader import (
    Question,
    Reader,
    Readings,
    Scene,
    around,
    by_day,
    found,
    related,
    says,
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


def _questions(records: Sequence[Incident], lookups: LookupView, *, shown: _Shown) -> Iterator[Question]:
    """Yield one list a day: there is no parameter for a pupil (Wonde 1284-1293, 2733-2742)."""
    for day in by_day(records, lambda record: record.date):
        days = around(day, day, f"{shown.date}_after", f"{shown.date}_before")
        yield Question(shown.path, {**days, "include": "students,employees"})


def _read(records: Sequence[Incident], rows: Sequence[Row], scene: Scene, *, shown: _Shown) -> Readings:
    """Return what there is of each incident; one is left out where Wonde does not show whose an incident is."""
    readings: Readings = {}
    for position, record in enumerate(records):
        alike = [row for row in rows if _is_alike(row, record, scene, shown)]
        if all(_pupils(row) is not None for row in alike):
            readings[position] = _reading(record, alike)
    return readings


def _is_alike(row: Row, record: Incident, scene: Scene, shown: _Shown) -> bool:
    """Whether day, type and member of staff agree."""
    staff = [id_of(one.get("id")) for one in related(row, "employees") or ()]
    return (
        day_of(row.get(shown.date)) == record.date
        and says(row.get("type"), record.type, shown.attributes, "type", scene.lookups)
        and (not staff or record.employee_id in staff)
    )


def _reading(record: Incident, alike: Sequence[Row]) -> SlotReading:
    wanted = {pupil.student_id: pupil.points for pupil in record.students}
    theirs = [row for row in alike if wanted.keys() & (_pupils(row) or set())]
    same = [row for row in theirs if _points_agree(row, wanted)]
    covered = wanted.keys() & {pupil for row in same for pupil in _pupils(row) or ()}
    if len(covered) == len(wanted):
        return SlotReading(None, True, found(same))
    if covered:
        return SlotReading(f"the same for {len(covered)} of its {len(wanted)} pupils", False)
    return SlotReading("the same with other points" if theirs else None, False)


def _points_agree(row: Row, wanted: Mapping[str, int]) -> bool:
    """Whether the points may be those of the record: of one of its pupils there, or of all of them together."""
    expected = [points for pupil, points in wanted.items() if pupil in (_pupils(row) or ())]
    told = [_number(row.get(field)) for field in ("points", "total_points")]
    shown = {points for points in told if points is not None}
    return not shown or bool(shown & {*expected, sum(expected)})


def _number(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def _pupils(row: Row) -> set[str] | None:
    pupils = related(row, "students")
    return None if pupils is None else {pupil for one in pupils if (pupil := id_of(one.get("id")))}


READERS: Mapping[str, Reader] = {
    "achievement.create": Reader(partial(_questions, shown=_ACHIEVEMENTS), partial(_read, shown=_ACHIEVEMENTS)),
    "behaviour.create": Reader(partial(_questions, shown=_BEHAVIOURS), partial(_read, shown=_BEHAVIOURS)),
}
