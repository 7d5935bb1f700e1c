"""Takes writebacks, answers a writeback_id, and writes them into the MIS a little later."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from writeback.sandbox.faults import FaultKind
from writeback.sandbox.http import answer, entry_of, sandbox_of
from writeback.sandbox.mis.absences import EmployeeAbsenceRemoval
from writeback.sandbox.mis.detentions import DetentionEdit, DetentionRemoval
from writeback.sandbox.mis.incidents import IncidentRemoval
from writeback.sandbox.mis.mis import RecordChange, Writing
from writeback.sandbox.mis.school import SandboxSchool, Write
from writeback.sandbox.state import SandboxState
from writeback.sandbox.strictness import Asked, Errors, not_taken
from writeback.sandbox.wonde import hooks
from writeback.sandbox.wonde.absence import (
    check_employee_absence_edit,
    check_employee_absences,
    check_student_absences,
)
from writeback.sandbox.wonde.access import Denied, bad_request, not_found, school_for
from writeback.sandbox.wonde.conduct import check_achievement, check_behaviour
from writeback.sandbox.wonde.detention import check_attendance, check_detentions
from writeback.sandbox.wonde.validation import check

Check = Callable[[Any, SandboxSchool], tuple[Sequence[RecordChange], Errors]]


@dataclass(frozen=True)
class Creation:
    """A POST. `kind` is the webhook's word for it: only `attendance.session` is documented (187)."""

    kind: str
    permission: str
    check: Check
    is_named: bool = True
    """Whether the document shows a writeback_id in its answer."""


@dataclass(frozen=True)
class Removal:
    """A DELETE; `find` returns what it asks for, or None where there is nothing to delete."""

    kind: str
    permission: str
    find: Callable[[SandboxSchool, Request], RecordChange | None]
    is_named: bool = True


async def post_attendance(request: Request, *, kind: str) -> Response:
    """Answer 200 `{"writeback_id"}` (2182), or 422 with everything that is wrong."""
    school = school_for(request, "attendance.write")
    _refuse_unsupported(school, kind)
    body = await _json_body(request)
    writings, errors = check(body, kind, school)
    errors |= not_taken(body) if school.is_strict else {}
    if errors:
        return _refused(request, errors)
    return await _accept(request, school, f"attendance.{kind}", writings=writings)


async def post_records(request: Request, *, call: Creation) -> Response:
    """Create records: answer as for attendance."""
    school = school_for(request, call.permission)
    _refuse_unsupported(school)
    body = await _json_body(request)
    changes, errors = call.check(body, school)
    errors |= not_taken(body) if school.is_strict else {}
    if errors:
        return _refused(request, errors)
    return await _accept(request, school, call.kind, changes=changes, is_named=call.is_named)


async def put_employee_absence(request: Request) -> Response:
    """Replace what an absence says (5379)."""
    school = school_for(request, "employees-absence.write")
    _refuse_unsupported(school)
    absence_id = request.path_params["id"]
    if absence_id not in school.mis.absences.of_staff:
        raise not_found(f"Employee absence {absence_id}")
    body = await _json_body(request)
    changes, errors = check_employee_absence_edit(body, school, absence_id)
    errors |= not_taken(body) if school.is_strict else {}
    if errors:
        return _refused(request, errors)
    return await _accept(request, school, "employee_absence", changes=changes)


async def delete_record(request: Request, *, call: Removal) -> Response:
    """Delete one: 404 where there is none, else as for attendance."""
    school = school_for(request, call.permission)
    _refuse_unsupported(school)
    change = call.find(school, request)
    if change is None:
        raise not_found(str(request.path_params["id"]))
    return await _accept(request, school, call.kind, changes=[change], is_named=call.is_named)


def attempt(state: SandboxState, write: Write) -> None:
    """Try to write; while the school is offline Wonde tries again by itself (next_attempt, 8777)."""
    if write.is_done:
        return
    now = write.last_attempt = write.updated_at = state.now()
    school = write.school
    if not school.is_online:
        state.record(write, "offline")
        if now - write.created_at < timedelta(seconds=school.retry_for_s):
            write.next_attempt = state.agenda.after(school.retry_every_s, partial(attempt, state, write))
            return
        refused: str | None = "the school did not answer"
    else:
        refused = state.write_into_mis(write)
    write.finish("FAILED" if refused else "SUCCESS", now, refused)
    hooks.tell_writeback(state, write)


async def _accept(
    request: Request,
    school: SandboxSchool,
    kind: str,
    *,
    writings: Sequence[Writing] = (),
    changes: Sequence[RecordChange] = (),
    is_named: bool = True,
) -> Response:
    """Take it, and answer its writeback_id; nothing where that is not documented and the school is set so."""
    state, now, entry = sandbox_of(request), sandbox_of(request).now(), entry_of(request)
    entry.effect, entry.ref = "accepted", school.mis.new_id()
    write = Write(entry.ref, school, kind, entry.n, writings, now, now, changes=changes)
    entry.records = write.size
    write.faults = state.faults.take("wonde", school.id, request.method, entry.path, callbacks=True)
    state.writes[write.ref] = write
    if any(fault.kind is FaultKind.CALLBACK_EARLY for fault in write.faults):
        attempt(state, write)
        await state.outbox.idle()
    else:
        state.agenda.after(school.completion_delay_s, partial(attempt, state, write))
    if is_named or school.names_conduct_writebacks:
        return answer({"writeback_id": write.ref})
    return Response(status_code=200)


def _refused(request: Request, errors: Errors) -> Response:
    entry_of(request).effect = "refused"
    return answer(errors, 422)


def _refuse_unsupported(school: SandboxSchool, kind: str | None = None) -> None:
    """Refuse where the school object says so (`extended`, 297). The status is not documented: a guess."""
    if not school.allows_writeback:
        raise Denied(403, "forbidden", f"School {school.id} does not allow writeback.")
    if kind == "lesson" and not school.has_lesson_attendance:
        raise Denied(403, "forbidden", f"School {school.id} has no lesson attendance.")


async def _json_body(request: Request) -> Any:
    try:
        return json.loads(await request.body(), object_hook=Asked)
    except ValueError as error:
        raise bad_request("The body is not JSON.") from error


def _achievement(school: SandboxSchool, request: Request) -> RecordChange | None:
    wanted = request.path_params["id"]
    return IncidentRemoval("achievement", wanted) if school.mis.conduct.get("achievement", wanted) else None


def _behaviour(school: SandboxSchool, request: Request) -> RecordChange | None:
    wanted = request.path_params["id"]
    return IncidentRemoval("behaviour", wanted) if school.mis.conduct.get("behaviour", wanted) else None


def _detention(school: SandboxSchool, request: Request) -> RecordChange | None:
    wanted = request.path_params["id"]
    return DetentionRemoval(wanted) if wanted in school.mis.detentions.by_id else None


def _attendee(school: SandboxSchool, request: Request) -> RecordChange | None:
    held = school.mis.detentions.by_id.get(request.path_params["id"])
    student = request.path_params["student"]
    return DetentionEdit(held.id, remove_students=(student,)) if held and student in held.entries else None


def _employee_absence(school: SandboxSchool, request: Request) -> RecordChange | None:
    wanted = request.path_params["id"]
    return EmployeeAbsenceRemoval(wanted) if wanted in school.mis.absences.of_staff else None


CREATIONS: Final[dict[str, Creation]] = {
    "achievements": Creation("achievement", "achievement.write", check_achievement, is_named=False),
    "behaviours": Creation("behaviour", "behaviour.write", check_behaviour, is_named=False),
    "detentions": Creation("detention", "detentions.write", check_detentions),
    "attendance/detention": Creation("detention_attendance", "attendance-detentions.write", check_attendance),
    "attendance/absence": Creation("student_absence", "student-absences.write", check_student_absences),
    "employee-absences": Creation("employee_absence", "employees-absence.write", check_employee_absences),
}
REMOVALS: Final[dict[str, Removal]] = {
    "achievements/{id}": Removal("achievement", "achievement.delete", _achievement, is_named=False),
    "behaviours/{id}": Removal("behaviour", "behaviour.delete", _behaviour, is_named=False),
    "detentions/{id}": Removal("detention", "detentions.delete", _detention),
    "attendance/detention/{id}/attendee/{student}": Removal(
        "detention_attendance", "attendance-detentions.delete", _attendee
    ),
    "employee-absences/{id}": Removal(
        "employee_absence", "employees-absence.delete", _employee_absence, is_named=False
    ),
}
