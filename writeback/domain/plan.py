"""What a lane sends next: a pure choice over what waits. `flow/dispatch/dispatcher.py` carries it out."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date as Date


@dataclass(frozen=True)
class Limits:
    """How much one request of a kind may carry."""

    max_records: int
    one_date: bool = False
    """Xporter: marks of one date only (000_…: 13920)."""
    max_size: int | None = None
    """Characters of attached files, but for a first record that has more by itself; None: no limit."""


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


@dataclass(frozen=True)
class Plan:
    """`chosen` go into one request, in this order; the others stay, or are done with."""

    chosen: Sequence[Waiting] = ()
    superseded: Sequence[Waiting] = ()
    blocked: Sequence[Waiting] = ()
    """Due, but an earlier record of their slot is still on its way, or waits itself."""


@dataclass
class _Packing:
    """One request while it fills: it takes what matches its first record."""

    limits_of: Callable[[str], Limits]
    chosen: list[Waiting] = field(default_factory=list)
    size: int = 0

    def take(self, record: Waiting) -> None:
        """Add the record, if there is room for it and it goes with the others."""
        if not self.chosen or self._fits(record, self.chosen[0]):
            self.chosen.append(record)
            self.size += record.size

    def _fits(self, record: Waiting, first: Waiting) -> bool:
        limits = self.limits_of(first.kind)
        return (
            len(self.chosen) < limits.max_records
            and record.kind == first.kind
            and record.group == first.group
            and (not limits.one_date or record.date == first.date)
            and (limits.max_size is None or self.size + record.size <= limits.max_size)
        )


def _superseded(waiting: Iterable[Waiting], newest: Mapping[str, int]) -> set[tuple[str, int]]:
    """Return which records a later one for the same slot replaces; `newest` has slots of those sent already."""
    latest = dict(newest)
    records = [record for record in waiting if record.slot is not None and record.overwrites]
    for record in records:
        if not record.is_conditional:
            slot = record.slot or ""
            latest[slot] = max(latest.get(slot, 0), record.seq)
    return {(r.writeback_id, r.index) for r in records if r.seq < latest.get(r.slot or "", 0)}


def _first_in_line(waiting: Iterable[Waiting], gone: Collection[tuple[str, int]]) -> dict[str, tuple[int, int]]:
    """Return the earliest record of each slot, of those that are not superseded: the others wait for it."""
    first: dict[str, tuple[int, int]] = {}
    for record in waiting:
        if record.slot is not None and (record.writeback_id, record.index) not in gone:
            first[record.slot] = min(first.get(record.slot, record.order), record.order)
    return first


def plan(
    waiting: Sequence[Waiting],
    *,
    busy: Collection[str],
    newest: Mapping[str, int],
    limits_of: Callable[[str], Limits],
) -> Plan:
    """Return the next request of a lane.

    `busy` are the slots of records on their way; `newest` the highest accepted sequence of slots that later
    writebacks have sent already, whatever was there; `limits_of` says what a request of a kind may carry. Interactive
    goes before batch, then the order of acceptance; of one writeback, what was refused before goes after the rest.
    """
    gone = _superseded(waiting, newest)
    first = _first_in_line(waiting, gone)
    packing = _Packing(limits_of)
    superseded, blocked = [], []
    for record in sorted(waiting, key=lambda r: (r.priority, r.seq, r.group is not None, r.index)):
        if (record.writeback_id, record.index) in gone:
            superseded.append(record)
        elif record.slot is not None and (record.slot in busy or record.order > first[record.slot]):
            blocked.append(record)
        elif record.is_due:
            packing.take(record)
    return Plan(packing.chosen, superseded, blocked)
