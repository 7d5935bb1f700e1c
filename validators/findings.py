"""The catalogue: everything that validation can say, with what to do and the provider's own wording.

Codes are stable: apps and support staff filter by them. `make` fills in an entry's texts.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from validators.features import FeatureRule
from writeback.domain import shape
from writeback.domain.finding import Finding, Severity
from writeback.domain.lookups import ListName
from writeback.domain.school import School


class RaisedBy(StrEnum):
    """Where a finding comes from."""

    SHAPE = "shape"
    """`domain.submission`, while it reads the body."""
    VALIDATION = "validation"
    """`validate`, before anything is sent."""
    PROVIDER = "provider"
    """A provider's answer: only it can know."""
    NOBODY = "nobody"
    """We see to it that it cannot happen; listed for the provider's wording."""


@dataclass(frozen=True)
class Wording:
    """What a provider's document says, word for word, and in which lines."""

    text: str
    source: str


@dataclass(frozen=True)
class Entry:
    """One finding: its texts are templates, `wordings` is by provider."""

    code: str
    message: str
    hint: str
    severity: Severity = Severity.ERROR
    raised_by: RaisedBy = RaisedBy.VALIDATION
    wordings: Mapping[str, Wording] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ListFinding(Finding):
    """A finding that rests on a lookup: a fresh copy of `list` may settle it."""

    list: ListName | None = None


def _xporter(text: str, line: int) -> dict[str, Wording]:
    return {"xporter": Wording(text, f"Xporter {line}")}


def _wonde(text: str, line: int) -> dict[str, Wording]:
    return {"wonde": Wording(text, f"Wonde {line}")}


_SHAPE_WORDINGS = {
    "student_id_missing": _xporter("Missing mandatory field StudentId", 14050)
    | _wonde("student_id string Yes The Wonde ID for the student.", 2169),
    "lesson_required": _xporter("InstanceId required for Lesson attendance writeback for StudentId: {StudentId", 14053)
    | _wonde("lesson_id string Yes The Wonde ID for the lesson.", 2371),
    "session_invalid": _xporter("Invalid Session provided: {SessionCode}", 14055)
    | _wonde("The attendance mark’s session. (AM or PM).", 2171),
    "field_missing": _wonde("The attribute values that must be set successfully to modify attendance marks are:", 2166),
}

_WARNING = Severity.WARNING

_ENTRIES = (
    *(
        Entry(code, message, hint, raised_by=RaisedBy.SHAPE, wordings=_SHAPE_WORDINGS.get(code, {}))
        for code, (message, hint) in shape.TEXTS.items()
    ),
    Entry(
        "writeback_not_supported",
        "Not available for {mis} through {provider}",
        "{reason}. Do not send {kind} for {school}: record it in {mis} itself.",
        wordings=_xporter("Attendance writeback is not supported for {MIS}", 14051),
    ),
    Entry(
        "student_not_on_roll",
        "Pupil {student_id}: not on roll at {school}",
        "The pupil has left or has not been admitted yet: leave the record out, or ask the school to check its roll.",
        wordings=_xporter("Invalid StudentId: {StudentId}", 14052) | _wonde("The Wonde ID for the student.", 2169),
    ),
    Entry(
        "lesson_unknown",
        "Lesson {lesson_id} is not in the timetable of {school}: it has changed, or the lesson was never there",
        "Refresh the timetable and choose the lesson again.",
        wordings=_xporter("Invalid lesson InstanceId provided", 14059)
        | _wonde("lesson_id string Yes The Wonde ID for the lesson.", 2371),
    ),
    Entry(
        "lesson_not_on_date",
        "Lesson {lesson_id} is on {lesson_date}, not on {date}",
        "Send the lesson's own date or leave it out; if the timetable has changed, choose the lesson again.",
        wordings=_xporter("Invalid lesson InstanceId provided", 14059),
    ),
    Entry(
        "date_implausible",
        "date is {date}: no register of a school in use is that old",
        "Send the day of the session or lesson as YYYY-MM-DD, {earliest} or later.",
    ),
    Entry(
        "date_required",
        "date is missing, and the timetable does not say when lesson {lesson_id} is",
        "Send the lesson's date: {provider} takes no mark without one.",
        wordings=_xporter("Date 2017-05-11 String Date of the attendance (yyyy-mm-dd) Yes", 13969),
    ),
    Entry(
        "comment_too_long",
        "{field} has {length} characters: {limit} are the most that {mis} takes",
        "Shorten it to {limit} characters.",
        wordings=_xporter("Notes field max character limit (500) exceeded for StudentId: {StudentId}", 14054),
    ),
    Entry(
        "comment_emoji",
        "{field} has an emoji ({emoji})",
        "Take it out: {provider} takes text only.",
        wordings=_wonde("Text comment. Emoji characters are not currently supported for this attribute.", 2175),
    ),
    Entry(
        "code_unknown",
        "Code {code} is not among the attendance codes of {school}",
        "{suggestion}Send a code or its id from the school's list.",
        wordings=_xporter("Invalid Mark provided: {Mark}", 14056)
        | _wonde("The Wonde ID for the attendance code or subcode.", 2172),
    ),
    Entry(
        "code_inactive",
        "Code {code} is inactive in the MIS: choose another, or ask the school to enable it",
        "Choose a code that is active at {school}, or ask the school to enable {code} in {mis}.",
        wordings=_xporter("Invalid Mark provided: {Mark}", 14056),
    ),
    Entry(
        "code_wrong_session",
        "Code {code} is for {right} only, and session is {session}",
        "For {session} send {other}, or correct the session.",
    ),
    Entry(
        "several_dates",
        "The marks are of several dates",
        "Nothing to do: each date goes in a request of its own.",
        severity=_WARNING,
        raised_by=RaisedBy.NOBODY,
        wordings=_xporter("Only write back a set of marks for the same date", 14057),
    ),
    Entry(
        "school_closed",
        "{school} is closed to pupils on {date}",
        "Nothing can be recorded on that date; if the school was open, ask it to correct its calendar, "
        "then send the mark again as a new writeback.",
        raised_by=RaisedBy.PROVIDER,
        wordings=_xporter("School appears to be closed to students on this date", 14058),
    ),
    Entry(
        "statutory_comment_required",
        "Code {code} needs a statutory comment",
        "Say in statutory_comment where or why the pupil is educated elsewhere.",
        wordings=_xporter(
            "Statutory comment for marks B, K and Y7 - MAX 500 Character Limit. Presently only supported for SIMS "
            "Mandatory for codes B, K and Y7",
            14084,
        ),
    ),
    Entry(
        "statutory_comment_too_long",
        "statutory_comment has {length} characters: {limit} are the most that {mis} takes",
        "Shorten it to {limit} characters.",
        wordings=_xporter(
            "Statutory comment for marks B, K and Y7 - MAX 500 Character Limit. Presently only supported for SIMS",
            14084,
        ),
    ),
    Entry(
        "employee_required",
        "{mis} needs the staff member who took the register",
        "Send employee_id with every record.",
        wordings=_wonde(
            "The Wonde ID for the employee. (This is required for Bromcom, Department of Education Western Australia "
            "and SchoolBase).",
            2177,
        ),
    ),
    Entry(
        "employee_unknown",
        "Staff member {employee_id} is not in the MIS of {school}",
        "Send the provider's id of a present member of staff; a supply teacher may have to be entered first.",
        wordings=_wonde("The Wonde ID for the employee.", 2177),
    ),
    Entry(
        "field_required",
        "{field} is missing: {mis} needs it",
        "Send {field} with every record.",
    ),
    Entry(
        "field_forbidden",
        "{field} is not allowed: {mis} refuses records with it",
        "Leave {field} out.",
    ),
    Entry(
        "field_not_carried",
        "{field} will not reach the MIS: {provider} has no place for it on {kind}",
        "The rest is sent. Leave {field} out, or record it in {mis} itself.",
        severity=_WARNING,
    ),
    Entry(
        "late_without_minutes",
        "Code {code} without minutes late",
        "Send minutes_late, if the school wants it recorded.",
        severity=_WARNING,
    ),
    Entry(
        "minutes_without_late",
        "minutes_late is {minutes_late}, but code {code} does not mean late",
        "Send L or U, or leave minutes_late out.",
        severity=_WARNING,
    ),
    Entry(
        "administrative_code",
        "Code {code} is for the school office, not for a register",
        "It is sent as it is; check that the office wants it set from a classroom.",
        severity=_WARNING,
    ),
    Entry(
        "custom_code_on_session",
        "Code {code} is the school's own: {mis} expects national codes on a session",
        "Use a national code for the session, and the school's own on lessons.",
        severity=_WARNING,
    ),
    Entry(
        "duplicate_slot",
        "Record {record} is for the same pupil and time as record {first}",
        "Keep one of the two: which one is meant cannot be told.",
    ),
    Entry(
        "lookup_missing",
        "The list of {list} of {school} has never been fetched: it could not be checked against",
        "The records are sent unchecked. Ask support to sync the school.",
        severity=_WARNING,
    ),
    Entry(
        "lookup_stale",
        "The list of {list} of {school} is out of date: what it says may have changed",
        "The records are checked against the old list. Ask support to sync the school.",
        severity=_WARNING,
    ),
)

CATALOGUE: Mapping[str, Entry] = {entry.code: entry for entry in _ENTRIES}
"""Every finding by its code."""

_OUR_NAMES = {
    "StudentId": "student_id",
    "SessionCode": "session",
    "Mark": "code",
    "MIS": "mis",
}
_PLACEHOLDER = re.compile(r"\{(\w+)\}?")  # Xporter 14053 lacks its closing brace


def make(
    code: str,
    values: Mapping[str, Any],
    *,
    provider: str,
    pointer: str = "",
    record: int | None = None,
    list_name: ListName | None = None,
) -> Finding:
    """Return the finding of this code: `values` fill in the texts, `provider` chooses the wording that is quoted."""
    entry = CATALOGUE[code]
    wording = entry.wordings.get(provider)
    texts = entry.message.format_map(values), entry.hint.format_map(values)
    quoted = _quote(wording.text, values) if wording else None
    if list_name is None:
        return Finding(code, *texts, entry.severity, pointer, record, quoted)
    return ListFinding(code, *texts, entry.severity, pointer, record, quoted, list_name)


def texts_of(rule: FeatureRule, school: School) -> dict[str, str]:
    """Return what every text may name: the school, its MIS, the provider and the kind."""
    mis = school.mis or "the MIS"
    return {"school": school.name, "mis": mis, "provider": rule.provider_name, "kind": rule.kind}


def _quote(wording: str, values: Mapping[str, Any]) -> str:
    return _PLACEHOLDER.sub(lambda found: str(values.get(_OUR_NAMES.get(found[1], found[1]), found[0])), wording)
