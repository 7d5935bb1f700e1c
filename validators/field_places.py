"""Where a field's values are in a record: the value itself, or one in each of the objects that the record holds."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from writeback.domain.submission.fields import Path


@dataclass(frozen=True, slots=True)
class Place:
    """One value, where it is, and the object that it belongs to."""

    path: Path
    value: Any
    holder: Any


def places(record: Any, field: str) -> Iterator[Place]:
    """Yield each value of a field, dotted where it is nested; those that were left out too."""
    outer, _, inner = field.rpartition(".")
    if not outer:
        yield Place((field,), getattr(record, field), record)
        return
    for index, part in enumerate(getattr(record, outer)):
        yield Place((outer, index, inner), getattr(part, inner), part)


def given(record: Any, field: str) -> Iterator[Place]:
    """Yield each value that was given; of a list of ids, each id."""
    for place in places(record, field):
        if isinstance(place.value, list):
            for index, item in enumerate(place.value):
                yield Place((*place.path, index), item, place.holder)
        elif not is_nothing(place.value):
            yield place


def is_nothing(value: Any) -> bool:
    """Whether a value says no more than leaving it out would."""
    return value is None or value is False or value in ("", [])
