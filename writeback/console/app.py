"""The console as one ASGI app: `create_console(services)`. Whoever serves the API hands it what is below `/console`."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from writeback.console import errors
from writeback.console.assets import Assets
from writeback.console.navigation import MENU, ROOT
from writeback.console.page import Kit, Page, PageRoute
from writeback.console.pages import ROOMS
from writeback.console.presenters.times import Times
from writeback.console.security import auth, unsent
from writeback.console.security.cookies import Cookies
from writeback.console.security.forms_and_headers import Csrf, SecurityHeaders
from writeback.console.templating import create_environment
from writeback.core.errors import BodyTooLarge, Problem
from writeback.core.secrets import SecretBox
from writeback.wiring import Services

_LONGEST_OF_STRANGERS = 16_384
_AROUND_A_FILE = 64 * 1024
"""What a form may have besides its file."""


def create_console(services: Services) -> ASGIApp:
    """Return the console. It opens and closes nothing: the services come open."""
    settings = services.settings
    public_url = settings.console.public_url or settings.effective_public_url
    https = public_url.startswith("https://")
    secrets = SecretBox(*settings.effective_secret_keys)
    assets = Assets(ROOT)
    times = Times(settings.console.timezone)
    kit = Kit(services, create_environment(times, assets), Cookies(https, secrets), Csrf(secrets, public_url), times)
    routes = [
        Route(ROOT, _home),
        Route(f"{ROOT}/", _home),
        Route(f"{ROOT}/static/{{name}}", assets.serve),
        *_routes(kit),
    ]
    handlers = {kind: partial(errors.answer, kit) for kind in (Problem, HTTPException, Exception)}
    return SecurityHeaders(Starlette(routes=routes, exception_handlers=handlers), https=https)


async def _home(request: Request) -> Response:
    return RedirectResponse(ROOT + MENU[0].path, 303)


def _routes(kit: Kit) -> list[Route]:
    """Return a route for each path, whatever its methods, so that others are answered with 405."""
    by_path: dict[str, dict[str, PageRoute]] = {}
    for room in ROOMS:
        for route in room.routes:
            by_path.setdefault(route.path, {})[route.method] = route
    return [
        Route(ROOT + path, _endpoint(kit, path, by_method), methods=list(by_method))
        for path, by_method in by_path.items()
    ]


def _endpoint(kit: Kit, path: str, by_method: Mapping[str, PageRoute]) -> Callable[[Request], Awaitable[Response]]:
    async def call(request: Request) -> Response:
        request.scope["route"] = _Template(ROOT + path)
        route = by_method["GET" if request.method == "HEAD" else request.method]
        page = Page(request, kit, await auth.signed_in(kit, request))
        request.state.page = page  # for the error page, should there be one
        if auth.is_too_late(page, route.needs):
            return await unsent.keep(page, _LONGEST_OF_STRANGERS)
        refused = auth.refusal(page, route.needs)
        if refused is not None:
            return refused
        if request.method != "POST":
            return await route.endpoint(page)
        _check_length(request, _longest(page, route))
        async with request.form(max_files=1, max_fields=5_000) as page.form:
            auth.check_form(page)
            return await route.endpoint(page)

    return call


def _longest(page: Page, route: PageRoute) -> int:
    """Return how many bytes the form of a page may have."""
    if page.signed_in is None:
        return _LONGEST_OF_STRANGERS
    settings = page.services.settings
    return settings.batches.max_file_bytes + _AROUND_A_FILE if route.takes_file else settings.api.max_body_bytes


def _check_length(request: Request, limit: int) -> None:
    """Raise BodyTooLarge for a longer form before any of it is read; browsers always say how long theirs is."""
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > limit:
        what = f"What was sent has more than {limit:,} bytes, which is the most."
        raise BodyTooLarge("body_too_large", what, hint="Go back and send less: a large file in several parts.")


class _Template:
    """What the access log calls the page: its path with names in the places of ids."""

    def __init__(self, path: str) -> None:
        self.path = path
