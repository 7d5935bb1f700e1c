"""An achievement or incident of the MIS beside one of our records: is it the same, and how does it differ? Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from writeback.domain.lookups import LookupView, Row
from writeback.domain.near_matches import Near, in_words, joined, plain
from writeback.domain.outcome import Found, SlotReadBack
from writeback.providers.times import parse_day
from writeback.providers.xporter.fields import table_of, text_of, value_of
from writeback.providers.xporter.payloads.conduct import LISTS
from writeback.providers.xporter.readings.base import Comparison, first_seen, has_stamp

_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "activity": ("Activity",),
    "status": ("Status",),
    "location": ("Location",),
    "time": ("Time",),
}
"""Our field → its column (Xporter 493-501, 3040-3052). The type of bullying has none."""


@dataclass
class HeldIncident:
    """One record of the MIS."""

    mis_id: str
    day: date | None
    type: str
    row: Row = field(repr=False)
    created_at: datetime | None
    was_before: bool
    """Whether it was there before the request."""
    has_stamp: bool
    """Whether the MIS says when it last changed."""
    tells_comment: bool
    """Comments need a scope of their own (501): without it their column is missing, or empty in every row."""
    students: dict[str, Row] = field(default_factory=dict, repr=False)
    staff: dict[str, Row] = field(default_factory=dict, repr=False)


def held_incidents(subject: str, body: Any, rows: Sequence[Row], sent_at: datetime) -> dict[str, HeldIncident]:
    """Return what an answer shows, by the MIS's id, with its pupils and staff."""
    name = subject.title()
    tells_comments = any(text_of(row, "Description") for row in rows)
    held: dict[str, HeldIncident] = {}
    for row in rows:
        created_at, was_before = first_seen(text_of(row, "LastUpdated"), sent_at)
        mis_id = text_of(row, "Id")
        held[mis_id] = HeldIncident(
            mis_id,
            parse_day(value_of(row, "Date")),
            plain(value_of(row, f"{name}Type", "Type")),
            row,
            created_at,
            was_before,
            has_stamp(text_of(row, "LastUpdated")),
            tells_comments,
        )
    for part, key in (("Student", "StudentId"), ("Staff", "StaffId")):
        for row in table_of(body, f"{part}{name}s", f"{part}Conducts") or ():
            incident = held.get(text_of(row, f"{name}Id", "ConductId"))
            if incident is not None:
                (incident.students if part == "Student" else incident.staff)[text_of(row, key)] = row
    return held


class Labels:
    """How the MIS writes what a record gives by code or id."""

    def __init__(self, subject: str, lookups: LookupView) -> None:
        self._lookup = lookups.get(LISTS[subject])

    def of(self, type_: str, given: str | None) -> frozenset[str] | None:
        """Return the texts that mean what was given; None where none was, or the list does not have it."""
        row = self._lookup.attribute(type_, given) if self._lookup and given is not None else None
        if row is None:
            return None
        return frozenset(plain(text) for text in (row.get("description"), row.get("code")) if text)

    def code_of(self, type_: str, shown: Any) -> str | None:
        """Return the code of what is shown; what no list has may be anything, and is not repeated."""
        return self._lookup.code_of(type_, str(shown).strip()) if self._lookup and shown is not None else None


def read_new(record: Any, held: Sequence[HeldIncident], labels: Labels, *, is_split: bool) -> SlotReadBack | None:
    """Return whether what was to be created is there; None where it cannot be known.

    `is_split`: the MIS keeps a record of its own for each pupil (Bromcom, Xporter 14389-14395).
    """
    types = labels.of("type", record.type)
    if types is None:
        return None
    pupils = {student.student_id for student in record.students}
    compared = [(one, _compared_new(record, one, labels)) for one in held]
    compared = [(one, terms) for one, terms in compared if _may_be(one, terms, pupils)]
    whole = _split(record, compared) if is_split and len(pupils) > 1 else _same(compared)
    ids = {one.mis_id for each in whole for one in each}
    near = _near((one, terms) for one, terms in compared if one.mis_id not in ids)
    found = tuple(
        Found(each[0].mis_id, each[0].created_at, parts=tuple(one.mis_id for one in each[1:])) for each in whole
    )
    matches = any(not any(one.was_before for one in each) for each in whole)
    return SlotReadBack(None if matches else in_words(near), matches, found, near)


def _may_be(incident: HeldIncident, terms: Comparison, pupils: set[str]) -> bool:
    """Whether it is of that day and one of the pupils; or the same on another day, to which it was moved."""
    of_pupils = not pupils.isdisjoint(incident.students)
    if "date" not in terms.others:
        return of_pupils or not incident.students
    return of_pupils and incident.has_stamp and set(terms.others) <= {"date", "students"}


_Compared = Sequence[tuple[HeldIncident, Comparison]]


def _compared_new(record: Any, incident: HeldIncident, labels: Labels) -> Comparison:
    pupils = {student.student_id for student in record.students}
    compared = _compared(record, incident, labels, is_new=True)
    held = incident.students.keys()
    compared.compare("students", is_same=pupils == held, ours=joined(pupils), in_mis=joined(held))
    return compared


def _same(compared: _Compared) -> list[tuple[HeldIncident, ...]]:
    """Return each incident that is the record's in all that can be read."""
    return [(incident,) for incident, terms in compared if not terms.others]


def _split(record: Any, compared: _Compared) -> list[tuple[HeldIncident, ...]]:
    """Return the sets of one incident for each pupil that say it: each set is what one record of ours makes."""
    by_pupil: defaultdict[str, list[HeldIncident]] = defaultdict(list)
    for incident, terms in compared:
        if len(incident.students) == 1 and terms.others == ["students"]:
            by_pupil[next(iter(incident.students))].append(incident)
    return list(zip(*(by_pupil[student.student_id] for student in record.students), strict=False))


def _near(compared: Iterable[tuple[HeldIncident, Comparison]]) -> tuple[Near, ...]:
    """Return what was not there before the request."""
    return tuple(terms.near(one.mis_id) for one, terms in compared if not one.was_before)


def read_change(record: Any, incident: HeldIncident | None, labels: Labels) -> SlotReadBack | None:
    """Return whether the MIS is as a change asks; None where it asks for nothing that can be read."""
    if incident is None:
        return SlotReadBack(None, False)
    compared = _compared(record, incident, labels, is_new=False)
    for student_id in record.remove_students:
        compared.compare("students", is_same=student_id not in incident.students)
    for employee_id in record.remove_staff:
        compared.compare("staff", is_same=employee_id not in incident.staff)
    return compared.reading(incident.mis_id, "it with other")


def _compared(record: Any, incident: HeldIncident, labels: Labels, *, is_new: bool) -> Comparison:
    """Compare all that was given and can be read. What was not given may be anything but, in a new one, the comment."""
    compared = Comparison()
    if record.date is not None:
        compared.compare("date", is_same=incident.day == record.date, ours=record.date, in_mis=incident.day)
    if (types := labels.of("type", record.type)) is not None:
        in_mis = labels.code_of("type", incident.type)
        compared.compare("type", is_same=incident.type in types, ours=record.type, in_mis=in_mis)
    for name, columns in _COLUMNS.items():
        given, held = getattr(record, name, None), value_of(incident.row, *columns)
        if (texts := labels.of(name, given)) is not None:
            compared.compare(name, is_same=plain(held) in texts, ours=given, in_mis=labels.code_of(name, held))
    if incident.tells_comment and (is_new or record.comment is not None):
        compared.compare_text("comment", record.comment, value_of(incident.row, "Description"))
    for student in record.students:
        row = incident.students.get(student.student_id)
        if row is not None:
            _compare_student(compared, student, row, labels)
        if not is_new:
            compared.compare_presence(student, is_there=row is not None)
    for member in record.staff:
        in_mis = joined(incident.staff)
        compared.compare("staff", is_same=member.employee_id in incident.staff, ours=member.employee_id, in_mis=in_mis)
    return compared


def _compare_student(compared: Comparison, student: Any, row: Row, labels: Labels) -> None:
    compared.compare_given("points", student.points, value_of(row, "Points"))
    outcomes = labels.of("outcome", student.outcome)
    if outcomes is not None:
        held = [value_of(row, name) for name in ("OutcomeCode", "Outcome")]
        is_same = not outcomes.isdisjoint(map(plain, held))
        in_mis = labels.code_of("outcome", held[0] or held[1])
        compared.compare("outcome", is_same=is_same, ours=student.outcome, in_mis=in_mis)
    roles = labels.of("role", getattr(student, "role", None))
    if roles is not None:
        role = value_of(row, "Role")
        compared.compare("role", is_same=plain(role) in roles, ours=student.role, in_mis=labels.code_of("role", role))
