"""Whether there are workers that work, and whether Redis answers, as whoever looks now sees it."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from redis.exceptions import RedisError

from writeback.core.clock import Clock
from writeback.flow.alerts.conditions import NO_WORKER, QueueState, SilentWorker
from writeback.queue.pulse import SILENT_AFTER_S, Pulse

_UNSWEPT_S = 30.0
"""A worker sweeps every second or so."""


class QueueWatch:
    """Asks Redis. What it cannot know from there it counts from when it saw it first."""

    def __init__(self, pulses: Callable[[], Awaitable[Sequence[Pulse]]], clock: Clock) -> None:
        self._pulses, self._clock = pulses, clock
        self._none_since: datetime | None = None
        self._lost_since: datetime | None = None

    async def look(self) -> QueueState:
        """Return how the queue is."""
        now = self._clock.now()
        try:
            pulses = await self._pulses()
        except (RedisError, OSError):
            self._lost_since = self._lost_since or now
            return QueueState(redis_lost_since=self._lost_since)
        self._lost_since = None
        self._none_since = None if pulses else self._none_since or now
        amiss = {one.owner: _amiss_since(one, now) for one in pulses}
        silent = [SilentWorker(owner, since) for owner, since in amiss.items() if since is not None]
        working = len(amiss) - len(silent)
        if self._none_since is not None:
            silent.append(SilentWorker(NO_WORKER, self._none_since))
        return QueueState(silent, working)


def _amiss_since(pulse: Pulse, now: datetime) -> datetime | None:
    if pulse.silent_s(now) >= SILENT_AFTER_S:
        return pulse.at
    return pulse.swept_at or pulse.started_at if pulse.unswept_s(now) >= _UNSWEPT_S else None
