"""What the readers share: a question, texts that are compared, and how a difference is put into words."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from writeback.core.settings import XporterSettings
from writeback.domain.kinds.base import Part
from writeback.domain.near_matches import Compared, Near, is_same_text, plain
from writeback.domain.outcome import Found, SlotReadBack
from writeback.providers.texts import shorten
from writeback.providers.times import LONDON, parse_instant, spans

_SLACK = timedelta(minutes=2)
"""How far Xporter's clock, or the school's, may be from ours."""


@dataclass(frozen=True)
class Question:
    """One GET: the path's template, and its query."""

    template: Callable[[XporterSettings], str]
    params: Mapping[str, str] = field(repr=False)


@dataclass
class _Field:
    ours: list[str] = field(default_factory=list, repr=False)
    in_mis: list[str] = field(default_factory=list, repr=False)
    differs: bool = False


@dataclass
class Comparison:
    """Which of a record's fields the MIS holds otherwise. Of free texts only that they differ, never what they say."""

    same: int = 0
    """How many comparisons found what the record has."""
    _fields: dict[str, _Field] = field(default_factory=dict)

    @property
    def others(self) -> list[str]:
        """The names of the fields that differ."""
        return [name for name, one in self._fields.items() if one.differs]

    def compare(self, name: str, *, is_same: bool, ours: Any = None, in_mis: Any = None) -> None:
        """Note a comparison; fields of several pupils are put together."""
        one = self._fields.setdefault(name, _Field())
        for values, value in ((one.ours, ours), (one.in_mis, in_mis)):
            if value not in (None, ""):
                values.append(shorten(value))
        one.differs = one.differs or not is_same
        self.same += is_same

    def compare_given(self, name: str, given: Any, held: Any) -> None:
        """Compare a value, if one was given."""
        if given is not None:
            self.compare(name, is_same=plain(given) == plain(held), ours=given, in_mis=held)

    def compare_text(self, name: str, given: str | None, held: Any) -> None:
        """Compare a free text: people may be named there."""
        self.compare(name, is_same=is_same_text(held, given))

    def near(self, mis_id: str) -> Near:
        """Return the thing of the MIS that was compared beside what was sent. Xporter never says when it was made."""
        fields = (
            Compared(name, ", ".join(one.ours) or None, ", ".join(one.in_mis) or None, one.differs)
            for name, one in self._fields.items()
        )
        return Near(mis_id, tuple(fields))

    def compare_presence(self, student: Part, *, is_there: bool) -> None:
        """Compare whether a pupil is part of it. That counts as done only where no more was asked for the pupil."""
        if not is_there or student.model_dump(exclude_none=True).keys() == {"student_id"}:
            self.compare("students", is_same=is_there)

    def in_words(self, start: str) -> str:
        return f"{start} {', '.join(self.others)}"

    def reading(self, mis_id: str, start: str) -> SlotReadBack | None:
        """Return whether what was to be changed has been; None where nothing of it can be read.

        Where nothing at all is as it was asked for, the change has not arrived: then it does not count as another one.
        """
        if self.others:
            return SlotReadBack(self.in_words(start) if self.same else None, False)
        return SlotReadBack(None, True, (Found(mis_id),)) if self.same else None


MOVED = timedelta(days=14)
"""How far from its day something new is looked for: the office may have moved it."""


def days_around(records: Sequence[Any]) -> Iterator[dict[str, str]]:
    """Yield the parameters that ask for the records' days, and those to which the office may have moved them."""
    for first, last in spans((record.date for record in records), MOVED):
        yield {"DateFrom": first.isoformat(), "DateTo": last.isoformat()}


def first_seen(text: str, sent_at: datetime) -> tuple[datetime | None, bool]:
    """Return when a row was made, where a LastUpdated tells that, and whether it was there before `sent_at`.

    LastUpdated has no zone, and another change may have moved it: what it proves is that a row whose stamp is before
    the request, in London's time and in UTC, was not made by it. In between it proves nothing.
    """
    readings = [parse_instant(text, zone) for zone in (LONDON, ZoneInfo("UTC"))]
    stamps = [stamp for stamp in readings if stamp is not None]
    if not stamps:
        return None, False
    if max(stamps) < sent_at - _SLACK:
        return max(stamps), True
    return (min(stamps) if min(stamps) >= sent_at else None), False


def has_stamp(text: str) -> bool:
    """Whether a LastUpdated can be read."""
    return parse_instant(text, LONDON) is not None
