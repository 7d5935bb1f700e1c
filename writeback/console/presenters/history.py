"""What happened to one writeback, in words and in order: its events, the requests that carried it, who corrected
what."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from writeback.console.presenters.records import label_of
from writeback.console.presenters.times import counted
from writeback.console.presenters.words import cause_words, hold_words, provider_words, sentence, status_badge
from writeback.domain.school import HoldReason
from writeback.domain.states import Event, Remark
from writeback_client.models.access import AuditEntry
from writeback_client.models.writebacks import Correction, ProviderRequest, TimelineEntry, Writeback

_EVENTS: Mapping[str, str] = {
    Event.ACCEPTED: "Accepted",
    Event.SENDING: "Being sent",
    Event.SENT: "Taken by the provider",
    Event.CONTINUED: "A part is sent, the rest waits its turn",
    Event.RETRY: "Goes again later",
    Event.HELD: "Held",
    Event.RELEASED: "Let go on",
    Event.IN_DOUBT: "Uncertain whether it has arrived",
    Event.NEEDS_PERSON: "A person must decide",
    Event.CONFIRMED: "Confirmed: it is in the MIS",
    Event.PARTLY_CONFIRMED: "Partly confirmed: some records were refused",
    Event.FAILED: "Failed",
    Event.SUPERSEDED: "A later writeback took its place",
    Event.CANCELLED: "Cancelled",
    Event.EXPIRED: "Its deadline passed",
    Event.RESUBMITTED: "Sent again by a person",
    Remark.CHANGED_IN_MIS: "The MIS has another value by now",
    Remark.IDS_CARRIED_OVER: "Put into the school's new ids",
}
_OUTCOMES: Mapping[str, tuple[str, str]] = {
    "taken": ("taken", "busy"),
    "applied": ("applied at once", "ok"),
    "refused": ("refused", "bad"),
    "not_reached": ("no connection", "warn"),
    "uncertain": ("no clear answer", "warn"),
    "blocked": ("not let in", "warn"),
    "lost": ("the sender went away", "warn"),
    "left": ("not waited for any more", "warn"),
}
_DEEDS: Mapping[str, str] = {
    "writeback.resubmit_refused": "Tried to send it again; nothing could go",
    "writeback.cancel_refused": "Tried to cancel it; nothing could be",
    "writeback.resolve_refused": "Tried to settle it; nothing could be",
    "writeback.check": "Had its evidence looked for at once",
    "writeback.show": "Saw its comments",
    "writeback.answer": "Saw what the provider answered",
}
"""Of the audit log: what no event tells."""
_LONGEST = 300
_BEFORE, _IS_EVENT, _AFTER = range(3)


@dataclass(frozen=True)
class Entry:
    """One thing that happened."""

    at: datetime
    tone: str
    words: str
    who: str = ""
    detail: str = ""
    reference: str = ""
    """The provider's, for asking them."""
    answer_of: str = ""
    """The request whose last answer is kept."""
    request: str = ""
    """Our id of the request that it is about."""
    bulk: str = ""
    """The bulk job, or call by filter, that did it with others."""


def history_of(found: Writeback, deeds: Sequence[AuditEntry] = ()) -> Sequence[Entry]:
    """Return all of it in the order in which it happened. `deeds`: what the audit log has of it, for those who may read
    that: tries of which nothing could go, checks, looks at what is hidden, and with which others it was done.

    Events are in order by their numbers; the rest has its place among them: a try comes after the event that sent it,
    what settled a request or was corrected before the event that followed from it.
    """
    events = found.timeline
    bulks = {_first_from(events, one.at): str(one.changed["bulk"]) for one in deeds if one.changed.get("bulk")}
    placed = [(place, _IS_EVENT, _event(event, bulks.get(place, ""))) for place, event in enumerate(events)]
    placed += [(_last_by(events, one.at), _AFTER, entry) for one in deeds if (entry := _deed(one)) is not None]
    for request in found.requests:
        tries, settled = _tries(request, len(found.records)), _settled(request)
        sent = next((place for place, event in enumerate(events) if event.detail == request.id), None)
        placed += [(_last_by(events, one.at) if sent is None else sent, _AFTER, one) for one in tries]
        placed += [(max(_first_from(events, one.at), (sent or 0) + 1), _BEFORE, one) for one in settled]
    for correction in found.mendings:
        placed += [(_first_from(events, one.at), _BEFORE, one) for one in _edits(correction)]
    return [entry for _, _, entry in sorted(placed, key=lambda one: (*one[:2], one[2].at))]


def _first_from(events: Sequence[TimelineEntry], at: datetime) -> int:
    """Return the place of the first event that did not happen before then."""
    return next((place for place, event in enumerate(events) if event.at >= at), len(events))


def _last_by(events: Sequence[TimelineEntry], at: datetime) -> int:
    """Return the place of the last event that had happened by then."""
    return max((place for place, event in enumerate(events) if event.at <= at), default=-1)


def actor_words(actor: str) -> str:
    """Return who did something: `staff:ann@example.org` becomes `ann@example.org`."""
    what, _, name = actor.partition(":")
    match what:
        case "staff":
            return name
        case "app":
            return f"the app {name.partition('/')[0]}"
        case "provider":
            return provider_words(name)
        case _:
            return "the service" if actor in ("worker", "writeback", "sweeper") else actor


def _event(event: TimelineEntry, bulk: str) -> Entry:
    words, tone = _EVENTS.get(event.event, sentence(event.event)), status_badge(event.status).tone
    is_of_person = event.actor.startswith(("staff:", "app:"))
    return Entry(event.at, tone, words, actor_words(event.actor), _detail(event), bulk=bulk if is_of_person else "")


def _deed(one: AuditEntry) -> Entry | None:
    """Return what is said nowhere else: no event tells it, for nothing changed."""
    words = _DEEDS.get(one.action)
    if words is None:
        return None
    why = refusal_words(one.changed) if one.changed.get("code") else ""
    detail = ". ".join(filter(None, (one.reason, why)))
    tone = "warn" if why else "wait"
    return Entry(one.at, tone, words, actor_words(one.actor), detail, bulk=str(one.changed.get("bulk") or ""))


def refusal_words(changed: Mapping[str, Any]) -> str:
    """Return why nothing could go: the causes of its records, or else that of the whole."""
    found: Mapping[str, int] = changed.get("findings") or {}
    causes = [f"{cause_words(code).lower()} ({counted(number, 'record')})" for code, number in found.items()]
    return f"because: {', '.join(causes) or cause_words(str(changed['code'])).lower()}"


def _detail(event: TimelineEntry) -> str:
    """Return what is said with it; a hold's reason in words."""
    detail = event.detail or ""
    reason, _, rest = detail.partition(": ")
    if event.event == Event.HELD and reason in set(HoldReason):
        return f"{hold_words(reason)}. {rest}".strip()
    return "" if event.event == Event.SENDING else detail[:_LONGEST]  # that is its request's id, which follows


def _tries(request: ProviderRequest, records: int) -> Iterator[Entry]:
    """Yield each try of a request, and what the provider answered."""
    provider = provider_words(request.provider)
    carried = counted(len(request.records), "record") if len(request.records) != records else "all of it"
    for one in request.attempts:
        said, tone = _OUTCOMES.get(one.outcome or "", ("under way", "busy"))
        again = f", try {one.number}" if one.number > 1 else ""
        answered = one.finished_at - one.started_at if one.finished_at else None
        took = f" after {answered.total_seconds():.1f} s" if answered is not None else ""
        words = f"Request to {provider} with {carried}{again}: {said}{took}"
        kept = request.id if request.answer_kept and one is request.attempts[-1] else ""
        detail, reference = (one.detail or "")[:_LONGEST], request.provider_ref or ""
        yield Entry(one.started_at, tone, words, "", detail, reference, kept, request.id)


def _settled(request: ProviderRequest) -> Iterator[Entry]:
    """Yield how a request ended, where it has."""
    if request.settled_at is not None and request.result:
        by = f", by {sentence(request.evidence).lower()}" if request.evidence else ""
        tone = "ok" if request.result == "confirmed" else "wait"
        yield Entry(request.settled_at, tone, f"Request settled: {sentence(request.result).lower()}{by}")


def _edits(correction: Correction) -> Iterator[Entry]:
    """Yield which fields a person has changed: their names, for what they say may name a pupil."""
    for record in correction.records:
        was, became = record.before or {}, record.after or {}
        if not became:
            continue
        changed = sorted(name for name in {*was, *became} if was.get(name) != became.get(name))
        fields = ", ".join(label_of(name).lower() for name in changed) or "nothing"
        words = f"Record {record.index + 1} corrected: {fields}"
        yield Entry(correction.at, "wait", words, actor_words(correction.actor), "")
