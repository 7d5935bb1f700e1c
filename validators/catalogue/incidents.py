"""Findings about achievements and behaviours, and the attributes that detentions share with them."""

from validators.catalogue.entry import WARNING, Entry, RaisedBy, Wording, wonde, xporter

_UNKNOWN = "{field} is {value}, which is not among those of {school}"
_HINT = "{choices}Send a code or an id from the school's list."


def unknown(code: str, wordings: dict[str, Wording]) -> Entry:
    """Return the entry for a coded field whose value is in no list of the school's."""
    return Entry(code, _UNKNOWN, _HINT, wordings=wordings)


_ATTRIBUTES = (
    unknown(
        "type_unknown",
        xporter("Invalid TypeId {TypeId}", 14309, "conduct")
        | wonde("type string Yes The code or ID of the behaviour type.", 2802, "conduct")
        | wonde("detention_type_id string Yes The Wonde ID for the detention type.", 3871, "detention")
        | wonde("absence_type string Yes Type of absence.", 5347, "absence"),
    ),
    unknown(
        "activity_unknown",
        xporter("Invalid ActivityId {ActivityId}", 14310)
        | wonde("activity_type string No The code or ID of the activity.", 2807),
    ),
    unknown(
        "location_unknown",
        xporter("Invalid LocationId {LocationId}", 14311, "conduct")
        | xporter("LocationId 1 Text Id of the default location Yes", 14506, "detention")
        | wonde("location string No The code or ID of the location.", 2809, "conduct")
        | wonde("room_id string Yes The Wonde ID for the room.", 3872, "detention"),
    ),
    unknown(
        "status_unknown",
        xporter("Invalid StatusId {StatusId}", 14312) | wonde("status string Yes The code or ID of the status.", 2800),
    ),
    unknown(
        "bullying_type_unknown",
        xporter("Invalid BullTypeId {BullTypeId}", 14315)
        | wonde("bullying_type string No The code or ID of the bullying type.", 2804),
    ),
    unknown(
        "time_unknown",
        xporter("Invalid EntryTimeId {EntryTimeId}", 14316) | wonde("time string No The code or ID of the time.", 2811),
    ),
    unknown(
        "achievement_outcome_unknown",
        xporter("Invalid Achievement OutcomeId {OutcomeId}", 14317)
        | wonde("students > award string No The code or ID of the award given in response to the achievement.", 1357),
    ),
    unknown(
        "behaviour_outcome_unknown",
        xporter("Invalid Behaviour OutcomeId {OutcomeId}", 14318)
        | wonde("students > action string No The code or ID of the action taken in response to the incident.", 2792),
    ),
    unknown(
        "student_role_unknown",
        xporter("Invalid Student RoleId for StudentId: {StudentId}", 14304)
        | wonde("students > role string no The code or ID of the role the student took in the incident.", 2790),
    ),
    unknown("staff_role_unknown", xporter("Invalid Staff RoleId for StaffId: {StaffId}", 14306)),
)

_OTHERS = (
    Entry(
        "status_required",
        "status is missing: {mis} needs it",
        "Send the status of the incident, a code or id from the school's list.",
        wordings=xporter("Mandatory field StatusId missing", 14313)
        | wonde("status string Yes The code or ID of the status.", 2800),
    ),
    Entry(
        "bullying_type_not_for_type",
        "bullying_type is {value}, but incidents of type {type} have none",
        "Leave bullying_type out, or choose a type that is about bullying.",
        wordings=wonde("This is only available for certain behaviour types.", 2991),
    ),
    Entry(
        "staff_role_not_taken",
        "{field} is {value}: {mis} takes only {roles}",
        "Send {roles} as the role, or leave the member of staff out.",
        wordings=xporter("Bromcom One Conduct to One Student Witness Role Supported only No", 14420),
    ),
    Entry(
        "deletion_not_supported",
        "{field} is not available: {mis} lets nothing be removed through {provider}",
        "Leave {field} out and remove it in {mis} itself.",
        wordings=xporter("Deletion of conduct records is not supported for {MIS}", 14303),
    ),
    Entry(
        "lesson_on_another_day",
        "Lesson {lesson_id} is on {lesson_date}, and date is {date}",
        "It is sent as it is; check the date and the lesson.",
        severity=WARNING,
    ),
    Entry(
        "incident_type_invalid",
        "The incident is neither an achievement nor a behaviour",
        "Nothing to do: the kind of the writeback says which it is.",
        raised_by=RaisedBy.NOBODY,
        wordings=xporter("Invalid IncidentType {IncidentType} should be Ach or Beh", 14308),
    ),
    *(
        Entry(
            f"{what}_removed_without_id",
            f"Which record {what} are to be removed from is not said",
            "Nothing to do: only an update removes, and its id is needed.",
            raised_by=RaisedBy.NOBODY,
            wordings=xporter(
                f"You must provide an UpdateId when trying to remove {what} from a behaviour record", line
            ),
        )
        for what, line in (("students", 14319), ("staff", 14320), ("media", 14321))
    ),
)

ENTRIES = (*_ATTRIBUTES, *_OTHERS)
