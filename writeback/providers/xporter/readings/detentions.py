"""Detentions of a range of dates, with who is in them (Xporter 9280). They show ids, as payloads do."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from writeback.domain.kinds import Kind
from writeback.domain.kinds.base import Action
from writeback.domain.lookups import LookupView, Row
from writeback.domain.outcome import Found, SlotReading
from writeback.providers.base import SentRequest
from writeback.providers.times import parse_day
from writeback.providers.xporter.fields import table_of, text_of, value_of
from writeback.providers.xporter.payloads.detentions import is_entry
from writeback.providers.xporter.readings.base import Comparison, Question

_AROUND = timedelta(days=400)
"""Before and after a request: where a detention may be whose date we do not know."""

_IdOf = Callable[[str, str | None], str | None]


@dataclass
class _Held:
    """One detention of the MIS."""

    row: Row = field(repr=False)
    students: dict[str, Row] = field(default_factory=dict, repr=False)
    staff: set[str] = field(default_factory=set)


def questions(sent: SentRequest, lookups: LookupView) -> Iterator[Question]:
    """Yield the questions: one a day for what is new, one a pupil for entries, else one for all there is."""
    asked: dict[tuple[tuple[str, str], ...], None] = {}
    for record in sent.records:
        asked[tuple(_params(sent, record).items())] = None
    for params in asked:
        yield Question(lambda settings: settings.detentions_path, dict(params))


def _params(sent: SentRequest, record: Any) -> dict[str, str]:
    if sent.kind.action is Action.CREATE:
        return {"DateFrom": record.date.isoformat(), "DateTo": record.date.isoformat()}
    first, last = (sent.sent_at - _AROUND).date(), (sent.sent_at + _AROUND).date()
    dates = {"DateFrom": first.isoformat(), "DateTo": last.isoformat()}
    return dates | {"StudentId": record.student_id} if is_entry(sent.kind) else dates


def is_answer(kind: Kind, body: Any) -> bool:
    return table_of(body, "Detentions") is not None


def read(sent: SentRequest, bodies: Sequence[Any], lookups: LookupView, mis: str) -> dict[int, SlotReading]:
    """Return the reading of each record; one whose type is in no list now, or has nothing to compare, is left out."""
    held = _held(bodies)

    def id_of(type_: str, given: str | None) -> str | None:
        lookup = lookups.detention_attributes
        row = lookup.attribute(type_, given) if lookup and given is not None else None
        return str(row["id"]) if row else None

    found: dict[int, SlotReading] = {}
    for position, record in enumerate(sent.records):
        reading = _read_one(sent.kind, record, held, id_of)
        if reading is not None:
            found[position] = reading
    return found


def _read_one(kind: Kind, record: Any, held: Mapping[str, _Held], id_of: _IdOf) -> SlotReading | None:
    if kind.action is Action.CREATE:
        return _read_new(record, held, id_of)
    detention = held.get(record.detention_id)
    if is_entry(kind):
        entry = detention.students.get(record.student_id) if detention else None
        return _read_entry(kind, record, entry, id_of)
    return _read_change(record, detention, id_of)


def _held(bodies: Sequence[Any]) -> dict[str, _Held]:
    """Return what the answers show, by the MIS's id. Answers about single pupils are put together."""
    held: dict[str, _Held] = {}
    for body in bodies:
        for row in table_of(body, "Detentions") or ():
            held.setdefault(text_of(row, "Id"), _Held(row))
        for row in table_of(body, "DetentionStudents") or ():
            if (detention := held.get(text_of(row, "DetentionId"))) is not None:
                detention.students[text_of(row, "StudentId")] = row
        for row in table_of(body, "DetentionOtherStaff", "DetentionStaff") or ():
            if (detention := held.get(text_of(row, "DetentionId"))) is not None:
                detention.staff.add(text_of(row, "StaffId"))
    return held


def _read_new(record: Any, held: Mapping[str, _Held], id_of: _IdOf) -> SlotReading | None:
    """Return whether what was to be created is there.

    Nothing tells when a detention was made: one that is much like it, and none that is it, is for a person to look at.
    """
    if id_of("type", record.type) is None or id_of("location", record.location) is None:
        return None
    pupils = {student.student_id for student in record.students}
    found: list[Found] = []
    near: list[Comparison] = []
    for mis_id, detention in held.items():
        terms = _compared(record, detention, id_of)
        if {"type", "location", "date", "start_time"} & set(terms.others):
            continue
        terms.compare("students", is_same=pupils == set(detention.students))
        if not terms.others:
            found.append(Found(mis_id))
        elif not pupils or pupils & set(detention.students):
            near.append(terms)
    if found:
        return SlotReading(None, True, tuple(found))
    return SlotReading(near[0].in_words("one like it with other") if near else None, False)


def _read_change(record: Any, detention: _Held | None, id_of: _IdOf) -> SlotReading | None:
    if detention is None:
        return SlotReading(None, False)
    compared = _compared(record, detention, id_of)
    for student in record.students:
        compared.compare_presence(student, is_there=student.student_id in detention.students)
    for student_id in record.remove_students:
        compared.compare("students", is_same=student_id not in detention.students)
    for employee_id in record.remove_staff:
        compared.compare("staff_ids", is_same=employee_id not in detention.staff)
    return compared.reading(record.detention_id, "it with other")


def _read_entry(kind: Kind, record: Any, entry: Row | None, id_of: _IdOf) -> SlotReading:
    if kind.action is Action.DELETE:
        return SlotReading(None, True) if entry is None else SlotReading("the pupil's entry", False)
    if entry is None:
        return SlotReading(None, False)
    compared = Comparison()
    _compare_student(compared, record, entry, id_of)
    if compared.others:
        return SlotReading(compared.in_words("an entry with other"), False)
    return SlotReading(None, True, (Found(text_of(entry, "Id")),))


def _compared(record: Any, detention: _Held, id_of: _IdOf) -> Comparison:
    """Compare all that was given and can be read (Xporter 9323-9331). Pupils: only those who are in it."""
    compared, row = Comparison(), detention.row
    compared.compare_given("type", id_of("type", record.type), value_of(row, "DetentionTypeId"))
    compared.compare_given("location", id_of("location", record.location), value_of(row, "LocationId"))
    if record.date is not None:
        compared.compare("date", is_same=parse_day(value_of(row, "DetentionDate")) == record.date)
    for name, column in (("start_time", "StartTime"), ("end_time", "EndTime")):
        given = getattr(record, name)
        if given is not None:
            compared.compare(name, is_same=text_of(row, column)[:5] == given.strftime("%H:%M"))
    compared.compare_given("supervisor_id", record.supervisor_id, value_of(row, "AssignedStaffId"))
    compared.compare_given("recorded_by_id", record.recorded_by_id, value_of(row, "RecordedByStaffId"))
    for employee_id in record.staff_ids:
        compared.compare("staff_ids", is_same=employee_id in detention.staff)
    for student in record.students:
        if (entry := detention.students.get(student.student_id)) is not None:
            _compare_student(compared, student, entry, id_of)
    return compared


def _compare_student(compared: Comparison, student: Any, entry: Row, id_of: _IdOf) -> None:
    """Fields: Xporter 9308-9316."""
    compared.compare_given("attendance", id_of("attendance", student.attendance), value_of(entry, "AttendedId"))
    compared.compare_given("reason", id_of("reason", student.reason), value_of(entry, "ReasonId"))
    compared.compare_given("behaviour_id", student.behaviour_id, value_of(entry, "BehaviourId"))
    compared.compare_given("recorded_by_id", student.recorded_by_id, value_of(entry, "AddedByStaffId"))
    compared.compare_given(
        "non_attendance_reason", student.non_attendance_reason, value_of(entry, "NonAttendanceReason")
    )
    compared.compare_given("comment", student.comment, value_of(entry, "Comments"))
