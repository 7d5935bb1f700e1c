"""What the readers share: a question, texts that are compared, and how a difference is put into words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from writeback.core.settings import XporterSettings
from writeback.domain.kinds.base import Part
from writeback.domain.outcome import Found, SlotReading
from writeback.providers.times import LONDON, parse_instant

_SLACK = timedelta(minutes=2)
"""How far Xporter's clock, or the school's, may be from ours."""


@dataclass(frozen=True)
class Question:
    """One GET: the path's template, and its query."""

    template: Callable[[XporterSettings], str]
    params: Mapping[str, str] = field(repr=False)


@dataclass
class Comparison:
    """Which of a record's fields the MIS holds otherwise. Only names of fields, never what they hold."""

    others: list[str] = field(default_factory=list)
    same: int = 0
    """How many are as the record has them."""

    def compare(self, name: str, *, is_same: bool) -> None:
        if is_same:
            self.same += 1
        elif name not in self.others:
            self.others.append(name)

    def compare_given(self, name: str, given: Any, held: Any) -> None:
        """Compare a value, if one was given."""
        if given is not None:
            self.compare(name, is_same=plain(given) == plain(held))

    def compare_presence(self, student: Part, *, is_there: bool) -> None:
        """Compare whether a pupil is part of it. That counts as done only where no more was asked for the pupil."""
        if not is_there or student.model_dump(exclude_none=True).keys() == {"student_id"}:
            self.compare("students", is_same=is_there)

    def in_words(self, start: str) -> str:
        return f"{start} {', '.join(self.others)}"

    def reading(self, mis_id: str, start: str) -> SlotReading | None:
        """Return whether what was to be changed has been; None where nothing of it can be read.

        Where nothing at all is as it was asked for, the change has not arrived: then it does not count as another one.
        """
        if self.others:
            return SlotReading(self.in_words(start) if self.same else None, False)
        return SlotReading(None, True, (Found(mis_id),)) if self.same else None


def plain(value: Any) -> str:
    """Return a value as texts are compared: without regard to case, blanks and line breaks."""
    return " ".join(str("" if value is None else value).split()).casefold()


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
