"""One pupil's day in words that a parent can be given: what was asked, by whom, and what is in the MIS. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from writeback.console.presenters.history import actor_words
from writeback.console.presenters.naming import called
from writeback.console.presenters.records import FREE_TEXT, NEVER, Shape, in_words, label_of
from writeback.console.presenters.words import app_words, kind_words, sentence
from writeback.domain.states import Event
from writeback.flow.correct.read_mis_now import InMis, MisNow
from writeback.flow.directory.names_shown import Names
from writeback.flow.projections.pupil_days import AskedFor
from writeback_client.models.writebacks import TimelineEntry

_SESSIONS = {"AM": "Morning session", "PM": "Afternoon session"}
_EVIDENCE = {
    "read-back": "it was read in the MIS afterwards",
    "poll": "the provider said so when it was asked",
    "webhook+poll": "the provider told, and said so when it was asked",
    "callback": "the provider reported it",
    "a person's word": "a person found it in the MIS",
    "left as it was": "another mark was there, and was left as it was",
}
_WHOSE = ("employee_id", "recorded_by_id", "supervisor_id", "authorised_by_id")
_SAID_ELSEWHERE = frozenset(
    {"student_id", "students", "date", "session", "lesson_id", "code", "ref", "only_if_blank", *_WHOSE}
)


@dataclass(frozen=True)
class Answer:
    """One line: what was asked for one session, lesson or incident, and what came of it."""

    asked: AskedFor
    place: str
    wanted: str
    """The mark and what it means, or the kind."""
    details: Sequence[str]
    hides_text: bool
    """There is a comment, which is not shown."""
    by: str
    changed_by: Sequence[str]
    evidence: str
    confirmed_at: datetime | None
    in_mis: str
    """The mark that the MIS had instead, where that is known."""
    why: Sequence[str]


def answer_of(asked: AskedFor, fields: Sequence[Shape], names: Names) -> Answer:
    """Return a record in words; `fields` describe its kind at its school."""
    record: Mapping[str, Any] = asked.record.record or {}
    shapes = {one["name"]: one for one in fields}
    code = record.get("code")
    comparison = asked.record.comparison
    return Answer(
        asked=asked,
        place=place_words(asked.writeback.kind, asked.what, asked.begins),
        wanted=in_words(code, shapes.get("code", {})) if code else kind_words(asked.writeback.kind),
        details=[
            f"{label_of(name)}: {in_words(value, shapes.get(name, {}))}"
            for name, value in record.items()
            if name not in _SAID_ELSEWHERE | FREE_TEXT | NEVER and _is_plain(value)
        ],
        hides_text=any(record.get(name) for name in FREE_TEXT),
        by=_by(asked, record, names),
        changed_by=list(dict.fromkeys(actor_words(one.actor) for one in asked.writeback.mendings)),
        evidence=_EVIDENCE.get(asked.record.evidence or "", sentence(asked.record.evidence or "")),
        confirmed_at=_confirmed_at(asked),
        in_mis=(comparison.in_mis or "nothing") if comparison and comparison.in_mis is not None else "",
        why=[f"{one.message} {one.hint or ''}".strip() for one in asked.record.findings],
    )


def place_words(kind: str, what: str, begins: str = "") -> str:
    """Return for what it is: `Morning session`, `Lesson at 09:00`, or the kind."""
    if what in _SESSIONS:
        return _SESSIONS[what]
    if what:
        return f"Lesson at {begins}" if begins else f"Lesson {what}"
    return f"{kind_words(kind)}, {begins}" if begins else kind_words(kind)


@dataclass(frozen=True)
class Seen:
    """One line of what the MIS says now."""

    place: str
    says: str
    compared: str
    tone: str


def seen_in(now: MisNow, asked: Sequence[AskedFor]) -> list[Seen]:
    """Return what was read in words, sessions and lessons in the order of the day."""
    begins = {one.what: one.begins for one in asked}
    order = {"AM": 0, "PM": 2}
    found = sorted(now.found, key=lambda one: (order.get(one.what, 1 if one.what else 3), begins.get(one.what, "")))
    return [_seen(one, begins.get(one.what, "")) for one in found]


def _seen(one: InMis, begins: str) -> Seen:
    place = place_words(one.kind, one.what, begins if one.what else "")
    if not one.is_read:
        return Seen(place, "cannot be read", "", "off")
    is_mark = one.kind in ("attendance.session", "attendance.lesson")
    says = " – ".join(filter(None, (one.value, one.meaning))) or ("no mark" if is_mark else "nothing of it")
    if one.mis_ids:
        says = f"there, as {', '.join(one.mis_ids)}"
    elif one.matches and not is_mark:
        says = "as it was asked for"
    compared = {True: "as it was asked for", False: "not what was asked for last", None: "nothing was asked for"}
    tone = {True: "ok", False: "warn", None: "off"}[one.matches]
    return Seen(place, says, compared[one.matches], tone)


def _by(asked: AskedFor, record: Mapping[str, Any], names: Names) -> str:
    """Return who asked: the member of staff whom the record names, and the app."""
    staff = next((str(record[name]) for name in _WHOSE if record.get(name)), "")
    who = called(names.staff.get(staff)) or (f"member of staff {staff}" if staff else "")
    return f"{who}, through {app_words(asked.writeback.app)}" if who else app_words(asked.writeback.app)


def _confirmed_at(asked: AskedFor) -> datetime | None:
    """Return when there was evidence of it: of its request, or of the whole."""
    if asked.record.status != "confirmed":
        return None
    settled = [
        request.settled_at
        for request in asked.writeback.requests
        if asked.record.index in request.records and request.settled_at is not None and request.result == "confirmed"
    ]
    events: Sequence[TimelineEntry] = asked.writeback.timeline
    told = [one.at for one in events if one.event in (Event.CONFIRMED, Event.PARTLY_CONFIRMED)]
    return max(settled, default=max(told, default=None))


def _is_plain(value: Any) -> bool:
    return value not in (None, "", []) and not isinstance(value, Mapping | list)
