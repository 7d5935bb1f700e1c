"""`/console/sign-in`: with a name, a password and a code where one is set up, or at the organisation's own sign-in."""

import secrets
from datetime import datetime

from starlette.responses import Response

from writeback.console.page import Page, Pages
from writeback.console.security import cookies
from writeback.console.security.unsent import kept_form
from writeback.core.errors import Overloaded, Problem, Unauthenticated
from writeback.core.network.caller_addresses import address_of
from writeback.flow.people.sign_in import HALF_WAY_S, Entry, HalfWay

pages = Pages()

_HOME = "/now"


@pages.get("/sign-in", needs=None)
async def ask(page: Page) -> Response:
    """Ask for name and password."""
    if page.signed_in is not None:
        return page.redirect(next_of(page.query("next")))
    return _form(page, next_of(page.query("next")))


@pages.post("/sign-in", needs=None)
async def sign_in(page: Page) -> Response:
    """Begin a session; whoever was signed in here before is signed out."""
    wanted, settings = next_of(page.field("next")), page.services.settings.console
    try:
        if not settings.passwords:
            raise Unauthenticated("passwords_off", "passwords are not used here", hint="Use the other way to sign in.")
        # Not `page.field`: a password may begin or end with a space.
        password = page.form.get("password")
        entry = await page.services.staff.sign_ins.by_password(
            page.field("name"),
            password if isinstance(password, str) else "",
            *_from_where(page),
        )
    except (Unauthenticated, Overloaded) as problem:
        return _form(page, wanted, problem)
    if isinstance(entry, HalfWay):
        response = page.redirect("/sign-in/code")
        kept = {"name": entry.name, "at": entry.at.isoformat(), "next": wanted}
        page.kit.cookies.put_sealed(response, cookies.HALF_WAY, kept, max_age_s=HALF_WAY_S)
        return response
    return await _enter(page, entry, wanted)


@pages.get("/sign-in/code", needs=None)
async def ask_code(page: Page) -> Response:
    """Ask for the code, after the password."""
    if not page.kit.cookies.read_sealed(page.request, cookies.HALF_WAY):
        return page.redirect("/sign-in")
    return _form(page, "", template="sign_in_code.html")


@pages.post("/sign-in/code", needs=None)
async def sign_in_by_code(page: Page) -> Response:
    """Begin a session with the code of somebody whose password was right."""
    kept = page.kit.cookies.read_sealed(page.request, cookies.HALF_WAY)
    if not kept:
        return page.redirect("/sign-in", flash="It took too long: begin again.", tone="warn")
    half_way = HalfWay(kept["name"], datetime.fromisoformat(kept["at"]))
    try:
        entry = await page.services.staff.sign_ins.by_code(half_way, page.field("code"), *_from_where(page))
    except (Unauthenticated, Overloaded) as problem:
        return _form(page, "", problem, template="sign_in_code.html")
    response = await _enter(page, entry, next_of(kept["next"]))
    page.kit.cookies.drop(response, cookies.HALF_WAY)
    return response


def _from_where(page: Page) -> tuple[str, str]:
    """Return the address that calls, and what an earlier sign-in had the browser keep."""
    address = address_of(page.request.scope, page.services.settings.trusted_proxies)
    return address, page.kit.cookies.read(page.request, cookies.DEVICE)


async def _enter(page: Page, entry: Entry, wanted: str) -> Response:
    response = await let_in(page, entry.session, wanted)
    known_s = round(page.services.settings.console.browser_known_s)
    page.kit.cookies.put(response, cookies.DEVICE, entry.device, max_age_s=known_s)
    return response


async def let_in(page: Page, token: str, wanted: str) -> Response:
    """Return the way in, with the cookie of a new session; a form that waits to be sent goes before what was wanted."""
    if page.signed_in is not None:
        await page.services.staff.sessions.end(page.signed_in)
    entered = await page.services.staff.sessions.find(token, by_hand=False)
    person_id = entered.person.id if entered is not None else ""
    response = page.redirect("/unsent" if kept_form(page, person_id) else wanted)
    page.kit.cookies.put(response, cookies.SESSION, token)
    last_s = round(page.services.settings.console.session_s)
    page.kit.cookies.put_sealed(response, cookies.LAST, {"person": person_id}, max_age_s=last_s)
    page.kit.cookies.drop(response, cookies.BEFORE)
    return response


def next_of(given: str) -> str:
    """Return the page that was wanted, as a path within the console; never another site."""
    is_ours = given.startswith("/") and not given.startswith(("//", "/\\", "/sign-in", "/static"))
    return given if is_ours and given.isprintable() and ".." not in given else _HOME


def _form(page: Page, wanted: str, problem: Problem | None = None, *, template: str = "sign_in.html") -> Response:
    before = page.kit.cookies.read(page.request, cookies.BEFORE) or secrets.token_urlsafe(24)
    session = page.signed_in.hash if page.signed_in else f"before:{before}"
    settings = page.services.settings.console
    response = page.render(
        template,
        title="Sign in",
        status=problem.status if problem else 200,
        csrf=page.kit.csrf.token(session),
        wanted=wanted,
        name=page.field("name"),
        problem=problem,
        passwords=settings.passwords,
        oidc=settings.oidc.name if settings.oidc.issuer else "",
    )
    if isinstance(problem, Overloaded):
        response.headers["Retry-After"] = str(problem.retry_after_s)
    page.kit.cookies.put(response, cookies.BEFORE, before)
    return response
