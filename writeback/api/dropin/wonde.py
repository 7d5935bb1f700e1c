"""The Wonde drop-in endpoint: takes what Wonde takes, answers as Wonde answers (document 003, lines as in its client's
eyes)."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from starlette.responses import Response

from writeback.api.dropin.answers import answer, json_of
from writeback.api.dropin.call import Call
from writeback.api.dropin.wonde_fields import BY_KIND, Operation, operation_for
from writeback.api.front.auth import check_scope
from writeback.core.errors import MOST_FINDINGS, Forbidden, NotFound, Overloaded, Problem, Unauthenticated
from writeback.domain.access import Caller, Scope
from writeback.domain.submission.submission import MOST_PARTS, parts_in
from writeback.flow.dropin.requests import DropInPart, DropInRefused, DropInRequest, DropInView
from writeback.flow.webhooks.dropin_results import Outcome, Part
from writeback.flow.webhooks.formats import WebhookFormat
from writeback.wiring import Services

ENDPOINT = WebhookFormat.WONDE.value
_MISSING = frozenset(
    {
        *("field_missing", "field_required", "student_id_missing", "lesson_required", "type_missing"),
        *("employee_required", "status_required", "records_empty"),
    }
)


class NotProxied(Problem):
    status, title = 501, "Not here"


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
    call.route = "/wonde/{path}"
    await _caller(call, services)
    if call.method in ("GET", "HEAD"):
        usual = services.settings.wonde.base_url
        raise NotProxied("not_proxied", f"Only writebacks are taken here: read from Wonde itself, at {usual}.")
    raise NotFound("route_unknown", "There is no such writeback.")


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
        501: (501, "not_implemented"),
        503: (503, "service_unavailable"),
    }
    status, name = codes.get(problem.status, (400, "bad_request"))
    headers = {"Retry-After": str(problem.retry_after_s)} if isinstance(problem, Overloaded) else {}
    return answer({"error": name, "message": f"{problem.detail} {problem.hint}".strip()}, status, headers)


def errors_of(findings: Sequence[Mapping[str, Any]], operation: Operation, more: int = 0) -> dict[str, list[str]]:
    """Return Wonde's object of errors: what is wrong with each field, and how many errors there are besides."""
    errors: dict[str, list[str]] = {}
    for one in findings[:MOST_FINDINGS]:
        field = operation.field_of(one["pointer"]) if one["pointer"] else operation.root or "school"
        if one["code"] in _MISSING:
            text = f"The {field} field is required."
        else:
            text = f"{str(one['message']).rstrip('.')}. {one['hint']}".strip()
        errors.setdefault(field, []).append(text)
    more += max(0, len(findings) - MOST_FINDINGS)
    if more:
        errors.setdefault(operation.root or "school", []).append(f"And {more} more errors.")
    return errors


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


async def _take(
    call: Call, services: Services, caller: Caller, given: str, operation: Operation, ids: Mapping[str, str]
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
    what = "/".join([operation.kind, *ids.values()])
    request = DropInRequest(
        ENDPOINT,
        operation.type,
        [DropInPart(operation.kind, operation.records(rows, ids))],
        body=f"{what}\0".encode() + raw,
        idempotency_key=call.header("idempotency-key"),
    )
    try:
        ref = await services.drop_in.take(caller, school, request)
    except DropInRefused as error:
        return refused(error, operation)
    call.result = "accepted"
    return answer({"writeback_id": ref})


def _too_many(rows: Sequence[Any], operation: Operation, max_records: int) -> Response | None:
    """Return the refusal of more than is looked at one by one; None where there is no more."""
    for count, limit in ((len(rows), max_records), (parts_in(rows), MOST_PARTS)):
        if count > limit:
            message = f"The {operation.root or 'students'} field must not have more than {limit} items."
            return answer({operation.root or "students": [message]}, 422)
    return None


async def _status(caller: Caller, services: Services, ref: str) -> Response:
    if not (caller.may(Scope.SUBMIT) or caller.may(Scope.READ)):
        raise Forbidden("key_lacks_scope", "Incorrect permissions to view resource.")
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
