"""What achievements and behaviours have in common: pupils, staff, files, and what may be changed later."""

from datetime import date as Date
from typing import Annotated

from pydantic import Field, StringConstraints

from writeback.domain.kinds.base import NO_CONTROLS, Code, Comment, Id, LocalInstant, Part, Points, Record

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255, pattern=NO_CONTROLS)]


class Achiever(Part):
    """A pupil of an achievement."""

    student_id: Id
    points: Points
    outcome: Code | None = None
    """The award given (Wonde 1353), the AchOutcome (Xporter 14213)."""
    outcome_date: Date | None = None
    """When it was given."""


class Involved(Achiever):
    """A pupil of a behaviour incident. `outcome` is the action taken (Wonde 2789)."""

    role: Code | None = None
    """What part the pupil had in it (Wonde 2787), BehStuRole (Xporter 7436)."""


class StaffMember(Part):
    """A member of staff who was part of it, besides the one who recorded it."""

    employee_id: Id
    role: Code | None = None


class Medium(Part):
    """A file to attach, whole (Xporter 14225-14236)."""

    file_name: Name
    media_type: Name
    """The file's type as its name ends, e.g. `png`."""
    description: Comment
    taken_at: LocalInstant
    """When it was made."""
    content: Annotated[str, Field(min_length=1)]
    """The file in Base64."""


class AchieverChange(Part):
    """A pupil who is added, or whose part is changed."""

    student_id: Id
    points: Points | None = None
    outcome: Code | None = None
    outcome_date: Date | None = None


class InvolvedChange(AchieverChange):
    role: Code | None = None


class Incident(Record):
    """What is new in the MIS."""

    employee_id: Id | None = None
    """Who recorded it; needed, but where the school has a default."""
    date: Date
    type: Code
    activity: Code | None = None
    """The subject or activity in which it happened."""
    lesson_id: Id | None = None
    comment: Comment | None = None
    staff: list[StaffMember] = []
    media: list[Medium] = []


class IncidentChange(Record):
    """What is to be different in the MIS; what is left out stays. Those to be removed are named by their ids."""

    employee_id: Id | None = None
    date: Date | None = None
    type: Code | None = None
    activity: Code | None = None
    comment: Comment | None = None
    staff: list[StaffMember] = []
    media: list[Medium] = []
    remove_students: list[Id] = []
    remove_staff: list[Id] = []
    remove_media: list[Id] = []
