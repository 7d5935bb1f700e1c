"""A school's year: its terms, and the days on which it has no pupils. Pure.

The school gives it as data; what its provider tells of closures comes beside it, as a list of the school.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date as Date
from datetime import timedelta
from enum import StrEnum
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


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days in a row, both ends included."""

    kind: DayKind
    first: Date
    last: Date
    name: str = ""
    """E.g. Christmas."""

    def __contains__(self, day: Date) -> bool:
        return self.first <= day <= self.last

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

    def closed(self, day: Date) -> Stretch | None:
        """Return what the school is closed for on a day; None where it is open, or nothing is known."""
        found = [one for one in self.stretches if day in one]
        kinds = {one.kind for one in found}
        if DayKind.OPEN in kinds:
            return None
        named = next((one for one in found if one.kind is not DayKind.TERM), None)
        return named if named is not None or DayKind.TERM in kinds else self._between_terms(day)

    def _between_terms(self, day: Date) -> Stretch | None:
        """Return the holidays between the term before a day and the one after it."""
        terms = [one for one in self.stretches if one.kind is DayKind.TERM]
        before = max((one.last for one in terms if one.last < day), default=None)
        after = min((one.first for one in terms if one.first > day), default=None)
        if before is None or after is None:
            return None
        return Stretch(DayKind.HOLIDAY, before + timedelta(days=1), after - timedelta(days=1))

    def with_closures(self, closures: Iterable[Stretch]) -> "SchoolYear":
        """Return it with what the provider tells besides; what the school says of a day goes first."""
        return SchoolYear((*self.stretches, *closures))


NO_YEAR = SchoolYear()


def year_of(rows: Iterable[Mapping[str, Any]]) -> SchoolYear:
    """Return the year of which these stretches are stored."""
    stretches = tuple(stretch_of(row) for row in rows)
    return SchoolYear(stretches) if stretches else NO_YEAR
