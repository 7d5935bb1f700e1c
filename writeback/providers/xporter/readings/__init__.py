"""Reads what the MIS holds and compares it with what was sent, one module for each thing that can be read. Pure.

`adapter` asks a reader's questions and hands the answers to its `read`.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from writeback.domain.kinds import Kind
from writeback.domain.kinds.base import Family
from writeback.domain.lookups import LookupView
from writeback.domain.outcome import SlotReadBack
from writeback.providers.base import SentRequest
from writeback.providers.times import LONDON, parse_instant
from writeback.providers.xporter.fields import value_of
from writeback.providers.xporter.readings import conduct, detentions, marks
from writeback.providers.xporter.readings.base import Question

_AS_OF = re.compile(r"updated|refresh|cache|generated|asof|timestamp", re.IGNORECASE)


@dataclass(frozen=True)
class Reader:
    """How the records of a request are read back."""

    noun: str
    """What the answers show, in words."""
    questions: Callable[[SentRequest, LookupView], Iterator[Question]]
    is_answer: Callable[[Kind, Any], bool]
    """Whether a body has the table that was asked for."""
    read: Callable[[SentRequest, Sequence[Any], LookupView, str], Mapping[int, SlotReadBack]]
    """Return what the MIS (named) holds for each record, by position; one whose state cannot be read is left out."""
    holds_school: bool = True
    """Whether the school waits where it has not granted the permission to read."""


_MARKS = Reader("marks", marks.questions, marks.is_answer, marks.read)
# What may write conduct need not be allowed to read it: then a person is asked, and nothing else of the school waits.
_CONDUCT = Reader("conduct", conduct.questions, conduct.is_answer, conduct.read, holds_school=False)
_DETENTIONS = Reader("detentions", detentions.questions, detentions.is_answer, detentions.read, holds_school=False)

_READERS: Mapping[Family, Reader] = {
    Family.SESSION_MARKS: _MARKS,
    Family.LESSON_MARKS: _MARKS,
    Family.CONDUCT: _CONDUCT,
    Family.DETENTION: _DETENTIONS,
}


def reader_of(kind: Kind) -> Reader | None:
    """Return what reads a kind back; None where nothing can."""
    return _READERS.get(kind.family)


def as_of(body: Any) -> datetime | None:
    """Return when Xporter last read the MIS for this answer, by its `meta` (Xporter 5375); None where it is silent.

    Its times have no zone: they are taken as London's. Were they UTC, the reading would count as an hour older than it
    is in summer, and be asked for again; the other way round a stale one would count as fresh.
    """
    meta = value_of(body, "meta")
    rows = meta if isinstance(meta, list) else [meta]
    stamps = [
        stamp
        for row in rows
        if isinstance(row, Mapping)
        for key, value in row.items()
        if _AS_OF.search(str(key)) and (stamp := parse_instant(value, LONDON)) is not None
    ]
    return min(stamps, default=None)
