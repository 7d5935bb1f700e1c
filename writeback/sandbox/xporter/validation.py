"""The two tiers of checks before marks are sent to the MIS (14092-14117), with the document's own messages
(14043-14058). Where the document has a rule and no message, one is formed after its neighbours and marked.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from writeback.sandbox.mis.codes import CLOSED, NEED_STATUTORY_COMMENT
from writeback.sandbox.mis.mis import Slot, Writing
from writeback.sandbox.mis.school import SandboxSchool
from writeback.sandbox.xporter.access import XporterError
from writeback.sandbox.xporter.fields import LONGEST_TEXT, day, missing, text

CLOSED_DAY: Final = "School appears to be closed to students on this date"
UNKNOWN_INSTANCE: Final = "Invalid lesson InstanceId provided"
ONE_DATE: Final = "Only write back a set of marks for the same date"


def check_at_once(body: Any, school: SandboxSchool) -> list[Writing]:
    """Return the marks of a body that passes tier 1; raise XporterError with the first thing that is wrong."""
    if school.mis_name.upper() != "SIMS":
        raise XporterError(f"Attendance writeback is not supported for {school.mis_name}")
    marks = body.get("Marks") if isinstance(body, dict) else None
    if not isinstance(marks, list) or not marks:
        raise missing("Marks")
    writings = [_checked(mark if isinstance(mark, dict) else {}, school) for mark in marks]
    if len({writing.slot.day for writing in writings}) > 1:
        raise XporterError(ONE_DATE)
    return writings


def check_with_attendance(writings: Sequence[Writing], school: SandboxSchool) -> str | None:
    """Return the message of tier 2, which needs the day's attendance and timetable; None when all is well."""
    for writing in writings:
        slot = writing.slot
        if slot.kind == "S" and school.mis.held(slot) == CLOSED:
            return CLOSED_DAY
        if slot.kind == "L" and not _has_instance(school, slot):
            return UNKNOWN_INSTANCE
    return None


def _checked(mark: Mapping[str, Any], school: SandboxSchool) -> Writing:
    student = text(mark, "StudentId")
    if not student:
        raise missing("StudentId")
    if student not in school.mis.pupils:
        raise XporterError(f"Invalid StudentId: {student}")
    kind = text(mark, "MarkType").upper()
    if kind not in ("S", "L"):
        raise missing("MarkType")  # a guess: no message is documented
    date = day(mark, "Date")
    if date is None:
        raise missing("Date")
    place = _session(mark) if kind == "S" else _instance(mark, student)
    notes = text(mark, "Notes")
    if len(notes) > LONGEST_TEXT:
        raise XporterError(f"Notes field max character limit ({LONGEST_TEXT}) exceeded for StudentId: {student}")
    code = _code(mark, school)
    statutory = text(mark, "StatutoryComment")
    if code in NEED_STATUTORY_COMMENT and kind == "S" and not statutory:
        raise missing("StatutoryComment")  # mandatory for B, K and Y7 (14084); a guess as to the words
    if len(statutory) > LONGEST_TEXT:
        raise XporterError(
            f"StatutoryComment field max character limit ({LONGEST_TEXT}) exceeded for StudentId: {student}"
        )  # the limit is documented (14084), the words are a guess
    return Writing(Slot(kind, student, date, place), code, _minutes(mark), notes or None, statutory or None)


def _session(mark: Mapping[str, Any]) -> str:
    session = text(mark, "Session")
    if session not in ("AM", "PM"):
        raise XporterError(f"Invalid Session provided: {session}")
    return session


def _instance(mark: Mapping[str, Any], student: str) -> str:
    instance = text(mark, "InstanceId")
    if not instance:
        raise XporterError(f"InstanceId required for Lesson attendance writeback for StudentId: {student}")
    return instance


def _code(mark: Mapping[str, Any], school: SandboxSchool) -> str:
    given = text(mark, "Mark")
    code = school.mis.code_named(given)
    if code is None or not code.is_active:
        raise XporterError(f"Invalid Mark provided: {given}")
    return given


def _minutes(mark: Mapping[str, Any]) -> float | None:
    minutes = mark.get("Mins")
    if minutes is None:
        return None
    if isinstance(minutes, bool) or not isinstance(minutes, int) or minutes < 0:
        raise XporterError(f"Invalid Mins provided: {minutes}")  # a guess: only the type is documented (14079)
    return minutes


def _has_instance(school: SandboxSchool, slot: Slot) -> bool:
    return slot.place.isdigit() and school.mis.timetable.has_instance(int(slot.place), slot.day)
