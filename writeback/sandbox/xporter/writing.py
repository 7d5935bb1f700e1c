"""How a writeback is taken, tried and reported: alike for attendance, conduct, detentions and users."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import uuid4

import httpx
from starlette.requests import Request
from starlette.responses import Response

from writeback.sandbox.faults import FaultKind
from writeback.sandbox.http import answer, entry_of, sandbox_of
from writeback.sandbox.mis.school import SandboxSchool, Write
from writeback.sandbox.state import SandboxState
from writeback.sandbox.strictness import Asked, not_taken
from writeback.sandbox.xporter.access import XporterError, school_for, success
from writeback.sandbox.xporter.conduct_reads import mis_number
from writeback.sandbox.xporter.operations import Operation

UNREACHABLE: Final = "Unable to communicate with the school agent"
"""The document promises "an appropriate error message to indicate the communications issue" (14119)."""
Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class _Task:
    """An accepted writeback; `ids`: the Ids of its records as they were sent."""

    operation: Operation
    write: Write
    ids: Sequence[Any]


def asynchronous(operation: Operation) -> Endpoint:
    """Return the endpoint that answers a TrackingId at once; the callback tells how it ended."""

    async def post(request: Request) -> Response:
        school = school_for(request, operation.scope)
        state, task = sandbox_of(request), _accept(request, school, operation, await _json_body(request))
        write = task.write
        if any(fault.kind is FaultKind.CALLBACK_EARLY for fault in write.faults):
            attempt(state, task)
            await state.outbox.idle()
        else:
            state.agenda.after(school.completion_delay_s, partial(attempt, state, task))
        tracking = {"trackingid": write.ref, "errorquery": f"Writeback.{operation.name}_OnError"}
        return answer({"TrackingId": write.ref, "DataSet": {"trackingid": [tracking]}} | success({}))

    return post


def synchronous(operation: Operation) -> Endpoint:
    """Return the endpoint that checks both tiers, writes, and answers how it went.

    The shape of a success is not documented: the results stand in it as in the callback.
    """

    async def post(request: Request) -> Response:
        school = school_for(request, operation.scope)
        state, task = sandbox_of(request), _accept(request, school, operation, await _json_body(request))
        completed, refused = "False", UNREACHABLE if not school.is_online else None
        if refused:
            state.record(task.write, "offline")
        else:
            completed, refused = _write(state, task)
        _finish(state, task, completed, refused)
        if refused:
            raise XporterError(refused, status=503 if refused == UNREACHABLE else 400)
        entry_of(request).effect = "applied"
        return answer(success({"DataSet": {}, **_results(task)}))

    return post


def kept(operation: Operation) -> Endpoint:
    """Return the endpoint of something that stays at Xporter; the ledger keeps the body. The answer is a guess."""

    async def post(request: Request) -> Response:
        school = school_for(request, operation.scope)
        body = await _json_body(request)
        operation.read(body, school, sandbox_of(request).today())
        entry = entry_of(request)
        entry.effect, entry.records, entry.body = "applied", _objects_in(body), body
        return answer(success({"DataSet": {}}))

    return post


def attempt(state: SandboxState, task: _Task) -> None:
    """Try to reach the agent and write; try again later, for an hour, while it does not answer (14119)."""
    write, school = task.write, task.write.school
    now = write.last_attempt = write.updated_at = state.now()
    if school.is_online:
        completed, refused = _write(state, task)
        _finish(state, task, completed, refused)
        return
    state.record(write, "offline")
    if now - write.created_at < timedelta(seconds=school.retry_for_s):
        write.next_attempt = state.agenda.after(school.retry_every_s, partial(attempt, state, task))
    else:
        _finish(state, task, "False", UNREACHABLE)


def _write(state: SandboxState, task: _Task) -> tuple[str, str | None]:
    """Return XodCompleted and ErrorMessage: False when tier 2 fails, empty when the MIS refuses (14128)."""
    write = task.write
    if invalid := task.operation.check_late(write.writings, write.school):
        state.record(write, "failed", invalid)
        return "False", invalid
    refused = state.write_into_mis(write)
    return ("" if refused else "True"), refused


def _accept(request: Request, school: SandboxSchool, operation: Operation, body: Any) -> _Task:
    """Return the request as accepted; raise XporterError when it fails tier 1."""
    state, entry = sandbox_of(request), entry_of(request)
    payload = operation.read(body, school, state.today())
    callback_url = _callback(body)
    if school.is_strict and (payload.writings or payload.changes) and (unknown := not_taken(body)):
        raise XporterError(next(iter(unknown.values()))[0])
    if operation.must_call_back and callback_url is None:
        raise XporterError("Missing mandatory field Callback")  # a guess as to the words (14086)
    now = state.now()
    entry.ref = f"{now:%Y%m%d%H%M%S}.{uuid4()}"
    faults = state.faults.take("xporter", school.id, "POST", entry.path, callbacks=True)
    write = Write(
        entry.ref,
        school,
        operation.name,
        entry.n,
        payload.writings,
        now,
        now,
        faults,
        callback_url,
        changes=payload.changes,
    )
    entry.effect, entry.records = "accepted", write.size
    if not write.size:
        # Nothing of it becomes a record of the MIS, so the ledger is where it can be seen.
        entry.records, entry.body = _objects_in(body), body
    state.writes[write.ref] = write
    return _Task(operation, write, payload.ids)


def _results(task: _Task) -> dict[str, Any]:
    """Return the MIS's id of every record that was written (14357); several of one Id where the MIS splits it."""
    name, effects = task.operation.id_name, task.write.effects
    if name is None:
        return {}
    found = [
        {name: task.ids[effect.index], "ActualId": mis_number(effect.mis_id)}
        for effect in effects
        if effect.family in task.operation.families
    ]
    return {"result": found}


def _finish(state: SandboxState, task: _Task, completed: str, message: str | None) -> None:
    """End it and call back: the app's own parameters are kept, ours are added (14125-14129)."""
    write = task.write
    write.finish("SUCCESS" if completed == "True" else "FAILED", state.now(), message)
    if write.callback_url is None:
        return
    params = {"trackingid": write.ref, "XodCompleted": completed, "ErrorMessage": message or ""}
    url = str(httpx.URL(write.callback_url).copy_merge_params(params))
    body = _results(task) if completed == "True" else {}
    state.outbox.send(url, body, provider="xporter", school=write.school.id, ref=write.ref, faults=write.faults)


def _callback(body: Any) -> str | None:
    """Return the URL to call back. The document's table has one object (14086), its schemas a list (14141): both do."""
    callback = body.get("Callback") if isinstance(body, dict) else None
    if isinstance(callback, list) and len(callback) == 1:
        callback = callback[0]
    if not isinstance(callback, dict) or str(callback.get("Method", "")).upper() != "POST":
        return None
    url = callback.get("Url")
    return url if isinstance(url, str) and url.startswith(("http://", "https://")) else None


def _objects_in(body: Any) -> int:
    return sum(len(rows) for name, rows in body.items() if isinstance(rows, list) and name != "Callback")


async def _json_body(request: Request) -> Any:
    try:
        return json.loads(await request.body(), object_hook=Asked)
    except ValueError as error:
        raise XporterError("The body is not JSON", kind="JsonReaderException") from error
