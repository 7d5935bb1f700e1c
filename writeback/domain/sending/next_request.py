"""What a lane sends next: a pure choice over what waits. `flow/dispatch/claim.py` carries it out."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from writeback.domain.superseding import Accepted, Waiting, first_in_line, superseded_by_later


@dataclass(frozen=True)
class Limits:
    """How much one request of a kind may carry."""

    max_records: int
    one_date: bool = False
    """Xporter: marks of one date only (000_…: 13920)."""
    max_size: int | None = None
    """Characters of attached files, but for a first record that has more by itself; None: no limit."""


@dataclass(frozen=True)
class Plan:
    """`chosen` go into one request, in this order; the others stay, or are done with."""

    chosen: Sequence[Waiting] = ()
    superseded: Sequence[tuple[Waiting, Accepted]] = ()
    """Each with the later one that takes its place."""
    blocked: Sequence[Waiting] = ()
    """Due, but an earlier record of their slot is still on its way, or waits itself."""


@dataclass
class _Packing:
    """One request while it fills: it takes what matches its first record."""

    limits_of: Callable[[str], Limits]
    chosen: list[Waiting] = field(default_factory=list)
    size: int = 0
    limits: Limits = Limits(1)
    """Of the kind of the first."""

    def take(self, record: Waiting) -> None:
        """Add the record, if there is room for it and it goes with the others."""
        if not self.chosen:
            self.limits = self.limits_of(record.kind)
        elif not self._fits(record, self.chosen[0]):
            return
        self.chosen.append(record)
        self.size += record.size

    def _fits(self, record: Waiting, first: Waiting) -> bool:
        limits = self.limits
        return (
            len(self.chosen) < limits.max_records
            and record.kind == first.kind
            and record.group == first.group
            and (not limits.one_date or record.date == first.date)
            and (limits.max_size is None or self.size + record.size <= limits.max_size)
        )


def plan(
    waiting: Sequence[Waiting],
    *,
    busy: Collection[str],
    newest: Mapping[str, Accepted],
    limits_of: Callable[[str], Limits],
) -> Plan:
    """Return the next request of a lane.

    `busy` are the slots of records on their way; `newest` has, by slot, the latest of those that have been sent
    already, whatever was there; `limits_of` says what a request of a kind may carry. Interactive goes before batch,
    then the order of acceptance; of one writeback, what was refused before goes after the rest.
    """
    gone = superseded_by_later(waiting, newest)
    first = first_in_line(waiting, gone)
    packing = _Packing(limits_of)
    superseded, blocked = [], []
    for record in sorted(waiting, key=lambda r: (r.priority, r.seq, r.group is not None, r.index)):
        later = gone.get((record.writeback_id, record.index))
        if later is not None:
            superseded.append((record, later))
        elif record.slot is not None and (record.slot in busy or record.order > first[record.slot]):
            blocked.append(record)
        elif record.is_due:
            packing.take(record)
    return Plan(packing.chosen, superseded, blocked)
