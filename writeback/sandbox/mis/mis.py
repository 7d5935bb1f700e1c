"""The MIS behind a simulated school: who is there, which marks it holds, and what it refuses to write.

Its other records have modules of their own: `conduct`, `detention_book`, `absences`. Writing is all or nothing, as SIMS
does it (Xporter 13927): `Mis.apply` checks everything of a request before it writes the first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import NamedTuple

from writeback.sandbox.mis.absences import AbsenceChange, Absences
from writeback.sandbox.mis.codes import CLOSED, NO_REASON_YET, Code
from writeback.sandbox.mis.conduct import Conduct
from writeback.sandbox.mis.detention_book import Detentions
from writeback.sandbox.mis.detentions import DetentionChange, DetentionEdit, DetentionRemoval, NewDetention
from writeback.sandbox.mis.diary import DiaryEvent
from writeback.sandbox.mis.incidents import IncidentChange, IncidentEdit, IncidentRemoval, NewIncident
from writeback.sandbox.mis.lists import Lists
from writeback.sandbox.mis.records import Applied, Deletion, Effect, Refusal, Refused, Subject
from writeback.sandbox.mis.roll import Roll
from writeback.sandbox.mis.timetable import Timetable

RecordChange = IncidentChange | DetentionChange | AbsenceChange
"""What can be done to records other than marks."""


class Slot(NamedTuple):
    """What a mark overwrites. `place`: AM or PM for a session, the period instance for a lesson (Wonde 2410)."""

    kind: str
    student_id: str
    day: date
    place: str


@dataclass(slots=True)
class Mark:
    """What a slot holds."""

    id: str
    code: str
    updated_at: datetime
    source: str
    """`office`, or the provider's reference of the writeback that set it."""
    minutes_late: float | None = None
    comment: str | None = None
    statutory_comment: str | None = None
    employee_id: str | None = None


class Change(NamedTuple):
    """One thing that happened to a slot: `set`, or `kept` where the N rule left the older mark."""

    at: datetime
    code: str
    source: str
    effect: str


@dataclass(frozen=True, slots=True)
class Writing:
    """One mark that is to be written."""

    slot: Slot
    code: str
    minutes_late: float | None = None
    comment: str | None = None
    statutory_comment: str | None = None
    employee_id: str | None = None


@dataclass(kw_only=True)
class Mis(Roll):
    """One school's MIS."""

    codes: dict[str, Code]
    timetable: Timetable
    lists: Lists
    marks: dict[date, dict[Slot, Mark]] = field(default_factory=dict)
    history: dict[Slot, list[Change]] = field(default_factory=dict)
    closed_days: set[date] = field(default_factory=set)
    diary: list[DiaryEvent] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.conduct, self.absences = Conduct(self), Absences(self)
        self.detentions = Detentions(self, self.conduct)

    def code_named(self, code: str) -> Code | None:
        """Return the active code that is written so, else an inactive one, else None."""
        found = [row for row in self.codes.values() if row.code == code]
        return max(found, key=lambda row: row.is_active, default=None)

    def held(self, slot: Slot) -> str | None:
        """Return the code that a slot holds: `#` for every session of a closed day, None for no mark."""
        mark = self.marks.get(slot.day, {}).get(slot)
        if mark is not None:
            return mark.code
        return CLOSED if slot.kind == "S" and slot.day in self.closed_days else None

    def apply(
        self,
        writings: Sequence[Writing],
        changes: Sequence[RecordChange] = (),
        *,
        source: str,
        at: datetime,
        keeps_other_than_n: bool,
    ) -> Applied | Refused:
        """Write all marks and make all changes, or nothing.

        `keeps_other_than_n` is Xporter's rule: N goes only where there is no mark or an N (Xporter 14061).
        """
        marks_refused = (reason for writing in writings if (reason := self._objection(writing)))
        changes_refused = (reason for change in changes if (reason := self._change_objection(change)))
        refused = next(marks_refused, None) or next(changes_refused, None)
        if refused is not None:
            return Refused(refused)
        marks_set = sum(self._write(writing, source, at, keeps_other_than_n) for writing in writings)
        effects: list[Effect] = []
        for index, change in enumerate(changes):
            effects += self._apply_change(change, index, source, at)
        return Applied(marks_set, effects)

    def set_by_office(self, slot: Slot, code: str | None, at: datetime) -> None:
        """Set or clear a mark by hand in the MIS."""
        if code is None:
            self.marks.get(slot.day, {}).pop(slot, None)
            self.history.setdefault(slot, []).append(Change(at, "", "office", "cleared"))
        else:
            self._write(Writing(slot, code), "office", at, keeps_other_than_n=False)

    def remove_pupil(self, student_id: str, at: datetime) -> None:
        """Take a pupil off roll; raise KeyError when there is none."""
        pupil = self.pupils.pop(student_id)
        for group in self.timetable.groups:
            if student_id in group.student_ids:
                group.student_ids.remove(student_id)
        self.deletions.append(Deletion("student", student_id, pupil.mis_id, at))

    def remove_employee(self, employee_id: str, at: datetime) -> None:
        """Let a member of staff go; raise KeyError when there is none."""
        self.note_deletion("employee", employee_id, self.staff.pop(employee_id).mis_id, at)

    def remove_lesson(self, lesson_id: str, at: datetime) -> None:
        """Take a lesson out of the timetable; raise KeyError when there is none."""
        self.timetable.remove(lesson_id)
        self.deletions.append(Deletion("lesson", lesson_id, lesson_id, at))

    def move_lesson(self, lesson_id: str, day: date, period: int, at: datetime) -> None:
        """Move a lesson: the old one counts as deleted; raise ValueError where there is no such period."""
        self.timetable.move(lesson_id, day, period, at)
        self.deletions.append(Deletion("lesson", lesson_id, lesson_id, at))

    def reissue_ids(self, at: datetime) -> Mapping[str, str]:
        """Give all people, lessons and records new provider ids, as a migration does (Wonde 37); return old → new."""
        new = {old: self.new_id() for old in (*self.pupils, *self.staff, *self.timetable.by_id, *self._record_ids())}
        self.pupils = {new[p.id]: replace(p, id=new[p.id], updated_at=at) for p in self.pupils.values()}
        self.staff = {new[p.id]: replace(p, id=new[p.id], updated_at=at) for p in self.staff.values()}
        for group in self.timetable.groups:
            group.tutor_id = new.get(group.tutor_id, group.tutor_id)
            group.student_ids = [new[student] for student in group.student_ids]
        self.timetable.rename(new, at)
        self.lists.rename(new, at, self.new_id if self.has_own_ids else None)
        self.conduct.rename(new)
        self.detentions.rename(new)
        self.absences.rename(new)
        self.marks = {
            day: {slot._replace(student_id=new.get(slot.student_id, slot.student_id)): m for slot, m in held.items()}
            for day, held in self.marks.items()
        }
        self.history = {
            slot._replace(student_id=new.get(slot.student_id, slot.student_id)): changes
            for slot, changes in self.history.items()
        }
        return new

    def _objection(self, writing: Writing) -> str | None:
        slot = writing.slot
        if slot.student_id not in self.pupils:
            return f"student {slot.student_id} is not on roll"
        code = self.code_named(writing.code)
        if code is None or not code.is_active:
            return f"attendance code {writing.code} is not available"
        if slot.kind == "S" and self.held(slot) == CLOSED:
            return f"the school is closed on {slot.day}"
        if slot.kind == "L" and not self.timetable.has_instance(int(slot.place), slot.day):
            return f"there is no lesson {slot.place} on {slot.day}"
        family = "session" if slot.kind == "S" else "lesson"
        return self._refusal(Subject(family, frozenset({slot.student_id}), writing.code))

    def _record_ids(self) -> list[str]:
        return [
            *(row for held in self.conduct.by_category.values() for row in held),
            *self.detentions.by_id,
            *(entry.id for entry in self.detentions.entries()),
            *self.absences.of_students,
            *self.absences.of_staff,
        ]

    def _change_objection(self, change: RecordChange) -> str | None:
        match change:
            case NewIncident() | IncidentEdit() | IncidentRemoval():
                objection = self.conduct.objection(change)
            case NewDetention() | DetentionEdit() | DetentionRemoval():
                objection = self.detentions.objection(change)
            case _:
                objection = self.absences.objection(change)
        return objection or self._refusal(change.subject)

    def _apply_change(self, change: RecordChange, index: int, source: str, at: datetime) -> list[Effect]:
        match change:
            case NewIncident() | IncidentEdit() | IncidentRemoval():
                return self.conduct.apply(change, index, source=source, at=at)
            case NewDetention() | DetentionEdit() | DetentionRemoval():
                return self.detentions.apply(change, index, source=source, at=at)
            case _:
                return self.absences.apply(change, index, source=source, at=at)

    def _refusal(self, subject: Subject) -> str | None:
        for refusal in self.refusals:
            if refusal.meets(subject):
                if refusal.times is not None:
                    refusal.times -= 1
                    if refusal.times <= 0:
                        self.refusals.remove(refusal)
                return refusal.message
        return None

    def _write(self, writing: Writing, source: str, at: datetime, keeps_other_than_n: bool) -> bool:
        slot, held = writing.slot, self.marks.setdefault(writing.slot.day, {})
        changes = self.history.setdefault(slot, [])
        old = held.get(slot)
        if keeps_other_than_n and writing.code == NO_REASON_YET and old and old.code != NO_REASON_YET:
            changes.append(Change(at, writing.code, source, "kept"))
            return False
        held[slot] = Mark(
            id=old.id if old else self.new_id(),
            code=writing.code,
            updated_at=at,
            source=source,
            minutes_late=writing.minutes_late,
            comment=writing.comment,
            statutory_comment=writing.statutory_comment,
            employee_id=writing.employee_id,
        )
        changes.append(Change(at, writing.code, source, "set"))
        return True
