"""`/console/holds`: which schools are held, why and until when; hold several at once, or all of a provider's."""

from collections.abc import Sequence

from starlette.responses import Response

from writeback.console.page import Page, Pages
from writeback.console.presenters.hold_ends import hold_end
from writeback.console.presenters.words import provider_words
from writeback.domain.school import HoldReason
from writeback.domain.staff import Permission
from writeback.store.reads import overview
from writeback.store.reads.overview import SchoolState

pages = Pages()

_NAMED = 3


@pages.get("/holds")
async def list_(page: Page) -> Response:
    """List the schools that are held, and offer to hold others."""
    schools = await _schools(page)
    held = sorted((one for one in schools if one.hold_reason), key=lambda one: (one.held_at or page.now, one.name))
    return page.render("holds.html", title="Holds", held=held, schools=schools, providers=_providers(schools))


@pages.post("/holds", needs=Permission.CORRECT)
async def hold(page: Page) -> Response:
    """Hold those that are ticked, or all of a provider's, once somebody has said why."""
    chosen, ends = _chosen(page, await _schools(page)), hold_end(page)
    reason = page.field("reason")
    if not chosen:
        return page.redirect("/holds", flash="Tick some schools, or choose a provider.", tone="warn")
    if page.field("confirmed") and reason and not ends.error:
        for one in chosen:
            await page.services.holds.hold(one.id, HoldReason.BY_STAFF, reason, page.actor(reason), until=ends.at)
        return page.redirect("/holds", flash=f"{_names(chosen)} {_are(chosen)} held{ends.words}.")
    return page.confirm(
        title="Hold these schools?",
        count=len(chosen),
        noun=f"{'school' if len(chosen) == 1 else 'schools'}: {_names(chosen)}",
        what="Nothing is sent to them until then, or until somebody lets them go on. What apps send in is kept, and "
        "waits; none is lost. One that staff hold already has this reason and this end from then on.",
        action="/holds",
        button="Hold them",
        back="/holds",
        fields={"school": [one.id for one in chosen]},
        danger=True,
        error="Say why." if page.field("confirmed") and not reason else "",
        until=page.field("until"),
        until_error=ends.error,
    )


@pages.post("/holds/end", needs=Permission.CORRECT)
async def end(page: Page) -> Response:
    """Let those go on that are ticked and held, once somebody has said why."""
    chosen = [one for one in _chosen(page, await _schools(page)) if one.hold_reason]
    reason = page.field("reason")
    if not chosen:
        return page.redirect("/holds", flash="None of these is held.", tone="warn")
    if page.field("confirmed") and reason:
        for one in chosen:
            await page.services.holds.resume(one.id, page.actor(reason))
        return page.redirect("/holds", flash=f"{_names(chosen)} {'goes' if len(chosen) == 1 else 'go'} on.")
    return page.confirm(
        title="Let these schools go on?",
        count=len(chosen),
        noun=f"{'school' if len(chosen) == 1 else 'schools'}: {_names(chosen)}",
        what="What waits is sent, in its order. Where what it was held for has not changed, it will be held again.",
        action="/holds/end",
        button="Let them go on",
        back="/holds",
        fields={"school": [one.id for one in chosen]},
        error="Say why." if page.field("confirmed") else "",
    )


async def _schools(page: Page) -> Sequence[SchoolState]:
    async with page.services.reads.db.read() as session:
        return await overview.schools_of(session, page.caller.schools)


def _chosen(page: Page, schools: Sequence[SchoolState]) -> list[SchoolState]:
    """Return those of the account's schools that the form names, by themselves or by their provider."""
    ticked, provider = {str(one) for one in page.form.getlist("school")}, page.field("provider")
    return [one for one in schools if one.id in ticked or (provider and one.provider == provider)]


def _providers(schools: Sequence[SchoolState]) -> list[tuple[str, str]]:
    known = sorted({one.provider for one in schools})
    return [("", "None: those that are ticked"), *((one, f"All of {provider_words(one)}") for one in known)]


def _names(schools: Sequence[SchoolState]) -> str:
    named, more = ", ".join(one.name for one in schools[:_NAMED]), len(schools) - _NAMED
    return f"{named} and {more} more" if more > 0 else named


def _are(schools: Sequence[SchoolState]) -> str:
    return "is" if len(schools) == 1 else "are"
