"""Findings about a submission's shape, made from Pydantic's errors: which field, what is there, how to mend it.

`submission` calls this for what it cannot parse; `validators.findings` lists the codes with all others.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any
from unicodedata import category

from pydantic_core import ErrorDetails

from writeback.domain.finding import Finding

TEXTS: Mapping[str, tuple[str, str]] = {
    "kind_unknown": ("kind is {value}: there is no such kind", "Send one of {known}."),
    "records_empty": ("records is empty", "Send at least one record."),
    "too_many_records": (
        "{count} records are too many for one writeback: at most {limit}",
        "Split them into several writebacks.",
    ),
    "field_missing": ("{field} is {value}", "Send {field}; it is needed."),
    "field_unknown": ("{field} is not a field of {kind}", "{suggestion}The fields are {known}."),
    "field_invalid": ("{field} is {value}: {advice}", "{hint}"),
    "student_id_missing": ("student_id is {value}", "Send the provider's id of the pupil with every record."),
    "lesson_required": ("lesson_id is {value}", "Send the id of the lesson, as the school's timetable gives it."),
    "session_invalid": ("session is {value}: send AM or PM", "A session is the morning (AM) or the afternoon (PM)."),
}
"""Message and hint of each code that is about shape."""

_MISSING_CODES = {"student_id": "student_id_missing", "lesson_id": "lesson_required"}
_PRIVATE = frozenset({"comment", "statutory_comment", "ref"})  # free text may name a pupil: it is never repeated
_LONGEST_VALUE = 40

_DAY = ("send a real calendar date", "Write the day as YYYY-MM-DD, for example 2026-01-12.")
_INSTANT = ("send an instant with its offset", "Write it like 2026-01-12T17:00:00Z or 2026-01-12T17:00:00+00:00.")
_TEXT = ("send it as text", 'Put it in quotes, for example "1234".')
_NUMBER = ("send a whole number", "Write it without quotes and without a decimal point.")
_OBJECT = ("send an object", 'Each record is a JSON object, for example {"student_id": "A1", …}.')
_LIST = ("send a list", "Write the records in square brackets, even where there is one.")
_ERA = ("send an instant of the years 1 to 9999 in UTC", "Leave it out where there is no deadline.")
_COMMENTS = frozenset({"comment", "statutory_comment"})  # what these may hold besides text: kinds.base.Comment


def make(code: str, *, pointer: str = "", record: int | None = None, **values: Any) -> Finding:
    """Return the finding of this code, its text filled in with `values`."""
    message, hint = TEXTS[code]
    return Finding(code, message.format_map(values), hint.format_map(values), pointer=pointer, record=record)


def findings_from(
    errors: Iterable[ErrorDetails], *, kind: str, fields: Sequence[str], record: int | None = None
) -> list[Finding]:
    """Return one finding an error; `fields` are those that the object may have, `record` its index if it is one."""
    return [_finding(error, kind, fields, record) for error in errors]


def pointer_to(record: int | None, path: Sequence[int | str] = ()) -> str:
    """Return the JSON Pointer into the submission (RFC 6901)."""
    parts = path if record is None else ("records", record, *path)
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def show(value: Any) -> str:
    """Return a value as a message may quote it: short, never a wall of digits, and no more of a container than that."""
    if isinstance(value, (dict, list)) or (isinstance(value, int) and value.bit_length() > 64):
        return describe(value)
    text = value if isinstance(value, str) else json.dumps(value)
    shown = "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in text[:_LONGEST_VALUE])
    return shown if len(text) <= _LONGEST_VALUE else f"{shown}…"


def describe(value: Any) -> str:
    """Return what sort of JSON a value is, and nothing of what it says."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case str():
            return "text"
        case list():
            return "a list"
        case dict():
            return "an object"
        case int() if value.bit_length() > 64:
            return "a very large number"
        case _:
            return "a number"


def _finding(error: ErrorDetails, kind: str, fields: Sequence[str], record: int | None) -> Finding:
    path, problem, given = error["loc"], error["type"], error["input"]
    pointer = pointer_to(record, path)
    field = str(path[0]) if path else "record"
    if problem == "extra_forbidden":
        return make(
            "field_unknown",
            pointer=pointer,
            record=record,
            field=show(field),
            kind=kind,
            suggestion=_suggestion(field, fields),
            known=", ".join(fields),
        )
    if problem == "too_short":
        return make("records_empty", pointer=pointer, record=record)
    if problem == "missing" or (path and problem != "literal_error" and _is_blank(given)):
        code = _MISSING_CODES.get(field, "field_missing")
        return make(code, pointer=pointer, record=record, field=field, value=_word_for(problem, given))
    if field == "session":
        return make("session_invalid", pointer=pointer, record=record, value=show(given))
    advice, hint = _advice(error)
    value = describe(given) if field in _PRIVATE or not path else show(given)
    if problem == "int_type" and isinstance(given, str):
        value = f'"{value}"'
    return make("field_invalid", pointer=pointer, record=record, field=field, value=value, advice=advice, hint=hint)


def _advice(error: ErrorDetails) -> tuple[str, str]:
    """Return what to send instead, in short and in full."""
    problem, context = error["type"], error.get("ctx", {})
    match problem:
        case "string_type":
            return _TEXT
        case "string_too_long":
            limit = context["max_length"]
            return f"send at most {limit} characters", f"It has {len(error['input'])}; {limit} are the most."
        case "string_pattern_mismatch":
            return _without_controls(str(error["loc"][-1]), error["input"])
        case "literal_error":
            return f"send {context['expected']}", "Nothing else is understood here; letter case counts."
        case "greater_than_equal":
            return f"send {context['ge']} or more", "Smaller numbers make no sense here."
        case "less_than_equal":
            return f"send {context['le']} or less", "Larger numbers make no sense here."
        case "model_type" | "model_attributes_type" | "dict_type":
            return _OBJECT
        case "list_type":
            return _LIST
        case _ if problem.startswith("int_"):
            return _NUMBER
        case "instant_out_of_range":
            return _ERA
        case _ if problem.startswith(("datetime_", "timezone_")):
            return _INSTANT
        case _ if problem.startswith("date_"):
            return _DAY
        case _:
            return error["msg"][:1].lower() + error["msg"][1:], "Send it in the form that the schema of this kind says."


def _without_controls(field: str, given: str) -> tuple[str, str]:
    """Return what to say of a text with control characters: which is the first of them, and where."""
    allowed, besides = ("\t\n\r", " other than tabs and line breaks") if field in _COMMENTS else ("", "")
    place, letter = next(
        (place, letter) for place, letter in enumerate(given, 1) if category(letter) == "Cc" and letter not in allowed
    )
    return f"send it without control characters{besides}", f"Take out character {place}, which is U+{ord(letter):04X}."


def _is_blank(given: Any) -> bool:
    return given is None or (isinstance(given, str) and not given.strip())


def _word_for(problem: str, given: Any) -> str:
    if problem == "missing":
        return "missing"
    return "null" if given is None else "empty"


def _suggestion(field: str, fields: Sequence[str]) -> str:
    close = get_close_matches(field, fields, n=1)
    return f"Did you mean {close[0]}? " if close else ""
