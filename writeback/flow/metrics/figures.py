"""The figures that only the database knows, as they were at one moment: read by one process, shown by all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import TypeAdapter

from writeback.store.reads.figures import DueSyncs, Lag, Leases, Lists, SchoolsHeld, Waiting, Webhooks

_NO_LEASES, _NO_WEBHOOKS = Leases(0, 0), Webhooks(0, None, 0, 0)


@dataclass(frozen=True)
class LastRun:
    """What the last run of retention did."""

    ended_at: datetime
    longest_s: float
    deleted: Mapping[str, int]


@dataclass(frozen=True)
class BreakersOpen:
    provider: str
    of: str
    """`provider` or `school`."""
    number: int


@dataclass(frozen=True)
class Figures:
    """All of them. `took_s`: what it took to read them."""

    at: datetime
    took_s: float
    waiting: Sequence[Waiting] = ()
    schools: Sequence[SchoolsHeld] = ()
    breakers: Sequence[BreakersOpen] = ()
    leases: Leases = _NO_LEASES
    lags: Sequence[Lag] = ()
    due_syncs: Sequence[DueSyncs] = ()
    lists: Sequence[Lists] = ()
    webhooks: Webhooks = _NO_WEBHOOKS
    lists_held_back: int = 0
    restore_waiting: int = 0
    restore_is_suspected: bool = False
    retention_is_late: bool = False
    retention: LastRun | None = None
    workers: Mapping[str, int] = field(default_factory=dict)
    """How many say that they work, and how many have fallen silent; empty where Redis does not answer."""


FIGURES = TypeAdapter(Figures)
"""Their JSON, by which one process hands them to the others."""
