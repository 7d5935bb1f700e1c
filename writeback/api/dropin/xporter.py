"""The Xporter drop-in endpoint: takes what Xporter takes, answers and calls back as Xporter does (document 000)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from starlette.responses import Response

from writeback.api.dropin import xporter_sts as sts
from writeback.api.dropin import xporter_translation as sections
from writeback.api.dropin.answers import answer, json_of, warnings_header
from writeback.api.dropin.call import Call
from writeback.api.dropin.xporter_envelope import exception, failed, success
from writeback.api.dropin.xporter_reads import read_for
from writeback.api.dropin.xporter_wording import codes_of, messages_of, shortened, warned_of
from writeback.api.front.auth import check_scope
from writeback.core.errors import BadInput, Forbidden, NotFound
from writeback.domain.access import Scope
from writeback.flow.dropin.callbacks import CallbackRefused
from writeback.flow.dropin.requests import DropInPart, DropInRefused, DropInRequest
from writeback.flow.webhooks.dropin_results import Outcome, Part, actual_ids, error_message, outcome_of
from writeback.flow.webhooks.formats import ID_NAMES, WebhookFormat
from writeback.wiring import Services

__all__ = ["failed", "serve"]

ENDPOINT = WebhookFormat.XPORTER.value


@dataclass(frozen=True)
class Operation:
    """One endpoint (Xporter 13916-14611)."""

    name: str
    read: Callable[[Any, date], list[DropInPart]]
    is_async: bool = True


OPERATIONS: Mapping[str, Operation] = {
    one.name.lower(): one
    for one in (
        Operation("Attendance", sections.marks, is_async=False),
        Operation("AttendanceAsync", sections.marks),
        Operation("Conduct", sections.conducts, is_async=False),
        Operation("ConductAsync", sections.conducts),
        Operation("DetentionAsync", sections.detentions),
    )
}


async def serve(call: Call, services: Services) -> Response:
    """Return the answer to a call below /xporter; raise a Problem."""
    path = [part.lower() for part in call.rest]
    if path == ["idaas", "sts", "sts", "gettoken"] and call.method == "POST":
        call.route = "/xporter/idaas/sts/STS/GetToken"
        return await sts.get_token(call, services)
    operation, estab = _operation(path, call.rest)
    if call.method == "GET" and path[:2] == ["api", "v1"]:
        return await _read(call, services, path[2:])
    if operation is None or call.method != "POST":
        call.route = "/xporter/{path}"
        await sts.caller_of(call, services)
        raise NotFound("route_unknown", "There is no such endpoint")
    call.route = f"/xporter/api/v1/{operation.name}/{{estab}}"
    return await _take(call, services, operation, estab)


async def _read(call: Call, services: Services, path: Sequence[str]) -> Response:
    """Return what is read: of the token what we know ourselves, else what may be passed on."""
    match path:
        case ["tokendetails"]:
            call.route = "/xporter/api/v1/TokenDetails"
            return await sts.token_details(call, services)
        case ["scopes"]:
            call.route = "/xporter/api/v1/Scopes"
            return await sts.scopes(call, services)
    call.route = "/xporter/api/v1/{path}"
    caller, token = await sts.caller_of(call, services)
    found = read_for(call.rest[4:]) if path[:1] == ["school"] else None
    if found is None:
        raise Forbidden("read_refused", "This is not read here: only what is needed to write back is")
    read, row_id = found
    call.route = f"/xporter/api/v1/School/{{estab}}/{read.path}{'' if row_id is None else '/{id}'}"
    async with call.reading():
        school = await sts.school_of(services, caller, token, call.rest[3])
        body = await services.reads_of_apps.ask(caller, school.id, read.question(call.query, row_id))
    return answer(read.answer(body))


def _operation(path: Sequence[str], spelt: Sequence[str]) -> tuple[Operation | None, str | None]:
    """Return the endpoint of a path, and the estab where it has one: `AttendanceAsync/{estab}`, with `Writeback/`."""
    match path:
        case ["api", "v1", "writeback", name] | ["api", "v1", name]:
            return OPERATIONS.get(name), None
        case ["api", "v1", "writeback", name, _] | ["api", "v1", name, _]:
            return OPERATIONS.get(name), spelt[-1]
        case _:
            return None, None


async def _take(call: Call, services: Services, operation: Operation, estab: str | None) -> Response:
    call.is_submission = True
    caller, token = await sts.caller_of(call, services)
    check_scope(caller, Scope.SUBMIT)
    school = await sts.school_of(services, caller, token, estab)
    raw = await call.body()
    body = json_of(raw)
    try:
        sections.check_counts(body, services.settings.api.max_records)
        callback = _callback(body, is_needed=operation.is_async)
        parts = operation.read(body, school.today(services.clock.now()))
        request = DropInRequest(ENDPOINT, operation.name, parts, callback, raw, call.header("idempotency-key"))
        taken = await services.drop_in.take(caller, school, request)
    except sections.SectionsRefused as error:
        return exception(call, "; ".join(shortened(error.messages)))
    except CallbackRefused as error:
        return exception(call, f"Invalid Callback provided: {error}")
    except DropInRefused as error:
        is_denied = "permission_missing" in codes_of(error.findings)
        message = "; ".join(messages_of(error.findings, parts, school, error.more))
        if is_denied:
            return exception(call, message, status=403, kind="UnauthorizedAccessException")
        return exception(call, message)
    call.result = "accepted"
    if operation.is_async:
        response = _tracking(operation, taken.ref)
    else:
        ended = await services.drop_in.wait(taken.ref, services.settings.doors.sync_wait_s)
        response = _ended(call, operation, taken.ref, ended)
    response.headers.update(warnings_header(warned_of(taken.warnings, parts)))
    return response


def _tracking(operation: Operation, ref: str) -> Response:
    """Return the answer to what has been taken (Xporter 14022-14036)."""
    tracking = {"trackingid": ref, "errorquery": f"Writeback.{operation.name}_OnError"}
    return success(TrackingId=ref, DataSet={"trackingid": [tracking]})


def _ended(call: Call, operation: Operation, ref: str, parts: Sequence[Part]) -> Response:
    """Return how a synchronous call ended; one that has not yet is taken, as an asynchronous one is."""
    match outcome_of(parts):
        case Outcome.PENDING:
            return _tracking(operation, ref)
        case Outcome.FAILED:
            return exception(call, error_message(parts), TrackingId=ref)
        case Outcome.SUCCESS:
            result = actual_ids(parts, ID_NAMES[operation.name]) if operation.name in ID_NAMES else None
            return success(TrackingId=ref, DataSet={}, **({} if result is None else {"result": result}))


def _callback(body: Any, *, is_needed: bool) -> str | None:
    """Return the URL to call back; raise where it is needed and missing (Xporter 14086), or cannot be one.

    The document's table has one object, its schema a list of them (14153): both are taken.
    """
    if not isinstance(body, dict):
        raise BadInput("body_not_object", "The body must be a JSON object")
    given = body.get("Callback")
    if isinstance(given, list):
        given = given[0] if given else None
    if given is None:
        if is_needed:
            raise sections.SectionsRefused(["Missing mandatory field Callback"])
        return None
    url = given.get("Url") if isinstance(given, dict) else None
    if not isinstance(url, str) or not url.strip():
        raise sections.SectionsRefused(["Missing mandatory field Url"])
    if str(given.get("Method", "")).upper() != "POST":
        raise sections.SectionsRefused([f"Invalid Method provided: {str(given.get('Method', ''))[:64]}"])
    return url.strip()
