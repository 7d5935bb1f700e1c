"""`/console/account`: who is signed in, and signing out here or everywhere."""

from starlette.responses import Response

from writeback.console.page import Page, Pages
from writeback.console.presenters.times import counted
from writeback.console.security import cookies
from writeback.domain.staff import Permission

pages = Pages()

_MAY = {
    Permission.VIEW: "See what is there",
    Permission.CORRECT: "Send again, cancel and settle writebacks; hold and resume schools",
    Permission.AUDIT: "Read who did what",
    Permission.MANAGE: "Change schools, keys and webhooks",
}


@pages.get("/account")
async def show(page: Page) -> Response:
    """Show the account."""
    sessions = await page.services.staff.sessions.count(page.person)
    allowed = [words for permission, words in _MAY.items() if page.may(permission)]
    schools = None if page.person.schools is None else sorted(page.person.schools)
    return page.render(
        "account.html",
        title="Your account",
        sessions=sessions,
        allowed=allowed,
        schools=schools,
        factor=await page.services.staff.second_factors.state_of(page.person),
    )


@pages.post("/sign-out", needs=Permission.VIEW)
async def sign_out(page: Page) -> Response:
    """End this session."""
    assert page.signed_in is not None
    await page.services.staff.sessions.end(page.signed_in)
    return _gone(page, "You are signed out.")


@pages.post("/sign-out-everywhere", needs=Permission.VIEW)
async def sign_out_everywhere(page: Page) -> Response:
    """End all of the account's sessions."""
    ended = await page.services.staff.sessions.end_all(page.person)
    return _gone(page, f"You are signed out everywhere: {counted(ended, 'browser')}.")


def _gone(page: Page, said: str) -> Response:
    response = page.redirect("/sign-in", flash=said)
    page.kit.cookies.drop(response, cookies.SESSION)
    return response
