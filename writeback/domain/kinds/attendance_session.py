"""`attendance.session`: one code for one pupil in the statutory AM or PM session."""

from datetime import date as Date
from typing import Annotated, Literal

from pydantic import Field

from writeback.domain.kinds.base import Action, Code, Comment, Family, Id, Kind, Record, SeenAt
from writeback.domain.lookups import ListName


class SessionMark(Record):
    """A session mark. `code` is the code itself (`/`, `L`, `N`) or the provider's id for it."""

    student_id: Id
    date: Date
    session: Literal["AM", "PM"]
    code: Code
    minutes_late: Annotated[int, Field(ge=0, le=720)] | None = None
    comment: Comment | None = None
    statutory_comment: Comment | None = None
    """Why a pupil is educated elsewhere; needed for B, K and Y7 in SIMS through Xporter."""
    employee_id: Id | None = None
    """Who took the register; needed for some MISes through Wonde."""
    only_if_blank: bool | None = None
    """Write only where the MIS has no mark or N; any other mark there is left as it is."""
    observed_at: SeenAt | None = None
    """When it was seen: it goes over nothing that was entered after that. Without an offset: the school's clock."""


SESSION = Kind(
    name="attendance.session",
    family=Family.SESSION_MARKS,
    record=SessionMark,
    action=Action.SET,
    slot=lambda mark: f"{mark.student_id}|{mark.date}|{mark.session}",
    lists=(ListName.STUDENTS, ListName.ATTENDANCE_CODES, ListName.EMPLOYEES),
    noun="mark",
)
KINDS = (SESSION,)
