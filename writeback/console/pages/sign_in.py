"""`/console/sign-in`: with a name and a password, or at the organisation's own sign-in."""

import secrets

from starlette.responses import Response

from writeback.console.page import Page, Pages
from writeback.console.security import cookies
from writeback.core.caller_addresses import address_of
from writeback.core.errors import Overloaded, Problem, Unauthenticated

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
        address = address_of(page.request.scope, page.services.settings.trusted_proxies)
        # Not `page.field`: a password may begin or end with a space.
        password = page.form.get("password")
        entry = await page.services.staff.sign_ins.by_password(
            page.field("name"),
            password if isinstance(password, str) else "",
            address,
            page.kit.cookies.read(page.request, cookies.DEVICE),
        )
    except (Unauthenticated, Overloaded) as problem:
        return _form(page, wanted, problem)
    response = await let_in(page, entry.session, wanted)
    known_s = round(settings.browser_known_s)
    page.kit.cookies.put(response, cookies.DEVICE, entry.device, max_age_s=known_s)
    return response


async def let_in(page: Page, token: str, wanted: str) -> Response:
    """Return the way in, with the cookie of a new session."""
    if page.signed_in is not None:
        await page.services.staff.sessions.end(page.signed_in)
    response = page.redirect(wanted)
    page.kit.cookies.put(response, cookies.SESSION, token)
    page.kit.cookies.drop(response, cookies.BEFORE)
    return response


def next_of(given: str) -> str:
    """Return the page that was wanted, as a path within the console; never another site."""
    is_ours = given.startswith("/") and not given.startswith(("//", "/\\", "/sign-in", "/static"))
    return given if is_ours and given.isprintable() and ".." not in given else _HOME


def _form(page: Page, wanted: str, problem: Problem | None = None) -> Response:
    before = page.kit.cookies.read(page.request, cookies.BEFORE) or secrets.token_urlsafe(24)
    session = page.signed_in.hash if page.signed_in else f"before:{before}"
    settings = page.services.settings.console
    response = page.render(
        "sign_in.html",
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
