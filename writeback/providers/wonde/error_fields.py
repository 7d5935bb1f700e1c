"""Wonde's field names → our finding code, our field, and what to do. Plain data, for `errors`."""

from collections.abc import Mapping
from typing import NamedTuple


class Named(NamedTuple):
    """What a refusal of one of Wonde's fields means to us; Wonde's own wording stands in `provider_message`."""

    code: str
    field: str
    hint: str


_PUPIL = ("student_not_on_roll", "Check that the pupil is on roll, then send it again.")
_EMPLOYEE = ("employee_unknown", "Name a member of staff that the school's MIS knows.")
_RECORDED_BY = ("recorded_by_unknown", "Name a member of staff that the school's MIS knows.")
_COMMENT = ("comment_invalid", "Shorten the comment and leave out emoji.")
_DAY = ("date_invalid", "Send a school day of this academic year.")
_TIME = ("time_invalid", "Send a time of the school's own clock, the end after the start.")
_AMOUNT = ("amount_invalid", "Send a number that is not negative.")
_MIS_RECORD = ("record_not_found", "Look in the MIS whether it is still there, and send its id.")


def _named(about: tuple[str, str], **fields: str) -> dict[str, Named]:
    """Return the entries of Wonde's fields, each with ours."""
    code, hint = about
    return {theirs: Named(code, ours, hint) for theirs, ours in fields.items()}


def _listed(**fields: tuple[str, str]) -> dict[str, Named]:
    """Return the entries of fields that are chosen from the school's lists, each with ours and its finding."""
    hint = "Choose one that is active at the school."
    return {theirs: Named(code, ours, hint) for theirs, (ours, code) in fields.items()}


FIELDS: Mapping[str, Named] = {
    # Attendance (Wonde 2166-2177, 2367-2376).
    **_named(_PUPIL, student_id="student_id"),
    **_named(
        ("lesson_unknown", "Refresh the timetable and choose the lesson again."),
        lesson_id="lesson_id",
    ),
    **_named(("code_unknown", "Choose a code that is active at the school."), attendance_code_id="code"),
    **_named(("session_invalid", "Send AM or PM."), session="session"),
    **_named(("minutes_late_invalid", "Send whole minutes."), minutes_late="minutes_late"),
    # Conduct (Wonde 1354-1369, 2787-2812).
    **_named(("points_invalid", "Send whole points for every pupil."), points="points"),
    **_listed(
        award=("outcome", "achievement_outcome_unknown"),
        action=("outcome", "behaviour_outcome_unknown"),
        role=("role", "student_role_unknown"),
        type=("type", "type_unknown"),
        activity_type=("activity", "activity_unknown"),
        status=("status", "status_unknown"),
        bullying_type=("bullying_type", "bullying_type_unknown"),
        location=("location", "location_unknown"),
        time=("time", "time_unknown"),
    ),
    # Detentions (Wonde 3870-3883, 4153-4161).
    **_listed(
        detention_type_id=("type", "type_unknown"),
        room_id=("location", "location_unknown"),
        detention_attendance_code_id=("attendance", "detention_attendance_unknown"),
        behaviour_type=("behaviour_type", "behaviour_type_unknown"),
    ),
    **_named(_RECORDED_BY, recorded_by_employee_id="recorded_by_id"),
    **_named(_MIS_RECORD, detention_id="detention_id", behaviour_id="behaviour_id"),
    # Absences (Wonde 8489-8500, 5341-5353).
    **_named(("event_invalid", "Send sign_in, sign_out or all_day."), event_type="event"),
    **_listed(
        absence_type=("type", "type_unknown"),
        reason=("reason", "reason_unknown"),
        illness_category=("illness_category", "illness_category_unknown"),
        authorised_pay_rate=("pay_rate", "pay_rate_unknown"),
        absence_code=("absence_code", "absence_code_unknown"),
    ),
    **_named(_AMOUNT, working_days="working_days", number_of_hours="hours"),
    # What several share.
    **_named(
        _EMPLOYEE,
        employee_id="employee_id",
        attended_by_employee_id="supervisor_id",
        authorised_by="authorised_by_id",
    ),
    **_named(_DAY, date="date", award_date="outcome_date", action_date="outcome_date"),
    **_named(_TIME, start_at="start_at", end_at="end_at"),
    **_named(_COMMENT, comment="comment", comments="comment", absence_note="comment"),
    **_named(
        ("provider_refused", "Mend what Wonde names, then send it again."),
        students="students",
        attendees="students",
    ),
}

FIELDS_OF: Mapping[str, Mapping[str, Named]] = {
    "achievement.create": _named(_RECORDED_BY, employee_id="employee_id"),
    "behaviour.create": _named(_RECORDED_BY, employee_id="employee_id"),
    "detention.create": _named(_TIME, start_at="start_time", end_at="end_time"),
}
"""Where a field of one kind means something else than it does elsewhere."""
