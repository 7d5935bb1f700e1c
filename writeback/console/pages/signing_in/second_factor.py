"""`/console/account/second-factor`: set it up with an authenticator app, renew its recovery codes, take it away."""

from starlette.responses import Response

from writeback.console.page import Page, Pages
from writeback.console.security.auth import SET_UP
from writeback.core.errors import Conflict, Overloaded, Unauthenticated
from writeback.domain.staff import Permission

pages = Pages()

_TITLE = "Second factor"


@pages.get(SET_UP)
async def show(page: Page) -> Response:
    """Show whether it is in use, and what can be done about it."""
    return await _page(page)


@pages.post(f"{SET_UP}/begin", needs=Permission.VIEW)
async def begin(page: Page) -> Response:
    """Make a secret, after the password has been given again; then it is shown."""
    # Not `page.field`: a password may begin or end with a space.
    password = page.form.get("password")
    try:
        await page.services.staff.sign_ins.again(page.person, password if isinstance(password, str) else "")
        await page.services.staff.second_factors.begin(page.person)
    except (Unauthenticated, Overloaded, Conflict) as problem:
        return await _page(page, password_error=problem.detail, status=problem.status)
    return page.redirect(SET_UP)


@pages.post(f"{SET_UP}/confirm", needs=Permission.VIEW)
async def confirm(page: Page) -> Response:
    """Put it into use with a first code, and show the recovery codes: now, and never again."""
    assert page.signed_in is not None
    try:
        codes = await page.services.staff.second_factors.confirm(page.signed_in, page.field("code"))
    except (Unauthenticated, Overloaded, Conflict) as problem:
        return await _page(page, code_error=f"{problem.detail}. {problem.hint}", status=problem.status)
    return page.render("recovery_codes.html", title="Your recovery codes", codes=codes, is_new=True)


@pages.post(f"{SET_UP}/recovery-codes", needs=Permission.VIEW)
async def renew(page: Page) -> Response:
    """Make new recovery codes and show them: now, and never again."""
    try:
        codes = await page.services.staff.second_factors.new_recovery_codes(page.person, page.field("code"))
    except (Unauthenticated, Overloaded) as problem:
        return await _page(page, code_error=f"{problem.detail}. {problem.hint}", status=problem.status)
    return page.render("recovery_codes.html", title="Your recovery codes", codes=codes, is_new=False)


@pages.post(f"{SET_UP}/remove", needs=Permission.VIEW)
async def remove(page: Page) -> Response:
    """Take it away, where the settings do not ask for one."""
    try:
        if page.services.settings.console.second_factor:
            raise Conflict("second_factor_required", "a second factor is required here")
        await page.services.staff.second_factors.turn_off(page.person, page.field("code"))
    except (Unauthenticated, Overloaded, Conflict) as problem:
        return await _page(page, code_error=f"{problem.detail}. {problem.hint}", status=problem.status)
    return page.redirect("/account", flash="The second factor is off: your password alone lets you in.", tone="warn")


async def _page(page: Page, *, password_error: str = "", code_error: str = "", status: int = 200) -> Response:
    factors = page.services.staff.second_factors
    shown = await factors.being_set_up(page.person)
    return page.render(
        "second_factor.html",
        title=_TITLE,
        status=status,
        state=await factors.state_of(page.person),
        shown=shown,
        picture=None if shown is None else _qr_code(shown.uri),
        is_required=page.services.settings.console.second_factor,
        password_error=password_error,
        code_error=code_error,
    )


def _qr_code(text: str) -> str:
    """Return a picture of the QR code, as an address that has all of it: no script and no other server."""
    import segno  # loaded by whoever sets one up

    picture: str = segno.make_qr(text, error="m").svg_data_uri(scale=5, light="#fff")
    return picture
