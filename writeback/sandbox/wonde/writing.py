"""Takes marks, answers a writeback_id, and writes them into the MIS a little later."""

import json
from datetime import timedelta
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from writeback.sandbox.faults import FaultKind
from writeback.sandbox.http import answer, entry_of, sandbox_of
from writeback.sandbox.school import SandboxSchool, Write
from writeback.sandbox.state import SandboxState
from writeback.sandbox.wonde import hooks
from writeback.sandbox.wonde.access import Denied, bad_request, school_for
from writeback.sandbox.wonde.validation import check


async def post_attendance(request: Request, *, kind: str) -> Response:
    """Answer 200 `{"writeback_id"}` (2182), or 422 with everything that is wrong."""
    school = school_for(request, "attendance.write")
    _refuse_unsupported(school, kind)
    body = await _json_body(request)
    entry = entry_of(request)
    writings, errors = check(body, kind, school)
    if errors:
        entry.effect = "refused"
        return answer(errors, 422)
    state, now = sandbox_of(request), sandbox_of(request).now()
    entry.effect, entry.ref, entry.records = "accepted", school.mis.new_id(), len(writings)
    write = Write(entry.ref, school, f"attendance.{kind}", entry.n, writings, now, now)
    write.faults = state.faults.take("wonde", school.id, "POST", entry.path, callbacks=True)
    state.writes[write.ref] = write
    if any(fault.kind is FaultKind.CALLBACK_EARLY for fault in write.faults):
        attempt(state, write)
        await state.outbox.idle()
    else:
        state.agenda.after(school.completion_delay_s, partial(attempt, state, write))
    return answer({"writeback_id": write.ref})


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


def _refuse_unsupported(school: SandboxSchool, kind: str) -> None:
    """Refuse where the school object says so (`extended`, 297). The status is not documented: a guess."""
    if not school.allows_writeback:
        raise Denied(403, "forbidden", f"School {school.id} does not allow writeback.")
    if kind == "lesson" and not school.has_lesson_attendance:
        raise Denied(403, "forbidden", f"School {school.id} has no lesson attendance.")


async def _json_body(request: Request) -> Any:
    try:
        return json.loads(await request.body())
    except ValueError as error:
        raise bad_request("The body is not JSON.") from error
