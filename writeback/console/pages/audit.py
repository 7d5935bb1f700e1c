"""`/console/audit`: who did what, when, and why."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from starlette.responses import Response

from writeback.console.page import Page, Pages
from writeback.console.presenters.history import actor_words, refusal_words
from writeback.console.presenters.records import label_of
from writeback.console.presenters.times import counted, lasted
from writeback.console.presenters.words import hold_words, sentence, status_badge
from writeback.domain.staff import Permission
from writeback.store.people.audit import AuditFilter
from writeback_client.models.access import AuditEntry
from writeback_client.models.base import Page as Listed

pages = Pages()

_A_PAGE = 50
_ACTIONS = {
    "writeback.resubmit": "Sent a writeback again",
    "writeback.cancel": "Cancelled a writeback",
    "writeback.resolve": "Settled a writeback",
    "writeback.check": "Had a writeback’s evidence looked for at once",
    "writeback.resubmit_refused": "Tried to send a writeback again; nothing could go",
    "writeback.cancel_refused": "Tried to cancel a writeback; nothing could be",
    "writeback.resolve_refused": "Tried to settle a writeback; nothing could be",
    "writeback.show": "Saw a writeback’s comments",
    "writeback.answer": "Saw what a provider answered",
    "bulk.begin": "Began a bulk job",
    "bulk.done": "Ended a bulk job",
    "bulk.stop": "Stopped a bulk job",
    "bulk.go_on": "Had a bulk job go on",
    "batch.upload": "Uploaded a file",
    "batch.done": "Worked a file through",
    "batch.cancel": "Cancelled a file",
    "batch.refused": "Refused a file",
    "batch.show": "Saw, or downloaded, rows of a file",
    "batch.mend": "Corrected or left out a row of a file",
    "batch.mapping": "Said what a file’s columns are",
    "batch.person": "Said who it is whom a file names",
    "batch.send": "Sent a file that was looked at",
    "mapping.delete": "Had columns no longer read as confirmed",
    "database.restored": "Announced a restore of the database",
    "school.add": "Registered a school",
    "school.change": "Changed a school",
    "school.hold": "Held a school",
    "school.resume": "Let a school go on",
    "school.hold_ended": "Ended a hold at its time",
    "school.sync": "Fetched a school’s lists",
    "people.show": "Saw names of pupils or staff",
    "people.find": "Looked for people",
    "pupil.show": "Saw a pupil’s day",
    "pupil.read": "Read in the MIS what it has of a pupil",
    "school.test": "Tried how a school’s provider answers",
    "mis.read": "Read a list of the MIS through a drop-in endpoint",
    "school.removals.accept": "Took out what fell out of a list",
    "school.removals.discard": "Kept what fell out of a list",
    "staff.sign_in": "Signed in",
    "staff.sign_in_failed": "Failed to sign in",
    "staff.sign_in_blocked": "Was kept from signing in",
    "staff.sign_out": "Signed out",
    "staff.sign_out_everywhere": "Signed out everywhere",
    "staff.add": "Made an account",
    "staff.role": "Changed an account’s role",
    "staff.password": "Set an account’s password",
    "staff.disable": "Disabled an account",
    "staff.enable": "Enabled an account",
    "key.create": "Made a key",
    "key.rotate": "Gave a key a new secret",
    "key.revoke": "Revoked a key",
    "webhook.create": "Added a webhook",
    "webhook.change": "Changed a webhook",
    "webhook.remove": "Removed a webhook",
    "webhook.rotate": "Gave a webhook a new secret",
    "webhook.test": "Sent a test to a webhook",
    "webhook.redeliver": "Had a message delivered again",
}
_GROUPS = (
    ("", "Anything"),
    ("writeback.", "With writebacks"),
    ("bulk.", "With many at once"),
    ("school.", "With schools"),
    ("batch.", "With files"),
    ("people.", "With people’s names"),
    ("pupil.", "With one pupil’s day"),
    ("key.", "With keys"),
    ("webhook.", "With webhooks"),
    ("staff.", "With accounts"),
)
_PLACES = {
    "writeback": "/writebacks/",
    "bulk": "/bulks/",
    "school": "/schools/",
    "batch": "/batches/",
    "webhook": "/webhooks/",
}


@pages.get("/audit", needs=Permission.AUDIT)
async def list_(page: Page) -> Response:
    """List entries, the latest first."""
    if page.query("school"):
        page.require_school(page.query("school"))
    problems: dict[str, str] = {}
    wanted = AuditFilter(
        school=page.query("school") or None,
        actor=_actor(page.query("who")),
        action=page.query("action") or None,
        subject=page.query("subject") or None,
        bulk=page.query("bulk") or None,
        since=_day(page, "since", problems),
        until=_day(page, "until", problems),
    )
    found: Listed[AuditEntry] = Listed(items=())
    if not problems:
        found = await page.services.corrections.audit.list(
            page.caller, wanted, limit=_A_PAGE, cursor=page.query("cursor") or None
        )
    schools = await page.services.reports.schools(page.caller)
    return page.render(
        "audit.html",
        title="Audit",
        status=422 if problems else 200,
        found=found,
        rows=[_row(page, one) for one in found.items],
        names=dict(schools),
        schools=[("", "All schools"), *schools],
        groups=_GROUPS,
        problems=problems,
        is_filtered=any(page.query(name) for name in ("school", "who", "action", "subject", "bulk", "since", "until")),
    )


def action_words(action: str) -> str:
    return _ACTIONS.get(action) or sentence(action)


def _row(page: Page, one: AuditEntry) -> tuple[AuditEntry, str, str, str, str]:
    return one, action_words(one.action), actor_words(one.actor), _place(page, one), _details(one)


def _actor(text: str) -> str | None:
    """Return how the actor begins: a name alone is a person's."""
    if not text:
        return None
    return text if ":" in text or text in ("command line", "writeback") else f"staff:{text}"


def _day(page: Page, name: str, problems: dict[str, str]) -> datetime | None:
    text = page.query(name)
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
        return page.times.midnight_of(day + timedelta(days=1 if name == "until" else 0))
    except (ValueError, OverflowError):
        problems[name] = f"“{text[:20]}” is no date: write it like 2026-01-12."
        return None


def _place(page: Page, one: AuditEntry) -> str:
    """Return the address of what it was done to; nothing where there is no page of it for this person."""
    what = one.action.partition(".")[0]
    if what == "webhook" and not page.may(Permission.MANAGE):
        return ""
    if what == "school" and one.school is None:  # it was tried, and not registered
        return ""
    if what == "bulk" and one.app:  # a key's call by filter, which is over with its answer
        return ""
    if what == "pupil" and one.school:
        return page.url(f"/schools/{one.school}/pupil", pupil=one.subject, date=one.changed.get("day"))
    if what == "people" and one.subject.startswith("wb_"):
        what = "writeback"
    return page.url(_PLACES[what] + one.subject) if what in _PLACES else ""


def _details(one: AuditEntry) -> str:
    """Return what is noted beside it, in words."""
    changed: Mapping[str, Any] = one.changed
    details: list[str] = []
    if "status" in changed:
        before, after = changed["status"]
        details.append(f"{status_badge(before).words.lower()}, then {status_badge(after).words.lower()}")
    if "records" in changed:
        details.append(f"{len(changed['records'])} of its records")
    if "edited" in changed:
        fields = sorted({label_of(name).lower() for edit in changed["edited"] for name in edit["fields"]})
        details.append(f"corrected: {', '.join(fields)}")
    if changed.get("day"):
        details.append(str(changed["day"]))
    if changed.get("hold"):
        details.append(hold_words(str(changed["hold"])).lower())
    if "takes_them" in changed:
        details.append("it took what was given" if changed["takes_them"] else "it did not take what was given")
    if "role" in changed:
        schools = changed.get("schools")
        details.append(f"{changed['role']}, {'all schools' if schools is None else ', '.join(schools)}")
    if changed.get("fields"):
        details.append(", ".join(changed["fields"]))
    if changed.get("file_name"):
        details.append(str(changed["file_name"]))
    if "rows" in changed:
        details.append(f"{changed['rows']:,} rows, {changed['bad']:,} bad, {changed['queued']:,} queued")
    if changed.get("reasons"):
        details.append(", ".join(reason.replace("_", " ") for reason in changed["reasons"]))
    if "matched" in changed:
        details.append(_many(changed))
    if "row" in changed:
        columns = f", {', '.join(changed['columns'])}" if changed.get("columns") else ""
        details.append(f"row {changed['row']}{columns}{', left out' if changed.get('left_out') else ''}")
    if changed.get("names_shown"):
        details.append(counted(changed["names_shown"], "name"))
    if "good" in changed:
        details.append(f"{changed['good']:,} rows; {changed['bad']:,} bad, {changed['left_out']:,} left out")
    if changed.get("code"):
        details.append(refusal_words(changed))
    if changed.get("bulk"):
        details.append("with others at once")
    if "overlap_s" in changed:
        overlap = changed["overlap_s"]
        details.append(f"the old one works for {lasted(overlap)}" if overlap else "the old one works no longer")
    return "; ".join(details)


def _many(changed: Mapping[str, Any]) -> str:
    """Return what was done to how many: `resubmit: 3 of 5 done, 1 could not be`."""
    if "done" not in changed:
        return f"{changed['action']}: {changed['matched']:,} writebacks"
    done, left = f"{changed['done']:,} of {changed['matched']:,} done", f"{changed['not_done']:,} could not be"
    return f"{changed['action']}: {done}, {left}"
