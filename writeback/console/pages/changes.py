"""`/console/writebacks/change` and `/settle`: change many, or decide many that are alike; seen first, then done."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from starlette.responses import Response

from writeback.console.page import Page, Pages
from writeback.console.pages.writeback import OF_CREATES, OUTCOMES
from writeback.console.pages.writebacks import chosen_in, selection_of
from writeback.console.presenters.records import label_of
from writeback.core.errors import BadInput
from writeback.domain.changes import Changes, Settable, Substitution
from writeback.domain.corrections import Action, Outcome
from writeback.domain.kinds import KINDS
from writeback.domain.staff import Permission
from writeback.flow.correct.by_filter import Work
from writeback.flow.correct.draft import Order
from writeback.store.reads.selection import Selection
from writeback_client.models.corrections import Preview

pages = Pages()

_PREVIEWED = 50
"""Writebacks that are looked at before anything is done."""
_LOOKED_AT = 1_000
"""Of those that need a person: what is alike among them."""
_SUGGESTED = 12
_NONE_ALIKE = "None of these needs a person for a reason that is known. Open one to settle it by itself."
_FIELDS = {
    Settable.CODE: "Code of marks",
    Settable.STAFF: "Member of staff",
    Settable.TYPE: "Type",
    Settable.LOCATION: "Place",
    Settable.ACTIVITY: "Activity",
    Settable.STATUS: "Status",
    Settable.REASON: "Reason",
    Settable.ATTENDANCE: "Attendance of a detention",
}
_NOTHING = "None of these can be sent again: that goes for what has failed, expired or been cancelled."


@pages.post("/writebacks/change", needs=Permission.CORRECT)
async def change(page: Page) -> Response:
    """Ask what to change; show what that would come to; then begin."""
    chosen = chosen_in(page)
    if isinstance(chosen, Response):
        return chosen
    asked, ids, back = chosen
    wanted, until = selection_of(page, Action.RESUBMIT, asked, ids)
    many = page.services.corrections.many
    count = await many.count(page.caller, Action.RESUBMIT, wanted) if wanted.filter.statuses else None
    if count is None or not count.writebacks:
        return page.redirect(back, flash=_NOTHING, tone="warn")
    changes, errors = _changes(page)
    step, reason = page.field("step"), page.field("reason")
    try:
        await many.check_people(page.caller, Action.RESUBMIT, wanted, changes)
    except BadInput:
        field = "pupils" if changes.without_pupils else "was"
        errors[field] = "These are of several schools, where an id is somebody else each time: filter by one first."
    if step == "begin" and changes and not errors and page.field("seen") != _digest(changes):
        errors["becomes"] = "This is not what was shown: look at what it would come to first."
    if step == "begin" and changes and not errors and reason:
        bulk = await page.services.bulks.begin(
            page.person, Action.RESUBMIT, wanted, reason, matched=count.writebacks, changes=changes
        )
        return page.redirect(f"/bulks/{bulk}")
    if step and not changes and not errors:
        errors["becomes"] = "Say what is to be changed, or left out."
    preview = None
    if step == "begin" and changes and not errors:
        errors["reason"] = "Say why."
    if step and changes and not errors.keys() - {"reason"}:
        preview = await _preview(page, wanted, changes)
    return page.render(
        "change.html",
        title="Change many, then send them",
        status=422 if errors else 200,
        count=count,
        back=back,
        fields={**asked.query, "id": ids, "which": "" if ids else "all", "asked_at": until},
        given={name: page.field(name) for name in ("field", "was", "becomes", "pupils", "codes", "reason")},
        settable=[(one.value, _FIELDS[one]) for one in Settable],
        found=await _found_in(page, wanted),
        errors=errors,
        preview=preview,
        seen=_digest(changes),
        label=label_of,
    )


@pages.post("/writebacks/settle", needs=Permission.CORRECT)
async def settle(page: Page) -> Response:
    """Ask which of those that need a person are alike, and how to settle them; then begin."""
    chosen = chosen_in(page)
    if isinstance(chosen, Response):
        return chosen
    asked, ids, back = chosen
    wanted, until = selection_of(page, Action.RESOLVE, asked, ids)
    many = page.services.corrections.many
    groups = await many.alike(page.caller, wanted, limit=_LOOKED_AT) if wanted.filter.statuses else Counter()
    if not groups:
        return page.redirect(back, flash=_NONE_ALIKE, tone="warn")
    named = tuple(page.field("alike").split(" ", 1))
    group = next((one for one in groups if one == named or len(groups) == 1), None)
    outcomes = _outcomes_in_bulk(group[0]) if group else ()
    outcome, reason, begins = page.field("outcome"), page.field("reason"), bool(group and page.field("begin"))
    errors = {} if outcome in dict(outcomes) else {"outcome": "Say what is right."}
    errors |= {} if reason else {"reason": "Say why."}
    if group and begins and not errors:
        kind, code = group
        alike = replace(wanted, filter=replace(wanted.filter, kinds=(kind,), code=code))
        count = await many.count(page.caller, Action.RESOLVE, alike)
        bulk = await page.services.bulks.begin(
            page.person, Action.RESOLVE, alike, reason, matched=count.writebacks, outcome=Outcome(outcome)
        )
        return page.redirect(f"/bulks/{bulk}")
    return page.render(
        "settle.html",
        title="Settle those that are alike",
        status=422 if begins else 200,
        back=back,
        fields={**asked.query, "id": ids, "which": "" if ids else "all", "asked_at": until},
        groups=groups.most_common(),
        group=group,
        number=groups[group] if group else 0,
        outcomes=outcomes,
        may_resend=group is not None and KINDS[group[0]].is_repeatable,
        errors=errors if begins else {},
    )


def _outcomes_in_bulk(kind: str) -> Sequence[tuple[str, str]]:
    """Return how many of a kind can be settled: what would be created is never sent again unseen."""
    if KINDS[kind].is_repeatable:
        return OUTCOMES
    return [one for one in OF_CREATES if one[0] != Outcome.RESEND]


async def _preview(page: Page, wanted: Selection, changes: Changes) -> Preview:
    work = Work(Action.RESUBMIT, wanted, page.actor(), Order(on_invalid="skip", changes=changes))
    return await page.services.corrections.many.preview(page.caller, work, limit=_PREVIEWED)


def _changes(page: Page) -> tuple[Changes, dict[str, str]]:
    """Return what the form says is to be changed, and what is wrong with it by field."""
    was, becomes, errors = page.field("was"), page.field("becomes"), dict[str, str]()
    substitutions: tuple[Substitution, ...] = ()
    if bool(was) is not bool(becomes):
        errors["becomes" if was else "was"] = "Say both: what it says now, and what it is to say."
    elif was and page.field("field") not in set(Settable):
        errors["field"] = "Choose one of these."
    elif was:
        substitutions = (Substitution(Settable(page.field("field")), was, becomes),)
    changes = Changes(substitutions, _words(page, "pupils"), _words(page, "codes"))
    return changes, errors


def _digest(changes: Changes) -> str:
    """Return what tells whether the changes are those that were shown."""
    return hashlib.sha256(repr(changes).encode()).hexdigest()


def _words(page: Page, name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(page.field(name).replace(",", " ").split()))


async def _found_in(page: Page, wanted: Selection) -> Mapping[str, Sequence[tuple[str, int]]]:
    """Return what the first of them say, to choose from: codes and staff of what failed, the most frequent first."""
    found: Any = await page.services.corrections.many.said_in(page.caller, wanted, limit=_PREVIEWED)
    return {name: counted.most_common(_SUGGESTED) for name, counted in found.items()}
