"""What Wonde checks before it takes marks (2156-2178, 2349-2359)."""

import re
from typing import Any, Final

from writeback.sandbox.mis.mis import Slot, Writing
from writeback.sandbox.mis.school import SandboxSchool
from writeback.sandbox.strictness import Errors
from writeback.sandbox.wonde.given import Given

NEEDS_EMPLOYEE: Final = frozenset({"bromcom", "department of education western australia", "schoolbase"})
"""MISes whose session marks need `employee_id` (2177)."""
_EMOJI: Final = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\ufe0f\u200d\u20e3]")


def check(body: Any, kind: str, school: SandboxSchool) -> tuple[list[Writing], Errors]:
    """Return the marks of a body, and what is wrong with it; marks are complete only without errors."""
    read = _session_mark if kind == "session" else _lesson_mark
    errors: Errors = {}
    written = [read(mark, school) for mark in Given(body, "", errors).each("attendance")]
    return [writing for writing in written if writing is not None], errors


def _session_mark(record: Given, school: SandboxSchool) -> Writing | None:
    mis = school.mis
    student = record.one_of("student_id", mis.pupils)
    day = record.day("date")
    session = record.one_of("session", ("AM", "PM"))
    code = _code(record, school)
    comment = record.text("comment", is_required=False)
    if comment is not None and _EMOJI.search(comment):
        record.wrong("comment", "The {field} may not contain emoji characters.")
    minutes = record.number("minutes_late")
    needs_employee = school.mis_name.lower() in NEEDS_EMPLOYEE
    employee = record.one_of("employee_id", mis.staff, is_required=needs_employee)
    if student is None or day is None or session is None or code is None:
        return None
    return Writing(Slot("S", student, day, session), code, minutes, comment, employee_id=employee)


def _lesson_mark(record: Given, school: SandboxSchool) -> Writing | None:
    mis = school.mis
    student = record.one_of("student_id", mis.pupils)
    lesson_id = record.one_of("lesson_id", mis.timetable.by_id)
    code = _code(record, school)
    comment = record.text("comment", is_required=False)
    minutes = record.number("minutes_late")
    if student is None or lesson_id is None or code is None:
        return None
    lesson = mis.timetable.by_id[lesson_id]
    return Writing(Slot("L", student, lesson.day, str(lesson.instance)), code, minutes, comment)


def _code(record: Given, school: SandboxSchool) -> str | None:
    """Return the code's letters; a disabled one does not pass."""
    codes = school.mis.codes
    code_id = record.known("attendance_code_id", lambda given: given in codes and codes[given].is_active)
    return codes[code_id].code if code_id else None
