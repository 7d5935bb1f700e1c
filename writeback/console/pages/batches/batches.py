"""`/console/batches`: files of many rows: how far each is, what was wrong with it, its bad rows as a file; stop it."""

from typing import Any
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from writeback.batches.layout import Format
from writeback.console.page import Page, Pages
from writeback.console.presenters.times import counted
from writeback.core.errors import Conflict, NotFound
from writeback.domain.staff import Permission
from writeback.flow.batches.error_files import media_type_of
from writeback.flow.batches.views import DELIVERING
from writeback.store.batches.batches import CANCELLABLE, BatchStatus
from writeback_client.models.batches import Batch

pages = Pages()

_A_PAGE = 50
_STATES = {
    BatchStatus.UPLOADING.value: ("busy", "Arriving"),
    BatchStatus.READING.value: ("busy", "Being read"),
    BatchStatus.CHECKING.value: ("busy", "Being checked"),
    BatchStatus.REVIEWING.value: ("warn", "Waits to be looked at and sent"),
    BatchStatus.QUEUEING.value: ("busy", "Being queued"),
    DELIVERING: ("busy", "On its way"),
    BatchStatus.DONE.value: ("ok", "Done"),
    BatchStatus.REFUSED.value: ("bad", "Refused"),
    BatchStatus.CANCELLED.value: ("off", "Cancelled"),
}


@pages.get("/batches")
async def list_(page: Page) -> Response:
    """List them, the newest first."""
    school = page.query("school")
    if school:
        page.require_school(school)
    found = await page.services.batches.list(
        page.caller, school=school or None, limit=_A_PAGE, cursor=page.query("cursor") or None
    )
    schools = await page.services.reports.schools(page.caller)
    return page.render(
        "batches.html",
        title="Batches",
        found=found,
        rows=[(one, state_of(one)) for one in found.items],
        names=dict(schools),
        schools=[("", "All schools"), *schools],
    )


@pages.get("/batches/{batch}")
async def show(page: Page) -> Response:
    """Show one."""
    return page.render("batch.html", title="Batch", **await _values(page))


@pages.get("/batches/{batch}/live")
async def live(page: Page) -> Response:
    """Show the piece of the page that refreshes by itself."""
    return page.partial("_batch.html", **await _values(page))


@pages.post("/batches/{batch}/errors", needs=Permission.CORRECT)
async def errors(page: Page) -> Response:
    """Send the bad rows as a file; they say what the file said, so that they were sent is written down."""
    batch = await page.services.batches.get(page.caller, page.part("batch"))
    try:
        wanted = Format(page.field("format") or batch.format)
    except ValueError:
        raise NotFound("errors_other_format", "there is no file of this sort") from None
    file = await page.services.batches.errors(page.caller, batch.id, wanted)
    await page.services.corrections.audit.note_shown(
        page.actor(), "batch", batch.id, app=batch.app, school=batch.school
    )
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name, safe='')}"}
    return StreamingResponse(file.pieces, headers=headers, media_type=media_type_of(wanted))


@pages.get("/batches/{batch}/stop", needs=Permission.CORRECT)
async def ask_stop(page: Page) -> Response:
    """Ask whether to stop it."""
    return _confirm_stop(page, await page.services.batches.get(page.caller, page.part("batch")))


@pages.post("/batches/{batch}/stop", needs=Permission.CORRECT)
async def stop(page: Page) -> Response:
    """Stop it, once somebody has said why; one of which nothing has been sent, once somebody has confirmed it."""
    batch, reason = await page.services.batches.get(page.caller, page.part("batch")), page.field("reason")
    is_in_review = batch.status == BatchStatus.REVIEWING
    if not page.field("confirmed") or not (reason or is_in_review):
        return _confirm_stop(page, batch, error="Say why." if page.field("confirmed") else "")
    try:
        stopped = await page.services.batches.cancel(page.caller, batch.id, page.actor(reason))
    except Conflict:
        notice = "There was nothing left to be stopped. What it has queued can be cancelled among its writebacks."
        return page.redirect(f"/batches/{batch.id}", flash=notice, tone="warn")
    if is_in_review:
        return page.redirect("/upload", flash="Thrown away. Nothing of it was sent.")
    notice = f"Stopped. {counted(stopped.rows.queued, 'row')} had been queued by then."
    return page.redirect(f"/batches/{batch.id}", flash=notice)


def _confirm_stop(page: Page, batch: Batch, error: str = "") -> Response:
    if batch.status == BatchStatus.REVIEWING:
        return page.confirm(
            title=f"Throw {batch.file_name or 'this file'} away?",
            count=batch.rows.read,
            noun="row" if batch.rows.read == 1 else "rows",
            what="Nothing of it has been sent, and nothing will be. What it says is deleted.",
            action=f"/batches/{batch.id}/stop",
            button="Throw it away",
            back=f"/batches/{batch.id}/review",
            needs_reason=False,
            danger=True,
        )
    return page.confirm(
        title=f"Stop {batch.file_name or 'this file'}?",
        count=batch.rows.read,
        noun="row has been read" if batch.rows.read == 1 else "rows have been read",
        what=(
            "No more of it is read, checked or queued, and what its bad rows say is deleted. "
            "What it has queued goes on: that can be cancelled among its writebacks."
        ),
        action=f"/batches/{batch.id}/stop",
        button="Stop it",
        back=f"/batches/{batch.id}",
        danger=True,
        error=error,
    )


def state_of(batch: Batch) -> tuple[str, str]:
    """Return a tone and words for how far it is; one that has ended badly in part says so."""
    tone, words = _STATES.get(batch.status, ("off", batch.status))
    if batch.status == BatchStatus.DONE and (batch.rows.bad or batch.writebacks.failed):
        return "warn", "Done, not all of it"
    return tone, f"{words} (only checked)" if batch.dry_run and tone != "bad" else words


async def _values(page: Page) -> dict[str, Any]:
    batch = await page.services.batches.get(page.caller, page.part("batch"))
    schools = dict(await page.services.reports.schools(page.caller))
    writebacks = batch.writebacks
    return {
        "batch": batch,
        "state": state_of(batch),
        "school_name": schools.get(batch.school, batch.school),
        "ended": writebacks.total - writebacks.waiting - writebacks.needs_attention,
        "can_stop": batch.status in CANCELLABLE,
        "is_in_review": batch.status == BatchStatus.REVIEWING,
        "is_moving": _STATES.get(batch.status, ("off",))[0] == "busy",
    }
