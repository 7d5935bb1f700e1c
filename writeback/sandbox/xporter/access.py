"""Tokens, scopes, and Xporter's way of telling errors: HTTP 200 with an ExceptionMessage, unless asked otherwise."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from writeback.sandbox.http import answer, entry_of, sandbox_of
from writeback.sandbox.mis.school import SandboxSchool
from writeback.sandbox.state import StsToken

ENVELOPE = {"Message": None, "ExceptionType": None, "ExceptionMessage": None, "InnerException": None}


class XporterError(Exception):
    """An error; `status` is what `httpstatuscodes=true` gives (2032). The exception types are a guess."""

    def __init__(self, message: str, *, status: int = 400, kind: str = "ValidationException") -> None:
        super().__init__(message)
        self.message, self.status, self.kind = message, status, kind


def failed(request: Request, error: Exception) -> Response:
    """Turn XporterError into its answer."""
    assert isinstance(error, XporterError)
    entry_of(request).effect = "refused"
    body = {**ENVELOPE, "ExceptionType": error.kind, "ExceptionMessage": error.message}
    return answer(body, error.status if is_set(parameters(request), "httpstatuscodes") else 200)


def parameters(request: Request) -> dict[str, str]:
    """Return the query by lower-case name: clients write `pagesize` and `pageSize`."""
    return {name.lower(): value for name, value in request.query_params.items()}


def is_set(given: Mapping[str, str], option: str) -> bool:
    """Whether an option is asked for: as a parameter of its own, or in the CSV of `options`."""
    own = given.get(option.lower())
    if own is not None:
        return own.lower() in ("true", "1")
    return option.lower() in (name.strip().lower() for name in given.get("options", "").split(","))


def token_of(request: Request) -> StsToken:
    """Return the token of `Authorization: Idaas …`; raise XporterError when it is missing, unknown or expired."""
    scheme, _, value = request.headers.get("authorization", "").strip().partition(" ")
    state = sandbox_of(request)
    token = state.sts_tokens.get(value.strip()) if scheme.lower() == "idaas" else None
    if token is None or token.expires_at <= state.now():
        raise XporterError("The STS token is invalid or has expired", status=401, kind="SecurityTokenException")
    return token


def school_for(request: Request, scope: str | None) -> SandboxSchool:
    """Return the school of the token and, where it has one, of the path; raise XporterError otherwise.

    `scope` None: the document names none for the call.
    """
    token = token_of(request)
    estab = request.path_params.get("estab", token.school)
    if token.school is None or estab != token.school:
        raise _forbidden(f"The token does not grant access to estab {estab}")
    school = sandbox_of(request).schools.get(token.school)
    if school is None or school.access != "approved":
        raise _forbidden(f"Estab {estab} has not authorised this application")
    entry_of(request).school = school.id
    if scope is not None and scope not in school.grants:
        raise _forbidden(f"The scope {scope} has not been authorised for estab {estab}")
    return school


def success(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body in the envelope of a success (14027)."""
    return {**body, **ENVELOPE, "Message": "success"}


def _forbidden(message: str) -> XporterError:
    return XporterError(message, status=403, kind="UnauthorizedAccessException")
