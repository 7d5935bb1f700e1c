"""`/console/staff`: who may use the console; sign somebody out everywhere, take a lost second factor away."""

from starlette.responses import Response

from writeback.console.page import Page, Pages
from writeback.core.errors import NotFound
from writeback.domain.staff import Permission
from writeback.flow.people.staff_accounts import StaffView

pages = Pages()


@pages.get("/staff", needs=Permission.MANAGE)
async def list_(page: Page) -> Response:
    """List the accounts."""
    accounts = await page.services.staff.accounts.list()
    return page.render("staff.html", title="Staff", accounts=accounts)


@pages.post("/staff/{id}/sign-out", needs=Permission.MANAGE)
async def sign_out(page: Page) -> Response:
    """Ask, then sign somebody out everywhere."""
    account, reason = await _find(page), page.field("reason")
    if page.field("confirmed") and reason:
        await page.services.staff.accounts.sign_out(account.name, actor=page.actor(reason))
        return page.redirect("/staff", flash=f"Signed out everywhere: {account.name}.")
    return _confirm(
        page,
        account,
        title="Sign this account out everywhere?",
        what="Every browser in which it is signed in is signed out at once. It may sign in again.",
        action="sign-out",
        button="Sign it out",
    )


@pages.post("/staff/{id}/reset-second-factor", needs=Permission.MANAGE)
async def reset_second_factor(page: Page) -> Response:
    """Ask, then take the second factor of somebody away."""
    account, reason = await _find(page), page.field("reason")
    if account.second_factor_since is None:
        return page.redirect("/staff", flash="This account has no second factor.", tone="warn")
    if page.field("confirmed") and reason:
        await page.services.staff.accounts.reset_second_factor(account.name, actor=page.actor(reason))
        return page.redirect("/staff", flash=f"Without a second factor now: {account.name}.")
    return _confirm(
        page,
        account,
        title="Take this second factor away?",
        what="From then on the password alone lets them in, until they set up a new one. Every browser is signed out. "
        "Make sure that it is really they who ask, for example by calling them back.",
        action="reset-second-factor",
        button="Take it away",
    )


def _confirm(page: Page, account: StaffView, *, title: str, what: str, action: str, button: str) -> Response:
    return page.confirm(
        title=title,
        count=1,
        noun=f"account, {account.name}",
        what=what,
        action=f"/staff/{account.id}/{action}",
        button=button,
        back="/staff",
        danger=True,
        error="Say why." if page.field("confirmed") else "",
    )


async def _find(page: Page) -> StaffView:
    wanted = page.part("id")
    for account in await page.services.staff.accounts.list():
        if account.id == wanted:
            return account
    raise NotFound("staff_unknown", f"no account {wanted[:64]!r}", hint="See the list of staff.")
