"""How Xporter answers: an envelope around everything, errors in `ExceptionMessage` under HTTP 200 unless asked."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.responses import Response

from writeback.api.dropin.answers import answer
from writeback.api.dropin.call import Call
from writeback.core.errors import Overloaded, Problem

ENVELOPE = {"Message": None, "ExceptionType": None, "ExceptionMessage": None, "InnerException": None}
VALIDATION = "ValidationException"
_KINDS = {401: "SecurityTokenException", 403: "UnauthorizedAccessException", 404: "NotFoundException"}
_ALWAYS_BY_STATUS = frozenset({"route_unknown", "rate_limited"})


def success(**body: Any) -> Response:
    """Return a body in the envelope of a success (Xporter 14027)."""
    return answer({**body, **ENVELOPE, "Message": "success"})


def exception(call: Call, message: str, *, status: int = 400, kind: str = VALIDATION, **more: Any) -> Response:
    """Return an error: HTTP 200 unless `httpstatuscodes=true` asks for more (Xporter 2032)."""
    body = {**more, **ENVELOPE, "ExceptionType": kind, "ExceptionMessage": message}
    return answer(body, status if wants_status_codes(call) else 200)


def failed(problem: Problem, call: Call) -> Response:
    """Return the answer that a problem is; what is no answer of Xporter's API itself has its true status."""
    kind = _KINDS.get(problem.status, "Exception" if problem.status >= 500 else VALIDATION)
    response = exception(call, problem.detail, status=problem.status, kind=kind)
    if problem.status >= 500 or problem.code in _ALWAYS_BY_STATUS:
        response.status_code = problem.status
    if isinstance(problem, Overloaded):
        response.headers["Retry-After"] = str(problem.retry_after_s)
    return response


def wants_status_codes(call: Call) -> bool:
    """Whether the option is set: as a parameter of its own, or in the CSV of `options`; names in any case."""
    given = parameters(call)
    own = given.get("httpstatuscodes")
    if own is not None:
        return own.lower() in ("true", "1")
    return "httpstatuscodes" in (name.strip().lower() for name in given.get("options", "").split(","))


def parameters(call: Call) -> Mapping[str, str]:
    return {name.lower(): value for name, value in parse_qsl(call.query, keep_blank_values=True)}
