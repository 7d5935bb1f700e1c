"""`/console/schools/{school}/connection`: a school's entry and credentials, which are tried before they are kept."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from writeback.console.page import Page, Pages
from writeback.console.presenters.registration import (
    Answer,
    answer_of,
    credential_fields,
    entry_errors,
    given_credentials,
)
from writeback.console.presenters.words import provider_words
from writeback.core.errors import Conflict, InvalidSubmission
from writeback.domain.staff import Permission
from writeback_client.models.schools import School

pages = Pages()

_FIELDS = ("name", "mis", "provider_school_id", "base_url")
_ASKED_ABOUT = {"mis", "provider_school_id", "base_url", "credentials"}
"""Fields of which a change is kept only once the provider has been asked."""


@pages.get("/schools/{school}/connection", needs=Permission.MANAGE)
async def show(page: Page) -> Response:
    """Show the entry, never its credentials."""
    return _form(page, await _school(page), {})


@pages.post("/schools/{school}/connection", needs=Permission.MANAGE)
async def change(page: Page) -> Response:
    """Try how the provider answers to the school as it would be; keep it where it takes that, or all the same."""
    view = await _school(page)
    given = {name: page.field(name) for name in _FIELDS if name in page.form}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value != getattr(view, name)}
    typed = given_credentials(view.provider, page.field)
    if typed:
        changes["credentials"] = typed
    actor, only_test = page.actor(page.field("reason")), bool(page.field("test"))
    if not changes and not only_test:
        return page.redirect(f"/schools/{view.id}/connection", flash="Nothing was changed.", tone="warn")
    answer: Answer | None = None
    try:
        if only_test or _ASKED_ABOUT & changes.keys():
            tried = await page.services.credential_trials.of_change(view.id, changes, actor)
            answer = answer_of(tried, view.provider, given.get("mis", view.mis))
            in_the_way = not tried.takes_them or (answer.is_another_mis and "mis" in changes)
            if only_test or (in_the_way and not page.field("anyway")):
                return _form(page, view, given, answer=answer, is_refused=not only_test)
        await page.services.registry.patch(view.id, changes, actor=actor)
    except InvalidSubmission as problem:
        return _form(page, view, given, entry_errors(view.provider, problem.extra["findings"]))
    except Conflict as problem:
        said = f"{problem.detail.rstrip('.')}. Two for one MIS could not keep their marks in order."
        return _form(page, view, given, {"provider_school_id": said})
    again = " Its lists are fetched again." if set(changes) != {"name"} else ""
    said = f"{'Its new credentials are' if typed else 'It is'} kept.{again} {' '.join(answer.words) if answer else ''}"
    return page.redirect(f"/schools/{view.id}", flash=said.strip(), tone=answer.tone if answer else "ok")


async def _school(page: Page) -> School:
    page.require_school(page.part("school"))
    return await page.services.registry.get(page.part("school"))


def _form(
    page: Page,
    view: School,
    given: Mapping[str, str],
    errors: Mapping[str, str] | None = None,
    answer: Answer | None = None,
    *,
    is_refused: bool = False,
) -> Response:
    there = {name: getattr(view, name) for name in _FIELDS}
    return page.render(
        "connection.html",
        title=f"Connection of {view.name}",
        status=422 if errors or is_refused else 200,
        school=view,
        label=provider_words(view.provider),
        given={**there, **given, "reason": page.field("reason")},
        credentials=credential_fields(view.provider),
        errors=errors or {},
        answer=answer,
        was_typed=bool(given_credentials(view.provider, page.field)),
        is_refused=is_refused,
    )
