"""Messages about achievements and behaviour (Xporter 14300-14325). They come with the answer, not with the callback."""

from collections.abc import Sequence

from writeback.providers.xporter.messages.base import Message, Pattern
from writeback.providers.xporter.messages.places import LONGEST_TEXT

_CHOOSE = "Choose one from the school's list; if it is not there, refresh the list."


def _invalid(name: str, code: str, what: str, pointer: str) -> Message:
    """Return the row of `Invalid {name} {value}`."""
    return Message(code, Pattern(rf"invalid {name}<values>"), f"{what} is not known at the school", _CHOOSE, (name,),
                   pointer=pointer)  # fmt: skip


def _needs_update_id(what: str, field: str) -> Message:
    return Message(
        "update_id_missing",
        Pattern(rf"must provide an UpdateId when trying to remove {what}"),
        "It does not say from which record something is to be removed",
        "Name the record by its id in the MIS.",
        (f"Removes{what.title()}",),
        has_value=False,
        pointer=f"/{field}",
    )


TABLE: Sequence[Message] = (
    Message(
        "removal_not_supported",
        Pattern(r"deletion of (?:conduct|detention) records is not supported"),  # 14303
        "Xporter can remove nothing from such records in this MIS",
        "Remove it in the MIS itself.",
        ("RemovesStudents", "RemovesStaff", "RemovesMedia"),
        has_value=False,
    ),
    Message(
        "student_role_unknown",
        Pattern(r"invalid student RoleId for StudentId<values>"),  # 14304
        "The pupil's role is not known at the school",
        _CHOOSE,
        ("RoleOfStudent", "StudentId"),
    ),
    Message(
        "employee_unknown",
        Pattern(r"invalid StaffId<values>"),  # 14305
        "The member of staff is not in the MIS",
        "Name a present member of staff; a supply teacher may have to be entered first.",
        ("StaffId",),
        pointer="/staff",
    ),
    Message(
        "staff_role_unknown",
        Pattern(r"invalid staff RoleId for StaffId<values>"),  # 14306
        "The role of the member of staff is not known at the school",
        _CHOOSE,
        ("RoleOfStaff", "StaffId"),
    ),
    Message(
        "comment_too_long",
        Pattern(r"note field max character limit(?:\s*\(\d+\))? exceeded(?: for (?:conduct|detention)\s*Id<values>)?"),
        # 14307
        f"The comment is longer than {LONGEST_TEXT} characters",
        f"Shorten it to {LONGEST_TEXT} characters.",
        ("NoteOf", "Id"),
        pointer="/comment",
    ),
    Message(
        "incident_type_invalid",
        Pattern(r"invalid IncidentType"),  # 14308: {IncidentType} should be Ach or Beh
        "Xporter does not take this as an achievement or a behaviour",
        "This is a fault of the service: tell those who run it.",
        names_all=True,
    ),
    _invalid("TypeId", "type_unknown", "The type", "/type"),  # 14309
    _invalid("ActivityId", "activity_unknown", "The activity", "/activity"),  # 14310
    _invalid("LocationId", "location_unknown", "The location", "/location"),  # 14311
    _invalid("StatusId", "status_unknown", "The status", "/status"),  # 14312
    Message(
        "field_required",
        Pattern(r"mandatory field \W*StatusId\W* missing"),  # 14313
        "The status is missing",
        "Send the status with every incident.",
        ("NoStatusId",),
        has_value=False,
        pointer="/status",
    ),
    Message(
        "recorded_by_unknown",
        Pattern(r"invalid RecordedById<values>"),  # 14314
        "The member of staff who recorded it is not in the MIS",
        "Name a present member of staff; a supply teacher may have to be entered first.",
        ("RecordedById",),
        pointer="/employee_id",
    ),
    _invalid("BullTypeId", "bullying_type_unknown", "The type of bullying", "/bullying_type"),  # 14315
    _invalid("EntryTimeId", "time_unknown", "The time of day", "/time"),  # 14316
    Message(
        "achievement_outcome_unknown",
        Pattern(r"invalid achievement OutcomeId<values>"),  # 14317
        "The award is not known at the school",
        _CHOOSE,
        ("AchOutcomeId",),
    ),
    Message(
        "behaviour_outcome_unknown",
        Pattern(r"invalid behaviour OutcomeId<values>"),  # 14318
        "The action taken is not known at the school",
        _CHOOSE,
        ("BehOutcomeId",),
    ),
    _needs_update_id("students", "remove_students"),  # 14319
    _needs_update_id("staff", "remove_staff"),  # 14320
    _needs_update_id("media", "remove_media"),  # 14321
    Message(
        "duplicate_student",
        Pattern(r"assigned the same student to the same (?:conduct|detention) more than once"),  # 14322
        "A pupil is named twice",
        "Name each pupil once.",
        ("StudentTwice",),
        has_value=False,
        pointer="/students",
    ),
    Message(
        "duplicate_employee",
        Pattern(r"assigned the same staff to the same (?:conduct|detention) more than once"),  # 14323
        "A member of staff is named twice",
        "Name each member of staff once.",
        ("StaffTwice",),
        has_value=False,
        pointer="/staff",
    ),
    Message(
        "duplicate_record",
        Pattern(r"defined the same (?:conduct|detention) more than once"),  # 14324
        "It is in the request more than once",
        "Send it once.",
        ("UpdateTwice",),
        has_value=False,
    ),
    Message(
        "field_required",
        Pattern(r"missing mandatory field \W*TypeId"),  # 14325
        "The type is missing",
        "Send the type with every record.",
        ("NoTypeId",),
        has_value=False,
        pointer="/type",
    ),
    Message(
        "media_not_supported",
        Pattern(r"media (?:object )?is not supported"),  # 14429, a note of the document rather than a message
        "Xporter takes no files for this MIS",
        "Leave the files out.",
        ("HasMedia",),
        has_value=False,
        pointer="/media",
    ),
)
