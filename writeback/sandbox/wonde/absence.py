"""What Wonde checks before it takes absences of pupils (8487-8499) and of staff (5339-5353, 5398-5410).

Where the document's column says Yes and its note names one MIS (`end_at`, "Required for Bromcom", 5344; ABSENCE_TYPE,
"required for Synergetic", 8624) the column is taken at its word: required everywhere.
"""

from datetime import datetime, time
from typing import Any, Final

from writeback.sandbox.mis.absences import EmployeeAbsenceEdit, NewEmployeeAbsence, NewStudentAbsence, StaffAbsence
from writeback.sandbox.mis.school import SandboxSchool
from writeback.sandbox.strictness import Errors
from writeback.sandbox.wonde.given import Given

EVENTS: Final = ("sign in", "sign out", "all day absence")
NEEDS_CATEGORY_AND_CODE: Final = frozenset({"bromcom"})
HALF_DAYS: Final = {"AM": time(12, 0), "PM": time(17, 0)}
"""`"end_at": "AM"` (5314) ends with that half of the first day; at which minute is a guess."""


def check_student_absences(body: Any, school: SandboxSchool) -> tuple[list[NewStudentAbsence], Errors]:
    """Return the absences, and what is wrong with them; nothing is returned for one that is incomplete."""
    errors: Errors = {}
    absences = [_student_absence(row, school) for row in Given(body, "", errors).each("absence")]
    return [absence for absence in absences if absence is not None], errors


def check_employee_absences(body: Any, school: SandboxSchool) -> tuple[list[NewEmployeeAbsence], Errors]:
    """Return the absences, and what is wrong with them; nothing is returned for one that is incomplete."""
    errors: Errors = {}
    absences = []
    for row in Given(body, "", errors).each("employee_absence"):
        employee = row.one_of("employee_id", school.mis.staff)
        says = _staff_absence(row, school, employee or "")
        if is_bromcom(school) and not row.given.get("illness_category"):
            row.wrong("illness_category", "The {field} field is required.")
        if says is not None:
            absences.append(NewEmployeeAbsence(says))
    return absences, errors


def check_employee_absence_edit(
    body: Any, school: SandboxSchool, absence_id: str
) -> tuple[list[EmployeeAbsenceEdit], Errors]:
    """Return what an absence is to say, and what is wrong with it. It stays with its member of staff."""
    errors: Errors = {}
    row, held = Given(body, "", errors), school.mis.absences.of_staff[absence_id]
    if "absence_note" not in row.given:
        # "string, nullable, Yes" (5407): to be given, though perhaps as null.
        row.wrong("absence_note", "The {field} field must be present.")
    says = _staff_absence(row, school, held.says.employee_id)
    return ([EmployeeAbsenceEdit(absence_id, says)] if says else []), errors


def is_bromcom(school: SandboxSchool) -> bool:
    """Whether the school's MIS wants the fields that are "Required for Bromcom"."""
    return school.mis_name.lower() in NEEDS_CATEGORY_AND_CODE


def _student_absence(row: Given, school: SandboxSchool) -> NewStudentAbsence | None:
    mis = school.mis
    student = row.one_of("student_id", mis.pupils)
    start = row.moment("start_at", may_be_day=True)
    event = row.one_of("event_type", EVENTS)
    kind = row.attribute("absence_type", mis.lists, "student_absence", "type", is_required=True)
    reason = row.attribute("reason", mis.lists, "student_absence", "reason")
    comment = row.text("comment", is_required=False)
    authorised_by = row.one_of("authorised_by", mis.staff, is_required=False)
    if student is None or start is None or event is None or kind is None:
        return None
    return NewStudentAbsence(student, start, event, kind, reason, comment, authorised_by)


def _staff_absence(row: Given, school: SandboxSchool, employee_id: str) -> StaffAbsence | None:
    lists = school.mis.lists
    start = row.moment("start_at", may_be_day=True)
    end = _end(row, start)
    days, hours = row.decimal("working_days"), row.decimal("number_of_hours")
    kind = row.attribute("absence_type", lists, "employee_absence", "type", is_required=True)
    pay = row.attribute("authorised_pay_rate", lists, "employee_absence", "pay_rate", is_required=True)
    illness = row.attribute("illness_category", lists, "employee_absence", "illness_category")
    code = row.text("absence_code", is_required=is_bromcom(school))
    note = row.text("absence_note", is_required=False)
    if start is None or end is None or days is None or hours is None or kind is None or pay is None:
        return None
    return StaffAbsence(employee_id, start, end, days, hours, kind, pay, illness, code, note)


def _end(row: Given, start: datetime | None) -> datetime | None:
    half = HALF_DAYS.get(str(row.given.get("end_at")))
    if half is not None:
        return datetime.combine(start.date(), half) if start else None
    end = row.moment("end_at", may_be_day=True)
    if start and end and end < start:
        row.wrong("end_at", "The {field} must be a date after or equal to start_at.")
    return end
