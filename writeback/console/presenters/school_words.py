"""A school's lists, lanes, permissions and rules in words."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from writeback.console.presenters.records import label_of
from writeback.console.presenters.words import kind_words, sentence
from writeback_client.models.schools import CachedList, School
from writeback_client.words import Directory

_LISTS = {
    "students": "Pupils",
    "employees": "Staff",
    "attendance_codes": "Attendance codes",
    "lessons": "Lessons",
    "achievement_attributes": "Choices for achievements",
    "behaviour_attributes": "Choices for behaviour",
    "detention_attributes": "Choices for detentions",
    "student_absence_attributes": "Choices for pupils’ absences",
    "employee_absence_attributes": "Choices for staff’s absences",
    "closures": "Holidays and closures",
}
_LANES = {
    "session-marks": "Session marks",
    "lesson-marks": "Lesson marks",
    "conduct": "Achievements and behaviour",
    "detention": "Detentions",
    "absence": "Absences",
    "raw": "Passed on as it is",
}


DIRECTORY_WORDS = {
    Directory.OFF: "Nothing is kept of pupils and staff but their ids: files and apps must name them by these.",
    Directory.HASHED: "Pupils and staff are found by UPN, number or name, by keyed hashes that nobody can read.",
    Directory.NAMED: "Pupils and staff are found by UPN, number or name; names are kept, sealed, and shown where "
    "somebody of the staff is to choose.",
}
"""What is kept of a school's people, by the setting."""
DIRECTORY_BUTTONS = {
    Directory.OFF: "Keep ids alone",
    Directory.HASHED: "Keep hashes, no names",
    Directory.NAMED: "Keep names too",
}
_GRANTS = {"granted": "granted", "missing": "not granted", "unknown": "not known whether granted"}
_LINES = re.compile(r" \(\d[\d, -]*\)")
"""Where a note has it from: lines of the provider's document."""


class Freshness(NamedTuple):
    tone: str
    words: str


@dataclass(frozen=True)
class Takes:
    """What a school takes of one kind."""

    kind: str
    tone: str
    words: str
    note: str
    needs: Sequence[str]
    refuses: Sequence[str]
    permission: str


def coded_words(name: str) -> str:
    """Return what a field that takes a code is called for all kinds alike: `behaviour.type` is “Behaviour: type”."""
    about, _, field = name.partition(".")
    return f"{sentence(about)}: {label_of(field).lower()}"


def list_words(name: str) -> str:
    return _LISTS.get(name) or sentence(name)


def lane_words(family: str) -> str:
    return _LANES.get(family) or sentence(family)


def freshness(lists: Sequence[CachedList], now: datetime, stale_after: timedelta) -> Freshness:
    """Return how fresh a school's lists are, the oldest deciding."""
    if not lists:
        return Freshness("warn", "Never fetched")
    oldest = min(one.fetched_at for one in lists)
    return Freshness("warn", "Stale") if now - oldest > stale_after else Freshness("ok", "Fresh")


def state_of(school: School) -> tuple[str, str]:
    """Return a tone and a word for it."""
    if school.hold is not None:
        return "warn", "Held"
    if school.held_families:
        return "warn", "Held in part"
    return ("warn", "Left alone") if school.left_alone is not None else ("ok", "Active")


def takes(kinds: Mapping[str, Mapping[str, Any]]) -> Sequence[Takes]:
    """Return what the school takes, kind by kind; what its provider has nothing of is left out."""
    return [_takes(kind, feature) for kind, feature in kinds.items() if feature["supported"] or kind != "xporter.raw"]


def _takes(kind: str, feature: Mapping[str, Any]) -> Takes:
    grant = feature["permission"] or {}
    is_missing = grant.get("state") == "missing"
    if not feature["supported"]:
        tone, words, note = "off", "Not taken", str(feature["reason"])
    elif is_missing:
        tone, words, note = "warn", "Needs a permission", str(grant["ask"])
    else:
        tone, words, note = "ok", "Taken", _LINES.sub("", str(feature["notes"]))
    fields = feature["fields"] if feature["supported"] else ()
    return Takes(
        kind_words(kind),
        tone,
        words,
        note,
        [label_of(one["name"]) for one in fields if one["use"] == "needed"],
        [label_of(one["name"]) for one in fields if one["use"] in ("forbidden", "ignored")],
        f"Permission {grant['name']}: {_GRANTS[grant['state']]}" if grant else "",
    )
