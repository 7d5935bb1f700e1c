"""`detention_attendance.set`, `detention_attendance.delete`: whether a pupil came to a detention."""

from writeback.domain.kinds.base import Action, Family, Id, Kind, Record
from writeback.domain.kinds.detention import Attendee
from writeback.domain.lookups import ListName


class DetentionMark(Record, Attendee):
    """One pupil's entry in a detention: made where there is none, else changed (Wonde 4109)."""

    detention_id: Id


class DetentionMarkRemoval(Record):
    """Takes a pupil out of a detention."""

    detention_id: Id
    student_id: Id


def _slot(record: DetentionMark | DetentionMarkRemoval) -> str:
    return f"detention|{record.detention_id}|{record.student_id}"


KINDS = (
    Kind(
        "detention_attendance.set",
        Family.DETENTION,
        DetentionMark,
        Action.SET,
        _slot,
        (ListName.STUDENTS, ListName.EMPLOYEES, ListName.DETENTION_ATTRIBUTES, ListName.BEHAVIOUR_ATTRIBUTES),
        "detention entry",
    ),
    Kind(
        "detention_attendance.delete",
        Family.DETENTION,
        DetentionMarkRemoval,
        Action.DELETE,
        _slot,
        (ListName.STUDENTS,),
        "detention entry",
    ),
)
