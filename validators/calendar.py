"""What is to be said of a day: too old, still to come, over, or without lessons. Pure: the day of today comes in."""

from collections.abc import Iterator
from datetime import date as Date
from typing import Any

from writeback.domain.lookups import Lookup

EARLIEST = Date(2000, 1, 1)
"""No record older than this is kept."""
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SATURDAY = 5

Said = tuple[str, dict[str, Any]]
"""A finding's code, and what fills in its texts."""


class Calendar:
    """The school's days as its timetable has them; `today` is None where nothing is to be said of past and future."""

    def __init__(self, lessons: Lookup | None, today: Date | None) -> None:
        self._days = lessons.days if lessons is not None else frozenset()
        self._today = today

    def covers(self, value: str) -> bool:
        """Whether a day is within the timetable as it was fetched: of others nothing is known."""
        return bool(self._days) and min(self._days) <= value <= max(self._days)

    def about(
        self, day: Date, *, warn_future: bool = False, warn_past: bool = False, needs_lessons: bool = False
    ) -> Iterator[Said]:
        """Yield what is to be said of a day."""
        value = day.isoformat()
        if day < EARLIEST:
            yield "date_implausible", {"value": value, "earliest": EARLIEST}
            return
        if self._today is not None:
            if warn_future and day > self._today:
                yield "date_in_future", {"value": value}
            if warn_past and day < self._today:
                yield "date_in_past", {"value": value}
        if needs_lessons and self._has_no_lessons(day, value):
            yield "no_lessons_that_day", {"value": value, "weekday": _WEEKDAYS[day.weekday()]}

    def _has_no_lessons(self, day: Date, value: str) -> bool:
        """Whether it is a weekend, or a day without lessons between days that have some."""
        return value not in self._days and (day.weekday() >= _SATURDAY or self.covers(value))
