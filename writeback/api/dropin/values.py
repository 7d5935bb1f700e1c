"""Fields as providers' clients write them, made ours: explicit nulls, numbers as text, days with a midnight. Pure.

What cannot be read is passed on as it is, so that validation says what is wrong with it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

_WHOLE = re.compile(r"[+-]?\d{1,18}")
_OFFSET = r" ?(Z|UTC|[+-]\d{2}:?\d{2})"
_MIDNIGHT = re.compile(rf"(\d{{4}}-\d{{2}}-\d{{2}})[ T]00:00(:00(\.0{{1,6}})?)?({_OFFSET})?")
_INSTANT = re.compile(rf"(\d{{4}}-\d{{2}}-\d{{2}})[ T](\d{{2}}:\d{{2}}(?::\d{{2}}(?:\.\d{{1,6}})?)?){_OFFSET}")


def as_is(value: Any) -> Any:
    return value


def whole(value: Any) -> Any:
    """Return a whole number that is written as text or as 5.0."""
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        return int(value)
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value


def day(value: Any) -> Any:
    """Return the day of an instant at midnight, as date libraries write a date: of Ruby's `2026-06-15 00:00:00 +0100`,
    too, whose offset is that of the machine that wrote it."""
    found = _MIDNIGHT.fullmatch(value.strip()) if isinstance(value, str) else None
    return found[1] if found else value


def on_clock(value: Any, zone: ZoneInfo) -> Any:
    """Return an instant with an offset as the school's clock has it: `2026-06-15 08:30:00 UTC` is 09:30 in England."""
    found = _INSTANT.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        return value
    try:
        at = datetime.fromisoformat(f"{found[1]}T{found[2]}{found[3].replace('UTC', 'Z')}").astimezone(zone)
    except (ValueError, OverflowError):
        return value
    return at.replace(tzinfo=None).isoformat(sep=" ")


def text(value: Any) -> Any:
    """Return a number as text: ids are text with us, and numbers with some clients."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


@dataclass(frozen=True)
class Field:
    """Where a provider's field goes, and what makes its value ours."""

    ours: str
    read: Callable[[Any], Any] = as_is
    is_local: bool = False
    """Whether it is a day or a time of the school's own clock."""

    def value(self, given: Any, zone: ZoneInfo | None) -> Any:
        """Return the value as ours; one with an offset, where `read` makes nothing of it, on the clock of `zone`."""
        found = self.read(given)
        if self.is_local and zone is not None and found == given:
            return self.read(on_clock(given, zone))
        return found


@dataclass(frozen=True)
class Shape:
    """An object of a provider's: its fields by the provider's names, and its lists of further objects."""

    fields: Mapping[str, Field]
    lists: Mapping[str, "tuple[str, Shape]"] = field(default_factory=dict)

    def read(self, given: Any, zone: ZoneInfo | None = None) -> Any:
        """Return our record; what is no object stays as it is. Fields that we do not know are ignored."""
        if not isinstance(given, dict):
            return given
        found = {
            one.ours: one.value(given[name], zone)
            for name, one in self.fields.items()
            if not is_nothing(given.get(name))
        }
        for name, (ours, shape) in self.lists.items():
            value = given.get(name)
            if not is_nothing(value):
                found[ours] = [shape.read(one, zone) for one in value] if isinstance(value, list) else value
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
