"""An achievement or incident of the MIS beside one of our records: is it the same, and how does it differ? Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from writeback.domain.lookups import LookupView, Row
from writeback.domain.outcome import Found, SlotReading
from writeback.providers.times import parse_day
from writeback.providers.xporter.fields import table_of, text_of, value_of
from writeback.providers.xporter.payloads.conduct import LISTS
from writeback.providers.xporter.readings.base import Comparison, first_seen, plain

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


def read_new(record: Any, held: Sequence[HeldIncident], labels: Labels, *, is_split: bool) -> SlotReading | None:
    """Return whether what was to be created is there; None where it cannot be told.

    `is_split`: the MIS keeps a record of its own for each pupil (Bromcom, Xporter 14389-14395).
    """
    types = labels.of("type", record.type)
    if types is None:
        return None
    alike = [incident for incident in held if incident.day == record.date and incident.type in types]
    if is_split and len(record.students) > 1:
        return _read_split(record, alike, labels)
    pupils = {student.student_id for student in record.students}
    same: list[HeldIncident] = []
    near: list[Comparison] = []
    for incident in alike:
        if set(incident.students) != pupils:
            continue
        compared = _compared(record, incident, labels, is_new=True)
        if not compared.others:
            same.append(incident)
        elif not incident.was_before:
            near.append(compared)
    found = tuple(Found(incident.mis_id, incident.created_at) for incident in same)
    if any(not incident.was_before for incident in same):
        return SlotReading(None, True, found)
    return SlotReading(near[0].in_words("one like it with other") if near else None, False, found)


def _read_split(record: Any, alike: Sequence[HeldIncident], labels: Labels) -> SlotReading:
    """Return whether each pupil has a record that says it."""
    by_pupil: defaultdict[str, list[HeldIncident]] = defaultdict(list)
    for incident in alike:
        if len(incident.students) == 1 and not _compared(record, incident, labels, is_new=True).others:
            by_pupil[next(iter(incident.students))].append(incident)
    mine = [by_pupil[student.student_id] for student in record.students]
    # One set after the other, for each is what one record of ours makes.
    sets = list(zip(*mine, strict=False))
    found = tuple(
        Found(each[0].mis_id, each[0].created_at, parts=tuple(one.mis_id for one in each[1:])) for each in sets
    )
    if any(not any(one.was_before for one in each) for each in sets):
        return SlotReading(None, True, found)
    recent = sum(any(not one.was_before for one in incidents) for incidents in mine)
    return SlotReading(f"that of {recent} of {len(mine)} pupils" if recent else None, False, found)


def read_change(record: Any, incident: HeldIncident | None, labels: Labels) -> SlotReading | None:
    """Return whether the MIS is as a change asks; None where it asks for nothing that can be read."""
    if incident is None:
        return SlotReading(None, False)
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
        compared.compare("date", is_same=incident.day == record.date)
    if (types := labels.of("type", record.type)) is not None:
        compared.compare("type", is_same=incident.type in types)
    for name, columns in _COLUMNS.items():
        texts = labels.of(name, getattr(record, name, None))
        if texts is not None:
            compared.compare(name, is_same=plain(value_of(incident.row, *columns)) in texts)
    if incident.tells_comment and (is_new or record.comment is not None):
        held = value_of(incident.row, "Description")
        compared.compare("comment", is_same=plain(record.comment) == plain(held))
    for student in record.students:
        row = incident.students.get(student.student_id)
        if row is not None:
            _compare_student(compared, student, row, labels)
        if not is_new:
            compared.compare_presence(student, is_there=row is not None)
    for member in record.staff:
        compared.compare("staff", is_same=member.employee_id in incident.staff)
    return compared


def _compare_student(compared: Comparison, student: Any, row: Row, labels: Labels) -> None:
    compared.compare_given("points", student.points, value_of(row, "Points"))
    outcomes = labels.of("outcome", student.outcome)
    if outcomes is not None:
        held = {plain(value_of(row, name)) for name in ("Outcome", "OutcomeCode")}
        compared.compare("outcome", is_same=bool(held & outcomes))
    roles = labels.of("role", getattr(student, "role", None))
    if roles is not None:
        compared.compare("role", is_same=plain(value_of(row, "Role")) in roles)
