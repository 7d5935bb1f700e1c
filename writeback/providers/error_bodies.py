"""Reads what an answer says has gone wrong, whatever its shape: each text, and the path of the place that it is about.

No provider documents the shape, so the common ones are read: Laravel's `errors` by field or the fields alone, problem
details (RFC 9457), JSON:API's `source`, FastAPI's `loc`, ASP.NET's `ModelState`, lists of texts. Pure.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from writeback.providers.texts import shorten

Path = tuple[str, ...]
"""`("errors", "attendance", "3", "date")`: keys and places, the outermost first."""

_WHERE = ("field", "path", "pointer", "attribute", "key", "property", "parameter", "param", "loc", "name")
_WHAT = ("message", "detail", "msg", "error", "description", "reason", "title")
_ALL = ("messages", "errors", "reasons")
_LABELS = frozenset({"type", "status", "code", "instance", "id", "timestamp", "trace_id", "traceid", "request_id"})
_ECHOES = frozenset(
    {"input", "value", "rejectedvalue", "old", "request", "payload", "ctx", "meta", "links", "file", "trace"}
)
"""What may say again what was sent, or where in the provider's own code it went wrong: nobody's message."""
_HARMLESS = frozenset({"data", "warnings", "notes", "notices", "info", "messages"})
_FAILS = frozenset({"error", "fail", "failed", "failure", "invalid", "rejected", "refused"})
_ERRORS = (
    "errors",
    "error",
    "validation_errors",
    "validationerrors",
    "invalid_params",
    "invalid-params",
    "invalidparams",
    "modelstate",
    "failures",
    "violations",
    "exception",
)
_REFUSES = re.compile(
    r"\b(?:invalid|fail(?:ed|s|ure)?|refused?|rejected|denied|forbidden|unprocessable|errors?|required|must|missing"
    r"|cannot|can't|could\s+not|unable|unknown|not\s+(?:found|allowed|valid|permitted|accepted|exist))\b",
    re.IGNORECASE,
)
_ACCEPTS = re.compile(
    r"\b(?:success\w*|(?<!not )accepted|queued|created|received|no\s+errors?|without\s+errors?)\b", re.I
)
_MOST_TEXTS = 3


def texts_of(body: Any) -> str:
    """Return the first texts of an answer in one line; empty where it has none."""
    return shorten("; ".join(text for _, text in list(messages_of(body))[:_MOST_TEXTS]))


def says_it_failed(body: Any) -> bool:
    """Whether an answer of success says all the same that nothing came of it."""
    if isinstance(body, Sequence) and not isinstance(body, str):
        return bool(body) and all(isinstance(item, str) or _is_an_error(item) for item in body) and bool(texts_of(body))
    if not isinstance(body, Mapping):
        return False
    given = {str(key).lower(): value for key, value in body.items()}
    if given.get("success") is False or given.get("ok") is False or _is_a_failing_status(given.get("status")):
        return True
    if any(texts_of(given[key]) for key in (*_ERRORS, "detail") if not isinstance(given.get(key, ""), str)):
        return True
    if any(_is_about_fields(key, value) for key, value in given.items()):
        return True
    said = "; ".join(given[key] for key in _WHAT if isinstance(given.get(key), str))
    return bool(given.get("error")) or (_REFUSES.search(said) is not None and not _ACCEPTS.search(said))


def messages_of(node: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield each text in `node` with the path of the place that it is about."""
    if isinstance(node, str):
        if node.strip():
            yield path, shorten(node)
    elif isinstance(node, Mapping):
        yield from _in_mapping(node, path)
    elif isinstance(node, Sequence):
        is_list_of_texts = any(isinstance(item, str) for item in node)  # then its index counts messages, not records
        for index, item in enumerate(node):
            yield from messages_of(item, path if is_list_of_texts else (*path, str(index)))


def _in_mapping(node: Mapping[str, Any], path: Path) -> Iterator[tuple[Path, str]]:
    where, what = _where(node), _what(node)
    if where is not None and what:  # {"field": "attendance.0.date", "message": "…"}
        for text in what:
            yield (*path, *where), shorten(text)
        for key in _ERRORS:
            if isinstance(node.get(key), Mapping | list) and node[key] is not what:
                yield from messages_of(node[key], (*path, key))
        return
    has_errors = any(str(key).lower() in _ERRORS for key in node)
    for key, value in node.items():
        name = str(key).lower()
        is_echo = name in _ECHOES or (name == "data" and has_errors)
        is_label = name in _LABELS and isinstance(value, str) and (bool(what) or has_errors or " " not in value.strip())
        if not is_echo and not is_label:
            yield from messages_of(value, (*path, *_segments(str(key))))


def _where(node: Mapping[str, Any]) -> Path | None:
    """Return the place that an error object names."""
    source = node.get("source")
    for one in (node, source) if isinstance(source, Mapping) else (node,):
        for key in _WHERE:
            place = one.get(key)
            if isinstance(place, str) and place.strip():
                return _segments(place)
            if key == "loc" and isinstance(place, Sequence) and place:
                return tuple(str(part) for part in place)
    return None


def _what(node: Mapping[str, Any]) -> Sequence[str]:
    """Return the texts of an error object: the one that tells most, or all of its list."""
    one = next((node[key] for key in _WHAT if isinstance(node.get(key), str) and node[key].strip()), None)
    if one is not None:
        return [one]
    return next((node[key] for key in _ALL if _is_a_list_of_texts(node.get(key))), ())


def _is_about_fields(key: str, value: Any) -> bool:
    """Whether an entry is a field's errors: `"student_id": ["It is required."]`, `"attendance.0.date": "…"`."""
    if key in _HARMLESS:
        return False
    if isinstance(value, list):
        return _is_a_list_of_texts(value) or any(
            isinstance(item, Mapping) and any(_is_about_fields(str(name).lower(), one) for name, one in item.items())
            for item in value
        )
    return len(_segments(key)) > 1 and bool(texts_of(value))


def _is_an_error(item: Any) -> bool:
    return isinstance(item, Mapping) and (bool(_what(item)) or says_it_failed(item))


def _is_a_list_of_texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, str) and " " in item for item in value)


def _is_a_failing_status(value: Any) -> bool:
    text = str(value).strip().lower()
    return text in _FAILS or (text.isascii() and text.isdigit() and 400 <= int(text[:6]) < 600)


def _segments(dotted: str) -> Path:
    return tuple(part for part in re.split(r"[./\[\]]+", dotted) if part)
