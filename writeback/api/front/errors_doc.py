"""How routes document their errors: `errors(401, 404)` gives FastAPI's `responses` for them, with examples."""

from typing import Any

from writeback.api.front.problems import MEDIA_TYPE, MethodNotAllowed, UnsupportedMediaType
from writeback.core import errors as core

_CLASSES: dict[int, tuple[type[core.Problem], str, str]] = {
    400: (core.BadInput, "parameter_invalid", "limit is 'many': input should be a valid integer"),
    401: (core.Unauthenticated, "key_missing", "the call carries no key"),
    403: (core.Forbidden, "key_lacks_scope", "this key has no scope 'submit'; it has read"),
    404: (core.NotFound, "school_unknown", "no school 'hillsid' is registered"),
    405: (MethodNotAllowed, "method_not_allowed", "GET cannot be used on this path"),
    409: (core.Conflict, "school_exists", "a school 'hillside' is registered already"),
    413: (core.BodyTooLarge, "body_too_large", "the body has more than 10000000 bytes"),
    415: (UnsupportedMediaType, "content_type_unsupported", "Content-Type is 'text/csv'"),
    429: (core.TooManyAtOnce, "batches_too_many", "the app has 5 files under way, which is the most"),
    422: (core.InvalidSubmission, "body_invalid", "name is missing"),
    503: (core.Overloaded, "too_many_waiting", "2000 submissions wait to be stored"),
}
PROBLEM_REF = "#/components/schemas/ProblemDetails"


def error(status: int, *, code: str = "", detail: str = "", hint: str = "", **extra: Any) -> dict[str, Any]:
    """Return one documented error response."""
    problem, usual_code, usual_detail = _CLASSES[status]
    example = {
        "type": f"/problems/{code or usual_code}",
        "title": problem.title,
        "status": status,
        "detail": detail or usual_detail,
        "code": code or usual_code,
        "hint": hint,
        "instance": "/v1/…",
        **extra,
    }
    response: dict[str, Any] = {
        "description": problem.title,
        "content": {MEDIA_TYPE: {"schema": {"$ref": PROBLEM_REF}, "example": example}},
    }
    if status == 401:
        response["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}, "description": "Bearer"}}
    if status in (429, 503):
        response["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    return response


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the documented error responses of a route."""
    return {status: error(status) for status in statuses}


READING = errors(400, 401, 403, 404)
"""What any authenticated GET may answer."""
WRITING = errors(400, 401, 403, 404, 413, 415, 422)
"""What a call with a JSON body may answer."""
ACTING = errors(400, 401, 403, 404, 413, 415)
"""What a call without a body that does something may answer; some clients send one all the same."""
