"""Findings about attendance marks alone."""

from validators.catalogue.entry import WARNING, Entry, RaisedBy, wonde, xporter

ENTRIES = (
    Entry(
        "lesson_not_on_date",
        "Lesson {lesson_id} is on {lesson_date}, not on {date}",
        "Send the lesson's own date or leave it out; if the timetable has changed, choose the lesson again.",
        wordings=xporter("Invalid lesson InstanceId provided", 14059),
    ),
    Entry(
        "present_in_future",
        "{field} is {value}, which is still to come, and code {code} says that the pupil was seen",
        "Send the mark once the pupil has been seen: today is {today} at {school}. If another day was meant, send that "
        "one (YYYY-MM-DD); an absence or a visit that is planned may be sent ahead with its own code.",
    ),
    Entry(
        "date_required",
        "date is missing, and the timetable does not say when lesson {lesson_id} is",
        "Send the lesson's date: {provider} takes no mark without one.",
        wordings=xporter("Date 2017-05-11 String Date of the attendance (yyyy-mm-dd) Yes", 13969),
    ),
    Entry(
        "code_unknown",
        "Code {code} is not among the attendance codes of {school}",
        "{suggestion}Send a code or its id from the school's list; or have it entered among the school's words.",
        wordings=xporter("Invalid Mark provided: {Mark}", 14056)
        | wonde("The Wonde ID for the attendance code or subcode.", 2172),
    ),
    Entry(
        "code_is_no_mark",
        "Code {code} says that there is no mark: there is nothing to write",
        "Leave the record out. A mark that is in {mis} already is removed there.",
    ),
    Entry(
        "code_inactive",
        "Code {code} is inactive in the MIS: choose another, or ask the school to enable it",
        "Choose a code that is active at {school}, or ask the school to enable {code} in {mis}.",
        wordings=xporter("Invalid Mark provided: {Mark}", 14056),
    ),
    Entry(
        "code_wrong_session",
        "Code {code} is for {right} only, and session is {session}",
        "For {session} send {other}, or correct the session.",
    ),
    Entry(
        "several_dates",
        "The marks are of several dates",
        "Nothing to do: each date goes in a request of its own.",
        severity=WARNING,
        raised_by=RaisedBy.NOBODY,
        wordings=xporter("Only write back a set of marks for the same date", 14057),
    ),
    Entry(
        "school_closed",
        "{school} is closed to pupils on {date}",
        "Nothing can be recorded on that date; if the school was open, ask it to correct its calendar, "
        "then send the mark again as a new writeback.",
        raised_by=RaisedBy.PROVIDER,
        wordings=xporter("School appears to be closed to students on this date", 14058),
    ),
    Entry(
        "statutory_comment_required",
        "Code {code} needs a statutory comment",
        "Say in statutory_comment where or why the pupil is educated elsewhere.",
        wordings=xporter(
            "Statutory comment for marks B, K and Y7 - MAX 500 Character Limit. Presently only supported for SIMS "
            "Mandatory for codes B, K and Y7",
            14084,
        ),
    ),
    Entry(
        "statutory_comment_too_long",
        "statutory_comment has {length} characters: {limit} are the most that {mis} takes",
        "Shorten it to {limit} characters.",
        wordings=xporter(
            "Statutory comment for marks B, K and Y7 - MAX 500 Character Limit. Presently only supported for SIMS",
            14084,
        ),
    ),
    Entry(
        "employee_required",
        "{mis} needs the staff member who took the register",
        "Send employee_id with every record.",
        wordings=wonde(
            "The Wonde ID for the employee. (This is required for Bromcom, Department of Education Western Australia "
            "and SchoolBase).",
            2177,
        ),
    ),
    Entry(
        "late_without_minutes",
        "Code {code} without minutes late",
        "Send minutes_late, if the school wants it recorded.",
        severity=WARNING,
    ),
    Entry(
        "minutes_without_late",
        "minutes_late is {minutes_late}, but code {code} does not mean late",
        "Send L or U, or leave minutes_late out.",
        severity=WARNING,
    ),
    Entry(
        "administrative_code",
        "Code {code} is for the school office, not for a register",
        "It is sent as it is; check that the office wants it set from a classroom.",
        severity=WARNING,
    ),
    Entry(
        "custom_code_on_session",
        "Code {code} is the school's own: {mis} expects national codes on a session",
        "Use a national code for the session, and the school's own on lessons.",
        severity=WARNING,
    ),
    Entry(
        "observed_in_future",
        "observed_at is {value}, and now it is {now}",
        "Send when it was seen, with the right offset, and set the device's clock; or leave observed_at out: then it "
        "counts from when it is accepted.",
    ),
    Entry(
        "observed_before_its_day",
        "observed_at is {value}, before the day that the mark is for, {day}",
        "Look at the device's clock: what was entered in {mis} since observed_at is left as it is.",
        severity=WARNING,
    ),
    Entry(
        "duplicate_slot",
        "Record {record} is for the same {slot} as record {first}",
        "Keep one of the two: which one is meant is not known.",
    ),
)
