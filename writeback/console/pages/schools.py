"""`/console/schools`: each school's state, lists, queue and rules; hold it, let it go on, fetch its lists."""

from datetime import timedelta
from typing import Any

from starlette.responses import Response

from writeback.console.page import Page, Pages
from writeback.console.presenters.filtering import mode_options
from writeback.console.presenters.hold_ends import hold_end
from writeback.console.presenters.school_words import (
    DIRECTORY_BUTTONS,
    DIRECTORY_WORDS,
    freshness,
    lane_words,
    list_words,
    state_of,
    takes,
)
from writeback.console.presenters.times import counted
from writeback.console.presenters.words import hold_words
from writeback.domain.directory import Directory
from writeback.domain.lookups import Decision, ListName
from writeback.domain.school import HoldReason
from writeback.domain.staff import Permission
from writeback.domain.states import NEED_SOMEBODY
from writeback.flow.schools.full_sync import FullSync
from writeback.flow.schools.health import SchoolHealth, health_of
from writeback.flow.schools.school_access import NOT_AVAILABLE
from writeback.store.reads.filters import Filter
from writeback.store.reads.summaries import summaries_of
from writeback_client.models.base import Page as Listed
from writeback_client.models.schools import School, Synced

pages = Pages()

_A_PAGE, _ERRORS = 50, 5
_SHOWN_FOR = timedelta(hours=1)
"""How long it is shown what became of a fetch of everything."""


@pages.get("/schools")
async def list_(page: Page) -> Response:
    """List the schools that the account sees."""
    only, wanted = page.person.schools, page.query("q").casefold()
    if wanted:
        known = await page.services.reports.schools(page.caller)
        only = frozenset(id_ for id_, name in known if wanted in name.casefold() or wanted in id_)
    found: Listed[School] = await page.services.registry.list(
        only=only, mode=page.mode(), limit=_A_PAGE, cursor=page.query("cursor") or None
    )
    stale = _stale_after(page)
    return page.render(
        "schools.html",
        title="Schools",
        found=found,
        modes=mode_options(),
        rows=[(one, state_of(one), freshness(one.lookups, page.now, stale)) for one in found.items],
    )


@pages.get("/schools/{school}")
async def show(page: Page) -> Response:
    """Show one school."""
    view = await _school(page)
    school, kinds = await page.services.features.of(view.id)
    errors = await page.services.reads.list(page.caller, Filter(school=view.id, statuses=NEED_SOMEBODY), limit=_ERRORS)
    async with page.services.reads.db.read() as session:
        summaries = await summaries_of(session, [one.id for one in errors.items])
    stale = _stale_after(page)
    return page.render(
        "school.html",
        title=view.name,
        takes=takes(kinds),
        lists=[(list_words(one.list), one, page.now - one.fetched_at > stale) for one in view.lookups],
        not_here=view.facts.get(NOT_AVAILABLE) or {},
        list_words=list_words,
        errors=errors.items,
        summaries=summaries,
        wrong=NEED_SOMEBODY,
        full_sync=await _full_sync(page, view),
        closed_for=await page.services.years.closed_for(view.id, school.today(page.now)),
        directory_words=DIRECTORY_WORDS.get(Directory(view.directory)),
        directory_buttons=[(mode, words) for mode, words in DIRECTORY_BUTTONS.items() if mode != view.directory],
        **await _live_values(page, view),
    )


@pages.get("/schools/{school}/live")
async def live(page: Page) -> Response:
    """Show the piece of the page that refreshes by itself."""
    return page.partial("_school.html", **await _live_values(page, await _school(page)))


@pages.get("/schools/{school}/full-sync/live")
async def live_full_sync(page: Page) -> Response:
    """Show how far the fetching of all its lists is."""
    return page.partial("_full_sync.html", full_sync=await _full_sync(page, await _school(page)), list_words=list_words)


@pages.get("/schools/{school}/hold", needs=Permission.CORRECT)
async def ask_hold(page: Page) -> Response:
    """Ask whether to hold it."""
    return _confirm_hold(page, await _school(page))


@pages.post("/schools/{school}/hold", needs=Permission.CORRECT)
async def hold(page: Page) -> Response:
    """Hold it, once somebody has said why."""
    view, reason = await _school(page), page.field("reason")
    if not page.field("confirmed"):
        return _confirm_hold(page, view)
    ends = hold_end(page)
    if not reason or ends.error:
        return _confirm_hold(page, view, error="" if reason else "Say why.", until_error=ends.error)
    await page.services.holds.hold(view.id, HoldReason.BY_STAFF, reason, page.actor(reason), until=ends.at)
    return page.redirect(
        f"/schools/{view.id}", flash=f"{view.name} is held{ends.words}. What comes in is kept, and waits."
    )


@pages.post("/schools/{school}/resume", needs=Permission.CORRECT)
async def resume(page: Page) -> Response:
    """Let it go on, once somebody has said why."""
    view, reason = await _school(page), page.field("reason")
    if page.field("confirmed") and reason:
        await page.services.holds.resume(view.id, page.actor(reason))
        return page.redirect(f"/schools/{view.id}", flash=f"{view.name} goes on. What waited is sent in its order.")
    why = f" It is held because: {hold_words(view.hold.reason).lower()}." if view.hold else ""
    return page.confirm(
        title=f"Let {view.name} go on?",
        count=view.waiting,
        noun="writeback waits" if view.waiting == 1 else "writebacks wait",
        what=f"What waits is sent, in its order.{why} If that has not changed, it will be held again.",
        action=f"/schools/{view.id}/resume",
        button="Let it go on",
        back=f"/schools/{view.id}",
        error="Say why." if page.field("confirmed") else "",
    )


@pages.post("/schools/{school}/sync", needs=Permission.CORRECT)
async def sync(page: Page) -> Response:
    """Fetch what has changed in its lists now and say what came of it, or have all of them fetched by a worker."""
    view = await _school(page)
    if page.field("full"):
        await page.services.full_syncs.ask(view.id, page.actor())
        return page.redirect(
            f"/schools/{view.id}", flash="All of its lists are fetched from the beginning.", tone="busy"
        )
    report = await page.services.sync.sync_school(view.id, actor=page.actor())
    tone, notice = _came_of(report)
    return page.redirect(f"/schools/{view.id}", flash=notice, tone=tone)


@pages.post("/schools/{school}/removals", needs=Permission.CORRECT)
async def removals(page: Page) -> Response:
    """Take out what fell out of a list, or keep it, once somebody has said why."""
    view, reason = await _school(page), page.field("reason")
    wanted = next((one for one in view.lookups if one.list == page.field("list")), None)
    if wanted is None or wanted.held_back is None:
        return page.redirect(f"/schools/{view.id}", flash="Nothing waits there any more.", tone="warn")
    decision = Decision.ACCEPT if page.field("decision") == Decision.ACCEPT else Decision.DISCARD
    words, count = list_words(wanted.list), wanted.held_back.count
    if page.field("confirmed") and reason and page.field("count") == str(count):
        name, actor = ListName(wanted.list), page.actor(reason)
        await page.services.removals.decide(view.id, name, decision, count=count, actor=actor)
        words = "were taken out" if decision is Decision.ACCEPT else "stay"
        return page.redirect(f"/schools/{view.id}", flash=f"{words}: {counted(count, 'entry', 'entries')} {words}.")
    what = "What names them is refused from then on." if decision is Decision.ACCEPT else "They stay in use, as before."
    return page.confirm(
        title=f"{words}: {'take them out' if decision is Decision.ACCEPT else 'keep them'}?",
        count=count,
        noun="entry is missing" if count == 1 else "entries are missing",
        what=what,
        action=f"/schools/{view.id}/removals",
        button="Take them out" if decision is Decision.ACCEPT else "Keep them",
        back=f"/schools/{view.id}",
        fields={"list": wanted.list, "decision": decision.value, "count": count},
        danger=decision is Decision.ACCEPT,
        error="Say why." if page.field("confirmed") and not reason else "",
    )


@pages.post("/schools/{school}/directory", needs=Permission.MANAGE)
async def directory(page: Page) -> Response:
    """Change what is kept of its people, once somebody has said why."""
    view, reason, wanted = await _school(page), page.field("reason"), page.field("directory")
    if wanted not in set(Directory) or wanted == view.directory:
        return page.redirect(f"/schools/{view.id}", flash="Nothing was changed.", tone="warn")
    if page.field("confirmed") and reason:
        await page.services.registry.patch(view.id, {"directory": wanted}, actor=page.actor(reason))
        return page.redirect(f"/schools/{view.id}", flash="Changed. Its lists are fetched again in a moment.")
    people = next((one.rows for one in view.lookups if one.list == ListName.STUDENTS), 0)
    return page.confirm(
        title=f"{view.name}: {DIRECTORY_BUTTONS[Directory(wanted)].lower()}?",
        count=people,
        noun="pupil" if people == 1 else "pupils",
        what=f"{DIRECTORY_WORDS[Directory(wanted)]} What was kept until now is deleted at once.",
        action=f"/schools/{view.id}/directory",
        button="Change it",
        back=f"/schools/{view.id}",
        fields={"directory": wanted},
        danger=True,
        error="Say why." if page.field("confirmed") else "",
    )


async def _school(page: Page) -> School:
    page.require_school(page.part("school"))
    return await page.services.registry.get(page.part("school"))


async def _live_values(page: Page, view: School) -> dict[str, Any]:
    health = await health_of(page.services.reads.db, page.services.registry, view.id)
    return {
        "school": view,
        "state": state_of(view),
        "health": health,
        "lanes": _lanes(health),
        "lane_words": lane_words,
    }


async def _full_sync(page: Page, view: School) -> FullSync | None:
    """Return the fetching of all its lists, while it goes on and a while after."""
    found = await page.services.full_syncs.of(view.id)
    return None if found is None or (found.is_over and page.now - found.asked_at > _SHOWN_FOR) else found


def _lanes(health: SchoolHealth) -> list[tuple[str, list[Any], int]]:
    """Return each lane's words, what waits in it by status, and how much that is."""
    by_lane: dict[str, list[Any]] = {}
    for one in health.queue:
        by_lane.setdefault(one.family, []).append(one)
    return [(lane_words(family), found, sum(one.writebacks for one in found)) for family, found in by_lane.items()]


def _confirm_hold(page: Page, view: School, error: str = "", until_error: str = "") -> Response:
    return page.confirm(
        title=f"Hold {view.name}?",
        count=view.waiting,
        noun="writeback waits now" if view.waiting == 1 else "writebacks wait now",
        what="Nothing is sent to it until then, or until somebody lets it go on. What apps send in is kept, and waits; "
        "none is lost.",
        action=f"/schools/{view.id}/hold",
        button="Hold it",
        back=f"/schools/{view.id}",
        danger=True,
        error=error,
        until=page.field("until"),
        until_error=until_error,
    )


def _came_of(report: Synced) -> tuple[str, str]:
    failed = [one for one in report.lists if one.error is not None]
    if failed:
        names = ", ".join(list_words(one.list).lower() for one in failed)
        why = (failed[0].error or "").rstrip(".")
        return "warn", f"Not all could be fetched: {names}. {why}. The lists from before are used."
    fetched = [one for one in report.lists if one.not_available is None]
    changed = sum(one.changed for one in fetched)
    if any(one.held_back for one in fetched):
        return "warn", "The lists were fetched. Much fell out of one of them at once: say below whether that is true."
    return "ok", f"{counted(len(fetched), 'list')} fetched; {changed or 'none'} of them had changed."


def _stale_after(page: Page) -> timedelta:
    return timedelta(seconds=page.services.settings.lookups.stale_after_s)
