"""What a MIS has in its diary: closures, holidays, and whatever else happens at a school."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

EVENT_TYPES: Final = ("SchoolEvent", "Holiday", "StaffTraining", "PublicHoliday", "HalfTerm")
"""Xporter 4577-4585."""
CLOSURE: Final = "Planned whole or partial school closure"
"""Wonde 5576."""


@dataclass(frozen=True, slots=True)
class DiaryEvent:
    """Days in a row, both ends included."""

    id: str
    first: date
    last: date
    type: str
    description: str


def events_of(diary: Sequence[DiaryEvent], closed_days: set[date]) -> Iterator[DiaryEvent]:
    """Yield what is in the diary, and an event for each day on which the school is closed."""
    yield from diary
    for day in sorted(closed_days):
        yield DiaryEvent(f"{day:%Y%m%d}", day, day, "Holiday", CLOSURE)
