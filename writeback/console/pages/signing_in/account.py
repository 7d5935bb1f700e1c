"""`/console/account`: who is signed in, and signing out here or everywhere."""

from collections.abc import Mapping

from starlette.responses import Response

from writeback.console.page import Page, Pages
from writeback.console.presenters.times import counted
from writeback.console.security import cookies
from writeback.core.errors import InvalidSubmission, Overloaded, Unauthenticated
from writeback.domain.staff import Permission

pages = Pages()

_MAY = {
    Permission.VIEW: "See what is there",
    Permission.CORRECT: "Send again, cancel and settle writebacks; hold and resume schools",
    Permission.AUDIT: "Read who did what",
    Permission.MANAGE: "Add and change schools, keys, webhooks and staff",
}


@pages.get("/account")
async def show(page: Page) -> Response:
    """Show the account; whoever has a password of somebody else's making chooses one here first."""
    return await _show(page)


@pages.post("/account/password", needs=Permission.VIEW)
async def change_password(page: Page) -> Response:
    """Change one's own password, after the present one has been given; all of one's browsers are signed out."""
    present, new = (str(page.form.get(name) or "") for name in ("password", "new"))  # which may begin with a space
    try:
        await page.services.staff.sign_ins.again(page.person, present)
        if new == present:
            return await _show(page, {"new": "This is the one that you have: choose another."}, 422)
        await page.services.staff.accounts.set_password(page.person.name, new, actor=page.actor())
    except InvalidSubmission as problem:
        return await _show(page, {"new": problem.extra["findings"][0]["message"]}, problem.status)
    except (Unauthenticated, Overloaded) as problem:
        return await _show(page, {"password": problem.detail}, problem.status)
    return _gone(page, "You have a new password: sign in with it.")


async def _show(page: Page, errors: Mapping[str, str] | None = None, status: int = 200) -> Response:
    sessions = await page.services.staff.sessions.count(page.person)
    allowed = [words for permission, words in _MAY.items() if page.may(permission)]
    schools = None if page.person.schools is None else sorted(page.person.schools)
    return page.render(
        "account.html",
        title="Your account",
        status=status,
        errors=errors or {},
        must_choose=page.signed_in is not None and page.signed_in.must_choose_password,
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
