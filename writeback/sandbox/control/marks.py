"""The marks that a school's MIS holds: shown, and set by hand as the office does."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from writeback.sandbox.control.requests import ControlError, json_object, read_date, school_in_path
from writeback.sandbox.http import answer, sandbox_of
from writeback.sandbox.mis.mis import Change, Mark, Slot
from writeback.sandbox.mis.school import SandboxSchool


async def marks(request: Request) -> Response:
    """Answer what the MIS holds; filters `date`, `student`, `type`; `history=true` adds what happened to each slot."""
    school, query = school_in_path(request), request.query_params
    day = read_date(query["date"], "date") if "date" in query else None
    student, kind = query.get("student"), query.get("type")
    with_history = query.get("history") == "true"

    def fits(slot: Slot) -> bool:
        named = "session" if slot.kind == "S" else "lesson"
        return day in (None, slot.day) and student in (None, slot.student_id) and kind in (None, named)

    body: dict[str, Any] = {
        "marks": [
            _mark_row(slot, mark) for held in school.mis.marks.values() for slot, mark in held.items() if fits(slot)
        ]
    }
    if with_history:
        history = school.mis.history.items()
        body["history"] = [_history_row(slot, changes) for slot, changes in history if fits(slot)]
    return answer(body)


async def set_marks(request: Request) -> Response:
    """Set marks by hand, as the school's office does: `{"marks": [{"student_id", "date", "session" or "lesson_id",
    "code"}]}`; a code of null clears the slot."""
    school, state = school_in_path(request), sandbox_of(request)
    wanted = (await json_object(request)).get("marks")
    if not isinstance(wanted, list) or not all(isinstance(mark, dict) for mark in wanted):
        raise ControlError("marks_required", 'send {"marks": [{"student_id", "date", "session", "code"}]}')
    slots = [(_slot(school, mark), _office_code(school, mark.get("code"))) for mark in wanted]
    for slot, code in slots:
        school.mis.set_by_office(slot, code, state.now())
    return answer({"marks": [_mark_row(slot, held) for slot, _ in slots if (held := _held(school, slot))]})


def _history_row(slot: Slot, changes: list[Change]) -> dict[str, Any]:
    return {
        "type": "session" if slot.kind == "S" else "lesson",
        "student_id": slot.student_id,
        "date": slot.day.isoformat(),
        "place": slot.place,
        "changes": [{**change._asdict(), "at": change.at.isoformat()} for change in changes],
    }


def _slot(school: SandboxSchool, mark: Mapping[str, Any]) -> Slot:
    student = str(mark.get("student_id"))
    if student not in school.mis.pupils:
        raise ControlError("unknown_student", f"student_id is {student}: nobody on roll has it")
    if mark.get("session") is not None:
        if mark["session"] not in ("AM", "PM"):
            raise ControlError("bad_session", f"session is {mark['session']!r}: send AM or PM")
        return Slot("S", student, read_date(mark.get("date"), "date"), mark["session"])
    return Slot("L", student, *_lesson_place(school, str(mark.get("lesson_id"))))


def _lesson_place(school: SandboxSchool, lesson_id: str) -> tuple[date, str]:
    lessons_by_id = school.mis.timetable.by_id
    found = lessons_by_id.get(lesson_id) if school.provider == "wonde" else None
    if school.provider == "xporter":
        found = next((row for row in lessons_by_id.values() if str(row.instance) == lesson_id), None)
    if found is None:
        raise ControlError("unknown_lesson", f"lesson_id is {lesson_id}: there is no such lesson; or send a session")
    return found.day, str(found.instance)


def _office_code(school: SandboxSchool, code: Any) -> str | None:
    if code is not None and school.mis.code_named(str(code)) is None:
        raise ControlError("unknown_code", f"code is {code!r}: the school has no such code")
    return None if code is None else str(code)


def _held(school: SandboxSchool, slot: Slot) -> Mark | None:
    return school.mis.marks.get(slot.day, {}).get(slot)


def _mark_row(slot: Slot, mark: Mark) -> dict[str, Any]:
    """Return a mark as the control plane shows it."""
    return {
        "type": "session" if slot.kind == "S" else "lesson",
        "student_id": slot.student_id,
        "date": slot.day.isoformat(),
        "session": slot.place if slot.kind == "S" else None,
        "period_instance_id": None if slot.kind == "S" else int(slot.place),
        "code": mark.code,
        "minutes_late": mark.minutes_late,
        "comment": mark.comment,
        "statutory_comment": mark.statutory_comment,
        "employee_id": mark.employee_id,
        "source": mark.source,
        "updated_at": mark.updated_at.isoformat(),
    }
