"""Reads Wonde's validation errors into findings by record. Pure; called by `outcomes`.

The document says only that "the response will contain the validation errors" (Wonde 2186), so every likely shape is
read: `{"attendance.0.student_id": […]}`, the same nested, under `errors`, or as objects with `field` and `message`.
What goes one record a request has no list to be numbered in: there the fields stand alone (`students.0.points`).
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from writeback.domain.finding import Finding
from writeback.domain.outcome import Refused
from writeback.providers.http import shorten
from writeback.providers.wonde.error_fields import FIELDS, FIELDS_OF, Named
from writeback.providers.wonde.operations import OPERATIONS

_Path = tuple[str, ...]

_WHERE = ("field", "path", "pointer", "attribute", "key", "property")
_WHAT = ("message", "detail", "error", "description", "title")
_LABELS = ("type", "status")
_MAX_MESSAGES = 3
_MAX_DIGITS = 6
_UNNAMED = Named("provider_refused", "", "Mend what Wonde names, then send it again.")


def read_refusal(status: int, body: Any, count: int, kind: str) -> Refused:
    """Return the refusal of a request of `count` records of `kind`, naming the records that the body names."""
    operation = OPERATIONS.get(kind)
    reader = _Reader(operation.root if operation else None, {**FIELDS, **FIELDS_OF.get(kind, {})})
    said = list(_messages(_without_labels(body) if reader.root is None else body, ()))
    named: defaultdict[int, list[Finding]] = defaultdict(list)
    for path, text in said:
        place = reader.place(path)
        if place is not None and place[0] < count:
            named[place[0]].append(reader.finding(place[1], text))
    return Refused(shorten(f"Wonde answered {status}: {what_wonde_says(body) or 'it gives no reason'}"), dict(named))


def what_wonde_says(body: Any) -> str:
    """Return the first messages of an answer in one line; empty where it gives none."""
    return shorten("; ".join(text for _, text in list(_messages(body, ()))[:_MAX_MESSAGES]))


def _without_labels(body: Any) -> Any:
    """Return an answer without what may label it as a whole: `"type": "validation_error"` is about no field of ours."""
    if not isinstance(body, Mapping):
        return body
    return {key: value for key, value in body.items() if key not in _LABELS or not isinstance(value, str)}


@dataclass(frozen=True)
class _Reader:
    """Finds in a path which record and which of our fields it names."""

    root: str | None
    fields: Mapping[str, Named]

    def place(self, path: _Path) -> tuple[int, _Path] | None:
        """Return the record that a path such as `errors / attendance / 3 / date` names, and the path within it."""
        if self.root is None:
            start = next((index for index, part in enumerate(path) if part in self.fields), None)
            return None if start is None else (0, path[start:])
        after = path[path.index(self.root) + 1 :] if self.root in path else ()
        return (int(after[0]), after[1:]) if after and _is_number(after[0]) else None

    def finding(self, path: _Path, text: str) -> Finding:
        """Return the finding about a path within a record; its pointer goes as far as our record has such fields."""
        pointer, named = "", _UNNAMED
        for part in path:
            if _is_number(part):
                pointer += f"/{int(part)}"
                continue
            named = self.fields.get(part, _UNNAMED)
            if named is _UNNAMED:
                break
            pointer += f"/{named.field}"
        message = f"Wonde refuses this record: {text}"
        return Finding(named.code, message, named.hint, pointer=pointer, provider_message=text)


def _is_number(part: str) -> bool:
    return part.isascii() and part.isdigit() and len(part) <= _MAX_DIGITS


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
