"""Reads Wonde's validation errors into findings by record. Pure; called by `outcomes`.

The document says only that "the response will contain the validation errors" (Wonde 2186), so every likely shape is
read: `{"attendance.0.student_id": […]}`, the same nested, under `errors`, or as objects with `field` and `message`.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from writeback.domain.finding import Finding
from writeback.domain.outcome import Refused
from writeback.providers.http import shorten

_Path = tuple[str, ...]

# Wonde's field → our code, our field, what to do. Wonde's own wording stands in `provider_message`.
_FIELDS: Mapping[str, tuple[str, str, str]] = {
    "student_id": ("student_not_on_roll", "student_id", "Check that the pupil is on roll, then send it again."),
    "lesson_id": ("lesson_unknown", "lesson_id", "Refresh the timetable and choose the lesson again."),
    "attendance_code_id": ("code_unknown", "code", "Choose a code that is active at the school."),
    "session": ("session_invalid", "session", "Send AM or PM."),
    "date": ("date_invalid", "date", "Send a school day of this academic year."),
    "minutes_late": ("minutes_late_invalid", "minutes_late", "Send whole minutes."),
    "comment": ("comment_invalid", "comment", "Shorten the comment and leave out emoji."),
    "employee_id": ("employee_unknown", "employee_id", "Name a member of staff that the school's MIS knows."),
}
_WHERE = ("field", "path", "pointer", "attribute", "key", "property")
_WHAT = ("message", "detail", "error", "description", "title")
_MAX_MESSAGES = 3


def read_refusal(status: int, body: Any, count: int) -> Refused:
    """Return the refusal of a request of `count` records, naming the records that the body names."""
    said = list(_messages(body, ()))
    named: defaultdict[int, list[Finding]] = defaultdict(list)
    for path, text in said:
        position = _position(path)
        if position is not None and position < count:
            named[position].append(_finding(path, text))
    message = "; ".join(text for _, text in said[:_MAX_MESSAGES]) or "it gives no reason"
    return Refused(shorten(f"Wonde answered {status}: {message}"), dict(named))


def _messages(node: Any, path: _Path) -> Iterator[tuple[_Path, str]]:
    """Yield each message in `node` with the path that leads to it."""
    if isinstance(node, str):
        if node.strip():
            yield path, shorten(node)
    elif isinstance(node, Mapping):
        yield from _in_mapping(node, path)
    elif isinstance(node, Sequence):
        is_list_of_texts = any(isinstance(item, str) for item in node)  # then its index counts messages, not records
        for index, item in enumerate(node):
            yield from _messages(item, path if is_list_of_texts else (*path, str(index)))


def _in_mapping(node: Mapping[str, Any], path: _Path) -> Iterator[tuple[_Path, str]]:
    where = next((node[key] for key in _WHERE if isinstance(node.get(key), str)), None)
    what = next((node[key] for key in _WHAT if isinstance(node.get(key), str)), None)
    if where is not None and what is not None:  # {"field": "attendance.0.date", "message": "…"}
        yield _segments(where), shorten(what)
        return
    for key, value in node.items():
        yield from _messages(value, (*path, *_segments(str(key))))


def _segments(dotted: str) -> _Path:
    return tuple(part for part in re.split(r"[./\[\]]+", dotted) if part)


def _position(path: _Path) -> int | None:
    """Return the record that a path such as `errors / attendance / 3 / date` names."""
    after = path[path.index("attendance") + 1 :] if "attendance" in path else ()
    return int(after[0]) if after and after[0].isascii() and after[0].isdigit() else None


def _finding(path: _Path, text: str) -> Finding:
    code, field, hint = _FIELDS.get(path[-1], ("provider_refused", "", "Mend what Wonde names, then send it again."))
    pointer = f"/{field}" if field else ""
    return Finding(code, f"Wonde refuses this record: {text}", hint, pointer=pointer, provider_message=text)
