"""What a person sees when something is refused or goes wrong: what, and what to do. Nothing of an unexpected error."""

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from writeback.console.page import Kit, Page
from writeback.console.security import auth
from writeback.core.errors import NotFound, Overloaded, Problem
from writeback.store.sql.engines import is_unavailable

_AWAY_S = 10


_TITLES = {400: "That cannot be read", 401: "Not signed in", 403: "Not allowed", 409: "It has changed meanwhile"}
"""In the words of a person; errors' own titles speak to apps."""


async def answer(kit: Kit, request: Request, error: Exception) -> Response:
    """Return the page about an error."""
    page = getattr(request.state, "page", None)
    if page is None:  # no page has this address; whoever is signed in still has the menu
        page = Page(request, kit, await auth.signed_in(kit, request) if isinstance(error, HTTPException) else None)
    problem = _problem(error)
    title = _TITLES.get(problem.status, problem.title)
    response = page.render("error.html", title=title, status=problem.status, detail=problem.detail, hint=problem.hint)
    if isinstance(problem, Overloaded):
        response.headers["Retry-After"] = str(problem.retry_after_s)
    if isinstance(error, HTTPException):
        response.headers.update(error.headers or {})
    return response


class _Shown(Problem):
    def __init__(self, status: int, title: str, detail: str, hint: str) -> None:
        super().__init__(f"http_{status}", detail, hint=hint)
        self.status, self.title = status, title


def _problem(error: Exception) -> Problem:
    if isinstance(error, NotFound) or getattr(error, "status_code", 0) == HTTPStatus.NOT_FOUND:
        detail = "There is nothing at this address, or nothing that you may see."
        return _Shown(404, "Not found", detail, "Check it, or begin from the menu.")
    if isinstance(error, Problem):
        return error
    if isinstance(error, HTTPException):
        title = HTTPStatus(error.status_code).phrase
        return _Shown(error.status_code, title, "The call cannot be answered.", "Go back and try again.")
    if is_unavailable(error):
        return Overloaded(
            "store_unavailable", "The database cannot be reached just now. Nothing is lost.", retry_after_s=_AWAY_S
        )
    return _Shown(
        500,
        "Something went wrong",
        "Something went wrong on our side; it has been logged.",
        "Try again. If it happens again, tell whoever looks after the service when it was.",
    )
