"""What is to be said of a day: too old, still to come, too far, over, or without lessons. Today's day comes in."""

from collections.abc import Iterator
from datetime import date as Date
from datetime import timedelta
from functools import lru_cache
from typing import Any

from validators.rule_files import DayToCome
from writeback.domain.lookups import LookupView
from writeback.domain.school_settings.year import NO_YEAR, SchoolYear

EARLIEST = Date(2000, 1, 1)
"""No record older than this is kept."""
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SATURDAY = 5

Said = tuple[str, dict[str, Any]]
"""A finding's code, and what fills in its texts."""


class Calendar:
    """The school's days as its year and its timetable have them; `today` is None where nothing is to be said of past
    and future.

    `year_begins` is the academic year's first day, as MM-DD.
    """

    def __init__(self, lookups: LookupView, today: Date | None, year_begins: str, year: SchoolYear = NO_YEAR) -> None:
        lessons, closures = lookups.lessons, lookups.closures
        self._days = lessons.days if lessons is not None else frozenset()
        self._year, self._told = year, closures.year if closures is not None else NO_YEAR
        self.today, self._year_begins = today, year_begins

    def covers(self, value: str) -> bool:
        """Whether a day is within the timetable as it was fetched: of others nothing is known."""
        return bool(self._days) and min(self._days) <= value <= max(self._days)

    def about(
        self,
        day: Date,
        *,
        to_come: DayToCome = "taken",
        warn_past: bool = False,
        needs_lessons: bool = False,
        needs_pupils: bool = False,
    ) -> Iterator[Said]:
        """Yield what is to be said of a day; `to_come` is what becomes of one that is not there yet.

        `needs_pupils`: the school must be open to them; `needs_lessons`: there must be lessons on it as well.
        """
        value = day.isoformat()
        if day < EARLIEST:
            yield "date_implausible", {"value": value, "earliest": EARLIEST}
            return
        if self.today is not None:
            this_year, last_day = academic_years(self.today, self._year_begins)
            if day > last_day:
                yield "date_too_far", {"value": value, "last_day": last_day}
                return
            if day < this_year:
                yield "date_of_former_year", {"value": value, "first_day": this_year}
            elif warn_past and day < self.today:
                yield "date_in_past", {"value": value}
            if to_come != "taken" and day > self.today:
                code = "not_yet_happened" if to_come == "refused" else "date_in_future"
                yield code, {"value": value, "today": self.today}
        closed = self._year.closed(day, self._told) if needs_pupils or needs_lessons else None
        if closed is not None:
            yield "day_is_closed", {"value": value, "weekday": _WEEKDAYS[day.weekday()], "why": closed.in_words}
        elif needs_lessons and self._has_no_lessons(day, value):
            yield "no_lessons_that_day", {"value": value, "weekday": _WEEKDAYS[day.weekday()]}

    def _has_no_lessons(self, day: Date, value: str) -> bool:
        """Whether it is a weekend, or a day without lessons between days that have some."""
        return value not in self._days and (day.weekday() >= _SATURDAY or self.covers(value))


@lru_cache(maxsize=64)
def academic_years(today: Date, begins: str) -> tuple[Date, Date]:
    """Return the first day of this academic year and the last of the next; `begins` is a year's first day as MM-DD."""
    first = Date.fromisoformat(f"{today.year}-{begins}")
    this_year = first if first <= today else first.replace(year=today.year - 1)
    return this_year, this_year.replace(year=this_year.year + 2) - timedelta(days=1)
