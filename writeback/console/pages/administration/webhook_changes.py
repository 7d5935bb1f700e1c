"""`/console/webhooks/new` and what changes a webhook: where it is told and of what, its secret, a pause, its end."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from writeback.console.page import Page, Pages
from writeback.console.presenters.words import STATUSES
from writeback.core.errors import Conflict, InvalidSubmission, NotFound
from writeback.domain.staff import Permission
from writeback.domain.states import Status
from writeback.flow.webhooks.endpoint_checks import USUAL_STATUSES, NewWebhook
from writeback.flow.webhooks.formats import WebhookFormat
from writeback_client.models.webhooks import Webhook

pages = Pages()

_LONGEST_DESCRIPTION = 200
_FORMATS = (
    (WebhookFormat.STANDARD.value, "Ours: JSON, with Standard Webhooks signatures"),
    (WebhookFormat.WONDE.value, "Wonde’s own, about requests to the Wonde drop-in endpoint"),
)


@pages.get("/webhooks/new", needs=Permission.MANAGE)
async def ask(page: Page) -> Response:
    """Ask where which app is to be told, and of what."""
    return await _form(page, {"app": page.query("app")})


@pages.post("/webhooks/new", needs=Permission.MANAGE)
async def make(page: Page) -> Response:
    """Make it, and show its secret: now, and never again."""
    given = _given(page)
    errors = _wrong_here(given)
    kind = given["format"] if given["format"] in dict(_FORMATS) else WebhookFormat.STANDARD
    if errors or not given["app"]:
        return await _form(page, given, {**errors, **({} if given["app"] else {"app": "Choose one."})})
    new = NewWebhook(
        url=given["url"],
        statuses=given["statuses"],
        schools=given["schools"].replace(",", " ").split() or None,
        description=given["description"],
        app=given["app"],
        format=WebhookFormat(kind),
    )
    try:
        made = await page.services.webhooks.create(page.caller, new)
    except InvalidSubmission as problem:
        return await _form(page, given, _errors(problem.extra["findings"]))
    except (Conflict, NotFound) as problem:
        return await _form(page, given, {"app": f"{problem.detail}. {problem.hint}"})
    return page.render("webhook_secret.html", title="The new webhook", webhook=made, secret=made.secret, is_new=True)


@pages.get("/webhooks/{webhook}/change", needs=Permission.MANAGE)
async def ask_change(page: Page) -> Response:
    """Show what can be changed."""
    view = await _find(page)
    return await _form(page, {**vars(view), "schools": " ".join(view.schools or ())}, view=view)


@pages.post("/webhooks/{webhook}/change", needs=Permission.MANAGE)
async def change(page: Page) -> Response:
    """Change where it is told, and of what."""
    view, given = await _find(page), _given(page)
    errors = _wrong_here(given)
    if errors:
        return await _form(page, given, errors, view=view)
    changes = {
        "url": given["url"],
        "description": given["description"],
        "statuses": given["statuses"],
        "schools": given["schools"].replace(",", " ").split() or None,
    }
    changed = {name: value for name, value in changes.items() if value != _plain(getattr(view, name))}
    if not changed:
        return page.redirect(f"/webhooks/{view.id}", flash="Nothing was changed.", tone="warn")
    try:
        await page.services.webhooks.change(page.caller, view.id, changed, reason=page.field("reason"))
    except InvalidSubmission as problem:
        return await _form(page, given, _errors(problem.extra["findings"]), view=view)
    return page.redirect(f"/webhooks/{view.id}", flash="Changed. It holds for what happens from now on.")


@pages.post("/webhooks/{webhook}/pause", needs=Permission.MANAGE)
async def pause(page: Page) -> Response:
    """Ask, then send it nothing until somebody switches it on."""
    view, reason = await _find(page), page.field("reason")
    if not view.enabled:
        return page.redirect(f"/webhooks/{view.id}", flash="It is off already.", tone="warn")
    if page.field("confirmed") and reason:
        await page.services.webhooks.change(page.caller, view.id, {"enabled": False}, reason=reason)
        return page.redirect(f"/webhooks/{view.id}", flash="It is paused. What happens meanwhile waits for it.")
    return _confirm(
        page,
        view,
        title="Pause this webhook?",
        what="Nothing is sent to it. What happens meanwhile is sent once it is switched on, if it is still kept then.",
        action="pause",
        button="Pause it",
    )


@pages.post("/webhooks/{webhook}/rotate", needs=Permission.MANAGE)
async def rotate(page: Page) -> Response:
    """Ask, then give it another secret and show that: now, and never again."""
    view, reason = await _find(page), page.field("reason")
    if page.field("confirmed") and reason:
        made = await page.services.webhooks.rotate(page.caller, view.id, reason=reason)
        return page.render(
            "webhook_secret.html", title="The new secret", webhook=made, secret=made.secret, is_new=False
        )
    return _confirm(
        page,
        view,
        title="Give this webhook another secret?",
        what="The new one is shown once. The old one signs beside it for a day, so that its receiver loses nothing.",
        action="rotate",
        button="Make a new secret",
    )


@pages.post("/webhooks/{webhook}/remove", needs=Permission.MANAGE)
async def remove(page: Page) -> Response:
    """Ask, then delete it with all its messages."""
    view, reason = await _find(page), page.field("reason")
    if page.field("confirmed") and reason:
        await page.services.webhooks.remove(page.caller, view.id, reason=reason)
        return page.redirect("/webhooks", flash=f"Removed: {view.url[:100]}")
    return _confirm(
        page,
        view,
        title="Remove this webhook?",
        what="Its app is told nothing there any more. What waits for it, and what was sent, is deleted. It cannot be "
        "taken back; pause it instead, if it may be wanted again.",
        action="remove",
        button="Remove it",
    )


async def _find(page: Page) -> Webhook:
    return await page.services.webhooks.get(page.caller, page.part("webhook"))


def _confirm(page: Page, view: Webhook, *, title: str, what: str, action: str, button: str) -> Response:
    return page.confirm(
        title=title,
        count=view.waiting,
        noun="message waits for it" if view.waiting == 1 else "messages wait for it",
        what=what,
        action=f"/webhooks/{view.id}/{action}",
        button=button,
        back=f"/webhooks/{view.id}",
        danger=action != "rotate",
        error="Say why." if page.field("confirmed") else "",
    )


def _given(page: Page) -> dict[str, Any]:
    given: dict[str, Any] = {
        name: page.field(name) for name in ("app", "url", "description", "schools", "format", "reason")
    }
    given["statuses"] = [Status(one) for one in map(str, page.form.getlist("statuses")) if one in set(Status)]
    return given


def _wrong_here(given: Mapping[str, Any]) -> dict[str, str]:
    """Return what is wrong that the API would refuse by the shape alone."""
    text: str = given["description"]
    if len(text) > _LONGEST_DESCRIPTION or not text.isprintable():
        return {"description": f"It has {len(text)} characters: {_LONGEST_DESCRIPTION} is the most."}
    return {}


def _errors(findings: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    errors: dict[str, str] = {}
    for one in findings:
        name = str(one["pointer"]).split("/")[1]
        errors[name] = f"{errors.get(name, '')} {str(one['message']).rstrip('.')}. {one['hint']}".strip()
    return errors


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


async def _form(
    page: Page, given: Mapping[str, Any], errors: Mapping[str, str] | None = None, *, view: Webhook | None = None
) -> Response:
    usual = {
        "app": "",
        "url": "",
        "description": "",
        "schools": "",
        "format": WebhookFormat.STANDARD.value,
        "reason": "",
    }
    apps = [] if view is not None else await page.services.keys.apps()
    return page.render(
        "webhook_form.html",
        title="A new webhook" if view is None else "Change the webhook",
        status=422 if errors else 200,
        webhook=view,
        given={**usual, "statuses": [str(one) for one in USUAL_STATUSES], **given},
        errors=errors or {},
        apps=[("", "Choose…"), *((one, one) for one in apps)],
        formats=_FORMATS,
        statuses=[(status.value, STATUSES[status.value].words) for status in Status],
    )
