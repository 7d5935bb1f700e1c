"""Findings about a submission's shape, made from Pydantic's errors: which field, what is there, how to mend it.

`submission` calls this for what it cannot parse; `validators.findings` lists the codes with all others.
"""

import json
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from itertools import takewhile
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from writeback.domain.finding import MOST_OF_RECORD, Finding, Severity
from writeback.domain.submission.fields import Path, holder_of, in_words, keys_of, parts_of

TEXTS: Mapping[str, tuple[str, str]] = {
    "kind_unknown": ("kind is {value}: there is no such kind", "Send one of {known}."),
    "records_empty": ("records is empty", "Send at least one record."),
    "too_many_records": (
        "{count} records are too many for one writeback: at most {limit}",
        "Split them into several writebacks.",
    ),
    "too_many_parts": (
        "{count} pupils, members of staff and files in the records are too many for one writeback: at most {limit}",
        "Split the records into several writebacks.",
    ),
    "too_many_unknown_fields": (
        "{count} fields are none of {kind}, among them {field}",
        "{suggestion}The fields are {known}.",
    ),
    "more_findings": ("There are {count} more findings about it", "Mend those that are shown, and validate it again."),
    "field_missing": ("{field} is {value}", "Send {field}; it is needed."),
    "field_unknown": ("{field} is not a field of {kind}", "{suggestion}The fields are {known}."),
    "field_invalid": ("{field} is {value}: {advice}", "{hint}"),
    "student_id_missing": ("student_id is {value}", "Send the provider's id of the pupil with every record."),
    "lesson_required": ("lesson_id is {value}", "Send the id of the lesson, as the school's timetable gives it."),
    "type_missing": ("{field} is {value}", "Send the type, a code or id from the school's list."),
    "session_invalid": (
        "session is {value}: send AM or PM",
        "{suggestion}A session is the morning (AM) or the afternoon (PM).",
    ),
}
"""Message and hint of each code that is about shape."""

_SESSION_WORDS = {
    **dict.fromkeys(("am", "a", "a.m.", "morning", "am session"), "AM"),
    **dict.fromkeys(("pm", "p", "p.m.", "afternoon", "pm session"), "PM"),
}
_MISSING_CODES = {"student_id": "student_id_missing", "lesson_id": "lesson_required", "type": "type_missing"}
_PRIVATE = frozenset(
    {"comment", "statutory_comment", "non_attendance_reason", "description", "file_name", "content", "body", "ref"}
    | {"upn", "admission_number", "surname", "forename", "date_of_birth", "class", "email"}
)  # free text may name a pupil, and these do: they are never repeated, at whatever depth
_WRONG_CONTAINER = frozenset({"model_type", "model_attributes_type", "dict_type", "list_type"})
_LONGEST_VALUE = 40
_LONGEST_NAME = 64
"""A longer name is none of ours: it is not compared with ours, and no pointer repeats it."""

_DAY = ("send a real calendar date", "Write the day as YYYY-MM-DD, for example 2026-01-12.")
_INSTANT = ("send an instant with its offset", "Write it like 2026-01-12T17:00:00Z or 2026-01-12T17:00:00+00:00.")
_SEEN_AT = (
    "send a date and a time of day",
    "Write it like 2026-01-12T08:50:00Z, with its offset; or without one, on the school's own clock.",
)
_LOCAL = ("send the school's own clock, without an offset", "Write it like 2026-01-12T08:30:00.")
_TIME = ("send a time of day on the school's clock", "Write it like 15:20.")
_SWITCH = ("send true or false", "Write it without quotes.")
_AMOUNT = ("send a number", "Write it like 1.5, with at most three decimal places.")
_TEXT = ("send it as text", 'Put it in quotes, for example "1234".')
_NUMBER = ("send a whole number", "Write it without quotes and without a decimal point.")
_OBJECT = ("send an object", 'Each record is a JSON object, for example {"student_id": "A1", …}.')
_LIST = ("send a list", "Write square brackets around it, even where there is only one.")
_ERA = ("send an instant of the years 1 to 9999 in UTC", "Leave it out where there is none.")
_COMMENTS = frozenset(
    {"comment", "statutory_comment", "non_attendance_reason", "description"}
)  # what these may hold besides text: kinds.base.Comment
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_ODD_IN_COMMENT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def make(code: str, *, pointer: str = "", record: int | None = None, **values: Any) -> Finding:
    """Return the finding of this code, its text filled in with `values`."""
    message, hint = TEXTS[code]
    return Finding(code, message.format_map(values), hint.format_map(values), pointer=pointer, record=record)


def findings_from(
    errors: Sequence[ErrorDetails],
    *,
    kind: str,
    model: type[BaseModel],
    record: int | None = None,
    most: int = MOST_OF_RECORD,
) -> list[Finding]:
    """Return one finding a place; `model` is what the object should be, `record` its index if it is a record.

    Where there is something to say of more than `most` places, the last finding says of how many.
    """
    by_path: dict[Path, list[ErrorDetails]] = {}
    more = 0
    for place, error in enumerate(errors):
        path = _path_of(error, model)
        if len(by_path) == most and path not in by_path:
            more = len(errors) - place
            break
        by_path.setdefault(path, []).append(error)
    found = [_finding(path, said, kind, model, record) for path, said in by_path.items()]
    return [*found, more_findings(more, record)] if more else found


def unknown_fields(names: Sequence[str], kind: str, model: type[BaseModel], record: int | None = None) -> Finding:
    """Return the one finding about an object in which there are too many unknown fields to name each."""
    known = model.model_fields
    return make(
        "too_many_unknown_fields",
        pointer=pointer_to(record),
        record=record,
        count=len(names),
        field=show(names[0]),
        kind=kind,
        suggestion=_suggestion(names[0], tuple(known)),
        known=", ".join(known),
    )


def more_findings(count: int, record: int | None, severity: Severity = Severity.ERROR) -> Finding:
    """Return the finding that stands for `count` others about a record."""
    message, hint = TEXTS["more_findings"]
    return Finding("more_findings", message.format(count=count), hint, severity, pointer_to(record), record)


def pointer_to(record: int | None, path: Sequence[int | str] = ()) -> str:
    """Return the JSON Pointer into the submission (RFC 6901): no further than to the object with too long a name."""
    parts = path if record is None else ("records", record, *path)
    short = takewhile(lambda part: isinstance(part, int) or len(part) <= _LONGEST_NAME, parts)
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in short)


def show(value: Any) -> str:
    """Return a value as a message may quote it: short, never a wall of digits, and no more of a container than that."""
    if isinstance(value, (dict, list)) or (isinstance(value, int) and value.bit_length() > 64):
        return describe(value)
    text = value if isinstance(value, str) else json.dumps(value, default=str)
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


def _path_of(error: ErrorDetails, model: type[BaseModel]) -> Path:
    """Return where the error is in the object, without the name of a branch that Pydantic adds for a union."""
    steps = error["loc"]
    kept: list[int | str] = []
    nested: type[BaseModel] | None = model
    for place, step in enumerate(steps, 1):
        is_unknown_field = error["type"] == "extra_forbidden" and place == len(steps)
        if isinstance(step, str) and not is_unknown_field:
            if nested is None or step not in keys_of(nested):
                break
            nested = parts_of(nested).get(step)
        kept.append(step)
    return tuple(kept)


def _finding(
    path: Path, errors: Sequence[ErrorDetails], kind: str, model: type[BaseModel], record: int | None
) -> Finding:
    """Return what is wrong at one place; where it may be one thing or another, the others are named as a choice."""
    error, *others = errors
    problem, given = error["type"], error["input"]
    pointer = pointer_to(record, path)
    field = in_words(path) if path else "record"
    leaf = next((step for step in reversed(path) if isinstance(step, str)), "")
    if problem == "extra_forbidden":
        holder = holder_of(model, path)
        suggestion, known = _suggestion(leaf, keys_of(holder)), ", ".join(keys_of(holder))
        return make(
            "field_unknown",
            pointer=pointer,
            record=record,
            field=_show_path(path),
            kind=kind,
            suggestion=suggestion,
            known=known,
        )
    if problem == "too_short" and leaf == "records":
        return make("records_empty", pointer=pointer, record=record)
    if problem in ("missing", "too_short") or (path and problem != "literal_error" and _is_blank(given)):
        code = _MISSING_CODES.get(leaf, "field_missing")
        return make(code, pointer=pointer, record=record, field=field, value=_word_for(problem, given))
    if leaf == "session":
        meant = _SESSION_WORDS.get(given.strip().casefold()) if isinstance(given, str) else None
        suggestion = f"Did you mean {meant}? " if meant else ""
        return make("session_invalid", pointer=pointer, record=record, value=show(given), suggestion=suggestion)
    advice, hint = _advice(error, is_local=record is not None)
    advice += "".join(f", or {other['ctx']['expected']}" for other in others if other["type"] == "literal_error")
    is_private = not path or problem in _WRONG_CONTAINER or not _PRIVATE.isdisjoint(path)
    value = describe(given) if is_private else show(given)
    if problem == "int_type" and isinstance(given, str):
        value = f'"{value}"'
    return make("field_invalid", pointer=pointer, record=record, field=field, value=value, advice=advice, hint=hint)


def _show_path(path: Path) -> str:
    """Return a path whose last step is not ours, so that it may be of any length."""
    outer = in_words(path[:-1])
    return f"{outer}.{show(path[-1])}" if outer else show(path[-1])


def _advice(error: ErrorDetails, *, is_local: bool) -> tuple[str, str]:
    """Return what to send instead, in short and in full."""
    problem, context = error["type"], error.get("ctx", {})
    match problem:
        case "string_type":
            return _TEXT
        case "string_too_long":
            limit = context["max_length"]
            return f"send at most {limit} characters", f"It has {len(error['input'])}; {limit} are the most."
        case "string_pattern_mismatch":
            return _without_controls(error)
        case "literal_error":
            return f"send {context['expected']}", "Nothing else is understood here; letter case counts."
        case "greater_than_equal":
            return f"send {context['ge']} or more", "Smaller numbers make no sense here."
        case "less_than_equal":
            return f"send {context['le']} or less", "Larger numbers make no sense here."
        case "list_type":
            return _LIST
        case _ if problem in _WRONG_CONTAINER:
            return _OBJECT
        case "bool_type" | "bool_parsing":
            return _SWITCH
        case "decimal_type" | "decimal_parsing" | "decimal_max_places" | "decimal_max_digits" | "finite_number":
            return _AMOUNT
        case _ if problem.startswith("int_"):
            return _NUMBER
        case "instant_out_of_range":
            return _ERA
        case "timezone_naive":
            return _LOCAL
        case "seen_at_parsing":
            return _SEEN_AT
        case "time_with_offset" | "time_parsing" | "time_type":
            return _TIME
        case _ if problem.startswith(("datetime_", "timezone_")):
            return _LOCAL if is_local else _INSTANT
        case _ if problem.startswith("date_"):
            return _DAY
        case _:
            return error["msg"][:1].lower() + error["msg"][1:], "Send it in the form that the schema of this kind says."


def _without_controls(error: ErrorDetails) -> tuple[str, str]:
    """Return what to say of a text with control characters: which is the first of them, and where."""
    is_comment = error["loc"][-1] in _COMMENTS
    besides = " other than tabs and line breaks" if is_comment else ""
    found = (_ODD_IN_COMMENT if is_comment else _CONTROL).search(error["input"])
    assert found is not None, "the pattern of these fields refuses control characters and nothing else"
    advice = f"send it without control characters{besides}"
    return advice, f"Take out character {found.start() + 1}, which is U+{ord(found[0]):04X}."


def _is_blank(given: Any) -> bool:
    return given is None or (isinstance(given, str) and not given.strip())


def _word_for(problem: str, given: Any) -> str:
    if problem == "missing":
        return "missing"
    return "null" if given is None else "empty"


def _suggestion(field: str, fields: Sequence[str]) -> str:
    close = get_close_matches(field, fields, n=1) if len(field) <= _LONGEST_NAME else ()
    return f"Did you mean {close[0]}? " if close else ""
