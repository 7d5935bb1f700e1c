"""What Xporter's clients send, section by section, and which fields of ours it becomes. Plain data."""

from writeback.api.dropin.values import Field, Shape, day, text, whole

SESSION_MARK = Shape(  # Xporter 14077-14084
    {
        "StudentId": Field("student_id", text),
        "Date": Field("date", day),
        "Session": Field("session"),
        "Mark": Field("code"),
        "Mins": Field("minutes_late", whole),
        "Notes": Field("comment"),
        "StatutoryComment": Field("statutory_comment"),
    }
)
LESSON_MARK = Shape(  # Xporter 13967-13971
    {
        "StudentId": Field("student_id", text),
        "Date": Field("date", day),
        "InstanceId": Field("lesson_id", text),
        "Mark": Field("code"),
        "Mins": Field("minutes_late", whole),
        "Notes": Field("comment"),
        "StatutoryComment": Field("statutory_comment"),
    }
)
_STAFF = Shape({"StaffId": Field("employee_id", text), "StaffRoleId": Field("role", text)})  # Xporter 14212-14214
_MEDIUM = Shape(  # Xporter 14221-14227
    {
        "MediaDateTime": Field("taken_at"),
        "Description": Field("description"),
        "MediaType": Field("media_type"),
        "FileName": Field("file_name"),
        "MediaBase64": Field("content"),
    }
)
_CONDUCT = {  # Xporter 14189-14195
    "RecordedById": Field("employee_id", text),
    "EntryDate": Field("date", day),
    "TypeId": Field("type", text),
    "ActivityId": Field("activity", text),
    "Note": Field("comment"),
}
_PARTICIPANT = {  # Xporter 14202-14205
    "StudentId": Field("student_id", text),
    "Points": Field("points", whole),
    "OutcomeId": Field("outcome", text),
}
ACHIEVEMENT = Shape(
    _CONDUCT,
    {"Participants": ("students", Shape(_PARTICIPANT)), "Staff": ("staff", _STAFF), "MediaFiles": ("media", _MEDIUM)},
)
BEHAVIOUR = Shape(  # Xporter 14304, 14311-14316
    {
        **_CONDUCT,
        "StatusId": Field("status", text),
        "BullTypeId": Field("bullying_type", text),
        "LocationId": Field("location", text),
        "EntryTimeId": Field("time", text),
    },
    {
        "Participants": ("students", Shape({**_PARTICIPANT, "RoleId": Field("role", text)})),
        "Staff": ("staff", _STAFF),
        "MediaFiles": ("media", _MEDIUM),
    },
)
DETENTION = Shape(  # Xporter 14503-14528
    {
        "DetentionTypeId": Field("type", text),
        "LocationId": Field("location", text),
        "DetentionDate": Field("date", day),
        "StartTime": Field("start_time"),
        "EndTime": Field("end_time"),
        "AssignedStaffId": Field("supervisor_id", text),
        "RecordedDate": Field("recorded_date", day),
        "RecordedByStaffId": Field("recorded_by_id", text),
    },
    {
        "DetentionStudents": (
            "students",
            Shape(
                {
                    "StudentId": Field("student_id", text),
                    "ReasonId": Field("reason", text),
                    "AttendedId": Field("attendance", text),
                    "NonAttendanceReason": Field("non_attendance_reason"),
                    "BehaviourId": Field("behaviour_id", text),
                    "AddedByStaffId": Field("recorded_by_id", text),
                    "Comments": Field("comment"),
                }
            ),
        )
    },
)
SHAPES = {
    "attendance.session": SESSION_MARK,
    "attendance.lesson": LESSON_MARK,
    "achievement.create": ACHIEVEMENT,
    "achievement.update": ACHIEVEMENT,
    "behaviour.create": BEHAVIOUR,
    "behaviour.update": BEHAVIOUR,
    "detention.create": DETENTION,
    "detention.update": DETENTION,
}
"""By kind of ours, for the way back."""
GONE = {"remove_students": "StudentId", "remove_staff": "StaffId", "remove_media": "Id", "staff_ids": "StaffId"}
"""Lists of ids of ours, and what Xporter calls an id in them."""
