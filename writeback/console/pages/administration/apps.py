"""`/console/apps`: API keys of apps: list them, make one (shown once), rotate one (the same), revoke one."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from starlette.responses import Response

from writeback.console.page import Page, Pages
from writeback.core.errors import Conflict, InvalidSubmission, NotFound
from writeback.domain.access import Scope
from writeback.domain.mode import Mode
from writeback.domain.staff import Permission
from writeback.flow.people.keys import LONGEST_OVERLAP, OVERLAP
from writeback_client.models.access import Key

pages = Pages()

_A_PAGE = 50
_SCOPES = (
    (Scope.SUBMIT.value, "Send writebacks"),
    (Scope.READ.value, "See its own writebacks, and what schools take"),
    (Scope.MIS_READ.value, "Read pupils, staff and lists of the MIS through the drop-in endpoints"),
    (Scope.FIND.value, "Find pupils and staff by UPN, number or name"),
    (Scope.SUPPORT.value, "See and correct every app’s writebacks, hold schools"),
    (Scope.ADMIN.value, "Everything else, for every app"),
)
_OVERLAPS = (
    (timedelta(), "not at all"),
    (timedelta(hours=1), "for an hour"),
    (OVERLAP, "for a day"),
    (timedelta(days=7), "for a week"),
    (LONGEST_OVERLAP, "for 30 days"),
)
"""How long the secret of before works beside the new one."""


@pages.get("/apps", needs=Permission.MANAGE)
async def list_(page: Page) -> Response:
    """List keys, the newest first, revoked ones too."""
    found = await page.services.keys.list(limit=_A_PAGE, cursor=page.query("cursor") or None)
    return page.render("apps.html", title="Apps and keys", found=found, scopes=dict(_SCOPES))


@pages.get("/apps/new", needs=Permission.MANAGE)
async def ask(page: Page) -> Response:
    """Ask what the key is for."""
    return await _form(page, {"scope": [Scope.SUBMIT.value, Scope.READ.value], "app": page.query("app")})


@pages.post("/apps/new", needs=Permission.MANAGE)
async def create(page: Page) -> Response:
    """Make the key and show it: now, and never again."""
    scopes = [str(one) for one in page.form.getlist("scope")]
    given = {"scope": scopes, **{name: page.field(name) for name in ("app", "name", "schools", "kinds", "test")}}
    try:
        made = await page.services.keys.create(
            page.field("app"),
            page.field("name"),
            [Scope(one) for one in scopes if one in set(Scope)],
            _names(page.field("schools")),
            kinds=_names(page.field("kinds")),
            mode=Mode.TEST if page.field("test") else Mode.LIVE,
            actor=page.actor(page.field("name")),
        )
    except InvalidSubmission as problem:
        return await _form(page, given, problem.extra["findings"])
    return page.render("key.html", title="The new key", key=made.key, view=made, scopes=dict(_SCOPES))


@pages.get("/apps/keys/{key}/rotate", needs=Permission.MANAGE)
async def ask_rotate(page: Page) -> Response:
    """Ask how long the old secret is to work."""
    return await _rotate_form(page)


@pages.post("/apps/keys/{key}/rotate", needs=Permission.MANAGE)
async def rotate(page: Page) -> Response:
    """Give the key a new secret and show it: now, and never again."""
    overlaps = {_seconds(overlap): overlap for overlap, _ in _OVERLAPS}
    overlap, reason = overlaps.get(page.field("overlap")), page.field("reason")
    if overlap is None or not reason:
        errors = {"overlap": "Choose one of these." if overlap is None else "", "reason": "" if reason else "Say why."}
        return await _rotate_form(page, errors)
    try:
        made = await page.services.keys.rotate(page.part("key"), overlap=overlap, actor=page.actor(reason))
    except Conflict:
        return page.redirect("/apps", flash="It was revoked before: make a new key.", tone="warn")
    return page.render(
        "key.html", title="The new secret", key=made.key, view=made, scopes=dict(_SCOPES), was_rotated=True
    )


@pages.post("/apps/keys/{key}/revoke", needs=Permission.MANAGE)
async def revoke(page: Page) -> Response:
    """Ask, then take the key's rights away."""
    view, reason = await _find(page, page.part("key")), page.field("reason")
    if view.revoked_at is not None:
        return page.redirect("/apps", flash="It was revoked before.", tone="warn")
    if page.field("confirmed") and reason:
        await page.services.keys.revoke(view.id, actor=page.actor(reason))
        return page.redirect("/apps", flash=f"Revoked: {view.name or view.id}, of {view.app}.")
    return page.confirm(
        title="Revoke this key?",
        count=1,
        noun=f"key of {view.app}{f', {view.name}' if view.name else ''}",
        what="Whoever uses it is refused from now on. It cannot be taken back; a new key can be made.",
        action=f"/apps/keys/{view.id}/revoke",
        button="Revoke it",
        back="/apps",
        danger=True,
        error="Say why." if page.field("confirmed") else "",
    )


async def _rotate_form(page: Page, errors: Mapping[str, str] | None = None) -> Response:
    view = await _find(page, page.part("key"))
    if view.revoked_at is not None:
        return page.redirect("/apps", flash="It was revoked before: make a new key.", tone="warn")
    return page.render(
        "rotate.html",
        title="A new secret for this key?",
        status=422 if errors else 200,
        view=view,
        overlaps=[(_seconds(overlap), words) for overlap, words in _OVERLAPS],
        overlap=page.field("overlap") or _seconds(OVERLAP),
        errors=errors or {},
    )


def _names(field: str) -> list[str] | None:
    """Return the names in a field, with spaces or commas between; None where it is empty: all."""
    return field.replace(",", " ").split() or None


def _seconds(overlap: timedelta) -> str:
    return f"{overlap.total_seconds():.0f}"


async def _find(page: Page, key_id: str) -> Key:
    cursor = None
    while True:
        found = await page.services.keys.list(limit=200, cursor=cursor)
        for one in found.items:
            if one.id == key_id:
                return one
        cursor = found.next_cursor
        if cursor is None:
            raise NotFound("key_unknown", f"no key {key_id[:64]!r}", hint="See the list of keys.")


async def _form(page: Page, given: Mapping[str, Any], findings: Sequence[Mapping[str, Any]] = ()) -> Response:
    errors: dict[str, str] = {}
    for one in findings:
        name = str(one["pointer"]).split("/")[1]
        errors[name] = f"{errors.get(name, '')} {str(one['message']).rstrip('.')}. {one['hint']}".strip()
    return page.render(
        "new_key.html",
        title="A new key",
        status=422 if findings else 200,
        given={"app": "", "name": "", "scope": [], "schools": "", "kinds": "", "test": "", **given},
        errors=errors,
        scopes=_SCOPES,
    )
