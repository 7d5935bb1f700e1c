"""Which waiting records a later one for the same slot makes needless, and which wait for an earlier one. Pure.

The later one is the one accepted later. But what says when it was seen is not later than what was seen, or accepted
without saying so, after that: a register that was taken offline comes in after what the office has learnt since.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from datetime import date as Date
from typing import Protocol

_EVER = datetime.min.replace(tzinfo=UTC)


class Accepted(Protocol):
    """A record that is to be written over whatever its slot holds."""

    @property
    def seq(self) -> int: ...

    @property
    def accepted_at(self) -> datetime: ...

    @property
    def seen_at(self) -> datetime | None:
        """When it was seen, never after it was accepted; None: it does not say."""

    @property
    def code(self) -> str | None: ...

    @property
    def app_id(self) -> str: ...


@dataclass(frozen=True, slots=True)
class SentMark:
    """A record that has been sent already."""

    writeback_id: str
    seq: int
    code: str | None = None
    """The code that it has set; None where it was left out for what was there."""
    accepted_at: datetime = _EVER
    seen_at: datetime | None = None
    app_id: str = ""


@dataclass(slots=True)
class Waiting:
    """One queued record of a writeback in the lane."""

    writeback_id: str
    seq: int
    index: int
    kind: str
    slot: str | None
    date: Date | None = None
    is_due: bool = True
    """False: its retry is later; it may still be superseded."""
    group: str | None = None
    priority: int = 0
    overwrites: bool = True
    """Whether an earlier record of its slot that overwrites as well is needless beside it."""
    size: int = 0
    """Characters of its attached files."""
    is_conditional: bool = False
    """It is written only where the MIS has nothing: it may be left out, so no earlier record is needless beside it."""
    accepted_at: datetime = _EVER
    seen_at: datetime | None = None
    """When it was seen, never after it was accepted; None: it does not say, or its school does not heed that."""
    code: str | None = None
    app_id: str = ""

    @property
    def order(self) -> tuple[int, int]:
        return self.seq, self.index


def is_later(one: Accepted, other: Accepted) -> bool:
    """Whether `one` is to stand in a slot rather than `other`."""
    if one.seq < other.seq:
        return not is_later(other, one)
    return one.seen_at is None or one.seen_at >= (other.seen_at or other.accepted_at)


def superseded_by_later(waiting: Iterable[Waiting], newest: Mapping[str, Accepted]) -> dict[tuple[str, int], Accepted]:
    """Return which records a later one for the same slot replaces, and that one; `newest` has, by slot, the latest of
    those sent already."""
    latest = dict(newest)
    records = [record for record in waiting if record.slot is not None and record.overwrites]
    for record in records:
        if not record.is_conditional:
            slot = record.slot or ""
            known = latest.get(slot)
            if known is None or is_later(record, known):
                latest[slot] = record
    return {
        (record.writeback_id, record.index): later
        for record in records
        if (later := latest.get(record.slot or "")) is not None and later.seq != record.seq and is_later(later, record)
    }


def first_in_line(waiting: Iterable[Waiting], gone: Collection[tuple[str, int]]) -> dict[str, tuple[int, int]]:
    """Return the earliest record of each slot, of those that are not superseded: the others wait for it."""
    first: dict[str, tuple[int, int]] = {}
    for record in waiting:
        if record.slot is not None and (record.writeback_id, record.index) not in gone:
            first[record.slot] = min(first.get(record.slot, record.order), record.order)
    return first
