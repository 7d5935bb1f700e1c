"""Attendance writeback: the asynchronous call with its callback (14007), and the synchronous one (13916)."""

import json
from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import uuid4

import httpx
from starlette.requests import Request
from starlette.responses import Response

from writeback.sandbox.faults import FaultKind
from writeback.sandbox.http import answer, entry_of, sandbox_of
from writeback.sandbox.school import SandboxSchool, Write
from writeback.sandbox.state import SandboxState
from writeback.sandbox.xporter.access import XporterError, school_for, success
from writeback.sandbox.xporter.validation import check_at_once, check_with_attendance

WRITE_SCOPE: Final = "WritebackAttendance"
UNREACHABLE: Final = "Unable to communicate with the school agent"
"""The document promises "an appropriate error message to indicate the communications issue" (14119)."""


async def post_async(request: Request) -> Response:
    """Answer a TrackingId at once; the callback tells how it ended."""
    school = school_for(request, WRITE_SCOPE)
    body = await _json_body(request)
    state, write = sandbox_of(request), _accept(request, school, body, must_call_back=True)
    if any(fault.kind is FaultKind.CALLBACK_EARLY for fault in write.faults):
        attempt(state, write)
        await state.outbox.idle()
    else:
        state.agenda.after(school.completion_delay_s, partial(attempt, state, write))
    tracking = {"trackingid": write.ref, "errorquery": "Writeback.AttendanceAsync_OnError"}
    return answer({"TrackingId": write.ref, "DataSet": {"trackingid": [tracking]}} | success({}))


async def post_sync(request: Request) -> Response:
    """Check both tiers, write, and answer how it went. The shape of a success is not documented."""
    school = school_for(request, WRITE_SCOPE)
    body = await _json_body(request)
    state, write = sandbox_of(request), _accept(request, school, body, must_call_back=False)
    completed, refused = "True", None
    if not school.is_online:
        state.record(write, "offline")
        completed, refused = "False", UNREACHABLE
    elif invalid := check_with_attendance(write.writings, school):
        state.record(write, "failed", invalid)
        completed, refused = "False", invalid
    elif refused := state.write_into_mis(write):
        completed = ""
    _finish(state, write, completed, refused)
    if refused:
        raise XporterError(refused, status=503 if refused == UNREACHABLE else 400)
    entry_of(request).effect = "applied"
    return answer(success({"DataSet": {}}))


def attempt(state: SandboxState, write: Write) -> None:
    """Try to write; an agent that does not answer is tried again every 5 minutes for an hour (14119)."""
    if write.is_done:
        return
    now = write.last_attempt = write.updated_at = state.now()
    school = write.school
    if not school.is_online:
        state.record(write, "offline")
        if now - write.created_at < timedelta(seconds=school.retry_for_s):
            write.next_attempt = state.agenda.after(school.retry_every_s, partial(attempt, state, write))
        else:
            _finish(state, write, "False", UNREACHABLE)
        return
    if invalid := check_with_attendance(write.writings, school):
        state.record(write, "failed", invalid)
        _finish(state, write, "False", invalid)
        return
    refused = state.write_into_mis(write)
    # Empty, with an ErrorMessage: it passed validation and the MIS did not take it (14133).
    _finish(state, write, "" if refused else "True", refused)


def _accept(request: Request, school: SandboxSchool, body: Any, *, must_call_back: bool) -> Write:
    """Return the request as accepted; raise XporterError when it fails tier 1."""
    state, entry = sandbox_of(request), entry_of(request)
    callback_url = _callback(body)
    writings = check_at_once(body, school)
    if must_call_back and callback_url is None:
        raise XporterError("Missing mandatory field Callback")  # a guess as to the words (14086)
    now = state.now()
    entry.effect, entry.records = "accepted", len(writings)
    entry.ref = f"{now:%Y%m%d%H%M%S}.{uuid4()}"
    faults = state.faults.take("xporter", school.id, "POST", entry.path, callbacks=True)
    write = Write(entry.ref, school, "attendance", entry.n, writings, now, now, faults, callback_url)
    state.writes[write.ref] = write
    return write


def _finish(state: SandboxState, write: Write, completed: str, message: str | None) -> None:
    """End it and call back: the app's own parameters are kept, ours are added (14126-14134)."""
    write.finish("SUCCESS" if completed == "True" else "FAILED", state.now(), message)
    if write.callback_url is None:
        return
    told = {"trackingid": write.ref, "XodCompleted": completed, "ErrorMessage": message or ""}
    url = str(httpx.URL(write.callback_url).copy_merge_params(told))
    state.outbox.send(url, {}, provider="xporter", school=write.school.id, ref=write.ref, faults=write.faults)


def _callback(body: Any) -> str | None:
    callback = body.get("Callback") if isinstance(body, dict) else None
    if not isinstance(callback, dict) or str(callback.get("Method", "")).upper() != "POST":
        return None
    url = callback.get("Url")
    return url if isinstance(url, str) and url.startswith(("http://", "https://")) else None


async def _json_body(request: Request) -> Any:
    try:
        return json.loads(await request.body())
    except ValueError as error:
        raise XporterError("The body is not JSON", kind="JsonReaderException") from error
