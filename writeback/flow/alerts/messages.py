"""What a message says: facts alone (ids, counts, times), and out of these a subject and a text for people. Pure.

No pupil is in any of it: whoever wants to know more follows the link, and signs in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from writeback.domain.alerts import AlertKind, Told
from writeback.flow.alerts.conditions import NO_WORKER
from writeback.store.tables import AlertMessageRow, IncidentRow

_MOST_SCHOOLS = 20
"""Of more the number is told."""


@dataclass(frozen=True)
class Message:
    """A message for people, and the same as JSON for machines."""

    id: str
    told: Told
    subject: str
    lines: Sequence[str]
    link: str
    facts: Mapping[str, Any]
    thread: str
    """What messages about one incident have in common."""

    @property
    def text(self) -> str:
        return "\n".join([*self.lines, "", self.link])


@dataclass(frozen=True)
class Words:
    """What ids are called, and on whose clock times are told."""

    labels: Mapping[str, str]
    """Of providers."""
    schools: Mapping[str, str]
    holds: Mapping[str, str]
    """Why a school is held, in words."""
    timezone: str
    console: str
    """Where the console is."""

    def school(self, school_id: str) -> str:
        return self.schools.get(school_id, school_id)

    def at(self, text: str) -> str:
        """Return an instant as people read it."""
        return f"{datetime.fromisoformat(text).astimezone(ZoneInfo(self.timezone)):%H:%M on %A, %-d %B}"


def facts_of(
    row: IncidentRow, schools: Sequence[str], *, ended_at: datetime | None = None, count: int | None = None
) -> dict[str, object]:
    """Return what is told of an incident to somebody who is told of these schools; `count`: how many there are, where
    that is not known from them."""
    return {
        "incident": row.id,
        "kind": row.kind,
        "about": row.about,
        "since": row.since.isoformat(),
        "ended_at": ended_at.isoformat() if ended_at else None,
        "schools": list(schools[:_MOST_SCHOOLS]),
        "school_count": len(schools) if count is None else count,
        "writebacks": row.writebacks if len(schools) == len(row.schools) else None,
    }


def compose(row: AlertMessageRow, words: Words) -> Message:
    """Return a message as it is sent."""
    told = Told(row.told)
    match told:
        case Told.TEST:
            subject, lines, path = "A test: alerts arrive here", ["Nothing is amiss. Somebody has tried this out."], ""
        case Told.REPORT:
            subject, lines, path = _report(row.content, words)
        case _:
            subject, lines, path = _incident(told, row.content, words)
    return Message(
        row.id, told, subject, lines, f"{words.console}{path or '/now'}", row.content, row.incident_id or row.id
    )


def title_of(kind: AlertKind, about: str, school_count: int, words: Words) -> str:
    """Return what is amiss, in one line."""
    provider, _, reason = about.partition(": ")
    label = words.labels.get(provider, provider)
    at = "one school" if school_count == 1 else f"{school_count} schools"
    is_held = "is" if school_count == 1 else "are"
    match kind:
        case AlertKind.WORKER_GONE:
            return "No worker runs" if about == NO_WORKER else f"A worker says nothing more: {about}"
        case AlertKind.REDIS_GONE:
            return "Redis does not answer"
        case AlertKind.PROVIDER_UNANSWERED:
            return f"{label} answers nobody"
        case AlertKind.TOKEN_REFUSED:
            return f"{label} refuses our token at {at}"
        case AlertKind.SCHOOL_HELD:
            why = words.holds.get(reason) or reason.replace("_", " ")
            return f"{at.capitalize()} {is_held} held ({label}): {why[:1].lower()}{why[1:]}"
        case AlertKind.SCHOOL_UNANSWERED:
            return f"{label} does not answer for {at}"
        case AlertKind.SCHOOL_FAILING:
            return f"Most of what {at} sent through {label} failed"
        case AlertKind.SCHOOL_SILENT:
            return f"Nothing gets through at {at} ({label})"
        case AlertKind.DECISIONS_WAIT:
            return f"Writebacks of {at} wait for a person's decision ({label})"
        case AlertKind.LIST_SHRANK:
            return f"Much is missing at once from the list of {reason.replace('_', ' ')} of {at} ({label})"
        case AlertKind.WEBHOOK_FAILING:
            return f"Nothing gets through to the webhook {about}"


def _incident(told: Told, facts: Mapping[str, Any], words: Words) -> tuple[str, list[str], str]:
    count = int(facts["school_count"])
    title = title_of(AlertKind(facts["kind"]), facts["about"], count, words)
    lines = [f"Since {words.at(facts['since'])}."]
    if told is Told.OVER:
        title = f"Over: {title}"
        lines = [f"It began at {words.at(facts['since'])}, and was over at {words.at(facts['ended_at'])}."]
    elif told is Told.GREW:
        title = f"Larger now: {title}"
    if facts["writebacks"] and told is not Told.OVER:
        lines.append(f"Writebacks that wait for it: {facts['writebacks']:,}.")
    if facts["schools"]:
        named = ", ".join(words.school(one) for one in facts["schools"])
        more = count - len(facts["schools"])
        lines.append(f"{'School' if count == 1 else 'Schools'}: {named}{f' and {more} more' if more else ''}.")
    return title, lines, f"/alerts/{facts['incident']}"


def _report(facts: Mapping[str, Any], words: Words) -> tuple[str, list[str], str]:
    """Return how a session went: everything in one line, then the schools where something is not in the MIS."""
    missing, accepted = int(facts["not_in_mis"]), int(facts["accepted"])
    when = words.at(facts["until"])
    if not missing:
        return f"All {accepted:,} writebacks are in the MIS", [f"Accepted until {when}, and confirmed since."], ""
    are = "is" if missing == 1 else "are"
    lines = [f"Of {accepted:,} writebacks accepted until {when}, {missing:,} {are} not confirmed in the MIS."]
    for one in facts["schools"]:
        parts = [f"{one[name]:,} {says}" for name, says in _PARTS if one[name]]
        lines.append(f"{words.school(one['school'])}: {', '.join(parts)}.")
    if facts["more_schools"]:
        lines.append(f"And {facts['more_schools']} more schools.")
    return f"{missing:,} of {accepted:,} writebacks {are} not in the MIS", lines, "/reports"


_PARTS = (("failed", "failed"), ("held", "held"), ("deciding", "wait for a decision"), ("waiting", "on their way"))
