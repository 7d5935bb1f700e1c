"""`attendance.lesson`: one code for one pupil in one lesson."""

from datetime import date as Date
from typing import Annotated

from pydantic import Field

from writeback.domain.kinds.base import Action, Code, Comment, Family, Id, Kind, Record, SeenAt
from writeback.domain.lookups import ListName


class LessonMark(Record):
    """A lesson mark. `lesson_id` is Wonde's lesson id, or Xporter's PeriodId (its InstanceId)."""

    student_id: Id
    lesson_id: Id
    code: Code
    date: Date | None = None
    """The lesson's day; taken from the timetable where it is left out."""
    minutes_late: Annotated[int, Field(ge=0, le=720)] | None = None
    comment: Comment | None = None
    statutory_comment: Comment | None = None
    employee_id: Id | None = None
    only_if_blank: bool | None = None
    """Write only where the MIS has no mark or N; any other mark there is left as it is."""
    observed_at: SeenAt | None = None
    """When it was seen: it goes over nothing that was entered after that. Without an offset: the school's clock."""


LESSON = Kind(
    name="attendance.lesson",
    family=Family.LESSON_MARKS,
    record=LessonMark,
    action=Action.SET,
    slot=lambda mark: f"{mark.student_id}|{mark.lesson_id}",
    lists=(ListName.STUDENTS, ListName.ATTENDANCE_CODES, ListName.LESSONS, ListName.EMPLOYEES),
    noun="mark",
)
KINDS = (LESSON,)
