"""Ends a worker that is stuck, so that its supervisor starts another one; and tells Redis that it is not.

Is that safe? It is what happens at a power cut, for which everything here is made: nothing is in memory that is not in
SQL, leases run out, and what was on its way is treated as if its answer had not come (a mark goes again, what creates
something is read back first). A stuck worker that is left alone is worse: its heartbeats may go on while no answer is
written down, and its wakes are never served.

Two things are watched. The event loop: a thread of the interpreter's own, which needs neither the loop nor Python's
lock, ends the process unless the loop comes by in time; it prints where every thread stands, and no values. A process
that was paused for so long ends, too: its leases are gone by then. And the sweeper: when no sweep ends for so long,
well or badly, the worker takes no more jobs and finishes those it has, as at SIGTERM. A database that is away is no
reason to end: then sweeps end with an error, and the next may do better.
"""

import asyncio
import faulthandler
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from writeback.core import outage_logs
from writeback.core.clock import Clock
from writeback.queue.pulse import BEAT_EVERY_S, Pulse, forget, write
from writeback.worker.role import Role

log = structlog.get_logger()

STUCK = 70
"""The exit code of a worker that ended because its sweeper was stuck; with a stuck event loop it is 1."""
_LOOKS = 20
"""How often in the time that it has the loop comes by."""
_LONGEST_STEP_S = 1.0
_STDERR = 2


@dataclass
class Watchdog:
    """Watches one worker. `stopping` is set when its sweeper is stuck."""

    clock: Clock
    redis: Redis
    owner: str
    patience_s: float
    """0: nothing is ended, whatever is stuck."""
    stopping: asyncio.Event
    role: Role = Role.ALL
    is_stuck: bool = False
    swept_at: datetime | None = None
    """When the last sweep ended without an error."""
    _sweep_ended: float = field(init=False)
    lag_s: float = 0.0
    """By how much the event loop was late at the worst moment between the last two beats."""
    _worst_lag_s: float = 0.0

    def __post_init__(self) -> None:
        self._started_at, self._sweep_ended = self.clock.now(), self.clock.monotonic()

    def sweep_ended(self, *, well: bool) -> None:
        """Note that the sweeper goes on."""
        self._sweep_ended = self.clock.monotonic()
        if well:
            self.swept_at = self.clock.now()

    async def watch(self) -> None:
        """Come by until cancelled."""
        step_s = min(_LONGEST_STEP_S, self.patience_s / _LOOKS or _LONGEST_STEP_S)
        beat_at = self.clock.monotonic()
        try:
            while True:
                self._come_by()
                if self.clock.monotonic() >= beat_at:
                    await self._beat()
                    beat_at = self.clock.monotonic() + BEAT_EVERY_S
                before = self.clock.monotonic()
                await asyncio.sleep(step_s)
                self._worst_lag_s = max(self._worst_lag_s, self.clock.monotonic() - before - step_s)
        finally:
            if not self.is_stuck:
                faulthandler.cancel_dump_traceback_later()

    async def say_goodbye(self) -> None:
        """Take back what was said: this worker stops in good order."""
        try:
            await forget(self.redis, self.owner)
        except (RedisError, OSError) as error:
            log.warning("pulse_not_taken_back", error=type(error).__name__)

    def _come_by(self) -> None:
        if not self.patience_s:
            return
        stuck_s = self.clock.monotonic() - self._sweep_ended
        if not self.is_stuck and stuck_s > self.patience_s and not self.stopping.is_set():
            log.error("sweeper_stuck", owner=self.owner, seconds=round(stuck_s))
            self.is_stuck = True
            self.stopping.set()
        if not self.is_stuck:  # one that is has as long again to end in good order
            faulthandler.dump_traceback_later(self.patience_s, exit=True, file=_STDERR)

    async def _beat(self) -> None:
        self.lag_s, self._worst_lag_s = self._worst_lag_s, 0.0
        try:
            now = self.clock.now()
            pulse = Pulse(self.owner, now, self._started_at, self.swept_at, round(self.lag_s, 3), self.role.value)
            await write(self.redis, pulse)
        except (RedisError, OSError) as error:
            outage_logs.warning("pulse_not_written", error)
