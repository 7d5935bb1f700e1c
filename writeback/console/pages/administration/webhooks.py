"""`/console/webhooks`: where apps are notified, whether that works, what was sent; test, send again, switch on."""

from starlette.responses import Response

from writeback.console.page import Page, Pages
from writeback.console.presenters.times import counted
from writeback.console.presenters.webhook_words import STATES, error_words, state_of, why_failing
from writeback.core.errors import Conflict
from writeback.domain.staff import Permission
from writeback.store.apps.outbox import DeliveryState

pages = Pages()

_A_PAGE = 50


@pages.get("/webhooks", needs=Permission.MANAGE)
async def list_(page: Page) -> Response:
    """List them, the newest first."""
    found = await page.services.webhooks.list(page.caller, limit=_A_PAGE, cursor=page.query("cursor") or None)
    return page.render(
        "webhooks.html", title="Webhooks", found=found, rows=[(one, state_of(one)) for one in found.items]
    )


@pages.get("/webhooks/{webhook}", needs=Permission.MANAGE)
async def show(page: Page) -> Response:
    """Show one, and what was sent to it."""
    view = await page.services.webhooks.get(page.caller, page.part("webhook"))
    wanted = page.query("state")
    states = [DeliveryState(wanted)] if wanted in set(DeliveryState) else []
    found = await page.services.webhooks.deliveries(
        page.caller, view.id, states=states, limit=_A_PAGE, cursor=page.query("cursor") or None
    )
    undelivered = await page.services.webhooks.deliveries(
        page.caller, view.id, states=[DeliveryState.PENDING, DeliveryState.FAILED], limit=_A_PAGE
    )
    timeout_s = page.services.settings.webhooks.timeout_s
    return page.render(
        "webhook.html",
        title="Webhook",
        webhook=view,
        state=state_of(view),
        why=why_failing(view, undelivered.items, timeout_s),
        found=found,
        rows=[(one, *STATES.get(one.state, ("off", one.state)), error_words(one)) for one in found.items],
        states=[("", "All"), *((state, words) for state, (_, words) in STATES.items())],
    )


@pages.post("/webhooks/{webhook}/test", needs=Permission.MANAGE)
async def test(page: Page) -> Response:
    """Have a message sent that only says that messages arrive."""
    here = f"/webhooks/{page.part('webhook')}"
    try:
        await page.services.webhooks.test(page.caller, page.part("webhook"))
    except Conflict:
        return page.redirect(here, flash="It is switched off: switch it on first.", tone="warn")
    return page.redirect(here, flash="A test message is on its way; it stands first below.")


@pages.post("/webhooks/{webhook}/deliveries/{delivery}/redeliver", needs=Permission.MANAGE)
async def redeliver(page: Page) -> Response:
    """Send one again."""
    here = f"/webhooks/{page.part('webhook')}"
    try:
        await page.services.webhooks.redeliver(page.caller, page.part("webhook"), page.part("delivery"))
    except Conflict:
        return page.redirect(here, flash="It is switched off: switch it on first.", tone="warn")
    return page.redirect(here, flash="It is on its way again.")


@pages.post("/webhooks/{webhook}/recover", needs=Permission.MANAGE)
async def recover(page: Page) -> Response:
    """Send again all that was given up since a moment."""
    here = f"/webhooks/{page.part('webhook')}"
    try:
        since = page.times.read(page.field("since"), page.now)
    except ValueError as error:
        return page.redirect(here, flash=f"{error}. Write it like yesterday, or 08:30.", tone="warn")
    try:
        done = await page.services.webhooks.recover(page.caller, page.part("webhook"), since)
    except Conflict:
        return page.redirect(here, flash="It is switched off: switch it on first.", tone="warn")
    more = f" {done.more:,} are left: send these as well." if done.more else ""
    return page.redirect(here, flash=f"On their way again: {counted(done.deliveries, 'message')}.{more}")


@pages.post("/webhooks/{webhook}/enable", needs=Permission.MANAGE)
async def enable(page: Page) -> Response:
    """Switch it on: what happened meanwhile is sent."""
    await page.services.webhooks.change(page.caller, page.part("webhook"), {"enabled": True})
    return page.redirect(f"/webhooks/{page.part('webhook')}", flash="It is on. What happened meanwhile is sent.")
