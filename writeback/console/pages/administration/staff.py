"""`/console/staff`: who may use the console; one account, disabled, enabled, signed out, its second factor reset."""

from starlette.responses import Response

from writeback.console.page import Page, Pages
from writeback.console.pages.administration.staff_accounts import account_page, find_account
from writeback.domain.staff import Permission
from writeback.flow.people.staff_accounts import StaffView

pages = Pages()

_NOT_ONESELF = "It is your own account: another administrator does this, so that nobody locks themselves out."


@pages.get("/staff", needs=Permission.MANAGE)
async def list_(page: Page) -> Response:
    """List the accounts."""
    accounts = await page.services.staff.accounts.list()
    return page.render("staff.html", title="Staff", accounts=accounts)


@pages.get("/staff/{id}", needs=Permission.MANAGE)
async def show(page: Page) -> Response:
    """Show one account, and what can be done about it."""
    return await account_page(page, await find_account(page))


@pages.post("/staff/{id}/sign-out", needs=Permission.MANAGE)
async def sign_out(page: Page) -> Response:
    """Ask, then sign somebody out everywhere."""
    account, reason = await find_account(page), page.field("reason")
    if page.field("confirmed") and reason:
        await page.services.staff.accounts.sign_out(account.name, actor=page.actor(reason))
        return _done(page, account, f"Signed out everywhere: {account.name}.")
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
    account, reason = await find_account(page), page.field("reason")
    if account.second_factor_since is None:
        return _done(page, account, "This account has no second factor.", "warn")
    if page.field("confirmed") and reason:
        await page.services.staff.accounts.reset_second_factor(account.name, actor=page.actor(reason))
        return _done(page, account, f"Without a second factor now: {account.name}.")
    return _confirm(
        page,
        account,
        title="Take this second factor away?",
        what="From then on the password alone lets them in, until they set up a new one. Every browser is signed out. "
        "Make sure that it is really they who ask, for example by calling them back.",
        action="reset-second-factor",
        button="Take it away",
    )


@pages.post("/staff/{id}/disable", needs=Permission.MANAGE)
async def disable(page: Page) -> Response:
    """Ask, then let somebody in no more."""
    account, reason = await find_account(page), page.field("reason")
    if account.id == page.person.id:
        return _done(page, account, _NOT_ONESELF, "warn")
    if account.disabled_at is not None:
        return _done(page, account, "It is disabled already.", "warn")
    if page.field("confirmed") and reason:
        await page.services.staff.accounts.disable(account.name, actor=page.actor(reason))
        return _done(page, account, f"Disabled, and signed out everywhere: {account.name}.")
    return _confirm(
        page,
        account,
        title="Disable this account?",
        what="It is signed out at once, and cannot sign in again before somebody enables it. What it has done stays in "
        "the audit log.",
        action="disable",
        button="Disable it",
    )


@pages.post("/staff/{id}/enable", needs=Permission.MANAGE)
async def enable(page: Page) -> Response:
    """Ask, then let somebody in again."""
    account, reason = await find_account(page), page.field("reason")
    if account.disabled_at is None:
        return _done(page, account, "It may sign in already.", "warn")
    if page.field("confirmed") and reason:
        await page.services.staff.accounts.enable(account.name, actor=page.actor(reason))
        return _done(page, account, f"May sign in again: {account.name}.")
    return _confirm(
        page,
        account,
        title="Enable this account?",
        what="It may sign in again as before, with the same password, role and schools.",
        action="enable",
        button="Enable it",
        danger=False,
    )


def _done(page: Page, account: StaffView, said: str, tone: str = "ok") -> Response:
    return page.redirect(f"/staff/{account.id}", flash=said, tone=tone)


def _confirm(
    page: Page, account: StaffView, *, title: str, what: str, action: str, button: str, danger: bool = True
) -> Response:
    return page.confirm(
        title=title,
        count=1,
        noun=f"account, {account.name}",
        what=what,
        action=f"/staff/{account.id}/{action}",
        button=button,
        back=f"/staff/{account.id}",
        danger=danger,
        error="Say why." if page.field("confirmed") else "",
    )
