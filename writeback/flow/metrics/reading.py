"""Reading the figures: every few seconds at most, by one process for all where there is a Redis to share them by."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from pydantic import ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from writeback.core import outage_logs
from writeback.core.clock import Clock
from writeback.core.settings import Settings
from writeback.core.ttl import TtlCache
from writeback.flow.metrics.figures import FIGURES, BreakersOpen, Figures, LastRun
from writeback.flow.schools.removals_held_back import Removals
from writeback.flow.upkeep.restores import Restores
from writeback.flow.upkeep.retention import Retention, RetentionState
from writeback.queue.arq_wakes import QUEUES
from writeback.queue.pulse import SILENT_AFTER_S, read_all
from writeback.store.reads import figures as store
from writeback.store.sql.database import Database
from writeback.store.sql.pool import PoolUse

FRESH_S = 5.0
"""For so long figures are shown again. Whoever scrapes, and however often, they are read once in that time."""
_KEPT_S = 60
_UNSWEPT_S = 30.0
"""A worker sweeps every second or so."""
_FIGURES, _TURN = "writeback:metrics:figures", "writeback:metrics:turn"
_PATIENCE_S = 2.0
_NOBODYS = 0


@dataclass(frozen=True)
class FigureReader:
    """Reads them from the database."""

    db: Database
    clock: Clock
    settings: Settings
    removals: Removals
    restores: Restores
    retention: Retention
    redis: Redis | None = None
    """None: they are shared with no other process."""

    async def read(self) -> Figures:
        """Return the figures as they are now."""
        began, now = self.clock.monotonic(), self.clock.now()
        stale_before = now - timedelta(seconds=self.settings.lookups.stale_after_s)
        async with self.db.read() as session:
            waiting = await store.waiting(session, self.settings.metrics.schools)
            schools = await store.schools(session)
            breakers = await store.breakers(session)
            leases = await store.leases(session, now)
            lags = await store.lags(session)
            due_syncs = await store.due_syncs(session, now)
            lists = await store.lists(session, sorted({one.provider for one in schools}), stale_before)
            webhooks = await store.webhooks(session)
        epoch, retention = await self.restores.standing(), await self.retention.state()
        return Figures(
            at=now,
            waiting=waiting,
            schools=schools,
            breakers=[BreakersOpen(*key, number) for key, number in breakers.items()],
            leases=leases,
            lags=lags,
            due_syncs=due_syncs,
            lists=lists,
            webhooks=webhooks,
            lists_held_back=await self.removals.waiting(),
            restore_waiting=0 if epoch is None else epoch.waiting + epoch.being_looked_for,
            restore_is_suspected=epoch is not None and epoch.suspected_at is not None,
            retention_is_late=retention.is_late,
            retention=_last_run(retention),
            workers=await self._workers(),
            took_s=self.clock.monotonic() - began,
        )

    async def _workers(self) -> dict[str, int]:
        if self.redis is None:
            return {}
        try:
            pulses = await read_all(self.redis)
        except (RedisError, OSError):
            return {}
        now = self.clock.now()
        working = sum(one.silent_s(now) < SILENT_AFTER_S and one.unswept_s(now) < _UNSWEPT_S for one in pulses)
        return {"working": working, "silent": len(pulses) - working}


@dataclass(frozen=True)
class RedisState:
    """How Redis is, as this process sees it."""

    is_up: bool
    took_s: float = 0.0
    queued: Mapping[str, int] = field(default_factory=dict)
    """How many jobs wait in each queue."""


class SharedFigures:
    """The figures as they were a few seconds ago at most; `last` as they last were, while they cannot be read."""

    def __init__(self, reader: FigureReader) -> None:
        self._reader = reader
        self._kept = TtlCache[int, Figures](reader.clock, FRESH_S, max_entries=1)
        self.last: Figures | None = None
        self.redis: RedisState | None = None
        """None: it has not been asked yet, or there is none to be asked."""

    @property
    def pool_use(self) -> PoolUse | None:
        """How this process uses its connections to the database; None on SQLite."""
        return self._reader.db.pool_use

    async def refresh(self) -> None:
        """See to it that figures are fresh; where that fails say so in the log, and leave them as they are."""
        self.redis = await self._look_at_redis()
        try:
            async with asyncio.timeout(_PATIENCE_S):
                self.last = await self._kept.get(_NOBODYS, self._load)
        except Exception as error:
            outage_logs.warning("metrics_not_read", error)

    async def _look_at_redis(self) -> RedisState | None:
        redis, clock = self._reader.redis, self._reader.clock
        if redis is None:
            return None
        began = clock.monotonic()
        try:
            numbers = [await redis.zcard(queue) for queue in QUEUES.values()]
        except (RedisError, OSError):
            return RedisState(is_up=False)
        return RedisState(True, clock.monotonic() - began, dict(zip(QUEUES, numbers, strict=True)))

    async def _load(self, _: int) -> Figures:
        """Read them, or take over what another process has just read."""
        redis = self._reader.redis
        if redis is None or self.redis is None or not self.redis.is_up:
            return await self._reader.read()
        try:
            is_ours = await redis.set(_TURN, "", nx=True, px=round(FRESH_S * 1_000))
            if not is_ours and (text := await redis.get(_FIGURES)):
                return FIGURES.validate_json(text)
        except (RedisError, OSError, ValidationError):  # it is away, or another version of us has written them
            return await self._reader.read()
        figures = await self._reader.read()
        try:
            await redis.set(_FIGURES, FIGURES.dump_json(figures), ex=_KEPT_S)
        except (RedisError, OSError) as error:
            outage_logs.warning("metrics_not_shared", error)
        return figures


def _last_run(state: RetentionState) -> LastRun | None:
    last = state.last
    if last is None or last.ended_at is None:
        return None
    return LastRun(last.ended_at, last.longest_s, dict(last.deleted))
