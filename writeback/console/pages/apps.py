"""`/console/apps`: API keys of apps: list them, make one (shown once), revoke one."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from writeback.console.page import Page, Pages
from writeback.core.errors import InvalidSubmission, NotFound
from writeback.domain.access import Scope
from writeback.domain.staff import Permission
from writeback.flow.keys import KeyView

pages = Pages()

_A_PAGE = 50
_SCOPES = (
    (Scope.SUBMIT.value, "Send writebacks"),
    (Scope.READ.value, "See its own writebacks, and what schools take"),
    (Scope.SUPPORT.value, "See and mend every app’s writebacks, hold schools"),
    (Scope.ADMIN.value, "Everything, for every app"),
)


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
    schools = page.field("schools").replace(",", " ").split()
    scopes = [str(one) for one in page.form.getlist("scope")]
    given = {"app": page.field("app"), "name": page.field("name"), "scope": scopes, "schools": page.field("schools")}
    try:
        made = await page.services.keys.create(
            page.field("app"),
            page.field("name"),
            [Scope(one) for one in scopes if one in set(Scope)],
            schools or None,
            actor=page.actor(page.field("name")),
        )
    except InvalidSubmission as problem:
        return await _form(page, given, problem.extra["findings"])
    return page.render("key.html", title="The new key", key=made.key, view=made.view, scopes=dict(_SCOPES))


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


async def _find(page: Page, key_id: str) -> KeyView:
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
        given={"app": "", "name": "", "scope": [], "schools": "", **given},
        errors=errors,
        scopes=_SCOPES,
    )
