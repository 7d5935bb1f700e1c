"""Achievements and behaviours: what a record says, and the changes that can be asked for. `conduct` makes them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from writeback.sandbox.mis.lists import Attribute
from writeback.sandbox.mis.records import Subject

Category = Literal["achievement", "behaviour"]


@dataclass(frozen=True, slots=True)
class Participant:
    """A pupil's part in an incident. In an edit None leaves what is there."""

    student_id: str
    points: int | None = None
    role: Attribute | None = None
    outcome: Attribute | None = None
    outcome_date: date | None = None

    @property
    def attributes(self) -> tuple[Attribute | None, ...]:
        return self.role, self.outcome


@dataclass(frozen=True, slots=True)
class StaffPart:
    """A member of staff who was part of it, besides the one who recorded it."""

    employee_id: str
    role: Attribute | None = None


@dataclass(frozen=True, slots=True)
class Medium:
    """A file; the MIS gives it its id. Of what is in it the size and a digest are kept."""

    file_name: str
    media_type: str
    description: str
    taken_at: datetime
    size: int
    """In bytes."""
    sha256: str


@dataclass(frozen=True, slots=True)
class Details:
    """The plain fields of an incident. In an edit None leaves what is there."""

    type: Attribute | None = None
    day: date | None = None
    recorded_by: str | None = None
    activity: Attribute | None = None
    location: Attribute | None = None
    status: Attribute | None = None
    bullying_type: Attribute | None = None
    time: Attribute | None = None
    lesson_id: str | None = None
    comment: str | None = None

    @property
    def attributes(self) -> tuple[Attribute | None, ...]:
        return self.type, self.activity, self.location, self.status, self.bullying_type, self.time


@dataclass(frozen=True, slots=True)
class NewIncident:
    """An incident to be made. `details` has at least type, day and recorded_by."""

    category: Category
    details: Details
    pupils: Sequence[Participant]
    staff: Sequence[StaffPart] = ()
    media: Sequence[Medium] = ()

    @property
    def subject(self) -> Subject:
        return _subject(self.category, self.details, self.pupils)


@dataclass(frozen=True, slots=True)
class IncidentEdit:
    """A change of one: pupils and staff are added, or changed where they are in it already."""

    category: Category
    incident_id: str
    details: Details = field(default_factory=Details)
    pupils: Sequence[Participant] = ()
    staff: Sequence[StaffPart] = ()
    media: Sequence[Medium] = ()
    remove_students: Sequence[str] = ()
    remove_staff: Sequence[str] = ()
    remove_media: Sequence[str] = ()

    @property
    def subject(self) -> Subject:
        return _subject(self.category, self.details, self.pupils)


@dataclass(frozen=True, slots=True)
class IncidentRemoval:
    """The end of one."""

    category: Category
    incident_id: str

    @property
    def subject(self) -> Subject:
        return Subject(self.category)


IncidentChange = NewIncident | IncidentEdit | IncidentRemoval


@dataclass(slots=True)
class Incident:
    """One record. `mis_id` is a number in SIMS, and like `B78894` in Bromcom (Xporter 14403)."""

    id: str
    mis_id: str
    category: Category
    details: Details
    pupils: dict[str, Participant]
    staff: dict[str, StaffPart]
    media: dict[str, Medium]
    recorded_on: date
    created_at: datetime
    updated_at: datetime
    source: str
    """`office`, or the provider's reference of the writeback that touched it last."""

    @property
    def type(self) -> Attribute:
        assert self.details.type is not None
        return self.details.type

    @property
    def day(self) -> date:
        assert self.details.day is not None
        return self.details.day

    @property
    def total_points(self) -> int:
        return sum(pupil.points or 0 for pupil in self.pupils.values())

    def as_json(self) -> dict[str, Any]:
        """Return the record as the control plane shows it: codes instead of ids in the select boxes."""
        details = self.details
        return {
            "id": self.id,
            "mis_id": self.mis_id,
            "type": _code(details.type),
            "date": self.day.isoformat(),
            "employee_id": details.recorded_by,
            "recorded_on": self.recorded_on.isoformat(),
            "activity": _code(details.activity),
            "location": _code(details.location),
            "status": _code(details.status),
            "bullying_type": _code(details.bullying_type),
            "time": _code(details.time),
            "lesson_id": details.lesson_id,
            "comment": details.comment,
            "students": [
                {
                    "student_id": pupil.student_id,
                    "points": pupil.points,
                    "role": _code(pupil.role),
                    "outcome": _code(pupil.outcome),
                    "outcome_date": pupil.outcome_date.isoformat() if pupil.outcome_date else None,
                }
                for pupil in self.pupils.values()
            ],
            "staff": [{"employee_id": part.employee_id, "role": _code(part.role)} for part in self.staff.values()],
            "media": [
                {
                    "id": medium_id,
                    "file_name": medium.file_name,
                    "media_type": medium.media_type,
                    "description": medium.description,
                    "taken_at": medium.taken_at.isoformat(),
                    "size": medium.size,
                    "sha256": medium.sha256,
                }
                for medium_id, medium in self.media.items()
            ],
            "source": self.source,
            "created_at": self.created_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
        }


def _code(row: Attribute | None) -> str | None:
    return row.code if row else None


def _subject(category: Category, details: Details, pupils: Sequence[Participant]) -> Subject:
    people = frozenset(pupil.student_id for pupil in pupils)
    return Subject(category, people, details.type.code if details.type else None)
