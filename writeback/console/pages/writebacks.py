"""`/console/writebacks`: find writebacks by anything; send again or cancel some, or all that match."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from starlette.responses import Response

from writeback.console.navigation import ROOT
from writeback.console.page import Page, Pages
from writeback.console.presenters.filtering import Asked, asked_by, asked_in, mode_options, words_of
from writeback.console.presenters.list_layout import GROUPS, ORDERS, Layout, counted_views, groups_of
from writeback.console.presenters.times import counted
from writeback.console.presenters.words import kind_words, status_badge
from writeback.core.errors import BadInput
from writeback.domain.corrections import POSSIBLE, USUAL, Action
from writeback.domain.kinds import KINDS
from writeback.domain.provider_words import key_of
from writeback.domain.school import HOLD_WORDS
from writeback.domain.staff import Permission
from writeback.domain.states import Status
from writeback.flow.directory.names_shown import Look, Names
from writeback.store.reads.selection import Selection
from writeback.store.reads.summaries import Summary, summaries_of
from writeback.store.reads.work_lists import WorkLists
from writeback_client.models.base import Page as Listed
from writeback_client.models.writebacks import WritebackSummary

pages = Pages()

_A_PAGE = 50
_ASKS = {
    Action.RESUBMIT: ("Send these again?", "Send them again", "Each is checked first, against fresh lists; what still "
        "has an error stays as it is, and you see why. What is in the MIS already is left alone."),
    Action.CANCEL: ("Cancel these?", "Cancel them", "What has not left yet will not be sent. What is on its way to the "
        "MIS goes on."),
    Action.CHECK: ("Check these now?", "Check them now", "The provider is asked, or the MIS read, at once instead of "
        "at the next check. Nothing is sent again for that."),
}  # fmt: skip
_NOTHING = {
    Action.RESUBMIT: "None of these can be sent again: that goes for what has failed, expired or been cancelled.",
    Action.CANCEL: "None of these can be cancelled: that goes for what has not left yet.",
    Action.CHECK: "None of these can be checked: that goes for what is sent or uncertain.",
}


@pages.get("/writebacks")
async def list_(page: Page) -> Response:
    """List what the address asks for, the latest accepted first unless it names another order or groups."""
    asked = asked_by(page)
    if asked.filter.school:
        page.require_school(asked.filter.school)
    await _check_person(page, asked)
    schools = await page.services.reports.schools(page.caller)
    laid_out = Layout.asked_by(page)
    common = {
        "title": "Writebacks",
        "status": 422 if asked.problems else 200,
        "asked": asked,
        "names": dict(schools),
        "options": _options(asked, schools),
        "laid_out": laid_out,
        "orders": ORDERS,
        "groupings": GROUPS,
        **await counted_views(page, asked),
    }
    filters = words_of(asked, dict(schools))
    if laid_out.by is not None and not asked.problems:
        groups, seen = await groups_of(page, asked, laid_out.by, dict(schools))
        return page.render("grouped.html", groups=groups, seen=seen, filters=filters, **common)
    found = await _found(page, asked, laid_out)
    async with page.services.reads.db.read() as session:
        summaries = await summaries_of(session, [one.id for one in found.items], asked.filter.student)
    return page.render(
        "writebacks.html",
        found=found,
        summaries=summaries,
        people=await _names(page, found.items, summaries),
        asks_for_school=len({one.school for one in found.items}) > 1 and page.caller.sees_names,
        filters=[*filters, *_said(asked, summaries)],
        cause=_cause,
        **common,
    )


async def _check_person(page: Page, asked: Asked) -> None:
    """Note the school as a problem where an id means people of several."""
    if asked.problems:
        return
    try:
        await page.services.reads.check_person(page.caller, asked.filter)
    except BadInput:
        asked.problems["school"] = "Several schools have somebody of this id: choose one."


async def _found(page: Page, asked: Asked, laid_out: Layout) -> Listed[WritebackSummary]:
    """Return a page of the list, in the order that is asked for."""
    if asked.problems:
        return Listed(items=())
    cursor = page.query("cursor") or None
    if laid_out.order is None:
        return await page.services.reads.list(page.caller, asked.filter, limit=_A_PAGE, cursor=cursor)
    lists = WorkLists(page.services.reads.db)
    return await lists.page(page.caller, asked.filter, laid_out.order, limit=_A_PAGE, cursor=cursor)


@pages.post("/writebacks/mend", needs=Permission.CORRECT)
async def mend(page: Page) -> Response:
    """Ask whether to do it to those that are ticked, or to all that match; then begin."""
    action, chosen = _action(page), chosen_in(page)
    if isinstance(chosen, Response):
        return chosen
    asked, ids, back = chosen
    wanted, until = selection_of(page, action, asked, ids)
    count = await page.services.corrections.many.count(page.caller, action, wanted) if wanted.filter.statuses else None
    if count is None or not count.writebacks:
        return page.redirect(back, flash=_NOTHING[action], tone="warn")
    if page.field("confirmed") and page.field("reason"):
        reason = page.field("reason")
        bulk = await page.services.bulks.begin(page.person, action, wanted, reason, matched=count.writebacks)
        return page.redirect(f"/bulks/{bulk}")
    title, button, what = _ASKS[action]
    return page.confirm(
        title=title,
        count=count.writebacks,
        noun=_noun(count.writebacks, count.records, count.more),
        what=what if not ids else f"{what} {_left_out(len(ids) - count.writebacks)}".strip(),
        action="/writebacks/mend",
        button=button,
        back=back,
        fields={**asked.query, "id": ids, "which": "all" if not ids else "", "action": action.value, "asked_at": until},
        danger=action is Action.CANCEL,
        error="Say why." if page.field("confirmed") else "",
    )


async def _names(page: Page, items: Sequence[WritebackSummary], summaries: Mapping[str, Summary]) -> Names:
    """Return what the pupils of a list of one school are called; of several schools nobody is named."""
    schools = {one.school for one in items}
    if len(schools) != 1:
        return Names()
    pupils = {pupil.id for one in summaries.values() for pupil in one.pupils}
    look = Look("people.show", "writebacks", {"writebacks": [one.id for one in items]})
    return await page.services.names.of(page.caller, schools.pop(), look, pupils=pupils)


def chosen_in(page: Page) -> tuple[Asked, Sequence[str], str] | Response:
    """Return what the form of the list is about: its filter, the ids that are ticked (none: all that match), and where
    to go back to; or the way back, with why, where it is about nothing."""
    asked = asked_in(page)
    if asked.filter.school:
        page.require_school(asked.filter.school)
    back = page.url("/writebacks", **asked.query).removeprefix(ROOT)
    ids = [str(one) for one in page.form.getlist("id")] if page.field("which") != "all" else []
    if page.field("which") != "all" and not ids:
        return page.redirect(back, flash="Nothing was ticked. Tick some, or choose all that match.", tone="warn")
    if page.field("which") == "all" and not asked.is_narrow:
        return page.redirect(back, flash="Filter first: all there are is too many for one go.", tone="warn")
    return asked, ids, back


def _action(page: Page) -> Action:
    try:
        action = Action(page.field("action"))
    except ValueError:
        action = Action.RESOLVE
    if action not in _ASKS:
        raise BadInput("action_unknown", "that cannot be done to several at once")
    return action


def selection_of(page: Page, action: Action, asked: Asked, ids: Sequence[str]) -> tuple[Selection, str]:
    """Return what is meant: nothing that came in after it was asked, and nothing that it cannot be done to."""
    asked_at = page.field("asked_at") or page.now.isoformat()
    until = min(filter(None, (asked.filter.until, _instant(asked_at, page))))
    statuses: Sequence[str] = asked.filter.statuses or (POSSIBLE if ids else USUAL)[action]
    fitting = [one for one in statuses if one in POSSIBLE[action]]
    return Selection(replace(asked.filter, statuses=fitting, until=until), ids), asked_at


def _instant(text: str, page: Page) -> Any:
    try:
        at = type(page.now).fromisoformat(text)
    except ValueError:
        return page.now
    return at if at.tzinfo is not None else page.now


def _noun(writebacks: int, records: int, more: int) -> str:
    noun = "writeback" if writebacks == 1 else "writebacks"
    return noun if more else f"{noun}, {counted(records, 'record')} of {'it' if writebacks == 1 else 'them'}"


def _left_out(number: int) -> str:
    if number <= 0:
        return ""
    are, them = ("is", "it") if number == 1 else ("are", "them")
    return f"{number} of those that you ticked {are} left out: this cannot be done to {them}."


def _said(asked: Asked, summaries: Mapping[str, Summary]) -> Sequence[tuple[str, str]]:
    """Return which of a provider's words are asked for, as one of those that are shown has them."""
    if asked.filter.said is None:
        return ()
    found = (one.words for one in summaries.values() if one.words and key_of(one.words) == asked.filter.said)
    return [("The provider says", next((f"“{words}”" for words in found), asked.filter.said))]


def _cause(one: WritebackSummary, message: str) -> str:
    """Return why it is where it is, in words; nothing where its status says all."""
    if one.status == Status.HELD and one.hold_reason:
        return HOLD_WORDS.get(one.hold_reason, one.hold_reason)
    return message or one.left_alone or ""


def _options(asked: Asked, schools: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return what the filter's fields offer."""
    return {
        "schools": [("", "All schools"), *schools],
        "modes": mode_options(),
        "kinds": [("", "All kinds"), *((kind, kind_words(kind)) for kind in KINDS)],
        "statuses": [(status.value, status_badge(status).words) for status in Status],
        "holds": [("", "Anything"), *((reason, words) for reason, words in HOLD_WORDS.items())],
        "is_more": bool(set(asked.query) - {"school", "mode", "student", "q", "status"}),
    }
