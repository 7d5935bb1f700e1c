"""What a person in the school's office asks of the MIS, read from the control plane's bodies. Called by `records`.

Names are those of our own records where there are such, e.g. `outcome` for Wonde's award and action.
"""

from datetime import time

from writeback.sandbox.mis.absences import (
    EmployeeAbsenceEdit,
    EmployeeAbsenceRemoval,
    NewEmployeeAbsence,
    NewStudentAbsence,
    StaffAbsence,
    StudentAbsenceEdit,
    StudentAbsenceRemoval,
)
from writeback.sandbox.mis.detentions import DetentionEdit, DetentionRemoval, Entry, NewDetention, Terms
from writeback.sandbox.mis.incidents import (
    Category,
    Details,
    IncidentEdit,
    IncidentRemoval,
    NewIncident,
    Participant,
    StaffPart,
)
from writeback.sandbox.mis.mis import Mis
from writeback.sandbox.wonde.given import INVALID, Given

EVENTS = ("sign in", "sign out", "all day absence")


def new_achievement(row: Given, mis: Mis) -> NewIncident:
    return _new_incident("achievement", row, mis)


def new_behaviour(row: Given, mis: Mis) -> NewIncident:
    return _new_incident("behaviour", row, mis)


def achievement_edit(row: Given, mis: Mis) -> IncidentEdit:
    return _incident_edit("achievement", row, mis)


def behaviour_edit(row: Given, mis: Mis) -> IncidentEdit:
    return _incident_edit("behaviour", row, mis)


def achievement_removal(record_id: str) -> IncidentRemoval:
    return IncidentRemoval("achievement", record_id)


def behaviour_removal(record_id: str) -> IncidentRemoval:
    return IncidentRemoval("behaviour", record_id)


def new_detention(row: Given, mis: Mis) -> NewDetention:
    return NewDetention(_terms(row, mis, is_new=True), _entries(row, mis), row.texts("staff_ids"))


def detention_edit(row: Given, mis: Mis) -> DetentionEdit:
    return DetentionEdit(
        row.one_of("id", mis.detentions.by_id) or "",
        _terms(row, mis, is_new=False),
        _entries(row, mis),
        row.texts("staff_ids"),
        row.texts("remove_students"),
        row.texts("remove_staff"),
    )


def detention_removal(record_id: str) -> DetentionRemoval:
    return DetentionRemoval(record_id)


def new_student_absence(row: Given, mis: Mis) -> NewStudentAbsence | None:
    start, event = row.moment("start_at"), row.one_of("event", EVENTS)
    kind = row.attribute("type", mis.lists, "student_absence", "type", is_required=True)
    student = row.text("student_id")
    if start is None or event is None or kind is None or student is None:
        return None
    reason = row.attribute("reason", mis.lists, "student_absence", "reason")
    comment, by = row.text("comment", is_required=False), row.text("authorised_by_id", is_required=False)
    return NewStudentAbsence(student, start, event, kind, reason, comment, by)


def student_absence_edit(row: Given, mis: Mis) -> StudentAbsenceEdit | None:
    held = mis.absences.of_students.get(row.one_of("id", mis.absences.of_students) or "")
    says = new_student_absence(row, mis)
    return StudentAbsenceEdit(held.id, says) if held and says else None


def student_absence_removal(record_id: str) -> StudentAbsenceRemoval:
    return StudentAbsenceRemoval(record_id)


def new_employee_absence(row: Given, mis: Mis) -> NewEmployeeAbsence | None:
    says = _staff_absence(row, mis, row.text("employee_id") or "")
    return NewEmployeeAbsence(says) if says else None


def employee_absence_edit(row: Given, mis: Mis) -> EmployeeAbsenceEdit | None:
    held = mis.absences.of_staff.get(row.one_of("id", mis.absences.of_staff) or "")
    says = _staff_absence(row, mis, held.says.employee_id if held else "")
    return EmployeeAbsenceEdit(held.id, says) if held and says else None


def employee_absence_removal(record_id: str) -> EmployeeAbsenceRemoval:
    return EmployeeAbsenceRemoval(record_id)


def _new_incident(category: Category, row: Given, mis: Mis) -> NewIncident:
    details = _details(category, row, mis, is_new=True)
    return NewIncident(category, details, _participants(category, row, mis, is_new=True), _staff(category, row, mis))


def _incident_edit(category: Category, row: Given, mis: Mis) -> IncidentEdit:
    return IncidentEdit(
        category,
        row.one_of("id", mis.conduct.by_category[category]) or "",
        _details(category, row, mis, is_new=False),
        _participants(category, row, mis, is_new=False),
        _staff(category, row, mis),
        remove_students=row.texts("remove_students"),
        remove_staff=row.texts("remove_staff"),
        remove_media=row.texts("remove_media"),
    )


def _details(category: Category, row: Given, mis: Mis, *, is_new: bool) -> Details:
    lists = mis.lists
    return Details(
        type=row.attribute("type", lists, category, "type", is_required=is_new),
        day=row.day("date", is_required=is_new),
        recorded_by=row.text("employee_id", is_required=is_new),
        activity=row.attribute("activity", lists, category, "activity"),
        location=row.attribute("location", lists, category, "location"),
        status=row.attribute("status", lists, category, "status"),
        bullying_type=row.attribute("bullying_type", lists, category, "bullying_type"),
        time=row.attribute("time", lists, category, "time"),
        lesson_id=row.text("lesson_id", is_required=False),
        comment=row.text("comment", is_required=False),
    )


def _participants(category: Category, row: Given, mis: Mis, *, is_new: bool) -> tuple[Participant, ...]:
    return tuple(
        Participant(
            pupil.text("student_id") or "",
            pupil.integer("points", is_required=is_new),
            pupil.attribute("role", mis.lists, category, "role"),
            pupil.attribute("outcome", mis.lists, category, "outcome"),
            pupil.day("outcome_date", is_required=False),
        )
        for pupil in row.each("students", is_required=is_new)
    )


def _staff(category: Category, row: Given, mis: Mis) -> tuple[StaffPart, ...]:
    return tuple(
        StaffPart(member.text("employee_id") or "", member.attribute("role", mis.lists, category, "staff_role"))
        for member in row.each("staff", is_required=False)
    )


def _terms(row: Given, mis: Mis, *, is_new: bool) -> Terms:
    kind, room = row.text("type", is_required=is_new), row.text("location", is_required=is_new)
    for name, given, found in (
        ("type", kind, mis.lists.detention_type(kind or "")),
        ("location", room, mis.lists.room(room or "")),
    ):
        if given and found is None:
            row.wrong(name, INVALID)
    return Terms(
        type=mis.lists.detention_type(kind or ""),
        room=mis.lists.room(room or ""),
        day=row.day("date", is_required=is_new),
        start=_clock(row, "start_time"),
        end=_clock(row, "end_time"),
        supervisor_id=row.text("supervisor_id", is_required=False),
        recorded_by=row.text("recorded_by_id", is_required=False),
        recorded_on=row.day("recorded_date", is_required=False),
        comment=row.text("comment", is_required=False),
    )


def _entries(row: Given, mis: Mis) -> tuple[Entry, ...]:
    lists = mis.lists
    return tuple(
        Entry(
            pupil.text("student_id") or "",
            pupil.attribute("attendance", lists, "detention", "attendance"),
            pupil.attribute("reason", lists, "detention", "reason"),
            pupil.text("non_attendance_reason", is_required=False),
            pupil.text("behaviour_id", is_required=False),
            pupil.attribute("behaviour_type", lists, "behaviour", "type"),
            pupil.text("recorded_by_id", is_required=False),
            pupil.text("comment", is_required=False),
        )
        for pupil in row.each("students", is_required=False)
    )


def _staff_absence(row: Given, mis: Mis, employee_id: str) -> StaffAbsence | None:
    lists = mis.lists
    start, end = row.moment("start_at"), row.moment("end_at")
    days, hours = row.decimal("working_days"), row.decimal("hours")
    kind = row.attribute("type", lists, "employee_absence", "type", is_required=True)
    pay = row.attribute("pay_rate", lists, "employee_absence", "pay_rate", is_required=True)
    if start is None or end is None or days is None or hours is None or kind is None or pay is None:
        return None
    illness = row.attribute("illness_category", lists, "employee_absence", "illness_category")
    code, comment = row.text("absence_code", is_required=False), row.text("comment", is_required=False)
    return StaffAbsence(employee_id, start, end, days, hours, kind, pay, illness, code, comment)


def _clock(row: Given, name: str) -> time | None:
    given = row.text(name, is_required=False)
    try:
        return time.fromisoformat(given) if given else None
    except ValueError:
        row.wrong(name, "The {field} must be a time like 12:30.")
        return None
