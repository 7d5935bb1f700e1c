"""Xporter's validation messages (Xporter 14049-14059), recognised, and the records that each names. Pure.

The document gives templates such as `Invalid StudentId: {StudentId}`; what is sent has values in their place. The same
table reads the immediate answer (tier 1) and the callback (tier 2).
"""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from writeback.domain.finding import Finding
from writeback.providers.http import shorten

NOTES_LIMIT = 500


@dataclass(frozen=True)
class Place:
    """What a message may name a record by."""

    student_id: str = ""
    session: str = ""
    lesson_id: str = ""
    mark: str = ""
    notes_length: int = 0

    @classmethod
    def of_mark(cls, mark: Mapping[str, Any]) -> "Place":
        """Return the place of a mark as it was sent."""
        return cls(
            student_id=str(mark.get("StudentId", "")),
            session=str(mark.get("Session", "")),
            lesson_id=str(mark.get("InstanceId", "")),
            mark=str(mark.get("Mark", "")),
            notes_length=len(mark.get("Notes", "")),
        )

    @classmethod
    def of_record(cls, record: Any) -> "Place":
        """Return the place of a record; its code is the Mark, which is also the code's id."""
        return cls(
            student_id=record.student_id,
            session=getattr(record, "session", ""),
            lesson_id=getattr(record, "lesson_id", ""),
            mark=record.code,
            notes_length=len(record.comment or ""),
        )


_Names = Callable[[Place, Sequence[str]], bool]


@dataclass(frozen=True)
class Message:
    """One row of the document's table: how it is recognised, what it says in our words, whom it names."""

    code: str
    pattern: re.Pattern[str]
    message: str
    hint: str
    field: str = ""
    names: _Names = lambda place, values: False
    """Whether a record is meant, given what the message says; never, where it says nothing that tells records apart."""


def _pattern(wording: str) -> re.Pattern[str]:
    """Blanks in any number, braces or none around a value, in any case."""
    values = r"\s*:?\s*\{?\s*(?P<values>[^\s{};,]+(?:\s*,\s*[\w.-]+)*)"
    return re.compile(wording.replace(" ", r"\s+").replace("<values>", values), re.IGNORECASE)


def _by_student(place: Place, values: Sequence[str]) -> bool:
    return place.student_id in values


def _by_long_notes(place: Place, values: Sequence[str]) -> bool:
    return place.student_id in values and place.notes_length > NOTES_LIMIT


TABLE: Sequence[Message] = (
    Message(
        "student_id_missing",
        _pattern(r"missing mandatory field \W*StudentId"),  # 14050
        "A record has no pupil",
        "Name the pupil.",
        "student_id",
        lambda place, values: not place.student_id,
    ),
    Message(
        "writeback_not_supported",
        _pattern(r"writeback is not supported"),  # 14051
        "Xporter cannot write attendance into this MIS",
        "Record it in the MIS itself; do not send attendance for this school.",
        names=lambda place, values: True,
    ),
    Message(
        "student_not_on_roll",
        _pattern(r"invalid StudentId<values>"),  # 14052
        "The pupil is not on roll at the school",
        "The pupil has left or has not been admitted yet: leave the record out, or ask the school to check its roll.",
        "student_id",
        _by_student,
    ),
    Message(
        "lesson_required",
        _pattern(r"InstanceId required for lesson attendance writeback(?: for StudentId<values>)?"),  # 14053
        "The lesson is missing",
        "Name the lesson by its PeriodId from the timetable.",
        "lesson_id",
        _by_student,
    ),
    Message(
        "comment_too_long",
        _pattern(r"notes field max character limit(?:\s*\(\d+\))? exceeded(?: for StudentId<values>)?"),  # 14054
        f"The comment is longer than {NOTES_LIMIT} characters",
        f"Shorten it to {NOTES_LIMIT} characters.",
        "comment",
        _by_long_notes,
    ),
    Message(
        "session_invalid",
        _pattern(r"invalid session(?: code)? provided<values>"),  # 14055
        "The session is not AM or PM",
        "Send AM or PM.",
        "session",
        lambda place, values: place.session in values,
    ),
    Message(
        "code_unknown",
        _pattern(r"invalid mark provided<values>"),  # 14056
        "The attendance code is not known at the school",
        "Choose a code from the school's list.",
        "code",
        lambda place, values: place.mark in values or place.mark in [value.replace("\\\\", "\\") for value in values],
    ),
    Message(
        "several_dates",
        _pattern(r"only write ?back a set of marks for the same date"),  # 14057
        "The marks are of several dates",
        "Send each date in a request of its own.",
        "date",
    ),
    Message(
        "school_closed",
        _pattern(r"school appears to be closed"),  # 14058
        "The school is closed to pupils on this date",
        "Nothing can be recorded on that date; if the school was open, ask it to correct its calendar and resubmit.",
        "date",
    ),
    Message(
        "lesson_not_on_date",
        _pattern(r"invalid lesson InstanceId(?: provided)?(?:\s*:<values>)?"),  # 14059
        "The lesson is not in the timetable on this date",
        "Refresh the timetable and choose the lesson again.",
        "lesson_id",
        lambda place, values: place.lesson_id in values,
    ),
)

_OTHER = Message(
    "provider_refused",
    _pattern(r"StudentId<values>"),
    "Xporter refuses this record",
    "Mend what Xporter names, then send it again.",
    names=_by_student,
)

AGENT_UNREACHABLE = re.compile(
    r"(?:unable|failed|could\s+not|cannot|not\s+able)\s+(?:to\s+)?(?:be\s+)?(?:connect|communicate|contact|reach)"
    r"|agent\b.{0,60}(?:offline|unavailable|unreachable|not\s+(?:respond|running|connected|available))"
    r"|(?:school|agent)\b.{0,40}timed?\s*out",
    re.IGNORECASE,
)
"""Not in the table: the "appropriate error message to indicate the communications issue" (Xporter 14119)."""


def read_message(text: str, places: Sequence[Place]) -> dict[int, list[Finding]] | None:
    """Return the findings by position of the records that `text` names; None when it is no validation message.

    Empty when the text is known and names nobody, e.g. a closed school: it does not say which session or year is
    closed. The only record of a request is always the one that is meant.
    """
    found = [(message, match) for message in TABLE for match in message.pattern.finditer(text)]
    if not found:
        found = [(_OTHER, match) for match in _OTHER.pattern.finditer(text)]
    if not found:
        return None
    return _named(found, places, text)


def _named(
    found: Sequence[tuple[Message, re.Match[str]]], places: Sequence[Place], text: str
) -> dict[int, list[Finding]]:
    named: defaultdict[int, list[Finding]] = defaultdict(list)
    for message, match in found:
        for position in _positions(message, _values(match), places):
            if all(finding.code != message.code for finding in named[position]):
                named[position].append(_finding(message, text))
    return dict(named)


def _positions(message: Message, values: Sequence[str], places: Sequence[Place]) -> list[int]:
    if len(places) == 1:
        return [0]
    meant = [position for position, place in enumerate(places) if message.names(place, values)]
    if not meant and message.code == "comment_too_long":
        return [position for position, place in enumerate(places) if _by_student(place, values)]
    if not meant and message.code == "lesson_not_on_date" and len({place.lesson_id for place in places}) == 1:
        return list(range(len(places)))  # it names no lesson, and there is only one
    return meant


def _values(match: re.Match[str]) -> list[str]:
    said = match.groupdict().get("values") or ""
    values = [value.strip() for value in said.split(",")]
    return [*values, *(value.rstrip(".") for value in values)]


def _finding(message: Message, text: str) -> Finding:
    pointer = f"/{message.field}" if message.field else ""
    return Finding(message.code, message.message, message.hint, pointer=pointer, provider_message=shorten(text))
