"""The one place where errors become `application/problem+json` (RFC 9457).

Nothing of an unexpected error is shown, and of an unreadable request nothing that may be secret.
"""

import json
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from writeback.api.front import trace
from writeback.api.front.invalid import problem_of
from writeback.core.errors import BadInput, BodyTooLarge, NotFound, Overloaded, Problem, Unauthenticated
from writeback.store.sql.engines import is_unavailable

MEDIA_TYPE = "application/problem+json"
_RETRY_AFTER_S = 2


class BodyRefused(HTTPException):
    """A problem that is found while FastAPI reads a body: any other error it takes for one that cannot be parsed."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.status, problem.detail)
        self.problem = problem


class MethodNotAllowed(Problem):
    status, title = 405, "The method is not allowed here"


class UnsupportedMediaType(Problem):
    status, title = 415, "The body is not JSON"


class TimedOut(Problem):
    status, title = 408, "The request came too slowly"


class HeadersTooLarge(Problem):
    status, title = 431, "The headers are too large"


class OtherHttpError(Problem):
    """What the framework says and we have no words of our own for."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"http_{status}", detail)
        self.status, self.title = status, HTTPStatus(status).phrase


def problem_response(problem: Problem, instance: str) -> Response:
    """Return the answer that a problem is; `instance` is the path that was called."""
    content = {
        "type": f"/problems/{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "hint": problem.hint,
        "instance": instance,
    }
    extra = {name: value for name, value in problem.extra.items() if name not in content}
    body = json.dumps({**content, **extra}, ensure_ascii=False).encode()
    response = Response(body, problem.status, media_type=MEDIA_TYPE)
    if isinstance(problem, Unauthenticated):
        response.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(problem, Overloaded):
        response.headers["Retry-After"] = str(problem.retry_after_s)
    return response


async def refuse(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the problem, and note its code."""
    trace.note_refusal(scope, problem)
    await problem_response(problem, scope["path"])(scope, receive, send)


def unexpected(error: Exception) -> Problem:
    """Return the answer to an unexpected error: 503 while the database is away, else 500."""
    if is_unavailable(error):
        return Overloaded("store_unavailable", "the database cannot be reached", retry_after_s=_RETRY_AFTER_S)
    return Problem(
        "internal_error",
        "something went wrong on our side; it has been logged",
        hint="Send it again, with the same Idempotency-Key where it is a submission. If it happens again, tell "
        "whoever looks after the service the X-Request-Id of this answer.",
    )


def body_too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(
        "body_too_large",
        f"the body has more than {limit} bytes",
        hint="Send it in parts: a writeback need not carry more than one register.",
    )


def install(app: FastAPI) -> None:
    """Have every error of the app answered by the functions below."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(Exception, _on_unexpected)


def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    trace.note_refusal(request.scope, error)
    return problem_response(error, request.url.path)


def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    problem = problem_of(error)
    trace.note_refusal(request.scope, problem)
    return problem_response(problem, request.url.path)


def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    response = problem_response(_named(request, error), request.url.path)
    response.headers.update(error.headers or {})
    return response


def _on_unexpected(request: Request, error: Exception) -> Response:
    return problem_response(unexpected(error), request.url.path)


def _named(request: Request, error: HTTPException) -> Problem:
    if isinstance(error, BodyRefused):
        return error.problem
    match error.status_code:
        case 400:
            return BadInput("body_unreadable", "the body cannot be read", hint="Send JSON in UTF-8.")
        case 404:
            return NotFound("route_unknown", "there is nothing at this path", hint="See /docs for what there is.")
        case 405:
            allowed = (error.headers or {}).get("Allow", "another method")
            return MethodNotAllowed(
                "method_not_allowed", f"{request.method} cannot be used on this path", hint=f"Use {allowed}."
            )
        case 413:
            return BodyTooLarge("body_too_large", error.detail, hint="Send it in parts.")
        case status:
            return OtherHttpError(status, error.detail)
