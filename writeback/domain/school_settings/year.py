"""A school's year: its terms, and the days on which it has no pupils. Pure.

The school gives it as data; what its provider tells of closures comes beside it, as a list of the school.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date as Date
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any


class DayKind(StrEnum):
    """What a stretch of days is."""

    TERM = "term"
    """Pupils come. The days between two terms are holidays."""
    HOLIDAY = "holiday"
    """Holidays, half terms, bank holidays."""
    INSET = "inset"
    """Staff come, pupils do not."""
    CLOSURE = "closure"
    """Closed for another reason, e.g. an election, or snow."""
    OPEN = "open"
    """Pupils come, whatever else is said of these days, e.g. because only a part of the school is closed."""


IN_WORDS: Mapping[DayKind, str] = {
    DayKind.TERM: "term",
    DayKind.HOLIDAY: "holidays",
    DayKind.INSET: "an INSET day",
    DayKind.CLOSURE: "a closure",
    DayKind.OPEN: "open",
}
MOST_STRETCHES = 500
"""Of one school's year: some years of terms, holidays and single days are not half as many."""
LONGEST_NAME = 80
LONGEST_HOLIDAY = timedelta(days=100)
"""What is called a holiday, or a closure, and goes on for longer was meant for something else."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days in a row, both ends included."""

    kind: DayKind
    first: Date
    last: Date
    name: str = ""
    """E.g. Christmas."""

    @property
    def days(self) -> Iterator[Date]:
        return (self.first + timedelta(days=place) for place in range((self.last - self.first).days + 1))

    def as_json(self) -> dict[str, str]:
        return {"kind": self.kind.value, "first": str(self.first), "last": str(self.last), "name": self.name}

    @property
    def in_words(self) -> str:
        """E.g. `holidays (Christmas)`."""
        return f"{IN_WORDS[self.kind]} ({self.name})" if self.name else IN_WORDS[self.kind]


def stretch_of(row: Mapping[str, Any]) -> Stretch:
    """Return the stretch that is stored so, by `as_json` or as a row of the list of closures."""
    first, last = Date.fromisoformat(row["first"]), Date.fromisoformat(row["last"])
    return Stretch(DayKind(row["kind"]), first, last, str(row.get("name") or ""))


@dataclass(frozen=True)
class SchoolYear:
    """What is known of a school's days; of a day that nothing is known of it says nothing."""

    stretches: tuple[Stretch, ...] = ()

    def closed(self, day: Date, told: "SchoolYear | None" = None) -> Stretch | None:
        """Return what the school is closed for on a day; None where it is open, or nothing is known.

        `told` is what its provider says besides, of days of which the school says neither.
        """
        found = self._by_day.get(day)
        if found is None:
            return told.closed(day) if told is not None else None
        return None if found.kind is DayKind.OPEN else found

    @cached_property
    def _by_day(self) -> Mapping[Date, Stretch]:
        """What is said of each day: what is open goes before what is closed, and that before a gap between terms."""
        said = sorted(self.stretches, key=lambda one: one.kind is DayKind.OPEN)
        closing = (one for one in said if one.kind is not DayKind.TERM)
        return {day: one for stretches in (self._gaps(), closing) for one in stretches for day in one.days}

    def _gaps(self) -> Iterator[Stretch]:
        """Yield the holidays between terms. Where there are too many days, a term is missing, and nothing is known."""
        terms = sorted((one for one in self.stretches if one.kind is DayKind.TERM), key=lambda one: one.first)
        last = Date.max
        for term in terms:
            if last < term.first <= last + LONGEST_HOLIDAY:
                yield Stretch(DayKind.HOLIDAY, last + _DAY, term.first - _DAY)
            last = term.last if last is Date.max else max(last, term.last)


NO_YEAR = SchoolYear()


def year_of(rows: Iterable[Mapping[str, Any]]) -> SchoolYear:
    """Return the year of which these stretches are stored."""
    stretches = tuple(stretch_of(row) for row in rows)
    return SchoolYear(stretches) if stretches else NO_YEAR
