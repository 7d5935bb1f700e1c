"""Which waiting records a later one for the same slot makes needless, and which wait for an earlier one. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date as Date


@dataclass(frozen=True)
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

    @property
    def order(self) -> tuple[int, int]:
        return self.seq, self.index


def superseded_by_later(waiting: Iterable[Waiting], newest: Mapping[str, int]) -> set[tuple[str, int]]:
    """Return which records a later one for the same slot replaces; `newest` has slots of those sent already."""
    latest = dict(newest)
    records = [record for record in waiting if record.slot is not None and record.overwrites]
    for record in records:
        if not record.is_conditional:
            slot = record.slot or ""
            latest[slot] = max(latest.get(slot, 0), record.seq)
    return {(r.writeback_id, r.index) for r in records if r.seq < latest.get(r.slot or "", 0)}


def first_in_line(waiting: Iterable[Waiting], gone: Collection[tuple[str, int]]) -> dict[str, tuple[int, int]]:
    """Return the earliest record of each slot, of those that are not superseded: the others wait for it."""
    first: dict[str, tuple[int, int]] = {}
    for record in waiting:
        if record.slot is not None and (record.writeback_id, record.index) not in gone:
            first[record.slot] = min(first.get(record.slot, record.order), record.order)
    return first
