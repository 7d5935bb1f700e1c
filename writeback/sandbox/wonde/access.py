"""Who may see which school: the three spellings of authorisation, permissions, and Wonde's errors."""

import base64
import binascii

from starlette.requests import Request
from starlette.responses import Response

from writeback.sandbox.http import answer, entry_of, sandbox_of
from writeback.sandbox.mis.school import SandboxSchool


class Denied(Exception):
    """A Wonde error (99). The body's shape is not documented; `error` and `message` are a guess."""

    def __init__(self, status: int, error: str, message: str) -> None:
        super().__init__(message)
        self.status, self.error, self.message = status, error, message


def denied(request: Request, error: Exception) -> Response:
    """Turn Denied into its answer."""
    assert isinstance(error, Denied)
    entry_of(request).effect = "refused"
    return answer({"error": error.error, "message": error.message}, error.status)


def bad_request(message: str) -> Denied:
    return Denied(400, "bad_request", message)


def not_found(what: str) -> Denied:
    return Denied(404, "not_found", f"{what} could not be found.")


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
    except (binascii.Error, UnicodeDecodeError):
        return value
    return decoded.partition(":")[0] if ":" in decoded else value


def schools_for(request: Request) -> list[SandboxSchool]:
    """Return the schools of the request's token; raise Denied 401 when it has none."""
    token = token_in(request.headers.get("authorization", ""))
    schools = sandbox_of(request).schools_of(token) if token else []
    if not schools:
        raise Denied(401, "unauthorized", "API key is invalid.")
    return schools


def school_for(request: Request, permission: str | None = None) -> SandboxSchool:
    """Return the school in the path; raise Denied when token, access or permission is missing."""
    mine = {school.id: school for school in schools_for(request)}
    wanted = request.path_params["school"]
    school = mine.get(wanted)
    if school is None:
        if wanted in sandbox_of(request).schools:
            raise Denied(403, "forbidden", "Incorrect permissions to view resource.")
        raise not_found(f"School {wanted}")
    if permission is not None and (school.access != "approved" or permission not in school.grants):
        raise Denied(403, "forbidden", f"Incorrect permissions: {permission} is not approved for {wanted}.")
    return school
