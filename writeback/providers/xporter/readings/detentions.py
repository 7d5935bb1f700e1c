"""Detentions of a range of dates, with who is in them (Xporter 9280). They show ids, as payloads do."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from writeback.core.settings import XporterSettings
from writeback.domain.kinds import Kind
from writeback.domain.kinds.base import Action
from writeback.domain.lookups import LookupView, Row
from writeback.domain.near_matches import Near, in_words, joined
from writeback.domain.outcome import Found, SlotReadBack
from writeback.providers.base import SentRequest
from writeback.providers.times import LONDON, parse_day
from writeback.providers.xporter.fields import table_of, text_of, value_of
from writeback.providers.xporter.payloads.detentions import is_entry
from writeback.providers.xporter.readings.base import Comparison, Question, days_around

_AROUND = timedelta(days=400)
"""Before and after a request: where a detention may be whose date we do not know."""

_FEW = 3
"""In so many fields one without pupils may differ, the pupils among them, and still be nearly the same."""
_IdOf = Callable[[str, str | None], str | None]


@dataclass
class _Held:
    """One detention of the MIS."""

    row: Row = field(repr=False)
    students: dict[str, Row] = field(default_factory=dict, repr=False)
    staff: set[str] = field(default_factory=set)


def questions(sent: SentRequest, lookups: LookupView) -> Iterator[Question]:
    """Yield the questions: for what is new the days around, one a pupil for entries, else one for all there is."""
    if sent.kind.action is Action.CREATE:
        yield from (Question(_path, params) for params in days_around(sent.records))
        return
    asked: dict[tuple[tuple[str, str], ...], None] = {}
    for record in sent.records:
        asked[tuple(_params(sent, record).items())] = None
    for params in asked:
        yield Question(_path, dict(params))


def _path(settings: XporterSettings) -> str:
    return settings.detentions_path


def _params(sent: SentRequest, record: Any) -> dict[str, str]:
    first, last = (sent.sent_at - _AROUND).date(), (sent.sent_at + _AROUND).date()
    dates = {"DateFrom": first.isoformat(), "DateTo": last.isoformat()}
    return dates | {"StudentId": record.student_id} if is_entry(sent.kind) else dates


def is_answer(kind: Kind, body: Any) -> bool:
    return table_of(body, "Detentions") is not None


def read(sent: SentRequest, bodies: Sequence[Any], lookups: LookupView, mis: str) -> dict[int, SlotReadBack]:
    """Return the read-back of each record; one whose type is in no list now, or has nothing to compare, is left out."""
    held = _held(bodies)

    def id_of(type_: str, given: str | None) -> str | None:
        lookup = lookups.detention_attributes
        row = lookup.attribute(type_, given) if lookup and given is not None else None
        return str(row["id"]) if row else None

    found: dict[int, SlotReadBack] = {}
    for position, record in enumerate(sent.records):
        reading = _read_one(sent.kind, record, held, id_of, sent.sent_at)
        if reading is not None:
            found[position] = reading
    return found


def _read_one(
    kind: Kind, record: Any, held: Mapping[str, _Held], id_of: _IdOf, sent_at: datetime
) -> SlotReadBack | None:
    if kind.action is Action.CREATE:
        return _read_new(record, held, id_of, sent_at)
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


def _read_new(record: Any, held: Mapping[str, _Held], id_of: _IdOf, sent_at: datetime) -> SlotReadBack | None:
    """Return whether what was to be created is there.

    Nothing tells when a detention was made but the day on which it was recorded: one that is much like it, and none
    that is it, is for a person to look at.
    """
    if id_of("type", record.type) is None or id_of("location", record.location) is None:
        return None
    pupils = {student.student_id for student in record.students}
    found: list[Found] = []
    near: list[Near] = []
    for mis_id, detention in held.items():
        terms, theirs = _compared(record, detention, id_of), detention.students.keys()
        terms.compare("students", is_same=pupils == theirs, ours=joined(pupils), in_mis=joined(theirs))
        if not terms.others:
            found.append(Found(mis_id))
        elif _is_like(pupils, detention, terms) and not _was_before(record, detention, sent_at):
            near.append(terms.near(mis_id))
    return SlotReadBack(None if found else in_words(near), bool(found), tuple(found), tuple(near))


def _is_like(pupils: set[str], detention: _Held, terms: Comparison) -> bool:
    """Whether it is of that day, and of one of the pupils; without pupils, whether it differs in little.

    One of another day is where nothing else differs, and it says when it was recorded.
    """
    if "date" in terms.others:
        return terms.others == ["date"] and parse_day(value_of(detention.row, "RecordedDate")) is not None
    if not pupils:
        return len(terms.others) <= _FEW
    return not detention.students or not pupils.isdisjoint(detention.students)


def _was_before(record: Any, detention: _Held, sent_at: datetime) -> bool:
    """Whether it was recorded on a day before the request, and before the one that the record gives."""
    recorded, sent = parse_day(value_of(detention.row, "RecordedDate")), sent_at.astimezone(LONDON).date()
    return recorded is not None and recorded < min(record.recorded_date or sent, sent)


def _read_change(record: Any, detention: _Held | None, id_of: _IdOf) -> SlotReadBack | None:
    if detention is None:
        return SlotReadBack(None, False)
    compared = _compared(record, detention, id_of)
    for student in record.students:
        compared.compare_presence(student, is_there=student.student_id in detention.students)
    for student_id in record.remove_students:
        compared.compare("students", is_same=student_id not in detention.students)
    for employee_id in record.remove_staff:
        compared.compare("staff_ids", is_same=employee_id not in detention.staff)
    return compared.reading(record.detention_id, "it with other")


def _read_entry(kind: Kind, record: Any, entry: Row | None, id_of: _IdOf) -> SlotReadBack:
    if kind.action is Action.DELETE:
        return SlotReadBack(None, True) if entry is None else SlotReadBack("the pupil's entry", False)
    if entry is None:
        return SlotReadBack(None, False)
    compared = Comparison()
    _compare_student(compared, record, entry, id_of)
    if compared.others:
        return SlotReadBack(compared.in_words("an entry with other"), False)
    return SlotReadBack(None, True, (Found(text_of(entry, "Id")),))


def _compared(record: Any, detention: _Held, id_of: _IdOf) -> Comparison:
    """Compare all that was given and can be read (Xporter 9323-9331). Pupils: only those who are in it."""
    compared, row = Comparison(), detention.row
    compared.compare_given("type", id_of("type", record.type), value_of(row, "DetentionTypeId"))
    compared.compare_given("location", id_of("location", record.location), value_of(row, "LocationId"))
    if record.date is not None:
        day = parse_day(value_of(row, "DetentionDate"))
        compared.compare("date", is_same=day == record.date, ours=record.date, in_mis=day)
    for name, column in (("start_time", "StartTime"), ("end_time", "EndTime")):
        given = getattr(record, name)
        if given is not None:
            clock, wanted = text_of(row, column)[:5], given.strftime("%H:%M")
            compared.compare(name, is_same=clock == wanted, ours=wanted, in_mis=clock)
    compared.compare_given("supervisor_id", record.supervisor_id, value_of(row, "AssignedStaffId"))
    compared.compare_given("recorded_by_id", record.recorded_by_id, value_of(row, "RecordedByStaffId"))
    for employee_id in record.staff_ids:
        in_mis = joined(detention.staff)
        compared.compare("staff_ids", is_same=employee_id in detention.staff, ours=employee_id, in_mis=in_mis)
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
    if (reason := student.non_attendance_reason) is not None:
        compared.compare_text("non_attendance_reason", reason, value_of(entry, "NonAttendanceReason"))
    if student.comment is not None:
        compared.compare_text("comment", student.comment, value_of(entry, "Comments"))
