"""What a lane sends next: a pure choice over what waits. `flow/dispatch.py` carries it out."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
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


@dataclass(frozen=True)
class Plan:
    """`chosen` go into one request, in this order; the others stay, or are done with."""

    chosen: Sequence[Waiting] = ()
    superseded: Sequence[Waiting] = ()
    blocked: Sequence[Waiting] = ()
    """Due, but an earlier record of their slot is still on its way."""


@dataclass
class _Packing:
    """One request while it fills: it takes what matches its first record."""

    max_records: int
    one_date: bool
    chosen: list[Waiting] = field(default_factory=list)

    def takes(self, record: Waiting) -> bool:
        if not self.chosen:
            return True
        first = self.chosen[0]
        return (
            len(self.chosen) < self.max_records
            and record.kind == first.kind
            and record.group == first.group
            and (not self.one_date or record.date == first.date)
        )


def _superseded(waiting: Iterable[Waiting], newest: Mapping[str, int]) -> set[tuple[str, int]]:
    """Return which records a later one for the same slot replaces; `newest` has slots of those sent already."""
    latest = dict(newest)
    records = [record for record in waiting if record.slot is not None]
    for record in records:
        slot = record.slot or ""
        latest[slot] = max(latest.get(slot, 0), record.seq)
    return {(r.writeback_id, r.index) for r in records if r.seq < latest[r.slot or ""]}


def plan(
    waiting: Sequence[Waiting],
    *,
    busy: Collection[str],
    newest: Mapping[str, int],
    max_records: int,
    one_date: bool,
) -> Plan:
    """Return the next request of a lane.

    `busy` are the slots of records on their way; `newest` the highest accepted sequence of slots that later
    writebacks have sent already. Interactive goes before batch, then the order of acceptance.
    """
    gone = _superseded(waiting, newest)
    packing = _Packing(max_records, one_date)
    superseded, blocked = [], []
    for record in sorted(waiting, key=lambda r: (r.priority, r.seq, r.index)):
        if (record.writeback_id, record.index) in gone:
            superseded.append(record)
        elif record.slot is not None and record.slot in busy:
            blocked.append(record)
        elif record.is_due and packing.takes(record):
            packing.chosen.append(record)
    return Plan(packing.chosen, superseded, blocked)
