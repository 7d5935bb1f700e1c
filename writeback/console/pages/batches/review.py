"""`/console/batches/{id}/review`: look at a file, mend its bad rows in place, and send it."""

from starlette.responses import Response

from writeback.console.page import Page, Pages
from writeback.console.pages.batches.batches import state_of
from writeback.console.pages.batches.review_page import (
    FORMS,
    address_of,
    conflict_answer,
    posted,
    render,
    rows_of,
    title_of,
    version_of,
)
from writeback.console.presenters.rows import change_of
from writeback.console.presenters.times import counted
from writeback.core.errors import Conflict
from writeback.domain.staff import Permission
from writeback.flow.batches.mending import RowChange
from writeback.flow.batches.reviews import cells_at
from writeback.store.batches.batches import BatchStatus
from writeback_client.models.batches import Batch

pages = Pages()


@pages.get("/batches/{batch}/review", needs=Permission.CORRECT)
async def show(page: Page) -> Response:
    """Show what was understood, and rows; that they were shown is written down."""
    batch = await page.services.batches.get(page.caller, page.part("batch"))
    if batch.review and batch.status in (BatchStatus.READING, BatchStatus.CHECKING):
        return page.render("reading.html", title=title_of(batch), batch=batch, state=state_of(batch))
    if batch.status != BatchStatus.REVIEWING:
        return page.redirect(f"/batches/{batch.id}")
    audit = page.services.corrections.audit
    await audit.note_read(page.caller, "batch", batch.id, app=batch.app, school=batch.school)
    return await render(page, batch)


@pages.get("/batches/{batch}/review/live", needs=Permission.CORRECT)
async def live(page: Page) -> Response:
    """Show how far reading it is; once it is read, the way to what was understood."""
    batch = await page.services.batches.get(page.caller, page.part("batch"))
    return page.partial("_reading.html", batch=batch, state=state_of(batch))


@pages.post("/batches/{batch}/review/rows", needs=Permission.CORRECT)
async def mend(page: Page) -> Response:
    """Change the rows of the form that somebody has changed; each is checked again with all that depends on it."""
    batch_id = page.part("batch")
    try:
        changed, batch = await _mend(page, batch_id, version_of(page))
    except Conflict as conflict:
        return conflict_answer(page, batch_id, conflict)
    here = address_of(page, batch_id)
    if batch is None:
        return page.redirect(here, flash="Nothing was changed, so nothing was checked.", tone="warn")
    return page.redirect(here, flash=f"{counted(changed, 'row')} changed and checked: {left(batch)}.", tone=tone(batch))


@pages.post("/batches/{batch}/review/send", needs=Permission.CORRECT)
async def send(page: Page) -> Response:
    """Have the good rows queued, as they were seen."""
    batch_id = page.part("batch")
    try:
        sent = await page.services.reviews.send(page.caller, batch_id, page.actor(), version=version_of(page))
    except Conflict as conflict:
        return conflict_answer(page, batch_id, conflict)
    return page.redirect(f"/batches/{batch_id}", flash=f"{counted(sent.rows.good, 'row')} on their way to the MIS.")


async def _mend(page: Page, batch_id: str, version: int) -> tuple[int, Batch | None]:
    """Return how many rows were changed, and the batch as it is then; None where there was nothing to change."""
    review = await page.services.reviews.get(page.caller, batch_id)
    rows = await rows_of(page, batch_id, page.field("show"), page.field("code"), page.field("cursor"), FORMS)
    changed, batch, given = 0, None, posted(page)
    for row in rows.items:
        cells, left_out = change_of(row, review.columns, given)
        if not cells and left_out is None:
            continue
        change = RowChange(row.number, cells_at(cells) or None, left_out)
        mended = await page.services.reviews.mend(page.caller, batch_id, change, page.actor(), version=version)
        changed, batch, version = changed + 1, mended.batch, mended.batch.version or version
    return changed, batch


def left(batch: Batch) -> str:
    """Return how much is still to be corrected, in words."""
    return f"{counted(batch.rows.bad, 'row')} to be corrected" if batch.rows.bad else "nothing is left to be corrected"


def tone(batch: Batch) -> str:
    return "warn" if batch.rows.bad else "ok"
