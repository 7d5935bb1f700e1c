"""The current state in facts: what each provider takes, which schools need someone, what goes wrong. Read-only.

The console puts it into words. It costs a few indexed queries, and is remembered for a moment, so that many viewers
cost as much as one.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from writeback.core.clock import Clock
from writeback.core.ids import made_at
from writeback.core.ttl import TtlCache
from writeback.domain.mode import Mode, mode_of
from writeback.domain.provider_words import key_of, words_in
from writeback.domain.school import ASKED_AT
from writeback.domain.states import Status
from writeback.domain.writeback import stored_progress
from writeback.flow.projections.overview_providers import ProviderState, usual_time
from writeback.flow.projections.overview_schools import Facts, SchoolCell, SchoolNeed, Usual, look_at
from writeback.flow.projections.rollups import bucket_of, quantile
from writeback.store.reads import overview as store
from writeback.store.reads import rollups
from writeback.store.reads.overview import Schools, SchoolState, Waiting, Wrong
from writeback.store.reads.rollups import BUCKET_S, Counts, OfSchool
from writeback.store.schools import removals
from writeback.store.sql.database import Database
from writeback.store.writebacks import holds
from writeback.store.writebacks.breakers import of_providers

WINDOW = timedelta(hours=1)
"""What sentences and times are about."""
CHART = timedelta(hours=4)
_EVIDENCE = timedelta(hours=12)
"""How far back a provider's last evidence is looked for."""
_LEARNT_FROM = timedelta(days=1)
"""How far back it is looked how long a provider and MIS usually need."""
_REMEMBERED_S, _SENT_REMEMBERED_S, _CAUSES_REMEMBERED_S, _LEARNT_S = 2.0, 10.0, 20.0, 600.0
"""What schools sent is some hundred thousand rows by the afternoon where there are twenty thousand schools."""
MOST_WRONG = 1_000
"""Of the writebacks that went wrong, so many are looked into."""
_ASKED_OF = 200
"""Of so many schools that need someone it is said when their provider was asked."""
_MOST_HELD = 20_000
"""Of what is held, so many are shown in the chart."""
_NOT_THE_PROVIDERS = (Status.HELD.value, Status.NEEDS_ATTENTION.value)
"""What waits for somebody else."""
_HALF, _NEARLY_ALL = 0.5, 0.95


@dataclass(frozen=True)
class Bucket:
    """What came in within one stretch of time, and what became of it by now; the rest is on its way."""

    start: datetime
    accepted: int
    """Without what was superseded or cancelled since."""
    confirmed: int
    failed: int
    held: int

    @property
    def on_their_way(self) -> int:
        return max(0, self.accepted - self.confirmed - self.failed - self.held)


@dataclass(frozen=True)
class Cause:
    """Why records went wrong: how many, in how many writebacks. With what the provider said, where it gave words."""

    code: str
    records: int
    writebacks: int
    words: str = ""
    said: str = ""
    """The key of the words: what differs in ids alone is one cause."""


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
    """Those that need someone; of which nothing gets through first, and of these the one with most."""
    grid: Sequence[SchoolCell]
    """Every school, by name, and how it stands."""
    quiet: Sequence[str]
    """Ids of schools that their providers should be asked about."""
    usual: Mapping[str, timedelta]
    """How long each provider usually needs for evidence."""
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
        self._test_schools = TtlCache[str, frozenset[str]](clock, _REMEMBERED_S, max_entries=1)
        self._causes = TtlCache[tuple[frozenset[str] | None, datetime], Causes](
            clock, _CAUSES_REMEMBERED_S, max_entries=200
        )
        self._sent = TtlCache[tuple[Schools, datetime], tuple[Sequence[OfSchool], Sequence[OfSchool]]](
            clock, _SENT_REMEMBERED_S, max_entries=200
        )
        self._times = TtlCache[str, Mapping[tuple[str, str], Counter[int]]](clock, _LEARNT_S, max_entries=1)

    async def of(self, schools: frozenset[str] | None, midnight: datetime, mode: Mode = Mode.LIVE) -> Overview:
        """Return the overview of those of these schools, None: all, that are of this mode; `midnight` is when today
        began."""
        return await self._known.get((await self._of_mode(schools, mode), midnight), self._make)

    async def _of_mode(self, schools: frozenset[str] | None, mode: Mode) -> frozenset[str] | None:
        """Return those of the mode; None: all live ones."""
        if schools is None and mode is Mode.TEST:
            return await self._test_schools.get("", self._find_test_schools)
        return None if schools is None else frozenset(one for one in schools if mode_of(one) is mode)

    async def _find_test_schools(self, _: str) -> frozenset[str]:
        async with self._db.read() as session:
            return await store.test_schools(session)

    async def without_causes(self, schools: frozenset[str] | None, midnight: datetime) -> Overview:
        """Return the same of live schools, made anew, without looking into what went wrong."""
        return await self._look(schools, midnight, Causes(self._clock.now(), 0, ()))

    async def _make(self, key: tuple[frozenset[str] | None, datetime]) -> Overview:
        return await self._look(*key, await self._causes.get(key, self._find_causes))

    async def _look(self, schools: frozenset[str] | None, midnight: datetime, causes: Causes) -> Overview:
        now = self._clock.now()
        times_of_mises = await self._times.get("", self._find_times)
        lately, today = await self._sent.get((schools, midnight), self._find_sent)
        async with self._db.read() as session:
            states = await store.schools_of(session, schools)
            waiting = await store.waiting(session, schools, now - WINDOW)
            breakers = {row.key: row for row in await store.open_breakers(session)}
            held_lanes = await holds.held_families(session, schools)
            held_back = await removals.of_schools(session, schools)
            counts = await rollups.counts(session, schools, now - _EVIDENCE)
            times = await rollups.times(session, schools, bucket_of(now - WINDOW))
            held = await store.held_since(session, schools, now - CHART, _MOST_HELD)
        took: dict[str, Counter[int]] = defaultdict(Counter)
        for one in times:
            took[one.provider][one.bin] += one.writebacks
        everything = sum(took.values(), Counter())
        prefix = of_providers(mode_of(next(iter(schools or ()), "")))  # they are all of one mode
        unanswered = {
            name.removeprefix(prefix).partition("@")[0]: row.since
            for name, row in breakers.items()
            if name.startswith(prefix)
        }
        usual = partial(usual_time, times_of_mises)
        look = look_at(Facts(states, waiting, breakers, held_lanes, held_back, lately, today, usual), now)
        async with self._db.read() as session:
            facts = await store.facts_of(session, [need.id for need in look.needs[:_ASKED_OF]])
        return Overview(
            at=now,
            providers=[
                _provider(name, counts, _waiting_at(name, states, waiting), took[name], unanswered.get(name), now)
                for name in sorted({state.provider for state in states})
            ],
            schools=[replace(need, asked_at=_asked_at(facts.get(need.id, {}))) for need in look.needs],
            grid=look.grid,
            quiet=look.quiet,
            usual=_usual_of_providers(states, usual),
            buckets=_buckets(counts, held, now),
            bucket=timedelta(seconds=BUCKET_S),
            median_s=quantile(everything, _HALF),
            nearly_all_s=quantile(everything, _NEARLY_ALL),
            measured=everything.total(),
            causes=causes,
        )

    async def _find_sent(self, key: tuple[Schools, datetime]) -> tuple[Sequence[OfSchool], Sequence[OfSchool]]:
        """Return what each school sent within the window, and today."""
        schools, midnight = key
        async with self._db.read() as session:
            lately = await rollups.by_school(session, schools, bucket_of(self._clock.now() - WINDOW))
            return lately, await rollups.by_school(session, schools, bucket_of(midnight))

    async def _find_times(self, _: str) -> Mapping[tuple[str, str], Counter[int]]:
        found: dict[tuple[str, str], Counter[int]] = defaultdict(Counter)
        async with self._db.read() as session:
            for one in await rollups.times_of_mises(session, bucket_of(self._clock.now() - _LEARNT_FROM)):
                found[one.provider, one.mis][one.bin] += one.writebacks
        return found

    async def _find_causes(self, key: tuple[Schools, datetime]) -> Causes:
        schools, midnight = key
        async with self._db.read() as session:
            wrong = await store.gone_wrong(session, schools, midnight, MOST_WRONG)
        # Some megabytes of JSON, should a whole morning have failed: nobody else waits for it.
        return Causes(midnight, len(wrong), await asyncio.to_thread(_causes, wrong))


def _buckets(counts: Iterable[Counts], held: Iterable[str], now: datetime) -> list[Bucket]:
    """Return the chart's stretches of time, those without anything too; `held`: ids of what is held."""
    sums: dict[datetime, Counter[str]] = defaultdict(Counter)
    for one in counts:
        sums[one.bucket_at].update(accepted=one.accepted - one.dropped, confirmed=one.confirmed, failed=one.failed)
    for writeback_id in held:
        sums[bucket_of(made_at(writeback_id))]["held"] += 1
    step, last = timedelta(seconds=BUCKET_S), bucket_of(now)
    starts = [last - number * step for number in reversed(range(CHART // step))]
    names = ("accepted", "confirmed", "failed", "held")
    return [Bucket(start, **{name: max(0, sums[start][name]) for name in names}) for start in starts]


def _asked_at(facts: Mapping[str, Any]) -> datetime | None:
    at = facts.get(ASKED_AT)
    return datetime.fromisoformat(at) if isinstance(at, str) else None


def _usual_of_providers(states: Iterable[SchoolState], usual: Usual) -> Mapping[str, timedelta]:
    """Return for each provider the longest of what its MISes usually need."""
    found: dict[str, timedelta] = {}
    for provider, mis in {(state.provider, state.mis) for state in states}:
        found[provider] = max(found.get(provider, timedelta(0)), usual(provider, mis))
    return found


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
        held_lately=sum(one.recent for one in held),
        held_schools=len({one.school_id for one in held}),
        waiting_since=min((one.since for one in waits), default=None),
        last_evidence_at=max((one.evidence_at for one in own if one.evidence_at is not None), default=None),
        median_s=quantile(took, _HALF),
        unanswered_since=unanswered_since,
    )


def _causes(wrong: Iterable[Wrong]) -> list[Cause]:
    """Return the codes of errors, told apart by the provider's words, those of most records first; what has none says
    so by its status."""
    records, writebacks = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    words: dict[tuple[str, str], str] = {}
    for one in wrong:
        found = _found(one.progress, words) or Counter({(one.status, ""): 1})
        records.update(found)
        writebacks.update(found.keys())
    return [
        Cause(cause[0], number, writebacks[cause], words.get(cause, ""), cause[1])
        for cause, number in records.most_common()
    ]


def _found(progress: str, words: dict[tuple[str, str], str]) -> Counter[tuple[str, str]]:
    """Return how many records have each cause, and note the words of those that have any."""
    found: Counter[tuple[str, str]] = Counter()
    for record in stored_progress(progress):
        if record["status"] in ("failed", "needs_attention"):
            causes = set()
            for finding in record.get("findings", ()):
                if finding.get("severity") != "warning":
                    said = words_in(finding)
                    causes.add(cause := (finding["code"], key_of(said) if said else ""))
                    words.setdefault(cause, said)
            found.update(causes)
    return found
