"""`detention.create`, `detention.update`, `detention.delete`: a detention and who is in it."""

from datetime import date as Date

from writeback.domain.kinds.base import Action, ClockTime, Code, Comment, Family, Id, Kind, Part, Record, nothing
from writeback.domain.lookups import ListName


class Attendee(Part):
    """A pupil who is to be there."""

    student_id: Id
    attendance: Code | None = None
    """Whether the pupil came; Wonde needs one of the school's detention attendance codes (3871)."""
    reason: Code | None = None
    """Why the pupil is in it."""
    non_attendance_reason: Comment | None = None
    behaviour_id: Id | None = None
    """The incident that led to it."""
    behaviour_type: Code | None = None
    recorded_by_id: Id | None = None
    """The member of staff who put the pupil there."""
    comment: Comment | None = None


class Detention(Record):
    """A new detention, on the school's own clock."""

    type: Code
    location: Code | None = None
    """The room, by its id or code; needed, but where the school has a default."""
    date: Date
    start_time: ClockTime | None = None
    end_time: ClockTime | None = None
    supervisor_id: Id | None = None
    """The member of staff who takes it."""
    staff_ids: list[Id] = []
    """Other members of staff."""
    recorded_by_id: Id | None = None
    recorded_date: Date | None = None
    students: list[Attendee] = []


class DetentionChange(Record):
    """A change of one that is in the MIS; what is left out stays."""

    detention_id: Id
    type: Code | None = None
    location: Code | None = None
    date: Date | None = None
    start_time: ClockTime | None = None
    end_time: ClockTime | None = None
    supervisor_id: Id | None = None
    staff_ids: list[Id] = []
    recorded_by_id: Id | None = None
    recorded_date: Date | None = None
    students: list[Attendee] = []
    """Those to be added or changed."""
    remove_students: list[Id] = []
    remove_staff: list[Id] = []


class DetentionRemoval(Record):
    """The removal of one that is in the MIS."""

    detention_id: Id


_LISTS = (ListName.STUDENTS, ListName.EMPLOYEES, ListName.DETENTION_ATTRIBUTES)


def _slot(record: DetentionChange | DetentionRemoval) -> str:
    return f"detention|{record.detention_id}"


KINDS = (
    Kind("detention.create", Family.DETENTION, Detention, Action.CREATE, nothing, _LISTS, "detention"),
    Kind("detention.update", Family.DETENTION, DetentionChange, Action.UPDATE, _slot, _LISTS, "detention"),
    Kind("detention.delete", Family.DETENTION, DetentionRemoval, Action.DELETE, _slot, (), "detention"),
)
