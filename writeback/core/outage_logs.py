"""One outage is a few log lines, however many calls, jobs and wakes fail.

What fails again and again is said in full the first time, then every few minutes with how often, and once more when it
is over: when nothing has failed so for a while. What is of one kind is counted together: the event, the error's class,
the place it came from, and what it is `of` (a provider, a webhook). An error of another kind is said at once.

    outages.error("sweep_failed", error)
    outages.warning("list_not_synced", "NotReached", of="wonde", school="hillside")

Every process has one set of outages; any thread may note one. Only kinds are remembered, and only so many.
"""

import asyncio
import logging
from collections.abc import Mapping
from contextvars import Context
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

import structlog

from writeback.core.clock import Clock, SystemClock
from writeback.core.loggable_errors import class_of, place_of

AGAIN_EVERY_S = 300.0
"""How often it is said that something still fails."""
QUIET_S = 60.0
"""After so long without another failure an outage is over; longer where they come seldom."""
SELDOM_S = 900.0
"""For what is tried less and less often: a provider whose breaker is open, a webhook."""
_MOST_KINDS = 500
"""Kinds that are remembered at a time; what is of yet another kind is said each time."""
_COME_BY_S = 15.0
_DOCTOR = "writeback doctor"

_Kind = tuple[str, str, str, str]


@dataclass
class _Outage:
    said: dict[str, Any]
    """What its lines have in common."""
    quiet_s: float
    since: datetime
    said_at: float
    last: datetime
    last_at: float
    times: int = 1

    def again(self, now: datetime, at: float) -> Mapping[str, Any] | None:
        """Count one more; return what is to be said of that, None: nothing."""
        self.times, self.last, self.last_at = self.times + 1, now, at
        if at - self.said_at < AGAIN_EVERY_S:
            return None
        self.said_at = at
        return self._so_far(f"{self.times} times in {_long(now - self.since)}, and goes on")

    def end(self) -> Mapping[str, Any]:
        """Return what is to be said at its end."""
        return self._so_far(f"over: {self.times} times in {_long(self.last - self.since)}")

    def _so_far(self, note: str) -> Mapping[str, Any]:
        return {**self.said, "note": note, "times": self.times, "since": self.since, "last": self.last}


class Outages:
    """The outages of one process."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._lock = clock, Lock()
        self._outages: dict[_Kind, _Outage] = {}
        self._coming_by: asyncio.AbstractEventLoop | None = None

    def note(
        self,
        level: int,
        event: str,
        error: BaseException | str,
        *,
        of: str = "",
        look: str = _DOCTOR,
        quiet_s: float = QUIET_S,
        **fields: Any,
    ) -> None:
        """Log that something failed, unless that has just been said; then it is counted.

        `error`: what was raised, of which class and place are logged but no text; or a name for what went wrong.
        `fields` are of this failure, and are not logged for those that are only counted. `look`: where more can be
        seen.
        """
        self.end_quiet()
        said = {"error": error} if isinstance(error, str) else {"error": class_of(error), "place": place_of(error)}
        said |= {"of": of} if of else {}
        kind = (event, said["error"], said.get("place", ""), of)
        now, at = self._clock.now(), self._clock.monotonic()
        with self._lock:
            outage = self._outages.get(kind)
            if outage is None:
                line: Mapping[str, Any] | None = said
                if len(self._outages) < _MOST_KINDS:
                    self._outages[kind] = _Outage({**said, "look": look}, quiet_s, now, at, now, at)
            else:
                line = outage.again(now, at)
        if line is not None:
            structlog.get_logger().log(level, event, **fields, **line)
            self._come_by_later()

    def end_quiet(self) -> None:
        """Say of every outage of which nothing has been noted for long enough that it is over."""
        at, over = self._clock.monotonic(), []
        with self._lock:
            for kind, outage in list(self._outages.items()):
                if at - outage.last_at >= outage.quiet_s:
                    over.append((kind[0], self._outages.pop(kind)))
        for event, outage in over:
            if outage.times > 1:  # of one alone everything has been said
                structlog.get_logger().warning(event, **outage.end())

    def forget(self) -> None:
        """Begin as a new process does."""
        with self._lock:
            self._outages.clear()

    def _come_by_later(self) -> None:
        """Look after a while whether it is over; without a loop the next failure of any kind does."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        if self._coming_by is not loop:
            self._coming_by = loop
            # In a context of its own: whose call this is has nothing to do with the end of the outage.
            loop.call_later(_COME_BY_S, self._come_by, loop, context=Context())

    def _come_by(self, loop: asyncio.AbstractEventLoop) -> None:
        self.end_quiet()
        if self._outages:
            loop.call_later(_COME_BY_S, self._come_by, loop, context=Context())
        else:
            self._coming_by = None


def _long(time: timedelta) -> str:
    """Return a time in words, e.g. `12 min`."""
    seconds = round(time.total_seconds())
    return f"{seconds} s" if seconds < 120 else f"{round(seconds / 60)} min"


OUTAGES = Outages(SystemClock())
"""Those of this process."""


def error(event: str, error: BaseException | str, **fields: Any) -> None:
    """Note what needs somebody; see `Outages.note`."""
    OUTAGES.note(logging.ERROR, event, error, **fields)


def warning(event: str, error: BaseException | str, **fields: Any) -> None:
    """Note what gets well by itself, or does no harm; see `Outages.note`."""
    OUTAGES.note(logging.WARNING, event, error, **fields)


def of_provider(event: str, error: str, *, of: str, **fields: Any) -> None:
    """Note that a provider, or one of its schools, does not answer; it is asked less and less often meanwhile."""
    OUTAGES.note(logging.WARNING, event, error, of=of, look="writeback schools list", quiet_s=SELDOM_S, **fields)
