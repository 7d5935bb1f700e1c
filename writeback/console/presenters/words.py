"""What things are called on pages: plain English for statuses, kinds and holds, and the shape that goes with each."""

from typing import NamedTuple

from writeback.domain.school import HOLD_WORDS
from writeback.domain.staff import CONSOLE_APPS
from writeback.domain.states import Status
from writeback.providers.registry import PROVIDERS


class Badge(NamedTuple):
    """How a status looks: words, and a tone. Each tone has a shape of its own, so colour never stands alone."""

    words: str
    tone: str
    """ok, wait, busy, warn, bad, off."""
    meaning: str = ""


STATUSES: dict[str, Badge] = {
    "queued": Badge("Queued", "wait", "Accepted, waits its turn"),
    "held": Badge("Held", "warn", "Waits for something outside"),
    "sending": Badge("Sending", "busy", "A request is under way"),
    "sent": Badge("Sent", "busy", "The provider has it; evidence is awaited"),
    "unknown": Badge("Uncertain", "warn", "It may or may not have arrived; we are looking"),
    "needs_attention": Badge("Needs a person", "warn", "Only a person can decide"),
    "confirmed": Badge("Confirmed", "ok", "Evidence says that it is in the MIS"),
    "partial": Badge("Partly confirmed", "bad", "Some records are in the MIS, others were refused"),
    "failed": Badge("Failed", "bad", "Refused for good"),
    "refused": Badge("Refused", "bad", "Not accepted: it was invalid when it was sent in"),
    "superseded": Badge("Superseded", "off", "A later writeback took its place"),
    "cancelled": Badge("Cancelled", "off", "Withdrawn"),
    "expired": Badge("Expired", "bad", "Its deadline passed before it was sent"),
}
assert set(STATUSES) >= set(Status)

KINDS: dict[str, str] = {
    "attendance.session": "Session marks",
    "attendance.lesson": "Lesson marks",
    "detention_attendance.set": "Detention attendance",
    "detention_attendance.delete": "Detention attendance, removed",
    "xporter.raw": "Xporter, as it is",
}
_VERBS = {"create": "new", "update": "changed", "delete": "removed", "set": "set"}


def status_badge(status: str) -> Badge:
    return STATUSES.get(status) or Badge(sentence(status), "off")


def cause_words(code: str) -> str:
    """Return a finding's code in words, or the status of what went wrong without a finding."""
    return STATUSES[code].words if code in STATUSES else sentence(code)


def kind_words(kind: str) -> str:
    """Return a kind in words, e.g. `Behaviour, new`."""
    if kind in KINDS:
        return KINDS[kind]
    thing, _, verb = kind.partition(".")
    return f"{sentence(thing)}, {_VERBS.get(verb, verb)}" if verb else sentence(thing)


def hold_words(reason: str) -> str:
    return HOLD_WORDS.get(reason) or sentence(reason)


def provider_words(provider: str) -> str:
    return PROVIDERS[provider].label if provider in PROVIDERS else provider.title()


def app_words(app: str) -> str:
    """Return who has sent something: an app by its id, or people at the console."""
    return "people in the console" if app.startswith(CONSOLE_APPS) else app


def sentence(code: str) -> str:
    """Return a code as words: `student_not_on_roll` becomes `Student not on roll`."""
    words = code.replace("_", " ").replace(".", " ").strip()
    return words[:1].upper() + words[1:]
