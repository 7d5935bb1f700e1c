"""`/console/schools/new`: register a school, from those that its provider lists or typed; it is tried first."""

from collections.abc import Mapping
from typing import Any, get_args

from starlette.responses import Response

from writeback.console.page import Page, Pages
from writeback.console.presenters.registration import (
    Answer,
    answer_of,
    credential_fields,
    entry_errors,
    given_credentials,
)
from writeback.console.presenters.school_words import DIRECTORY_BUTTONS
from writeback.console.presenters.words import provider_words
from writeback.core.errors import BadInput, Conflict, InvalidSubmission, Overloaded
from writeback.domain.directory import Directory
from writeback.domain.staff import Permission
from writeback.flow.registry.entries import NewSchool
from writeback.providers.base import ListingState
from writeback.providers.registry import PROVIDERS

pages = Pages()

_FIELDS = ("name", "id", "mis", "provider_school_id", "base_url", "directory")
_STATES = {
    "approved": "Approved",
    "pending": "Not approved yet",
    "offline": "Offline",
    "revoked": "Revoked",
    "declined": "Declined",
}


@pages.get("/schools/new", needs=Permission.MANAGE)
async def ask(page: Page) -> Response:
    """Ask which provider; then, with it, for the school: empty, or as the provider lists it."""
    provider = page.query("provider")
    if provider not in PROVIDERS:
        return page.render("new_school_provider.html", title="A new school", providers=_providers(page))
    listed, given = page.query("listed"), dict[str, str]()
    if listed:
        found = [one for one in await _listed(page, provider) if one.provider_school_id == listed]
        if not found:
            flash = f"{provider_words(provider)} lists no such school any more: choose again."
            return page.redirect(f"/schools/new/listed?provider={provider}", flash=flash, tone="warn")
        given = {name: str(getattr(found[0], name) or "") for name in ("name", "mis", "provider_school_id", "base_url")}
    return _form(page, provider, given)


@pages.get("/schools/new/listed", needs=Permission.MANAGE)
async def listed(page: Page) -> Response:
    """List the schools that the provider lists for our account, and which of them are registered."""
    provider = page.query("provider")
    if provider not in PROVIDERS:
        return page.redirect("/schools/new")
    wanted, trouble = page.query("q").casefold(), ""
    found: Any = ()
    try:
        found = await _listed(page, provider)
    except (Conflict, BadInput, Overloaded) as problem:
        trouble = f"{problem.detail.rstrip('.')}. {problem.hint}".strip()
    return page.render(
        "listed_schools.html",
        title=f"Schools at {provider_words(provider)}",
        status=200,
        provider=provider,
        found=[one for one in found if wanted in f"{one.name} {one.provider_school_id} {one.urn or ''}".casefold()],
        total=len(found),
        states=list(_STATES.items()),
        trouble=trouble,
    )


@pages.post("/schools/new", needs=Permission.MANAGE)
async def register(page: Page) -> Response:
    """Try how the provider answers, and register the school where it takes what was given, or all the same."""
    provider = page.field("provider")
    if provider not in PROVIDERS:
        return page.redirect("/schools/new")
    given = {name: page.field(name) for name in _FIELDS}
    new = NewSchool(
        name=given["name"],
        provider=provider,
        mis=given["mis"],
        provider_school_id=given["provider_school_id"],
        credentials=given_credentials(provider, page.field),
        id=given["id"] or None,
        base_url=given["base_url"],
        directory=given["directory"] or Directory.HASHED.value,
    )
    try:
        tried = await page.services.credential_trials.of_new(new, page.actor())
        answer = answer_of(tried, provider, new.mis)
        if answer.stands_in_the_way and not page.field("anyway"):
            return _form(page, provider, given, answer=answer)
        school = await page.services.registry.add(new, actor=page.actor())
    except InvalidSubmission as problem:
        return _form(page, provider, given, entry_errors(provider, problem.extra["findings"]))
    except Conflict as problem:
        field = "provider_school_id" if problem.code == "school_account_exists" else "id"
        return _form(page, provider, given, {field: f"{problem.detail.rstrip('.')}. {_OTHER[field]}"})
    said = f"{school.name} is registered, and its lists are being fetched. {' '.join(answer.words)}"
    return page.redirect(f"/schools/{school.id}", flash=said, tone=answer.tone)


_OTHER = {
    "id": "Give it another id, or change the school that is there.",
    "provider_school_id": "Change the school that is there: two for one MIS could not keep their marks in order.",
}


async def _listed(page: Page, provider: str) -> Any:
    state: ListingState = "approved"
    if page.query("state") in get_args(ListingState):
        state = page.query("state")  # type: ignore[assignment] # it is one of them
    return await page.services.discovery.schools(provider, state)


def _providers(page: Page) -> list[tuple[str, str, bool]]:
    """Return each provider's name, its label, and whether its list can be asked for."""
    settings = page.services.settings
    return [(one.name, one.label, bool(one.account_secret(settings))) for one in PROVIDERS.values()]


def _id_hint(provider: str) -> str:
    hint = PROVIDERS[provider].school_id.hint.removeprefix("Send ")
    return hint[:1].upper() + hint[1:]


def _form(
    page: Page,
    provider: str,
    given: Mapping[str, str],
    errors: Mapping[str, str] | None = None,
    answer: Answer | None = None,
) -> Response:
    return page.render(
        "new_school.html",
        title="A new school",
        status=422 if errors or answer else 200,
        provider=provider,
        label=provider_words(provider),
        given={**dict.fromkeys(_FIELDS, ""), "directory": Directory.HASHED.value, **given},
        credentials=credential_fields(provider),
        has_account=bool(page.services.registry.usual_credentials(provider)),
        id_hint=_id_hint(provider),
        directories=[(mode.value, words) for mode, words in DIRECTORY_BUTTONS.items()],
        errors=errors or {},
        answer=answer,
    )
