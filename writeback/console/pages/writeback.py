"""`/console/writebacks/{id}`: one writeback: what was asked, where it is, what happened, and what can be done."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from writeback.console.page import Page, Pages
from writeback.console.presenters.history import Entry, history_of
from writeback.console.presenters.naming import people_in
from writeback.console.presenters.records import has_free_text, said
from writeback.console.presenters.state_drawing import machine_of
from writeback.console.presenters.times import counted
from writeback.console.presenters.words import hold_words
from writeback.core.errors import Conflict, InvalidSubmission, NotFound
from writeback.domain.corrections import RESUBMITTABLE, Outcome
from writeback.domain.kinds import KINDS
from writeback.domain.staff import Permission
from writeback.domain.states import Status
from writeback.flow.correct.draft import Order
from writeback.flow.directory.names_shown import Look, Names
from writeback.store.people.audit import AuditFilter
from writeback.store.writebacks.requests import AWAITING
from writeback_client.models.corrections import Check
from writeback_client.models.writebacks import Record, Writeback

pages = Pages()

_RECORDS = 40
"""Of a writeback on one page."""
_DEEDS = 200
"""Of the audit log, the latest."""
_FINE = ("confirmed", "superseded")
OUTCOMES = (
    (Outcome.CONFIRMED.value, "It is in the MIS as it should be: take it for confirmed"),
    (Outcome.RESEND.value, "Send ours again, over what is there"),
    (Outcome.FAILED.value, "Leave the MIS as it is: take ours for failed"),
)
OF_CREATES = (
    (Outcome.CONFIRMED.value, "I found it in the MIS: take it for confirmed"),
    (Outcome.RESEND.value, "It is not in the MIS: send it again"),
    (Outcome.FAILED.value, "It is not in the MIS, and need not be: take it for failed"),
)
_WHICH = {
    "mis_id_needed": "Choose which of those in the MIS is ours, for each record that you take for confirmed.",
    "mis_id_taken": "What you chose in the MIS was made by another record of ours: choose another, or send ours again.",
}


@pages.get("/writebacks/{id}")
async def show(page: Page) -> Response:
    """Show it, free text masked."""
    found = await page.services.reads.show(page.caller, page.part("id"))
    return await _render(page, found, show=False)


@pages.get("/writebacks/{id}/live")
async def live(page: Page) -> Response:
    """Show the piece of the page that refreshes by itself."""
    found = await page.services.reads.show(page.caller, page.part("id"))
    return page.partial("_writeback.html", found=found, **await _where(page, found))


@pages.get("/writebacks/{id}/history")
async def history(page: Page) -> Response:
    """Show what happened, by itself."""
    found = await page.services.reads.show(page.caller, page.part("id"))
    return page.partial("_history.html", found=found, history=await _history(page, found))


@pages.post("/writebacks/{id}/show", needs=Permission.CORRECT)
async def reveal(page: Page) -> Response:
    """Show it with its free text; that it was shown, and to whom, is written down."""
    found = await page.services.reads.show(page.caller, page.part("id"))
    await note_shown(page, found)
    return await _render(page, found, show=True)


@pages.post("/writebacks/{id}/resubmit", needs=Permission.CORRECT)
async def resubmit(page: Page) -> Response:
    """Ask, then send it again as it is."""
    found = await page.services.reads.show(page.caller, page.part("id"))
    here, reason = f"/writebacks/{found.id}", page.field("reason")
    if page.field("confirmed") and reason:
        try:
            await page.services.corrections.resubmits.one(page.caller, found.id, Order(), page.actor(reason))
        except InvalidSubmission:
            return page.redirect(f"{here}/edit?check=yes", flash="It still has errors: correct them here.", tone="warn")
        except Conflict as conflict:
            return page.redirect(here, flash=_explanation(conflict), tone="warn")
        return page.redirect(here, flash="It is on its way again.")
    going = sum(number for status, number in found.counts.items() if status in ("failed", "cancelled", "queued"))
    return page.confirm(
        title="Send this again?",
        count=going,
        noun="record" if going == 1 else "records",
        what="What has failed or was cancelled is checked and goes again as it is; what is in the MIS is left alone.",
        action=f"{here}/resubmit",
        button="Send it again",
        back=here,
        error="Say why." if page.field("confirmed") else "",
    )


@pages.post("/writebacks/{id}/cancel", needs=Permission.CORRECT)
async def cancel(page: Page) -> Response:
    """Ask, then withdraw what has not left."""
    found = await page.services.reads.show(page.caller, page.part("id"))
    here, reason = f"/writebacks/{found.id}", page.field("reason")
    if page.field("confirmed") and reason:
        try:
            done = await page.services.corrections.cancels.one(page.caller, found.id, page.actor(reason))
        except Conflict as conflict:
            return page.redirect(here, flash=_explanation(conflict), tone="warn")
        return page.redirect(here, flash=f"Cancelled: {counted(len(done.records), 'record')}.")
    return page.confirm(
        title="Cancel this writeback?",
        count=1,
        noun="writeback",
        what="What of it has not left will not be sent. What is on its way to the MIS goes on.",
        action=f"{here}/cancel",
        button="Cancel it",
        back=here,
        danger=True,
        error="Say why." if page.field("confirmed") else "",
    )


@pages.post("/writebacks/{id}/check", needs=Permission.CORRECT)
async def check(page: Page) -> Response:
    """Have its evidence looked for at once."""
    here = f"/writebacks/{page.part('id')}"
    try:
        view = await page.services.corrections.checks.one(page.caller, page.part("id"), page.actor())
    except Conflict as conflict:
        return page.redirect(here, flash=_explanation(conflict), tone="warn")
    return page.redirect(here, flash=_looking(view), tone="warn" if view.hold_reason or view.left_alone else "ok")


@pages.post("/writebacks/{id}/requests/{request}/answer", needs=Permission.CORRECT)
async def answer(page: Page) -> Response:
    """Show what the provider answered to a request that failed; that it was shown, and to whom, is written down."""
    writeback_id = page.part("id")
    try:
        found_answer = await page.services.corrections.answers.show(
            page.caller, writeback_id, page.part("request"), page.actor()
        )
    except Conflict as conflict:
        return page.redirect(f"/writebacks/{writeback_id}", flash=f"{conflict.detail}.".capitalize(), tone="warn")
    return page.render(
        "answer.html", title="What the provider answered", answer=found_answer, writeback_id=writeback_id
    )


@pages.get("/writebacks/{id}/resolve", needs=Permission.CORRECT)
async def ask_resolve(page: Page) -> Response:
    """Show what we have and what the MIS has, side by side."""
    found = await page.services.reads.show(page.caller, page.part("id"))
    return await _resolve_form(page, found)


@pages.post("/writebacks/{id}/resolve", needs=Permission.CORRECT)
async def resolve(page: Page) -> Response:
    """Settle the records that are ticked."""
    found = await page.services.reads.show(page.caller, page.part("id"))
    chosen = [int(one) for one in _chosen(page) if one.isascii() and one.isdigit()]
    problems = {
        "record": "" if chosen else "Tick the records that you have looked at.",
        "outcome": "" if page.field("outcome") in set(Outcome) else "Choose what is to become of them.",
        "reason": "" if page.field("reason") else "Say why.",
    }
    if any(problems.values()):
        return await _resolve_form(page, found, {name: said_ for name, said_ in problems.items() if said_})
    outcome, actor = Outcome(page.field("outcome")), page.actor(page.field("reason"))
    here = f"/writebacks/{found.id}"
    named = {index: mis_id for index in chosen if (mis_id := page.field(f"mis-{index}")[:255])}
    mis_ids = named if outcome is Outcome.CONFIRMED else None
    try:
        await page.services.corrections.resolves.one(
            page.caller, found.id, outcome, actor, records=chosen, mis_ids=mis_ids
        )
    except Conflict as conflict:
        if conflict.code in ("mis_id_needed", "mis_id_taken"):
            return await _resolve_form(page, found, {"mis": _WHICH[conflict.code]})
        return page.redirect(here, flash=_explanation(conflict), tone="warn")
    return page.redirect(here, flash=f"Settled: {counted(len(chosen), 'record')}.")


async def describe(page: Page, found: Writeback) -> tuple[str, Sequence[Mapping[str, Any]]]:
    """Return the school's name, and the fields of the kind as the school takes them; none where it is gone."""
    try:
        school, kinds = await page.services.features.of(found.school, [found.kind])
    except NotFound:
        return found.school, ()
    return school.name, kinds[found.kind]["fields"]


async def note_shown(page: Page, found: Writeback) -> None:
    """Write down that the person was shown free text."""
    audit = page.services.corrections.audit
    await audit.note_shown(page.actor(), "writeback", found.id, app=found.app, school=found.school)


async def _render(page: Page, found: Writeback, *, show: bool) -> Response:
    name, fields = await describe(page, found)
    ordered: Sequence[Record] = found.records
    if len(ordered) > _RECORDS:
        ordered = sorted(ordered, key=lambda one: (one.status in _FINE, one.index))
    start = _number(page.query("from"))
    shown = ordered[start : start + _RECORDS]
    names = await _names(page, found, shown)
    return page.render(
        "writeback.html",
        title=f"{name}: writeback",
        found=found,
        records=[(one, said(one.record or {}, fields, show=show, names=names)) for one in shown],
        days={one.index: str((one.record or {}).get("date") or "") for one in shown},
        start=start,
        following=start + _RECORDS if start + _RECORDS < len(ordered) else None,
        is_masked=not show and any(has_free_text(one.record) for one in shown),
        is_shown=show,
        can=_can(page, found),
        **await _where(page, found, name),
    )


async def _names(page: Page, found: Writeback, records: Sequence[Record]) -> Names:
    """Return what those are called whom the records on the page name; that it was shown is written down."""
    pupils, staff = people_in([one.record for one in records])
    return await page.services.names.of(
        page.caller, found.school, Look("people.show", found.id), pupils=pupils, staff=staff
    )


async def _where(page: Page, found: Writeback, name: str = "") -> dict[str, Any]:
    """Return what the live piece shows."""
    return {
        "school_name": name or (await describe(page, found))[0],
        "machine": machine_of(found.status, [event.status for event in found.timeline]),
        "history": await _history(page, found),
        "noun": KINDS[found.kind].noun,
    }


async def _history(page: Page, found: Writeback) -> Sequence[Entry]:
    """Return what happened; for those who may read the audit log with what people did and tried of which no event
    tells."""
    if not page.may(Permission.AUDIT):
        return history_of(found)
    log = page.services.corrections.audit
    deeds = await log.list(page.caller, AuditFilter(subject=found.id, school=found.school), limit=_DEEDS)
    return history_of(found, deeds.items)


def _can(page: Page, found: Writeback) -> dict[str, bool]:
    """Return what may be done to it now."""
    may_correct = page.may(Permission.CORRECT)
    return {
        "resubmit": may_correct and found.status in RESUBMITTABLE and found.forgotten_at is None,
        "cancel": may_correct and found.status in (Status.QUEUED, Status.HELD, Status.NEEDS_ATTENTION),
        "resolve": may_correct and bool(_undecided(found)),
        "check": may_correct and any(request.state in AWAITING for request in found.requests),
    }


async def _resolve_form(page: Page, found: Writeback, problems: Mapping[str, str] | None = None) -> Response:
    name, fields = await describe(page, found)
    undecided = _undecided(found)
    names = await _names(page, found, undecided)
    records = [(one, said(one.record or {}, fields, show=False, names=names)) for one in undecided]
    return page.render(
        "resolve.html",
        title="What is to become of it?",
        status=422 if problems else 200,
        found=found,
        school_name=name,
        records=records,
        compares=KINDS[found.kind].is_repeatable,
        outcomes=OUTCOMES if KINDS[found.kind].is_repeatable else OF_CREATES,
        chosen=_chosen(page) if problems else [str(one.index) for one, _ in records],
        problems=problems or {},
    )


def _chosen(page: Page) -> list[str]:
    return [str(one)[:6] for one in page.form.getlist("record")]


def _undecided(found: Writeback) -> list[Record]:
    return [one for one in found.records if one.status == "needs_attention"]


def _looking(view: Check) -> str:
    text = "It is being looked at already." if view.asked_before else "It is looked at now; what is found shows here."
    if view.hold_reason:
        return f"{text} But its school is held: {hold_words(view.hold_reason).lower()}, so there may be no answer."
    return f"{text} But its school is left alone: {view.left_alone}." if view.left_alone else text


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0


def _explanation(conflict: Conflict) -> str:
    """Return what stands in the way, as a sentence, without the id that the page names anyway."""
    _, is_, rest = conflict.detail.partition(" is ")
    return f"Nothing was done: it is {rest}." if is_ else f"Nothing was done: {conflict.detail}."
