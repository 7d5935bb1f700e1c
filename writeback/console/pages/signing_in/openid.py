"""`/console/sign-in/openid`: to the organisation's own sign-in, and back."""

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from writeback.console.navigation import ROOT
from writeback.console.page import Page, Pages
from writeback.console.pages.signing_in.sign_in import let_in, next_of
from writeback.console.security import cookies
from writeback.core.errors import Unauthenticated
from writeback.flow.people.openid import Pending

pages = Pages()

_PATIENCE_S = 600
"""How long somebody may take there."""


@pages.get("/sign-in/openid", needs=None)
async def begin(page: Page) -> Response:
    """Send the browser to the provider. A GET: a form may go nowhere but here (form-action)."""
    _only_where_set(page)
    url, pending = await page.services.staff.openid.begin(_redirect_uri(page))
    response = RedirectResponse(url, 303)
    kept = {
        "state": pending.state,
        "nonce": pending.nonce,
        "verifier": pending.verifier,
        "next": next_of(page.query("next")),
        "until": page.now.timestamp() + _PATIENCE_S,
    }
    page.kit.cookies.put_sealed(response, cookies.OIDC, kept, max_age_s=_PATIENCE_S)
    return response


@pages.get("/sign-in/openid/callback", needs=None)
async def finish(page: Page) -> Response:
    """Let in whom the provider sends back."""
    _only_where_set(page)
    kept = page.kit.cookies.read_sealed(page.request, cookies.OIDC)
    if not kept or kept["until"] < page.now.timestamp():
        raise Unauthenticated(
            "sign_in_outdated", "this sign-in was not begun here, or too long ago", hint="Begin again."
        )
    pending = Pending(kept["state"], kept["nonce"], kept["verifier"])
    token = await page.services.staff.openid.finish(pending, page.request.query_params, _redirect_uri(page))
    response = await let_in(page, token, kept["next"])
    page.kit.cookies.drop(response, cookies.OIDC)
    return response


def _only_where_set(page: Page) -> None:
    if not page.services.settings.console.oidc.issuer:
        raise HTTPException(404)


def _redirect_uri(page: Page) -> str:
    settings = page.services.settings
    public_url = settings.console.public_url or settings.effective_public_url
    return f"{public_url.rstrip('/')}{ROOT}/sign-in/openid/callback"
