"""What a provider answers where there is no such path or method: JSON in its own shape, a guess as to the words."""

import json

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from writeback.sandbox.xporter.access import ENVELOPE

_NAMES = {404: ("not_found", "The resource could not be found."), 405: ("method_not_allowed", "Method not allowed.")}


def no_such_path(request: Request, error: Exception) -> Response:
    """Return the answer to a path or method that is not there."""
    assert isinstance(error, HTTPException)
    name, message = _NAMES.get(error.status_code, ("error", error.detail))
    body: dict[str, object] = {"error": name, "message": message}
    if request.scope["path"].startswith(("/api/", "/idaas/")):
        body = {**ENVELOPE, "ExceptionType": "NotFoundException", "ExceptionMessage": message}
    return Response(json.dumps(body), error.status_code, error.headers, "application/json")
