"""Findings that records of several kinds can have: about the school, its lists, people, fields and times."""

from validators.catalogue.entry import WARNING, Entry, RaisedBy, wonde, xporter

_ABOUT_THE_WHOLE = (
    Entry(
        "writeback_not_supported",
        "Not available for {mis} through {provider}",
        "{reason}. Do not send {kind} for {school}: record it in {mis} itself.",
        wordings=xporter("Attendance writeback is not supported for {MIS}", 14051, "attendance")
        | xporter("Conduct writeback is not supported for {MIS}", 14301, "conduct")
        | xporter("Currently only SIMS MIS is supported for Detention Writeback.", 14494, "detention"),
    ),
    Entry(
        "permission_missing",
        "{school} has not granted {permission}",
        "Ask the school to grant {permission} in {provider}; then sync the school and send the records again.",
        wordings=xporter("Detention Writeback requires the WritebackConduct scope.", 14492, "detention")
        | wonde("403 Forbidden – Incorrect permissions to view resource.", 106),
    ),
    Entry(
        "permission_doubtful",
        "{school} seems not to have granted {permission}; that this is its name in {provider} is assumed",
        "The records are sent. Should {provider} refuse them, they wait until it is granted: ask the school.",
        severity=WARNING,
    ),
    Entry(
        "lookup_missing",
        "The list of {list} of {school} has never been fetched: it could not be checked against",
        "The records {fate}. Ask support to sync the school.",
        severity=WARNING,
    ),
    Entry(
        "lookup_stale",
        "The list of {list} of {school} is out of date: what it says may have changed",
        "The records are checked against the old list. Ask support to sync the school.",
        severity=WARNING,
    ),
    Entry(
        "raw_unchecked",
        "Nothing of {operation} can be checked: the document does not say what its body holds",
        "It is sent as it is. Test it with {provider} before it is used in earnest.",
        severity=WARNING,
    ),
)
_ABOUT_PEOPLE = (
    Entry(
        "student_not_on_roll",
        "Pupil {student_id}: not on roll at {school}",
        "The pupil has left or has not been admitted yet: leave the record out, or ask the school to check its roll.",
        wordings=xporter("Invalid StudentId: {StudentId}", 14052)
        | xporter("Invalid StudentId: {StudentID}", 14302, "conduct")
        | wonde("The Wonde ID for the student.", 2169)
        | wonde("students > student_id string Yes The Wonde ID of a student.", 2789, "conduct"),
    ),
    Entry(
        "employee_unknown",
        "Staff member {employee_id} is not in the MIS of {school}",
        "Send the provider's id of a present member of staff; a supply teacher may have to be entered first.",
        wordings=wonde("The Wonde ID for the employee.", 2177)
        | xporter("Invalid StaffId: {StaffID}", 14305, "conduct"),
    ),
    Entry(
        "recorded_by_unknown",
        "{field} is {employee_id}: no such member of staff is in the MIS of {school}",
        "Send the provider's id of the member of staff who recorded it.",
        wordings=xporter("Invalid RecordedById {RecordedById}", 14314, "conduct")
        | wonde("employee_id string Yes The Wonde ID of the employee that recorded the incident.", 2797, "conduct")
        | wonde(
            "attendees > recorded_by_employee_id string No The Wonde ID of the employee recording the detention "
            "attendance.",
            3880,
            "detention",
        ),
    ),
    Entry(
        "removal_unknown",
        "{field} is {value}: who is to be removed is not in the MIS of {school}",
        "It is sent, and may change nothing: check the id.",
        severity=WARNING,
    ),
    Entry(
        "id_negative",
        "{field} is {value}: {provider} would remove what it names",
        "Send the id without a sign. To remove somebody, use an update with remove_students, remove_staff or "
        "remove_media.",
        wordings=xporter(
            "You can then place a minus symbol in front of the StudentId or StaffId of any child sections that you "
            "wish to delete (for example, -3786).",
            14569,
        ),
    ),
    Entry(
        "student_twice",
        "Pupil {student_id} is in one record twice",
        "Keep one of the two entries.",
        wordings=xporter("You have assigned the same student to the same conduct more than once", 14322, "conduct"),
    ),
    Entry(
        "staff_twice",
        "Staff member {employee_id} is in one record twice",
        "Keep one of the two entries.",
        wordings=xporter("You have assigned the same staff to the same conduct more than once", 14323, "conduct"),
    ),
    Entry(
        "added_and_removed",
        "{field} is {value}, whom the same record adds or changes",
        "Keep one of the two: which one is meant is not known.",
    ),
)
_ABOUT_FIELDS = (
    Entry(
        "field_required",
        "{field} is missing: {mis} needs it",
        "Send {field} with every record.",
        wordings=wonde(
            "start_at datetime Yes The timestamp for the start of the detention.", 3873, "detention start_time"
        )
        | wonde("end_at datetime Yes The timestamp for the end of the detention.", 3874, "detention end_time")
        | wonde(
            "attendees > detention_attendance_code_id string Yes The Wonde ID of the detention attendance code.",
            3879,
            "detention attendance",
        )
        | wonde("This is the type of absence. This is required for Synergetic.", 8624, "absence type")
        | wonde("end_at datetime Yes The absence’s end date and time. Required for Bromcom", 5344, "absence end_at")
        | wonde(
            "illness_category string No Category of illness. Required for Bromcom", 5348, "absence illness_category"
        )
        | wonde("absence_code string No Absence code. Required for Bromcom", 5353, "absence absence_code")
        | wonde("room_id string Yes The Wonde ID for the room.", 3872, "detention location")
        | wonde(
            "employee_id string Yes The Wonde ID of the employee that recorded the incident.",
            1362,
            "conduct employee_id",
        )
        | xporter(
            "RecordedById 1 Integer Id of the staff member that recorded this event Yes", 14191, "conduct employee_id"
        ),
    ),
    Entry(
        "default_used",
        "The record says nothing of {field}: {value} was filled in, the default of {school}",
        "Nothing to do. To have another there, send {field}; the default is changed in the settings of the school.",
        severity=WARNING,
        raised_by=RaisedBy.SETTINGS,
    ),
    Entry(
        "default_not_on_list",
        "The record says nothing of {field}, and the default of {school}, {value}, is not on its list: it goes without",
        "Choose another default in the settings of the school, or send {field}.",
        severity=WARNING,
        raised_by=RaisedBy.SETTINGS,
    ),
    Entry(
        "field_forbidden",
        "{field} is not allowed: {mis} refuses records with it",
        "Leave {field} out.",
        wordings=xporter("Media object is not supported", 14429, "conduct media"),
    ),
    Entry(
        "field_not_carried",
        "{field} will not reach the MIS: {provider} has no place for it on {kind}",
        "The rest is sent. Leave {field} out, or record it in {mis} itself.",
        severity=WARNING,
    ),
    Entry(
        "comment_too_long",
        "{field} has {length} characters: {limit} are the most that {mis} takes",
        "Shorten it to {limit} characters.",
        wordings=xporter("Notes field max character limit (500) exceeded for StudentId: {StudentId}", 14054)
        | xporter("Note field max character limit (500) exceeded for Conduct Id: {ConductId}", 14307, "conduct"),
    ),
    Entry(
        "comment_emoji",
        "{field} has an emoji ({emoji})",
        "Take it out: {provider} takes text only.",
        wordings=wonde("Text comment. Emoji characters are not currently supported for this attribute.", 2175),
    ),
    Entry(
        "attribute_inactive",
        "{field} is {value}, which is inactive in the MIS",
        "{choices}Choose one that is active at {school}, or ask the school to enable it in {mis}.",
        wordings=wonde(
            "It is important that you check the code is valid for a school as missing or disabled codes will not pass "
            "Wonde's validation.",
            2982,
        ),
    ),
    Entry(
        "attribute_unchecked",
        "{field} could not be checked: {school} has no list for it",
        "It is sent as it is. Check that {mis} knows it.",
        severity=WARNING,
    ),
    Entry(
        "word_used",
        "{field} is {value}, which means {code} at {school}",
        "It is sent as {code}. Should that be wrong, change the words of {school}.",
        severity=WARNING,
        raised_by=RaisedBy.SETTINGS,
    ),
    Entry(
        "lesson_unknown",
        "Lesson {lesson_id} is not in the timetable of {school}: it has changed, or the lesson was never there",
        "Refresh the timetable and choose the lesson again.",
        wordings=xporter("Invalid lesson InstanceId provided", 14059)
        | wonde("lesson_id string Yes The Wonde ID for the lesson.", 2371),
    ),
    Entry(
        "duplicate_record",
        "Record {record} is the same as record {first}",
        "Keep one of the two; if both are meant, say in a comment what tells them apart.",
        wordings=xporter("You have defined the same conduct more than once", 14324, "conduct"),
    ),
    Entry(
        "accepted_before",
        "The same {noun} was accepted {ago} ago as {writeback_id}",
        "This one is sent as well. If only one is meant, cancel the other at once. With an Idempotency-Key the same "
        "call sent again makes no second one.",
        severity=WARNING,
        raised_by=RaisedBy.ACCEPT,
    ),
    Entry(
        "nothing_to_change",
        "The record names {target} and nothing that is to be different",
        "Send what is to be changed, or leave the record out.",
    ),
)
_ABOUT_TIMES = (
    Entry(
        "date_implausible",
        "{field} is {value}: no record of a school in use is that old",
        "Send the day as YYYY-MM-DD, {earliest} or later.",
    ),
    Entry(
        "date_in_future",
        "{field} is {value}: that day is still to come",
        "It is sent as it is; check the day.",
        severity=WARNING,
        wordings=xporter("Date event was recorded; future dates will be set to current date", 14511, "detention"),
    ),
    Entry(
        "not_yet_happened",
        "{field} is {value}: that day is still to come, and only what has happened can be recorded",
        "Send the day on which it happened (YYYY-MM-DD): today is {today} at {school}.",
    ),
    Entry(
        "date_too_far",
        "{field} is {value}: that is after the end of the next academic year",
        "Look at the year. Send the day that is meant as YYYY-MM-DD, {last_day} at the latest.",
    ),
    Entry(
        "date_of_former_year",
        "{field} is {value}: that is before this academic year, which began on {first_day}",
        "It is sent as it is; check the year.",
        severity=WARNING,
    ),
    Entry(
        "date_in_past",
        "{field} is {value}: that day is over",
        "It is sent as it is; check the day.",
        severity=WARNING,
    ),
    Entry(
        "day_is_closed",
        "{field} is {value}: {school} has no pupils on that day ({weekday}), by its year it is {why}",
        "It is sent as it is, and {mis} may refuse it; check the day. If pupils come, mend the year in the settings of "
        "the school, or have it mended in {mis}.",
        severity=WARNING,
    ),
    Entry(
        "no_lessons_that_day",
        "{field} is {value}: {school} has no lessons on that day ({weekday})",
        "It is sent as it is; check the day.",
        severity=WARNING,
    ),
    Entry(
        "time_outside_school_day",
        "{field} is {value}: that is before {opens} or after {closes}",
        "It is sent as it is; check that the time is on the school's own clock, without an offset.",
        severity=WARNING,
    ),
    Entry(
        "end_before_start",
        "{field} is {value}: that is not after the start, {start}",
        "Send an end that is later than the start.",
    ),
)

ENTRIES = (*_ABOUT_THE_WHOLE, *_ABOUT_PEOPLE, *_ABOUT_FIELDS, *_ABOUT_TIMES)
