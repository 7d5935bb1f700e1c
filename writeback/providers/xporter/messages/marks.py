"""Messages about marks (Xporter 14049-14059)."""

from collections.abc import Sequence

from writeback.providers.xporter.messages.base import Message, Pattern
from writeback.providers.xporter.messages.places import LONGEST_TEXT

TABLE: Sequence[Message] = (
    Message(
        "student_id_missing",
        Pattern(r"missing mandatory field \W*StudentId"),  # 14050
        "A record has no pupil",
        "Name the pupil.",
        ("NoStudentId",),
        has_value=False,
        pointer="/student_id",
    ),
    Message(
        "lesson_required",
        Pattern(r"InstanceId required for lesson attendance writeback(?: for StudentId<values>)?"),  # 14053
        "The lesson is missing",
        "Name the lesson by its PeriodId from the timetable.",
        ("LessonOf",),
        pointer="/lesson_id",
    ),
    Message(
        "comment_too_long",
        Pattern(r"notes field max character limit(?:\s*\(\d+\))? exceeded(?: for StudentId<values>)?"),  # 14054
        f"The comment is longer than {LONGEST_TEXT} characters",
        f"Shorten it to {LONGEST_TEXT} characters.",
        ("LongNotesOf", "NotesOf"),
        pointer="/comment",
    ),
    Message(
        "session_invalid",
        Pattern(r"invalid session(?: code)? provided<values>"),  # 14055
        "The session is not AM or PM",
        "Send AM or PM.",
        ("Session",),
        pointer="/session",
    ),
    Message(
        "code_unknown",
        Pattern(r"invalid mark provided<values>"),  # 14056
        "The attendance code is not known at the school",
        "Choose a code from the school's list.",
        ("Mark",),
        pointer="/code",
    ),
    Message(
        "several_dates",
        Pattern(r"only write ?back a set of marks for the same date"),  # 14057
        "The marks are of several dates",
        "Send each date in a request of its own.",
        pointer="/date",
    ),
    Message(
        "school_closed",
        Pattern(r"school appears to be closed"),  # 14058
        "The school is closed to pupils on this date",
        "Nothing can be recorded on that date; if the school was open, ask it to correct its calendar and resubmit.",
        pointer="/date",
    ),
    Message(
        "lesson_not_on_date",
        Pattern(r"invalid lesson InstanceId(?: provided)?(?:\s*:<values>)?"),  # 14059
        "The lesson is not in the timetable on this date",
        "Refresh the timetable and choose the lesson again.",
        ("InstanceId",),
        pointer="/lesson_id",
    ),
)
