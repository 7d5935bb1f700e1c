"""What Wonde checks before it takes marks (2156-2178, 2349-2359).

The document promises "the validation errors" and shows no shape: keys like `attendance.0.student_id`, each with a
list of messages, are a guess after the framework that Wonde's other answers are written in.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from writeback.sandbox.mis import Slot, Writing
from writeback.sandbox.school import SandboxSchool

Errors = dict[str, list[str]]

NEEDS_EMPLOYEE: Final = frozenset({"bromcom", "department of education western australia", "schoolbase"})
"""MISes whose session marks need `employee_id` (2177)."""
_EMOJI: Final = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\ufe0f\u200d\u20e3]")
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


def check(body: Any, kind: str, school: SandboxSchool) -> tuple[list[Writing], Errors]:
    """Return the marks of a body, and what is wrong with it; marks are complete only without errors."""
    records = body.get("attendance") if isinstance(body, dict) else None
    if not isinstance(records, list) or not records:
        return [], {"attendance": ["The attendance field is required."]}
    read = _session_mark if kind == "session" else _lesson_mark
    errors: Errors = {}
    writings = []
    for index, record in enumerate(records):
        checked = _Record(record if isinstance(record, dict) else {}, f"attendance.{index}", errors)
        writing = read(checked, school)
        if writing is not None:
            writings.append(writing)
    return writings, errors


class _Record:
    """One mark of the body; each check returns the value, or None and notes the error."""

    def __init__(self, given: Mapping[str, Any], path: str, errors: Errors) -> None:
        self.given, self._path, self._errors = given, path, errors

    def wrong(self, name: str, message: str) -> None:
        field = f"{self._path}.{name}"
        self._errors.setdefault(field, []).append(message.format(field=field))

    def text(self, name: str, *, is_required: bool = True) -> str | None:
        value = self.given.get(name)
        if value is None or value == "":
            if is_required:
                self.wrong(name, "The {field} field is required.")
            return None
        if not isinstance(value, str):
            self.wrong(name, "The {field} must be a string.")
            return None
        return value

    def known(self, name: str, is_known: Callable[[str], bool], *, is_required: bool = True) -> str | None:
        value = self.text(name, is_required=is_required)
        if value is not None and not is_known(value):
            self.wrong(name, "The selected {field} is invalid.")
            return None
        return value

    def number(self, name: str) -> float | None:
        value = self.given.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            self.wrong(name, "The {field} must be a number.")
            return None
        return value

    def calendar_date(self, name: str) -> date | None:
        value = self.text(name)
        if value is None:
            return None
        try:
            if _DATE.fullmatch(value):
                return date.fromisoformat(value)
        except ValueError:
            pass  # 2031-02-30 has the right shape and is no date; both end below
        self.wrong(name, "The {field} is not a valid date.")
        return None


def _session_mark(record: _Record, school: SandboxSchool) -> Writing | None:
    mis = school.mis
    student = record.known("student_id", mis.pupils.__contains__)
    day = record.calendar_date("date")
    session = record.known("session", ("AM", "PM").__contains__)
    code = _code(record, school)
    comment = record.text("comment", is_required=False)
    if comment is not None and _EMOJI.search(comment):
        record.wrong("comment", "The {field} may not contain emoji characters.")
    minutes = record.number("minutes_late")
    needs_employee = school.mis_name.lower() in NEEDS_EMPLOYEE
    employee = record.known("employee_id", mis.staff.__contains__, is_required=needs_employee)
    if student is None or day is None or session is None or code is None:
        return None
    return Writing(Slot("S", student, day, session), code, minutes, comment, employee_id=employee)


def _lesson_mark(record: _Record, school: SandboxSchool) -> Writing | None:
    mis = school.mis
    student = record.known("student_id", mis.pupils.__contains__)
    lesson_id = record.known("lesson_id", mis.timetable.by_id.__contains__)
    code = _code(record, school)
    comment = record.text("comment", is_required=False)
    minutes = record.number("minutes_late")
    if student is None or lesson_id is None or code is None:
        return None
    lesson = mis.timetable.by_id[lesson_id]
    return Writing(Slot("L", student, lesson.day, str(lesson.instance)), code, minutes, comment)


def _code(record: _Record, school: SandboxSchool) -> str | None:
    """Return the code's letters; a disabled one does not pass."""
    codes = school.mis.codes
    code_id = record.known("attendance_code_id", lambda given: given in codes and codes[given].is_active)
    return codes[code_id].code if code_id else None
