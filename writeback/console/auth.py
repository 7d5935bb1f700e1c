"""Who asks: the session that a cookie names, the way to the sign-in page, and forms that are really ours."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from writeback.console import cookies
from writeback.console.navigation import ROOT
from writeback.console.page import LIVE_HEADER, Kit, Page
from writeback.console.security import CSRF_FIELD
from writeback.domain.staff import Permission
from writeback.flow.staff_sessions import SignedIn


async def signed_in(kit: Kit, request: Request) -> SignedIn | None:
    """Return who is signed in; None: nobody."""
    token = kit.cookies.read(request, cookies.SESSION)
    if not token:
        return None
    return await kit.services.staff.sessions.find(token, by_hand=LIVE_HEADER not in request.headers)


def refusal(page: Page, needs: Permission | None) -> Response | None:
    """Return the way to the sign-in page for whoever must sign in first; raise Forbidden where their role may not."""
    if needs is None:
        return None
    if page.signed_in is None:
        if LIVE_HEADER in page.request.headers:
            return Response(status_code=401)
        wanted = page.here() if page.request.method == "GET" else ""
        return RedirectResponse(page.url("/sign-in", next=wanted.removeprefix(ROOT)), 303)
    page.require(needs)
    return None


def check_form(page: Page) -> None:
    """Raise Forbidden for a form that was not made for this session or, before there is one, for this browser."""
    before = page.kit.cookies.read(page.request, cookies.BEFORE)
    session = page.signed_in.hash if page.signed_in else f"before:{before}"
    page.kit.csrf.check(page.request, session, page.field(CSRF_FIELD))
