"""Detentions: what a record and its pupils' entries say, and the changes that can be asked for. `detention_book` makes
them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from writeback.sandbox.mis.lists import Attribute, DetentionType, Room
from writeback.sandbox.mis.records import Subject

DETENTION, ENTRY = "detention", "detention_attendance"


@dataclass(frozen=True, slots=True)
class Entry:
    """A pupil's place in a detention. In an edit None leaves what is there."""

    student_id: str
    attendance: Attribute | None = None
    reason: Attribute | None = None
    non_attendance_reason: str | None = None
    behaviour_id: str | None = None
    behaviour_type: Attribute | None = None
    recorded_by: str | None = None
    comment: str | None = None

    @property
    def attributes(self) -> tuple[Attribute | None, ...]:
        return self.attendance, self.reason


@dataclass(frozen=True, slots=True)
class Terms:
    """When and where. In an edit None leaves what is there; times are the school's own clock."""

    type: DetentionType | None = None
    room: Room | None = None
    day: date | None = None
    start: time | None = None
    end: time | None = None
    supervisor_id: str | None = None
    recorded_by: str | None = None
    recorded_on: date | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class NewDetention:
    """A detention to be made. `terms` has at least type, room and day."""

    terms: Terms
    entries: Sequence[Entry] = ()
    staff: Sequence[str] = ()

    @property
    def subject(self) -> Subject:
        return _subject(self.terms, self.entries)


@dataclass(frozen=True, slots=True)
class DetentionEdit:
    """A change of one: pupils and staff are added, or changed where they are in it already."""

    detention_id: str
    terms: Terms = field(default_factory=Terms)
    entries: Sequence[Entry] = ()
    staff: Sequence[str] = ()
    remove_students: Sequence[str] = ()
    remove_staff: Sequence[str] = ()

    @property
    def subject(self) -> Subject:
        return _subject(self.terms, self.entries)


@dataclass(frozen=True, slots=True)
class DetentionRemoval:
    """The end of one, and of its pupils' entries."""

    detention_id: str

    @property
    def subject(self) -> Subject:
        return Subject(DETENTION)


DetentionChange = NewDetention | DetentionEdit | DetentionRemoval


@dataclass(slots=True)
class HeldEntry:
    """A pupil's entry, which has ids of its own."""

    id: str
    mis_id: str
    detention_id: str
    entry: Entry
    created_at: datetime
    updated_at: datetime
    source: str

    def as_json(self) -> dict[str, Any]:
        entry = self.entry
        return {
            "id": self.id,
            "mis_id": self.mis_id,
            "detention_id": self.detention_id,
            "student_id": entry.student_id,
            "attendance": entry.attendance.code if entry.attendance else None,
            "reason": entry.reason.code if entry.reason else None,
            "non_attendance_reason": entry.non_attendance_reason,
            "behaviour_id": entry.behaviour_id,
            "behaviour_type": entry.behaviour_type.code if entry.behaviour_type else None,
            "recorded_by_id": entry.recorded_by,
            "comment": entry.comment,
            "source": self.source,
            "created_at": self.created_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
        }


@dataclass(slots=True)
class Detention:
    """One detention; `entries` by pupil, `staff` those besides the supervisor."""

    id: str
    mis_id: str
    terms: Terms
    entries: dict[str, HeldEntry]
    staff: list[str]
    created_at: datetime
    updated_at: datetime
    source: str

    @property
    def type(self) -> DetentionType:
        assert self.terms.type is not None
        return self.terms.type

    @property
    def start_at(self) -> datetime:
        """Return when it starts, on the school's own clock: its type's time where none was given."""
        assert self.terms.day is not None
        return datetime.combine(self.terms.day, self.terms.start or self.type.start)

    @property
    def end_at(self) -> datetime:
        assert self.terms.day is not None
        return datetime.combine(self.terms.day, self.terms.end or self.type.end)

    def as_json(self) -> dict[str, Any]:
        """Return the record as the control plane shows it: codes instead of ids in lists."""
        terms = self.terms
        return {
            "id": self.id,
            "mis_id": self.mis_id,
            "type": self.type.code,
            "location": terms.room.code if terms.room else None,
            "date": self.start_at.date().isoformat(),
            "start_time": self.start_at.time().isoformat("minutes"),
            "end_time": self.end_at.time().isoformat("minutes"),
            "supervisor_id": terms.supervisor_id,
            "recorded_by_id": terms.recorded_by,
            "recorded_date": terms.recorded_on.isoformat() if terms.recorded_on else None,
            "comment": terms.comment,
            "staff_ids": list(self.staff),
            "students": [
                {name: value for name, value in held.as_json().items() if name not in ("detention_id", "source")}
                for held in self.entries.values()
            ],
            "source": self.source,
            "created_at": self.created_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
        }


def _subject(terms: Terms, entries: Sequence[Entry]) -> Subject:
    return Subject(DETENTION, frozenset(entry.student_id for entry in entries), terms.type.code if terms.type else None)
