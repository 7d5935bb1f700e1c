"""The Wonde drop-in endpoint: takes what Wonde takes, answers as Wonde answers (document 003, lines as in its client's
eyes)."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from writeback.api.dropin import wonde_schools
from writeback.api.dropin.answers import answer, json_of, warnings_header
from writeback.api.dropin.call import Call
from writeback.api.dropin.wonde_fields import BY_KIND, Operation, operation_for
from writeback.api.dropin.wonde_reads import READS, read_for
from writeback.api.front.auth import check_scope
from writeback.core.errors import MOST_FINDINGS, Forbidden, NotFound, Overloaded, Problem, Unauthenticated
from writeback.domain.access import Caller, Scope
from writeback.domain.submission.submission import MOST_PARTS, parts_in
from writeback.flow.dropin.reads import Question
from writeback.flow.dropin.requests import DropInPart, DropInRefused, DropInRequest, DropInView
from writeback.flow.webhooks.dropin_results import Outcome, Part
from writeback.flow.webhooks.formats import WebhookFormat
from writeback.wiring import Services

ENDPOINT = WebhookFormat.WONDE.value
_UNKNOWN = "The resource could not be found."
_MISSING = frozenset(
    {
        *("field_missing", "field_required", "student_id_missing", "lesson_required", "type_missing"),
        *("employee_required", "status_required", "records_empty"),
    }
)


async def serve(call: Call, services: Services) -> Response:
    """Return the answer to a call below /wonde; raise a Problem or DropInRefused."""
    match call.rest:
        case ["v1.0", "writebacks", ref] if call.method == "GET":
            call.route = "/wonde/v1.0/writebacks/{writeback}"
            return await _status(await _caller(call, services), services, ref)
        case ["v1.0", "schools", school, *path] if path and (found := operation_for(call.method, path)):
            operation, ids = found
            call.route = f"/wonde/v1.0/schools/{{school}}/{operation.path}"
            return await _take(call, services, await _caller(call, services), school, operation, ids)
        case ["v1.0", *path] if call.method == "GET":
            return await _read(call, services, path)
    call.route = "/wonde/{path}"
    await _caller(call, services)
    raise NotFound("route_unknown", _UNKNOWN)


def refused(error: DropInRefused, operation: Operation) -> Response:
    """Return 422 with everything that is wrong, by field; 403 where the school has not granted it."""
    (findings,) = error.findings
    denied = [one for one in findings if one["code"] == "permission_missing"]
    if denied:
        return answer({"error": "forbidden", "message": str(denied[0]["message"])}, 403)
    return answer(errors_of(findings, operation, error.more), 422)


def failed(problem: Problem) -> Response:
    """Return the answer that a problem is, with one of Wonde's codes (Wonde 99-112), or 429, which it does not print.

    The shape of its body is a guess.
    """
    codes = {
        401: (401, "unauthorized"),
        403: (403, "forbidden"),
        404: (404, "not_found"),
        429: (429, "too_many_requests"),
        500: (500, "internal_server_error"),
        503: (503, "service_unavailable"),
    }
    status, name = codes.get(problem.status, (400, "bad_request"))
    headers = {"Retry-After": str(problem.retry_after_s)} if isinstance(problem, Overloaded) else {}
    return answer({"error": name, "message": f"{problem.detail} {problem.hint}".strip()}, status, headers)


def errors_of(findings: Sequence[Mapping[str, Any]], operation: Operation, more: int = 0) -> dict[str, list[str]]:
    """Return Wonde's object of errors: what is wrong with each field, and how many errors there are besides."""
    errors: dict[str, list[str]] = {}
    for one in findings[:MOST_FINDINGS]:
        field = _field_of(one, operation)
        if one["code"] in _MISSING:
            text = f"The {field} field is required."
        else:
            text = operation.in_their_words(f"{str(one['message']).rstrip('.')}. {one['hint']}".strip())
        errors.setdefault(field, []).append(text)
    more += max(0, len(findings) - MOST_FINDINGS)
    if more:
        errors.setdefault(operation.root or "school", []).append(f"And {more} more errors.")
    return errors


def _field_of(finding: Mapping[str, Any], operation: Operation) -> str:
    return operation.field_of(finding["pointer"]) if finding["pointer"] else operation.root or "school"


def token_in(header: str) -> str | None:
    """Return the token of `Bearer …` in any case, of Basic base64(`token:`), or of Basic with the raw token."""
    scheme, _, value = header.strip().partition(" ")
    value = value.strip()
    if scheme.lower() == "bearer":
        return value or None
    if scheme.lower() != "basic" or not value:
        return None
    try:
        decoded = base64.b64decode(value, validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return value
    return decoded.partition(":")[0] if ":" in decoded else value


async def _caller(call: Call, services: Services) -> Caller:
    token = token_in(call.header("authorization") or "")
    try:
        caller = await services.keys.authenticate(token or "")
    except Unauthenticated as error:
        raise Unauthenticated(error.code, "API key is invalid.") from error
    call.admit(caller)
    return caller


async def _read(call: Call, services: Services, path: list[str]) -> Response:
    """Return what is read: of the schools what we know ourselves, else what may be passed on."""
    call.route = "/wonde/v1.0/{path}"
    caller = await _caller(call, services)
    async with call.reading():
        match path:
            case ["schools"]:
                call.route = "/wonde/v1.0/schools"
                _check_may_see(caller)
                return await wonde_schools.all_of(call, services, caller)
            case ["schools", given]:
                call.route = "/wonde/v1.0/schools/{school}"
                _check_may_see(caller)
                return await wonde_schools.one_of(call, services, caller, given)
            case ["attendance-codes"]:  # of all schools (Wonde 2419)
                call.route = "/wonde/v1.0/attendance-codes"
                read = READS["attendance-codes"]
                question = replace(read.question(call.query), path="/attendance-codes")
                return await _passed_on(call, services, caller, await wonde_schools.any_of(services, caller), question)
            case ["schools", given, *below] if found := read_for(below):
                read, row_id = found
                call.route = f"/wonde/v1.0/schools/{{school}}/{read.path}{'' if row_id is None else '/{id}'}"
                school = await services.drop_in.school(caller, ENDPOINT, given)
                return await _passed_on(call, services, caller, school.id, read.question(call.query, row_id))
    raise Forbidden("read_refused", "Incorrect permissions to view resource.")


async def _passed_on(call: Call, services: Services, caller: Caller, school_id: str, question: Question) -> Response:
    """Return Wonde's answer, as far as it passes, with the addresses of other pages here."""
    body = await services.reads_of_apps.ask(caller, school_id, question)
    asked = {name: value for name, value in question.params.items() if name != "page"}
    address = f"{call.base_url(services.settings.effective_public_url)}/{quote('/'.join(call.rest))}/"
    return answer(READS[question.name].answer(body, address, asked))


def _check_may_see(caller: Caller) -> None:
    if not (caller.may(Scope.SUBMIT) or caller.may(Scope.READ)):
        raise Forbidden("key_lacks_scope", "Incorrect permissions to view resource.")


async def _take(
    call: Call, services: Services, caller: Caller, given: str, operation: Operation, ids: Mapping[str, str] | None
) -> Response:
    call.is_submission = True
    check_scope(caller, Scope.SUBMIT)
    school = await services.drop_in.school(caller, ENDPOINT, given)
    raw = await call.body()
    body = json_of(raw) if operation.method != "DELETE" else {}
    rows = operation.rows(body)
    if rows is None:
        return answer({operation.root or "students": [f"The {operation.root} field is required."]}, 422)
    too_many = _too_many(rows, operation, services.settings.api.max_records)
    if too_many is not None:
        return too_many
    if ids is None:
        ids = operation.ids_in(json_of(raw))
    what = "/".join([operation.kind, *ids.values()])
    request = DropInRequest(
        ENDPOINT,
        operation.type,
        [DropInPart(operation.kind, operation.records(rows, ids, school.zone))],
        body=f"{what}\0".encode() + raw,
        idempotency_key=call.header("idempotency-key"),
    )
    try:
        taken = await services.drop_in.take(caller, school, request)
    except DropInRefused as error:
        return refused(error, operation)
    call.result = "accepted"
    said = [(_field_of(one, operation), one) for part in taken.warnings for one in part]
    return answer({"writeback_id": taken.ref}, headers=warnings_header(said))


def _too_many(rows: Sequence[Any], operation: Operation, max_records: int) -> Response | None:
    """Return the refusal of more than is looked at one by one; None where there is no more."""
    for count, limit in ((len(rows), max_records), (parts_in(rows), MOST_PARTS)):
        if count > limit:
            message = f"The {operation.root or 'students'} field must not have more than {limit} items."
            return answer({operation.root or "students": [message]}, 422)
    return None


async def _status(caller: Caller, services: Services, ref: str) -> Response:
    _check_may_see(caller)
    view = await services.drop_in.show(caller, ENDPOINT, ref)
    return answer({"data": _shown(view)})


def _shown(view: DropInView) -> dict[str, Any]:
    """Return the object of a writeback (Wonde 8744); `errors` is ours, for Wonde says nothing of why."""
    shown = {
        "id": view.ref,
        "type": view.type.partition(".")[0].upper(),
        "status": view.outcome.value,
        "last_attempt": _text(view.last_attempt_at),
        "next_attempt": _text(view.next_attempt_at),
        "created_at": _moment(view.created_at),
        "updated_at": _moment(view.updated_at),
    }
    return shown | ({"errors": _reasons(view.parts)} if view.outcome is Outcome.FAILED else {})


def _reasons(parts: Sequence[Part]) -> dict[str, list[str]]:
    (part,) = parts
    findings = [one for entry in part.progress for one in entry.findings if one["severity"] == "error"]
    return errors_of(findings, BY_KIND[part.kind])


def _text(at: datetime | None) -> str | None:
    return at.strftime("%Y-%m-%d %H:%M:%S") if at else None


def _moment(at: datetime) -> dict[str, Any]:
    return {"date": at.strftime("%Y-%m-%d %H:%M:%S.%f"), "timezone_type": 3, "timezone": "UTC"}
