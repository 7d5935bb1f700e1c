"""The control plane's errors, its JSON bodies and dates: what every one of its modules needs."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from writeback.sandbox.http import answer, sandbox_of
from writeback.sandbox.mis.school import SandboxSchool
from writeback.sandbox.state import SandboxState

Apply = Callable[[SandboxState, SandboxSchool, Any], None]
"""Changes a school as a value of the body says."""


class ControlError(Exception):
    """The control plane cannot do that; the message says why and what it takes."""

    def __init__(self, code: str, message: str, *, status: int = 422) -> None:
        super().__init__(message)
        self.code, self.status = code, status


def refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, ControlError)
    return answer({"error": {"code": error.code, "message": str(error)}}, error.status)


async def json_object(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body())
    except ValueError as error:
        raise ControlError("bad_json", f"the body is not JSON: {error}", status=400) from error
    if not isinstance(body, dict):
        raise ControlError("bad_json", "the body must be a JSON object", status=400)
    return body


def read_date(value: Any, name: str) -> date:
    """Return a calendar date; raise ControlError when it is none."""
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise ControlError("bad_date", f"{name} is {value!r}: send a date like 2026-01-12") from error


def read_instant(value: Any, name: str) -> datetime:
    """Return an instant, in UTC where it names no zone; raise ControlError when it is none."""
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise ControlError("bad_instant", f"{name} is {value!r}: send one like 2026-01-12T09:00:00Z") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def school_in_path(request: Request) -> SandboxSchool:
    school = sandbox_of(request).schools.get(request.path_params["school"])
    if school is None:
        raise ControlError("unknown_school", f"there is no school {request.path_params['school']}", status=404)
    return school


def texts_in(value: Any, name: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ControlError("bad_list", f"{name} takes a list of texts, not {value!r}")
    return value


def objects_in(value: Any, name: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ControlError("bad_list", f"{name} takes objects, not {value!r}")
    return value
