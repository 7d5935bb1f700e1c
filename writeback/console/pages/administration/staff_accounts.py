"""`/console/staff/new` and what is said of an account: its role, its schools, a password to sign in with."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from writeback.console.page import Page, Pages
from writeback.core.errors import Conflict, InvalidSubmission, NotFound
from writeback.domain.staff import Permission, Role
from writeback.flow.people.passwords import new_password
from writeback.flow.people.staff_accounts import StaffView

pages = Pages()

_ROLES = (
    (Role.VIEWER.value, "Viewer: sees what is there"),
    (Role.SUPPORT.value, "Support: also sends again, cancels, settles, uploads, holds schools, reads the audit log"),
    (Role.ADMIN.value, "Administrator: also schools, keys, webhooks and staff, unless limited to some schools"),
)
_SIGNS_IN_WITH = {"password": "A password", "openid": "Your organisation’s account", "nothing": "Nothing yet"}


@pages.get("/staff/new", needs=Permission.MANAGE)
async def ask(page: Page) -> Response:
    """Ask who it is."""
    return _new(page, {})


@pages.post("/staff/new", needs=Permission.MANAGE)
async def add(page: Page) -> Response:
    """Make the account, and show a password to sign in with for the first time: now, and never again."""
    given = {name: page.field(name) for name in ("name", "role", "schools")}
    role, password = _role(given["role"]), new_password()
    if role is None:
        return _new(page, given, {"role": "Choose one of these."})
    try:
        account = await page.services.staff.accounts.add(
            given["name"],
            role,
            password=password,
            is_temporary=True,
            schools=_names(given["schools"]),
            actor=page.actor(),
        )
    except InvalidSubmission as problem:
        return _new(page, given, _errors(problem.extra["findings"]))
    except Conflict as problem:
        return _new(page, given, {"name": f"{problem.detail}. {problem.hint}"})
    return page.render("first_password.html", title="The new account", account=account, password=password, is_new=True)


@pages.post("/staff/{id}/role", needs=Permission.MANAGE)
async def change_role(page: Page) -> Response:
    """Give an account another role, or other schools, once somebody has said why."""
    account = await find_account(page)
    given = {name: page.field(name) for name in ("role", "schools", "reason")}
    role, schools = _role(given["role"]), _names(given["schools"])
    if account.id == page.person.id or account.signs_in_with == "openid":
        return await account_page(page, account, given)  # which says why, instead of the form
    if role is None or not given["reason"]:
        errors = {"role": "" if role else "Choose one of these.", "reason": "" if given["reason"] else "Say why."}
        return await account_page(page, account, given, errors)
    try:
        await page.services.staff.accounts.set_role(
            account.name, role, schools=schools, all_schools=schools is None, actor=page.actor(given["reason"])
        )
    except InvalidSubmission as problem:
        return await account_page(page, account, given, _errors(problem.extra["findings"]))
    return page.redirect(f"/staff/{account.id}", flash="Changed. It holds from their next page on.")


@pages.post("/staff/{id}/password", needs=Permission.MANAGE)
async def reset_password(page: Page) -> Response:
    """Ask, then give an account a password to sign in with once; show it: now, and never again."""
    account, reason = await find_account(page), page.field("reason")
    if account.signs_in_with == "openid":
        return page.redirect(f"/staff/{account.id}", flash="It signs in elsewhere, without a password.", tone="warn")
    if account.id == page.person.id:
        flash = "It is your own account: choose another password here."
        return page.redirect("/account", flash=flash, tone="warn")
    if page.field("confirmed") and reason:
        password, actor = new_password(), page.actor(reason)
        await page.services.staff.accounts.set_password(account.name, password, is_temporary=True, actor=actor)
        return page.render(
            "first_password.html", title="The password", account=account, password=password, is_new=False
        )
    return page.confirm(
        title="Give this account another password?",
        count=1,
        noun=f"account, {account.name}",
        what="It is signed out everywhere. The console makes a password and shows it to you once; its owner signs in "
        "with it and has to choose another. Their second factor stays. Make sure that it is really they who ask, for "
        "example by calling them back.",
        action=f"/staff/{account.id}/password",
        button="Make a password",
        back=f"/staff/{account.id}",
        danger=True,
        error="Say why." if page.field("confirmed") else "",
    )


async def find_account(page: Page) -> StaffView:
    """Return the account of the address; raise NotFound."""
    wanted = page.part("id")
    for account in await page.services.staff.accounts.list():
        if account.id == wanted:
            return account
    raise NotFound("staff_unknown", f"no account {wanted[:64]!r}", hint="See the list of staff.")


async def account_page(
    page: Page, account: StaffView, given: Mapping[str, str] | None = None, errors: Mapping[str, str] | None = None
) -> Response:
    """Return the page of an account, with what was given to be changed, and what is wrong with it."""
    there = {"role": account.role, "schools": " ".join(account.schools or ()), "reason": ""}
    return page.render(
        "account_of_staff.html",
        title=account.name,
        status=422 if given is not None else 200,
        account=account,
        is_oneself=account.id == page.person.id,
        signs_in_with=_SIGNS_IN_WITH[account.signs_in_with],
        roles=_ROLES,
        given={**there, **(given or {})},
        errors=errors or {},
    )


def _new(page: Page, given: Mapping[str, str], errors: Mapping[str, str] | None = None) -> Response:
    return page.render(
        "new_account.html",
        title="A new account",
        status=422 if errors else 200,
        roles=_ROLES,
        given={"name": "", "role": Role.VIEWER.value, "schools": "", **given},
        errors=errors or {},
    )


def _role(given: str) -> Role | None:
    return Role(given) if given in set(Role) else None


def _names(field: str) -> list[str] | None:
    """Return the ids in a field, with spaces or commas between; None where it is empty: all."""
    return field.replace(",", " ").split() or None


def _errors(findings: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    errors: dict[str, str] = {}
    for one in findings:
        name = str(one["pointer"]).split("/")[1]
        errors[name] = f"{errors.get(name, '')} {str(one['message']).rstrip('.')}. {one['hint']}".strip()
    return errors
