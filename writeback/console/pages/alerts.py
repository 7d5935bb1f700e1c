"""`/console/alerts`: what is amiss and since when, who has it in hand, and who is told without looking."""

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from starlette.responses import Response

from writeback.console.page import Page, Pages
from writeback.console.presenters.words import provider_words
from writeback.core.errors import Conflict, InvalidSubmission, NotFound
from writeback.domain.alerts import AlertKind, ReceiverKind
from writeback.domain.school import HOLD_WORDS
from writeback.domain.staff import Permission
from writeback.flow.alerts.messages import Words, title_of
from writeback.flow.alerts.quiet import read_hours
from writeback.flow.alerts.receivers import NewReceiver
from writeback.providers.registry import PROVIDERS
from writeback.store.tables import IncidentRow

pages = Pages()

_A_PAGE = 50
_KINDS = (
    (AlertKind.WORKER_GONE, "No worker runs, or one is stuck"),
    (AlertKind.REDIS_GONE, "Redis does not answer"),
    (AlertKind.PROVIDER_UNANSWERED, "A provider answers nobody"),
    (AlertKind.TOKEN_REFUSED, "A provider refuses our token"),
    (AlertKind.SCHOOL_HELD, "A school is held"),
    (AlertKind.SCHOOL_UNANSWERED, "A school’s requests get no answer"),
    (AlertKind.SCHOOL_FAILING, "Most of what a school sends fails"),
    (AlertKind.SCHOOL_SILENT, "Nothing gets through at a school"),
    (AlertKind.DECISIONS_WAIT, "Writebacks wait for a person’s decision"),
    (AlertKind.LIST_SHRANK, "Much is missing at once from a school’s list"),
    (AlertKind.WEBHOOK_FAILING, "Nothing gets through to an app’s webhook"),
)
_WAYS = (
    (ReceiverKind.EMAIL, "Mail"),
    (ReceiverKind.TEAMS, "Microsoft Teams: the address of a Workflows webhook"),
    (ReceiverKind.SLACK, "Slack: the address of an incoming webhook"),
    (ReceiverKind.WEBHOOK, "A webhook of your own: JSON, signed"),
)
_FIELDS = ("name", "kind", "address", "schools", "quiet", "timezone", "reports")
_STATES = {
    "pending": ("wait", "Waits"),
    "sending": ("busy", "Being sent"),
    "sent": ("ok", "Sent"),
    "failed": ("bad", "Given up"),
    "dropped": ("off", "Over before it was sent"),
}


@pages.get("/alerts")
async def list_(page: Page) -> Response:
    """List what is amiss at the account's schools, what was, and who is told."""
    only = page.person.schools
    alerts, words = page.services.alerts, await _words(page)
    may_manage = page.may(Permission.MANAGE)
    going_on = await alerts.incidents(is_open=True, limit=_A_PAGE, schools=only)
    over = await alerts.incidents(is_open=False, limit=_A_PAGE, schools=only)
    return page.render(
        "alerts.html",
        title="Alerts",
        going_on=[(row, _title(row, only, words)) for row in going_on],
        over=[(row, _title(row, only, words)) for row in over],
        receivers=await alerts.list() if may_manage else (),
        states=_STATES,
        kinds=dict(_KINDS),
        ways=dict(_WAYS),
    )


@pages.get("/alerts/new", needs=Permission.MANAGE)
async def ask_new(page: Page) -> Response:
    """Ask whom to tell."""
    return _form(page, {})


@pages.post("/alerts/new", needs=Permission.MANAGE)
async def make(page: Page) -> Response:
    """Add a receiver; show the secret of a webhook: now, and never again."""
    given: dict[str, Any] = {name: page.field(name) for name in _FIELDS}
    given["kinds"] = page.form.getlist("kinds")
    try:
        made = await page.services.alerts.add(_new(given), page.actor())
    except InvalidSubmission as problem:
        return _form(page, given, _errors(problem.extra["findings"]))
    except Conflict as problem:
        return _form(page, given, {"name": f"{problem.detail}. {problem.hint}"})
    except _Unreadable as problem:
        return _form(page, given, {problem.field: str(problem)})
    if made.secret:
        return page.render("receiver_secret.html", title="The new receiver", made=made)
    return page.redirect("/alerts", flash=f"{made.view.name} is told from now on. Send a test to see that it arrives.")


@pages.get("/alerts/{incident}")
async def show(page: Page) -> Response:
    """Show one: messages lead here."""
    row = await _find(page)
    words, only = await _words(page), page.person.schools
    schools = [(school, words.school(school)) for school in row.schools if only is None or school in only]
    heading, sees_all = _title(row, only, words), _sees_all(page, row)
    return page.render("alert.html", title="Alert", row=row, heading=heading, schools=schools, sees_all=sees_all)


@pages.post("/alerts/{incident}/acknowledge", needs=Permission.CORRECT)
async def acknowledge(page: Page) -> Response:
    """Say that somebody has it in hand."""
    row = await _find(page)
    if not _sees_all(page, row):
        flash = "It is about other schools, too: whoever looks after all of them takes it in hand."
        return page.redirect(f"/alerts/{row.id}", flash=flash, tone="warn")
    try:
        await page.services.alerts.acknowledge(row.id, page.actor())
    except Conflict:
        return page.redirect(f"/alerts/{row.id}", flash="It is over: there is nothing to do.")
    return page.redirect(f"/alerts/{row.id}", flash="It is in your hands. Nobody is told again until it is over.")


@pages.post("/alerts/receivers/{receiver}/test", needs=Permission.MANAGE)
async def test(page: Page) -> Response:
    """Have a message sent that only says that messages arrive."""
    await page.services.alerts.test(page.part("receiver"), page.actor())
    return page.redirect("/alerts", flash="A test is on its way: a worker sends it within half a minute.")


@pages.post("/alerts/receivers/{receiver}/remove", needs=Permission.MANAGE)
async def remove(page: Page) -> Response:
    """Ask, then tell somebody nothing more."""
    receiver, reason = page.part("receiver"), page.field("reason")
    known = {view.id: view for view in await page.services.alerts.list()}
    if receiver not in known:
        raise NotFound("receiver_unknown", f"no receiver {receiver[:64]!r}", hint="See the list of receivers.")
    if page.field("confirmed") and reason:
        await page.services.alerts.remove(receiver, page.actor(reason))
        return page.redirect("/alerts", flash=f"{known[receiver].name} is told nothing more.")
    return page.confirm(
        title="Tell them nothing more?",
        count=1,
        noun=f"receiver, {known[receiver].name}",
        what="No message goes there from now on, nor any that waits.",
        action=f"/alerts/receivers/{receiver}/remove",
        button="Remove it",
        back="/alerts",
        danger=True,
        error="Say why." if page.field("confirmed") else "",
    )


class _Unreadable(Exception):
    def __init__(self, field: str, says: str) -> None:
        super().__init__(says)
        self.field = field


def _new(given: Mapping[str, Any]) -> NewReceiver:
    try:
        begins, ends = read_hours(given["quiet"]) if given["quiet"] else (None, None)
    except ValueError as error:
        raise _Unreadable("quiet", f"{error}.") from None
    if given["kind"] not in set(ReceiverKind):
        raise _Unreadable("kind", "Choose one of these.")
    kinds = [AlertKind(kind) for kind in given["kinds"] if kind in set(AlertKind)]
    return NewReceiver(
        name=given["name"],
        kind=ReceiverKind(given["kind"]),
        address=given["address"],
        kinds=None if len(kinds) == len(AlertKind) else kinds,
        schools=given["schools"].replace(",", " ").split() or None,
        reports=bool(given["reports"]),
        quiet_from=begins,
        quiet_until=ends,
        timezone=given["timezone"] or "Europe/London",
    )


def _errors(findings: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    errors: dict[str, str] = {}
    for one in findings:
        name = {"quiet_from": "quiet"}.get(field := str(one["pointer"]).split("/")[1], field)
        errors[name] = f"{errors.get(name, '')} {str(one['message']).rstrip('.')}. {one['hint']}".strip()
    return errors


def _form(page: Page, given: Mapping[str, Any], errors: Mapping[str, str] | None = None) -> Response:
    usual = {"name": "", "kind": "email", "address": "", "schools": "", "quiet": "", "reports": "", "timezone": ""}
    return page.render(
        "new_receiver.html",
        title="Tell somebody",
        status=422 if errors else 200,
        given={**usual, "kinds": [kind.value for kind in AlertKind], **given},
        errors=errors or {},
        kinds=[(kind.value, words) for kind, words in _KINDS],
        ways=[(way.value, words) for way, words in _WAYS],
        timezone=page.services.settings.console.timezone,
        has_mail=bool(page.services.settings.alerts.mail.host),
    )


async def _find(page: Page) -> IncidentRow:
    row = await page.services.alerts.incident(page.part("incident"))
    only = page.person.schools
    if row is None or (only is not None and not only & set(row.schools)):
        raise NotFound("incident_unknown", "no such alert", hint="It may have been deleted for its age.")
    return row


def _sees_all(page: Page, row: IncidentRow) -> bool:
    """Whether the account is for all of the schools: who has it in hand keeps everybody from being told again."""
    return page.person.schools is None or page.person.schools.issuperset(row.schools)


def _title(row: IncidentRow, only: frozenset[str] | None, words: Words) -> str:
    seen = [school for school in row.schools if only is None or school in only]
    return title_of(AlertKind(row.kind), row.about, len(seen), words)


async def _words(page: Page) -> Words:
    return Words(
        labels={name: provider_words(name) for name in PROVIDERS},
        schools=dict(await page.services.reports.schools(page.caller)),
        holds=HOLD_WORDS,
        timezone=str(ZoneInfo(page.services.settings.console.timezone)),
        console="",
    )
