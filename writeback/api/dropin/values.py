"""Fields as providers' clients write them, made ours: explicit nulls, numbers as text, days with a midnight. Pure.

What cannot be read is passed on as it is, so that validation says what is wrong with it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

_WHOLE = re.compile(r"[+-]?\d{1,18}")
_MIDNIGHT = re.compile(r"(\d{4}-\d{2}-\d{2})[ T]00:00(:00(\.0+)?)?(Z|\+00:?00)?")


def as_is(value: Any) -> Any:
    return value


def whole(value: Any) -> Any:
    """Return a whole number that is written as text or as 5.0."""
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        return int(value)
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value


def day(value: Any) -> Any:
    """Return the day of an instant at midnight, as date libraries write a date."""
    found = _MIDNIGHT.fullmatch(value.strip()) if isinstance(value, str) else None
    return found[1] if found else value


def text(value: Any) -> Any:
    """Return a number as text: ids are text with us, and numbers with some clients."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


@dataclass(frozen=True)
class Field:
    """Where a provider's field goes, and what makes its value ours."""

    ours: str
    read: Callable[[Any], Any] = as_is


@dataclass(frozen=True)
class Shape:
    """An object of a provider's: its fields by the provider's names, and its lists of further objects."""

    fields: Mapping[str, Field]
    lists: Mapping[str, "tuple[str, Shape]"] = field(default_factory=dict)

    def read(self, given: Any) -> Any:
        """Return our record; what is no object stays as it is. Fields that we do not know are ignored."""
        if not isinstance(given, dict):
            return given
        found = {
            one.ours: one.read(given[name]) for name, one in self.fields.items() if not is_nothing(given.get(name))
        }
        for name, (ours, shape) in self.lists.items():
            value = given.get(name)
            if not is_nothing(value):
                found[ours] = [shape.read(one) for one in value] if isinstance(value, list) else value
        return found

    def theirs(self, path: list[str]) -> list[str]:
        """Return a path into our record as the provider's client knows it."""
        if not path:
            return []
        head, *rest = path
        for name, (ours, shape) in self.lists.items():
            if head == ours:
                return [name, *rest[:1], *shape.theirs(rest[1:])]
        name = next((name for name, one in self.fields.items() if one.ours == head), head)
        return [name, *rest]


def is_nothing(value: Any) -> bool:
    """Whether a value says no more than leaving it out: null, and an empty text as frameworks send it."""
    return value is None or value == ""
