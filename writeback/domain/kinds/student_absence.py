"""`student_absence.create`: a pupil who comes late, goes early, or stays away for the day."""

from typing import Literal

from writeback.domain.kinds.base import Action, Code, Comment, Family, Id, Kind, LocalInstant, Record, nothing
from writeback.domain.lookups import ListName


class StudentAbsence(Record):
    """An absence (Wonde 8556-8570)."""

    student_id: Id
    start_at: LocalInstant
    """On the school's own clock."""
    event: Literal["sign_in", "sign_out", "all_day"]
    type: Code | None = None
    reason: Code | None = None
    comment: Comment | None = None
    authorised_by_id: Id | None = None
    """The member of staff who authorised it."""


KINDS = (
    Kind(
        "student_absence.create",
        Family.ABSENCE,
        StudentAbsence,
        Action.CREATE,
        nothing,
        (ListName.STUDENTS, ListName.EMPLOYEES, ListName.STUDENT_ABSENCE_ATTRIBUTES),
        "absence",
    ),
)
