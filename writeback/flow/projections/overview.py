"""The current state in facts: what each provider takes, which schools need someone, what goes wrong. Read-only.

The console puts it into words. It costs a few indexed queries, and is remembered for a moment, so that many viewers
cost as much as one.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from writeback.core.clock import Clock
from writeback.core.ttl import TtlCache
from writeback.domain.states import Status
from writeback.domain.writeback import stored_progress
from writeback.flow.projections.overview_schools import SchoolNeed, needs_of
from writeback.flow.projections.rollups import bucket_of, quantile
from writeback.store.reads import overview as store
from writeback.store.reads import rollups
from writeback.store.reads.overview import Schools, SchoolState, Waiting, Wrong
from writeback.store.reads.rollups import BUCKET_S, Counts
from writeback.store.schools import removals
from writeback.store.sql.database import Database
from writeback.store.writebacks import holds

WINDOW = timedelta(hours=1)
"""What sentences and times are about."""
CHART = timedelta(hours=4)
_EVIDENCE = timedelta(hours=12)
"""How far back a provider's last evidence is looked for."""
_REMEMBERED_S, _CAUSES_REMEMBERED_S = 2.0, 20.0
MOST_WRONG = 1_000
"""Of the writebacks that went wrong, so many are looked into."""
_NOT_THE_PROVIDERS = (Status.HELD.value, Status.NEEDS_ATTENTION.value)
"""What waits for somebody else."""
_HALF, _NEARLY_ALL = 0.5, 0.95


@dataclass(frozen=True)
class ProviderState:
    """How one provider does. Counts are of what was accepted within the window."""

    provider: str
    accepted: int
    """Without what was superseded or cancelled, what a hold holds back, and what a person is asked about."""
    confirmed: int
    failed: int
    only_registers: bool
    waiting: int
    """Whenever accepted; without what holds hold back, and what a person is asked about."""
    held: int
    """What holds hold back."""
    held_schools: int
    waiting_since: datetime | None
    last_evidence_at: datetime | None
    median_s: float | None
    """From acceptance to evidence."""
    unanswered_since: datetime | None
    """The provider answers nobody, since then."""


@dataclass(frozen=True)
class Bucket:
    """What came in and what was confirmed within one stretch of time."""

    start: datetime
    accepted: int
    confirmed: int


@dataclass(frozen=True)
class Cause:
    """Why records went wrong: how many, in how many writebacks."""

    code: str
    records: int
    writebacks: int


@dataclass(frozen=True)
class Causes:
    """Why today's writebacks went wrong. `looked_into`: how many of them, the latest."""

    since: datetime
    looked_into: int
    found: Sequence[Cause]


@dataclass(frozen=True)
class Overview:
    """All of it, as it was at `at`."""

    at: datetime
    providers: Sequence[ProviderState]
    schools: Sequence[SchoolNeed]
    """Those that need someone, the longest waiting first."""
    school_count: int
    buckets: Sequence[Bucket]
    bucket: timedelta
    median_s: float | None
    nearly_all_s: float | None
    """95 of 100 took no longer."""
    measured: int
    """How many writebacks these two are of."""
    causes: Causes


class Overviews:
    """Makes them."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db, self._clock = db, clock
        self._known = TtlCache[tuple[frozenset[str] | None, datetime], Overview](clock, _REMEMBERED_S, max_entries=200)
        self._causes = TtlCache[tuple[frozenset[str] | None, datetime], Causes](
            clock, _CAUSES_REMEMBERED_S, max_entries=200
        )

    async def of(self, schools: frozenset[str] | None, midnight: datetime) -> Overview:
        """Return the overview of these schools, None: all; `midnight` is when today began."""
        return await self._known.get((schools, midnight), self._make)

    async def without_causes(self, schools: frozenset[str] | None) -> Overview:
        """Return the same, made anew, without looking into what went wrong."""
        return await self._look(schools, Causes(self._clock.now(), 0, ()))

    async def _make(self, key: tuple[frozenset[str] | None, datetime]) -> Overview:
        return await self._look(key[0], await self._causes.get(key, self._find_causes))

    async def _look(self, schools: frozenset[str] | None, causes: Causes) -> Overview:
        now = self._clock.now()
        async with self._db.read() as session:
            states = await store.schools_of(session, schools)
            waiting = await store.waiting(session, schools, now - WINDOW)
            breakers = {row.key: row for row in await store.open_breakers(session)}
            held_lanes = await holds.held_families(session, schools)
            held_back = await removals.of_schools(session, schools)
            counts = await rollups.counts(session, schools, now - _EVIDENCE)
            times = await rollups.times(session, schools, bucket_of(now - WINDOW))
            lately = await rollups.by_school(session, schools, bucket_of(now - WINDOW))
        took: dict[str, Counter[int]] = defaultdict(Counter)
        for one in times:
            took[one.provider][one.bin] += one.writebacks
        everything = sum(took.values(), Counter())
        unanswered = {
            name.removeprefix("provider:").partition("@")[0]: row.since
            for name, row in breakers.items()
            if name.startswith("provider:")
        }
        return Overview(
            at=now,
            providers=[
                _provider(name, counts, _waiting_at(name, states, waiting), took[name], unanswered.get(name), now)
                for name in sorted({state.provider for state in states})
            ],
            schools=needs_of(states, waiting, breakers, held_lanes, held_back, lately, now),
            school_count=len(states),
            buckets=_buckets(counts, now),
            bucket=timedelta(seconds=BUCKET_S),
            median_s=quantile(everything, _HALF),
            nearly_all_s=quantile(everything, _NEARLY_ALL),
            measured=everything.total(),
            causes=causes,
        )

    async def _find_causes(self, key: tuple[Schools, datetime]) -> Causes:
        schools, midnight = key
        async with self._db.read() as session:
            wrong = await store.gone_wrong(session, schools, midnight, MOST_WRONG)
        # Some megabytes of JSON, should a whole morning have failed: nobody else waits for it.
        return Causes(midnight, len(wrong), await asyncio.to_thread(_causes, wrong))


def _buckets(counts: Iterable[Counts], now: datetime) -> list[Bucket]:
    """Return the chart's stretches of time, those without anything too."""
    accepted: Counter[datetime] = Counter()
    confirmed: Counter[datetime] = Counter()
    for one in counts:
        accepted[one.bucket_at] += one.accepted
        confirmed[one.bucket_at] += one.went_out
    step, last = timedelta(seconds=BUCKET_S), bucket_of(now)
    starts = [last - number * step for number in reversed(range(CHART // step))]
    return [Bucket(start, accepted[start], confirmed[start]) for start in starts]


def _waiting_at(provider: str, states: Iterable[SchoolState], waiting: Iterable[Waiting]) -> list[Waiting]:
    own = {state.id for state in states if state.provider == provider}
    return [one for one in waiting if one.school_id in own]


def _provider(
    name: str,
    counts: Iterable[Counts],
    all_waits: Sequence[Waiting],
    took: Mapping[int, int],
    unanswered_since: datetime | None,
    now: datetime,
) -> ProviderState:
    own = [one for one in counts if one.provider == name]
    recent = [one for one in own if one.bucket_at >= bucket_of(now - WINDOW)]
    waits = [one for one in all_waits if one.status not in _NOT_THE_PROVIDERS]
    held = [one for one in all_waits if one.status == Status.HELD.value]
    aside = sum(one.recent for one in all_waits if one.status in _NOT_THE_PROVIDERS)
    return ProviderState(
        provider=name,
        accepted=max(0, sum(one.accepted - one.dropped for one in recent) - aside),
        confirmed=sum(one.confirmed for one in recent),
        failed=sum(one.failed for one in recent),
        only_registers=all(one.is_register for one in recent),
        waiting=sum(one.writebacks for one in waits),
        held=sum(one.writebacks for one in held),
        held_schools=len({one.school_id for one in held}),
        waiting_since=min((one.since for one in waits), default=None),
        last_evidence_at=max((one.evidence_at for one in own if one.evidence_at is not None), default=None),
        median_s=quantile(took, _HALF),
        unanswered_since=unanswered_since,
    )


def _causes(wrong: Iterable[Wrong]) -> list[Cause]:
    """Return the codes of errors, those of most records first; what has none says so by its status."""
    records: Counter[str] = Counter()
    writebacks: Counter[str] = Counter()
    for one in wrong:
        codes = _codes(one.progress) or Counter({one.status: 1})
        records.update(codes)
        writebacks.update(codes.keys())
    return [Cause(code, number, writebacks[code]) for code, number in records.most_common()]


def _codes(progress: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for record in stored_progress(progress):
        if record["status"] in ("failed", "needs_attention"):
            findings: Sequence[Mapping[str, str]] = record.get("findings", ())
            found.update({finding["code"] for finding in findings if finding.get("severity") != "warning"})
    return found
