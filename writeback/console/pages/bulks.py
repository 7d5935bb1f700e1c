"""`/console/bulks`: bulk jobs: who had what done to many writebacks, how far it is, what could not be; stop, go on."""

from starlette.responses import Response

from writeback.console.page import Page, Pages
from writeback.domain.corrections import Action
from writeback.domain.staff import Permission
from writeback.flow.correct.bulk_jobs import BulkView
from writeback.store.batches.bulk_jobs import BulkState

pages = Pages()

_A_PAGE = 50
_WORDS = {
    Action.RESUBMIT: ("Sending again", "Sent again"),
    Action.CANCEL: ("Cancelling", "Cancelled"),
    Action.CHECK: ("Having them checked", "They are looked at now"),
    Action.RESOLVE: ("Settling", "Settled"),
}
"""While it goes on, and afterwards."""


@pages.get("/bulks", needs=Permission.CORRECT)
async def list_(page: Page) -> Response:
    """List them, the latest first."""
    found = await page.services.bulks.list(page.person, limit=_A_PAGE, cursor=page.query("cursor") or None)
    schools = await page.services.reports.schools(page.caller)
    rows = [(one, _title(one), _state(one)) for one in found.items]
    return page.render("bulks.html", title="Bulk jobs", found=found, rows=rows, names=dict(schools))


@pages.get("/bulks/{bulk}", needs=Permission.CORRECT)
async def show(page: Page) -> Response:
    """Show how far it is, and what came of it."""
    view = await page.services.bulks.view(page.person, page.part("bulk"))
    return page.render("bulk.html", title=_title(view), bulk=view, doing=_title(view))


@pages.get("/bulks/{bulk}/live", needs=Permission.CORRECT)
async def live(page: Page) -> Response:
    """Show the piece of the page that refreshes by itself."""
    view = await page.services.bulks.view(page.person, page.part("bulk"))
    return page.partial("_bulk.html", bulk=view, doing=_title(view))


@pages.post("/bulks/{bulk}/stop", needs=Permission.CORRECT)
async def stop(page: Page) -> Response:
    """Have nothing more of it done."""
    bulk = page.part("bulk")
    if await page.services.bulks.stop(page.person, bulk):
        return page.redirect(f"/bulks/{bulk}", flash="Stopped. What was done stays done.")
    return page.redirect(f"/bulks/{bulk}", flash="It had ended by then.", tone="warn")


@pages.post("/bulks/{bulk}/go-on", needs=Permission.CORRECT)
async def go_on(page: Page) -> Response:
    """Have one that stopped go on."""
    bulk = page.part("bulk")
    if await page.services.bulks.go_on(page.person, bulk):
        return page.redirect(f"/bulks/{bulk}")
    return page.redirect(f"/bulks/{bulk}", flash="It goes on already, or has ended.", tone="warn")


def _title(view: BulkView) -> str:
    doing, did = _WORDS[view.action]
    return doing if view.is_running else did


def _state(view: BulkView) -> tuple[str, str]:
    """Return a tone and words for how far it is."""
    if view.state is BulkState.RUNNING:
        return "busy", "Goes on"
    if view.state is BulkState.STOPPED:
        return "bad", "Stopped"
    return ("warn", "Done, not all of it") if view.not_done else ("ok", "Done")
