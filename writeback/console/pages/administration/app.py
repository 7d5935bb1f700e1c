"""`/console/apps/{app}`: an app: its keys and schools, what it called, what was refused, and how its webhooks do."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from starlette.responses import Response

from writeback.console.page import Page, Pages
from writeback.console.presenters.webhook_words import state_of, words_of
from writeback.domain.access import Caller, Scope
from writeback.domain.staff import Permission
from writeback_client.models.access import Key
from writeback_client.models.webhooks import Webhook

pages = Pages()

_MOST_WEBHOOKS = 50
_PERIODS = (("1", "the last day"), ("7", "the last seven days"), ("30", "the last thirty days"))


@pages.get("/apps/{app}", needs=Permission.MANAGE)
async def show(page: Page) -> Response:
    """Show it."""
    app = page.part("app")
    keys = await page.services.keys.of_app(app)
    days = page.query("days") if page.query("days") in dict(_PERIODS) else "1"
    caller = replace(page.caller, app_id=app)
    webhooks = await _webhooks(page, caller)
    # A minute short of it: what is older is forgotten to the hour.
    since = page.now - timedelta(days=int(days)) + timedelta(minutes=1)
    usage = await page.services.usages.of(caller, since, "day", [one.id for one in webhooks])
    of_webhooks = {one.id: one for one in usage.webhooks}
    return page.render(
        "app.html",
        title=app,
        app=app,
        keys=keys,
        schools=_schools(keys),
        usage=usage,
        webhooks=[(one, state_of(one), of_webhooks[one.id]) for one in webhooks],
        answer_words=lambda one: words_of(one.error or "") or f"answered {one.http_status}",
        periods=_PERIODS,
        days=days,
    )


async def _webhooks(page: Page, caller: Caller) -> Sequence[Webhook]:
    """Return the app's own, as one of its keys would see them."""
    own = replace(caller, scopes=frozenset({Scope.READ}))
    return (await page.services.webhooks.list(own, limit=_MOST_WEBHOOKS)).items


def _schools(keys: Sequence[Key]) -> Sequence[str] | None:
    """Return the schools that its keys may touch; None: all."""
    good = [one for one in keys if one.revoked_at is None]
    if any(one.schools is None for one in good):
        return None
    return sorted({school for one in good for school in one.schools or ()})
