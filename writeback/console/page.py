"""What every page is given: who asks, what for, and how to answer. Pages are made known with `Pages`."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from writeback.console.navigation import MENU, ROOT, is_below
from writeback.console.presenters.times import Times
from writeback.console.security import cookies
from writeback.console.security.cookies import Cookies
from writeback.console.security.forms_and_headers import Csrf
from writeback.core.errors import Forbidden, NotFound
from writeback.domain.access import Caller
from writeback.domain.actor import Actor
from writeback.domain.mode import Mode, mode_of
from writeback.domain.staff import Permission, Person
from writeback.flow.people.sessions import SignedIn
from writeback.wiring import Services

LIVE_HEADER = "x-live"
"""Sent by pages that refresh by themselves."""
_FLASH_S = 60


@dataclass(frozen=True)
class Kit:
    """What the console is made with."""

    services: Services
    templates: Environment
    cookies: Cookies
    csrf: Csrf
    times: Times


@dataclass
class Page:
    """One call of one page."""

    request: Request
    kit: Kit
    signed_in: SignedIn | None
    form: FormData = field(default_factory=FormData)
    """What was posted; its token has been checked."""

    @property
    def services(self) -> Services:
        return self.kit.services

    @property
    def person(self) -> Person:
        """Who asks."""
        assert self.signed_in is not None, "this page needs no sign-in, so there may be nobody"
        return self.signed_in.person

    @property
    def caller(self) -> Caller:
        """Who asks, as reads and flow take it."""
        return self.person.caller

    def actor(self, reason: str = "") -> Actor:
        """Who asks and why, as the flow takes it."""
        return self.person.actor(reason)

    @property
    def now(self) -> datetime:
        return self.services.clock.now()

    @property
    def times(self) -> Times:
        """Instants in the console's time zone."""
        return self.kit.times

    @property
    def path(self) -> str:
        return self.request.url.path

    def part(self, name: str) -> str:
        """Return a part of the path, e.g. `id`."""
        return str(self.request.path_params[name])

    def query(self, name: str, default: str = "") -> str:
        """Return what a filter says, without spaces around it."""
        return self.request.query_params.get(name, default).strip()

    def field(self, name: str, default: str = "") -> str:
        """Return what a field of the posted form says, without spaces around it; a file counts as nothing."""
        value = self.form.get(name, default)
        return value.strip() if isinstance(value, str) else default

    def may(self, permission: Permission) -> bool:
        return self.signed_in is not None and self.person.may(permission)

    def require(self, permission: Permission) -> None:
        """Raise Forbidden for a role that may not; a route's `needs` does this before the page is called."""
        if not self.may(permission):
            raise Forbidden(
                "role_may_not",
                f"your role, {self.person.role}, may not do this",
                hint="Ask an administrator of the console, if you need it.",
            )

    def require_school(self, school_id: str) -> None:
        """Raise NotFound for a school that the account does not see, as if it were not there."""
        if not self.person.may_touch(school_id):
            raise NotFound("school_unknown", f"no school {school_id[:64]!r}", hint="Check the address.")

    def url(self, path: str, **query: Any) -> str:
        """Return the address of a page: `url("/writebacks", status="failed")`; what is None or empty is left out."""
        given = {name: value for name, value in query.items() if value not in (None, "", [])}
        return ROOT + path + (f"?{urlencode(given, doseq=True)}" if given else "")

    def here(self, **changes: Any) -> str:
        """Return the address of this page with other query parameters; None or empty takes one out."""
        kept = {name: self.request.query_params.getlist(name) for name in self.request.query_params}
        return self.url(self.path.removeprefix(ROOT), **{**kept, **changes})

    def render(self, template: str, *, title: str, status: int = 200, **values: Any) -> Response:
        """Return the page; a flash that waits is shown, once."""
        flash = self.kit.cookies.read_sealed(self.request, cookies.FLASH)
        shown = {"title": title, "flash": flash or None, **values}
        response = HTMLResponse(self._fill(template, shown), status)
        if flash:
            self.kit.cookies.drop(response, cookies.FLASH)
        return response

    def partial(self, template: str, **values: Any) -> Response:
        """Return a piece of a page, for one that refreshes by itself."""
        return HTMLResponse(self._fill(template, values))

    def redirect(self, path: str, *, flash: str = "", tone: str = "ok") -> Response:
        """Return the way to another page of the console, after a POST; `flash` is said there, in a tone of badges."""
        response = RedirectResponse(ROOT + path, 303)
        if flash:
            said = {"text": flash, "tone": tone}
            self.kit.cookies.put_sealed(response, cookies.FLASH, said, max_age_s=_FLASH_S)
        return response

    def confirm(
        self,
        *,
        title: str,
        count: int,
        noun: str,
        what: str,
        action: str,
        button: str,
        back: str,
        fields: Mapping[str, Any] | None = None,
        needs_reason: bool = True,
        danger: bool = False,
        error: str = "",
        until: str | None = None,
        until_error: str = "",
    ) -> Response:
        """Return the page that asks before something is done: to how many, what happens, and why.

        `action` and `back` are paths within the console; `fields` are posted along, lists as several of one name.
        The reason is posted as `reason`. `until` not None: it asks for an end, too, which is posted as `until`.
        """
        return self.render(
            "confirm.html",
            title=title,
            status=422 if error or until_error else 200,
            count=count,
            noun=noun,
            what=what,
            action=ROOT + action,
            button=button,
            back=ROOT + back,
            fields=_pairs(fields or {}),
            needs_reason=needs_reason,
            reason=self.field("reason"),
            danger=danger,
            error=error,
            until=until,
            until_error=until_error,
        )

    def mode(self) -> Mode | None:
        """Return of which schools a page with such a filter is asked for; None: of live and test schools."""
        given = self.query("mode")
        return Mode(given) if given in set(Mode) else None

    def _is_of_tests(self, values: Mapping[str, Any]) -> bool:
        """Whether the page is about a test school, an app's tests, or tests alone: then it says so, plainly."""
        given = (*self.request.path_params.values(), self.query("school"), self.query("app"))
        ids = (*given, *(one for value in values.values() for one in _ids_in(value)))
        return self.mode() is Mode.TEST or any(mode_of(str(one)) is Mode.TEST for one in ids)

    def _fill(self, template: str, values: Mapping[str, Any]) -> str:
        context = {
            "page": self,
            "person": self.signed_in.person if self.signed_in else None,
            "may": self.may,
            "permission": Permission,
            "menu": [(entry, is_below(self.path, entry)) for entry in MENU if self.may(entry.needs)],
            "csrf": self.kit.csrf.token(self.signed_in.hash) if self.signed_in else "",
            "now": self.now,
            "url": self.url,
            "here": self.here,
            "is_of_tests": self._is_of_tests(values),
            **values,
        }
        return self.kit.templates.get_template(template).render(context)


def _ids_in(value: Any) -> Iterator[str]:
    """Yield the ids of schools and apps that a value of a page is about."""
    for name in ("school", "school_id", "app", "id"):
        found = getattr(value, name, None)
        if isinstance(found, str):
            yield found


Endpoint = Callable[[Page], Awaitable[Response]]


@dataclass(frozen=True)
class PageRoute:
    """One page: `needs` None is for everybody, signed in or not."""

    method: str
    path: str
    endpoint: Endpoint
    needs: Permission | None
    takes_file: bool = False
    """Whether its form may be as long as a file."""


class Pages:
    """The pages of one module: `@pages.get("/now")`, `@pages.post("/schools/{id}/hold", needs=Permission.CORRECT)`."""

    def __init__(self) -> None:
        self.routes: list[PageRoute] = []

    def get(self, path: str, *, needs: Permission | None = Permission.VIEW) -> Callable[[Endpoint], Endpoint]:
        return self._route("GET", path, needs)

    def post(self, path: str, *, needs: Permission | None, takes_file: bool = False) -> Callable[[Endpoint], Endpoint]:
        return self._route("POST", path, needs, takes_file)

    def _route(
        self, method: str, path: str, needs: Permission | None, takes_file: bool = False
    ) -> Callable[[Endpoint], Endpoint]:
        def keep(endpoint: Endpoint) -> Endpoint:
            self.routes.append(PageRoute(method, path, endpoint, needs, takes_file))
            return endpoint

        return keep


def _pairs(fields: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, value in fields.items():
        several = value if isinstance(value, list | tuple) else [value]
        pairs += [(name, str(one)) for one in several if one not in (None, "")]
    return pairs
