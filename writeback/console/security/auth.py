"""Who asks: the session that a cookie names, the way to the sign-in page, and forms that are really ours."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from writeback.console.navigation import ROOT
from writeback.console.page import LIVE_HEADER, Kit, Page
from writeback.console.security import cookies
from writeback.console.security.forms_and_headers import CSRF_FIELD
from writeback.core.event_stream import MEDIA_TYPE
from writeback.domain.staff import Permission
from writeback.flow.people.sessions import SignedIn

SET_UP = "/account/second-factor"
"""Where whoever must set up a second factor is sent."""
FIRST_PASSWORD_AT = "/account"  # noqa: S105 - a page
"""Where whoever must choose a password is sent."""
_OPEN_BEFORE_PASSWORD = (FIRST_PASSWORD_AT, "/account/password", "/sign-out", "/sign-out-everywhere")
_OPEN_BEFORE = (SET_UP, f"{SET_UP}/begin", f"{SET_UP}/confirm", "/sign-out", "/sign-out-everywhere")


async def signed_in(kit: Kit, request: Request) -> SignedIn | None:
    """Return who is signed in; None: nobody."""
    token = kit.cookies.read(request, cookies.SESSION)
    if not token:
        return None
    return await kit.services.staff.sessions.find(token, by_hand=not _is_by_itself(request))


def is_too_late(page: Page, needs: Permission | None) -> bool:
    """Whether a form comes of somebody who was signed in when it was shown, and is no longer."""
    is_form = page.request.method == "POST" and not _is_by_itself(page.request)
    return is_form and needs is not None and page.signed_in is None


def refusal(page: Page, needs: Permission | None) -> Response | None:
    """Return the way to the sign-in page for whoever must sign in first, or choose a password or second factor.

    Raise Forbidden where their role may not.
    """
    if needs is None:
        return None
    if page.signed_in is None:
        if _is_by_itself(page.request):
            return Response(status_code=401)
        return RedirectResponse(page.url("/sign-in", next=page.here().removeprefix(ROOT)), 303)
    path = page.path.removeprefix(ROOT)
    if page.signed_in.must_choose_password:
        if path not in _OPEN_BEFORE_PASSWORD:
            return Response(status_code=401) if _is_by_itself(page.request) else page.redirect(FIRST_PASSWORD_AT)
    elif page.signed_in.must_set_up and path not in _OPEN_BEFORE:
        return Response(status_code=401) if _is_by_itself(page.request) else page.redirect(SET_UP)
    page.require(needs)
    return None


def _is_by_itself(request: Request) -> bool:
    """Whether a page that is open asks, and nobody did anything: the sign-in lasts no longer for it."""
    return LIVE_HEADER in request.headers or request.headers.get("accept") == MEDIA_TYPE


def check_form(page: Page) -> None:
    """Raise Forbidden for a form that was not made for this session or, before there is one, for this browser."""
    before = page.kit.cookies.read(page.request, cookies.BEFORE)
    session = page.signed_in.hash if page.signed_in else f"before:{before}"
    page.kit.csrf.check(page.request, session, page.field(CSRF_FIELD))
