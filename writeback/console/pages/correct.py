"""`/console/writebacks/{id}/edit`: correct the records that failed, field by field, and resubmit them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

from writeback.console.page import Page, Pages
from writeback.console.pages.writeback import describe, note_shown
from writeback.console.presenters.record_forms import FormField, fields_of, record_from
from writeback.console.presenters.records import has_free_text, said
from writeback.console.presenters.times import counted
from writeback.core.errors import Conflict, InvalidSubmission
from writeback.domain.corrections import RESUBMITTABLE
from writeback.domain.finding import Severity
from writeback.domain.kinds import KINDS
from writeback.domain.staff import Permission
from writeback.domain.submission.shape_findings import more_findings
from writeback.flow.correct.draft import Edit, Order
from writeback_client.models.corrections import Corrected
from writeback_client.models.writebacks import Record, Writeback

pages = Pages()

_AT_ONCE = 40
"""Records in one form."""
_GOING = ("failed", "cancelled", "queued")
_MAY_BE_THERE = "may_be_in_mis"
Findings = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class _Notice:
    """What is to be said above the form, and of its fields."""

    findings: Findings = ()
    reason: str = ""
    """What is wrong with the reason."""
    is_checked: bool = False
    may_be_there: str = ""


@dataclass(frozen=True)
class _Part:
    """One record of the form."""

    record: Record
    fields: Sequence[FormField]
    findings: Findings = field(default_factory=list)
    """Those that no field of the form is named in."""
    words: str = ""


@pages.get("/writebacks/{id}/edit", needs=Permission.CORRECT)
async def ask(page: Page) -> Response:
    """Show the form; with `check` and what is wrong with each record as it is."""
    found = await page.services.reads.show(page.caller, page.part("id"))
    if found.status not in RESUBMITTABLE:
        return _not_now(page, found)
    notice = _Notice(_said_before(found))
    if page.query("check"):
        try:
            notice = _Notice(_found_in(await _send(page, found, Order(), "", dry_run=True)))
        except Conflict as conflict:
            notice = _in_doubt(conflict, notice)
    return await _form(page, found, notice, show=False)


@pages.post("/writebacks/{id}/edit/show", needs=Permission.CORRECT)
async def reveal(page: Page) -> Response:
    """Show the form with its free text; that it was shown is written down."""
    found = await page.services.reads.show(page.caller, page.part("id"))
    if found.status not in RESUBMITTABLE:
        return _not_now(page, found)
    await note_shown(page, found)
    return await _form(page, found, _Notice(_said_before(found)), show=True)


@pages.post("/writebacks/{id}/edit", needs=Permission.CORRECT)
async def send(page: Page) -> Response:
    """Check the corrections and, unless they were only to be checked, resubmit."""
    found = await page.services.reads.show(page.caller, page.part("id"))
    _, shapes = await describe(page, found)
    only_check, reason, posted = bool(page.field("check")), page.field("reason"), _posted(page)
    edits = [
        Edit(one.index, became)
        for one in _shown_records(page, found)
        if (became := record_from(one.index, one.record or {}, shapes, posted)) != one.record
    ]
    on_invalid = "skip" if page.field("skip") else "reject"
    order = Order(edits, on_invalid, not_in_mis=bool(page.field("not_in_mis")))  # type: ignore[arg-type] # one of the two
    try:
        done = await _send(page, found, order, reason, dry_run=only_check or not reason)
    except InvalidSubmission as problem:
        return await _form(page, found, _Notice(problem.extra["findings"]), show=False)
    except Conflict as conflict:
        if conflict.code != _MAY_BE_THERE:
            return _not_now(page, found)
        return await _form(page, found, _in_doubt(conflict, _Notice()), show=False)
    if not done.id:
        missing = "" if only_check else "Say why."
        return await _form(page, found, _Notice(_found_in(done), missing, is_checked=only_check), show=False)
    return page.redirect(f"/writebacks/{found.id}", flash=_sent(done, len(edits)))


async def _send(page: Page, found: Writeback, order: Order, reason: str, *, dry_run: bool) -> Corrected:
    resubmits = page.services.corrections.resubmits
    return await resubmits.one(page.caller, found.id, order, page.actor(reason), dry_run=dry_run)


async def _form(page: Page, found: Writeback, notice: _Notice, *, show: bool) -> Response:
    name, shapes = await describe(page, found)
    posted, records = _posted(page), _shown_records(page, found)
    parts = [_part(one, shapes, notice.findings, posted, show=show) for one in records]
    has_errors = any(one.get("severity") == "error" for one in notice.findings)
    is_wrong = page.request.method == "POST" and bool(notice.reason or notice.may_be_there or (posted and has_errors))
    going = [one for one in found.records if one.status in _GOING and not one.erased]
    start = _start(page)
    return page.render(
        "mend.html",
        title="Correct and resubmit",
        status=422 if is_wrong else 200,
        found=found,
        school_name=name,
        parts=parts,
        about_all=[one for one in notice.findings if one.get("record") is None],
        notice=notice,
        has_errors=has_errors,
        going=len(going),
        start=start,
        following=start + _AT_ONCE if start + _AT_ONCE < len(going) else None,
        is_masked=not show and any(has_free_text(one.record) for one in records),
        reason=page.field("reason"),
        is_skipping=bool(page.field("skip")),
        noun=KINDS[found.kind].noun,
    )


def _part(record: Record, shapes: Findings, findings: Findings, posted: Mapping[str, str], *, show: bool) -> _Part:
    own = [one for one in findings if one.get("record") == record.index]
    fields = fields_of(record.index, record.record or {}, shapes, own, posted, show=show)
    placed = {message for one in fields for message in one.errors}
    others = [one for one in own if not any(str(one["message"]).rstrip(".") in message for message in placed)]
    words = ", ".join(one.value for one in said(record.record or {}, (), show=False)[:3] if one.value)
    return _Part(record, fields, others, words)


def _posted(page: Page) -> dict[str, str]:
    """Return the fields of records that the form has sent; nothing where it only asked to be shown."""
    return {name: str(value) for name, value in page.form.multi_items() if name[:1] == "r" and name[1:2].isdigit()}


def _shown_records(page: Page, found: Writeback) -> Sequence[Record]:
    start = _start(page)
    return [one for one in found.records if one.status in _GOING and not one.erased][start : start + _AT_ONCE]


def _start(page: Page) -> int:
    text = page.query("from") or page.field("from")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0


def _said_before(found: Writeback) -> Findings:
    """Return what was said of the records that would go again, by their places now."""
    return [
        {**finding.model_dump(mode="json"), "record": one.index, "pointer": _placed(finding.pointer, one.index)}
        for one in found.records
        if one.status in _GOING
        for finding in one.findings
    ]


def _placed(pointer: str, index: int) -> str:
    _, _, rest = pointer.removeprefix("/records/").partition("/")
    return f"/records/{index}/{rest}" if pointer.startswith("/records/") and rest else f"/records/{index}"


def _found_in(tried: Corrected) -> Findings:
    said = [*tried.findings, *(finding for record in tried.records for finding in record.findings)]
    found = [one.model_dump(mode="json") for one in said]
    rest = more_findings(tried.more_findings, None, Severity.WARNING).as_json()
    return [*found, rest] if tried.more_findings else found


def _in_doubt(conflict: Conflict, notice: _Notice) -> _Notice:
    if conflict.code != _MAY_BE_THERE:
        return notice
    return _Notice(notice.findings, may_be_there="Nobody knows whether it has arrived. Look in the MIS first.")


def _not_now(page: Page, found: Writeback) -> Response:
    flash = "It cannot be sent again as it is now. Somebody may have seen to it already; its history says so."
    return page.redirect(f"/writebacks/{found.id}", flash=flash, tone="warn")


def _sent(done: Corrected, edited: int) -> str:
    going = sum(one.status == "queued" for one in done.records)
    text = f"On its way again: {counted(going, 'record')}, {edited or 'none'} of them corrected."
    later = sum(one.superseded_by is not None for one in done.records)
    stayed = len(done.records) - going
    text += f" {counted(stayed, 'record')} could not go and stayed as they were." if stayed else ""
    return text + (f" For {later} of them a later mark is there, and that one wins." if later else "")
