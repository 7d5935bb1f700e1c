"""Messages about detentions. The document has no table of them (14488-14611): they are those of conduct, with the
fields of a detention (14503-14528) in their place.
"""

from collections.abc import Sequence

from writeback.providers.xporter.messages.base import Message, Pattern

_CHOOSE = "Choose one from the school's list; if it is not there, refresh the list."
_STAFF = "Name a present member of staff; a supply teacher may have to be entered first."


def _invalid(name: str, code: str, what: str, hint: str) -> Message:
    return Message(code, Pattern(rf"invalid {name}<values>"), what, hint, (name,))


def _missing(name: str, what: str, field: str) -> Message:
    return Message(
        "field_required",
        Pattern(rf"missing mandatory field \W*{name}|mandatory field \W*{name}\W* missing"),
        f"{what} is missing",
        f"Send the {field} with every detention.",
        (f"No{name}",),
        has_value=False,
        pointer=f"/{field}",
    )


TABLE: Sequence[Message] = (
    _invalid("DetentionTypeId", "type_unknown", "The type is not known at the school", _CHOOSE),
    _invalid("ReasonId", "reason_unknown", "The reason is not known at the school", _CHOOSE),
    _invalid("AttendedId", "detention_attendance_unknown", "The attendance is not known at the school", _CHOOSE),
    _invalid("AssignedStaffId", "employee_unknown", "The member of staff is not in the MIS", _STAFF),
    _invalid("RecordedByStaffId", "recorded_by_unknown", "Who recorded it is not in the MIS", _STAFF),
    _invalid("AddedByStaffId", "recorded_by_unknown", "Who put the pupil there is not in the MIS", _STAFF),
    _invalid("BehaviourId", "behaviour_unknown", "The incident is not in the MIS", "Name an incident of the MIS."),
    _missing("DetentionTypeId", "The type", "type"),
    _missing("LocationId", "The location", "location"),
)
