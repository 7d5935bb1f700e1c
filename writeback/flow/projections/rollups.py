"""The rollup: counts of what came in, what became of it and how long it took, from the log of events, a few at a time.

The worker calls `count` every second or so. Several may: the cursor's row lets one through. The console then reads a
few hundred rows instead of a day's writebacks.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from sqlmodel import Session

from writeback.core import failpoints
from writeback.core.clock import Clock
from writeback.core.meters import Meters
from writeback.domain.kinds import KINDS
from writeback.domain.mode import Mode, mode_of
from writeback.domain.states import TRANSITIONS, Event, Status
from writeback.store.reads import rollups as store
from writeback.store.reads.rollups import ALL, BUCKET_S, Happened
from writeback.store.sql.database import Database
from writeback.store.writebacks.event_log import SPAN, Horizon, id_before

KEPT, _CAUGHT_UP = timedelta(days=7), timedelta(days=1)
"""How long counts are kept; how far back counting begins in a database that was never counted."""
_BINS_PER_DOUBLING = 8
_SHORTEST_S = 0.05
_COLUMN = {
    Status.CONFIRMED: "confirmed",
    Status.PARTIAL: "failed",
    Status.FAILED: "failed",
    Status.EXPIRED: "failed",
    Status.SUPERSEDED: "dropped",
    Status.CANCELLED: "dropped",
}


class _Key(NamedTuple):
    school_id: str
    bucket_at: datetime
    provider: str
    is_register: bool


@dataclass
class _Sums:
    """What is to be added."""

    counts: dict[_Key, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    evidence: dict[_Key, datetime] = field(default_factory=dict)
    times: Counter[tuple[str, datetime, str, int]] = field(default_factory=Counter)

    def add(self, one: Happened, before: str | None) -> None:
        """Count one event; `before` is the status that a resubmitted writeback had."""
        event = Event(one.event)
        for school_id in (ALL, one.school_id) if mode_of(one.school_id) is Mode.LIVE else (one.school_id,):
            of_acceptance = _key(school_id, one, one.created_at)
            if event is Event.ACCEPTED:
                self.counts[of_acceptance]["accepted"] += 1
            elif event is Event.RESUBMITTED:
                if before is not None:
                    self.counts[of_acceptance][_COLUMN[Status(before)]] -= 1
            else:
                self.counts[of_acceptance][_COLUMN[TRANSITIONS[event].target]] += 1
            if event is Event.CONFIRMED:
                of_evidence = _key(school_id, one, one.at)
                self.counts[of_evidence]["went_out"] += 1
                self.evidence[of_evidence] = one.at
                took = bin_of((one.at - one.created_at).total_seconds())
                self.times[(school_id, of_evidence.bucket_at, one.provider, took)] += 1

    def count_rows(self) -> Iterable[Mapping[str, Any]]:
        names = ("accepted", "confirmed", "failed", "dropped", "went_out")
        for key, found in self.counts.items():
            yield {
                **key._asdict(),
                **{name: found[name] for name in names},
                "evidence_at": self.evidence.get(key),
            }

    def time_rows(self) -> Iterable[Mapping[str, Any]]:
        for (school_id, bucket_at, provider, took), number in self.times.items():
            yield {
                "school_id": school_id,
                "bucket_at": bucket_at,
                "provider": provider,
                "bin": took,
                "writebacks": number,
            }


class Rollup:
    """Counts events, each once."""

    def __init__(self, db: Database, clock: Clock, meters: Meters | None = None) -> None:
        self._db, self._clock, self._horizon = db, clock, Horizon(db)
        self._meters = meters or Meters()
        self._counted = 0

    async def count(self) -> int:
        """Count what has happened since the last time, at most some thousand events; return how many ids that was."""
        settled = await self._horizon.settled()
        if settled <= self._counted:
            return 0
        start = 0
        if self._counted == 0:
            async with self._db.read() as session:
                start = await id_before(session, self._clock.now() - _CAUGHT_UP)
        before, self._counted, events = await self._db.transact(partial(self._count, start, settled))
        for one in events:  # after the commit: of all processes, one counts each event
            self._show(one)
        return self._counted - before

    def _show(self, one: Happened) -> None:
        """Count an event for Prometheus, too, unless it is a test."""
        if mode_of(one.school_id) is Mode.TEST:
            return
        event, family = Event(one.event), KINDS[one.kind].family
        if event is Event.ACCEPTED:
            self._meters.accepted(one.provider, family)
        elif event is not Event.RESUBMITTED:
            self._meters.ended(one.provider, family, TRANSITIONS[event].target)
        if event is Event.CONFIRMED:
            self._meters.evidence(one.provider, family, (one.at - one.created_at).total_seconds())

    def _count(self, start: int, settled: int, session: Session) -> tuple[int, int, Sequence[Happened]]:
        cursor = store.lock_cursor(session, start)
        before = cursor.event_id
        up_to = max(before, min(settled, before + SPAN))
        sums = _Sums()
        events = store.happened(session, before, up_to)
        for one in events:
            sums.add(one, store.status_before(session, one) if one.event == Event.RESUBMITTED.value else None)
        store.add_counts(session, sums.count_rows())
        store.add_times(session, sums.time_rows())
        cursor.event_id = up_to
        session.add(cursor)
        failpoints.hit("tally.uncommitted")
        return before, up_to, events


def bin_of(seconds: float) -> int:
    """Return the bin of a length of time: eight to a doubling, so that each is a tenth wide."""
    return round(_BINS_PER_DOUBLING * math.log2(max(seconds, _SHORTEST_S)))


def seconds_of(number: int) -> float:
    """Return the length of time in the middle of a bin."""
    return float(2 ** (number / _BINS_PER_DOUBLING))


def quantile(bins: Mapping[int, int], part: float) -> float | None:
    """Return the seconds that `part` of all took at most; None where there are none."""
    wanted, seen = part * sum(bins.values()), 0
    for number in sorted(bins):
        seen += bins[number]
        if seen >= wanted and bins[number]:
            return seconds_of(number)
    return None


def bucket_of(at: datetime) -> datetime:
    """Return when the bucket of an instant begins."""
    return datetime.fromtimestamp(at.timestamp() // BUCKET_S * BUCKET_S, UTC)


def _key(school_id: str, one: Happened, at: datetime) -> _Key:
    return _Key(school_id, bucket_of(at), one.provider, one.kind.startswith("attendance."))
