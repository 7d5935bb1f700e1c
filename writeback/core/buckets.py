"""Buckets that fill steadily (GCRA): how much somebody may do at once, and in the long run. In this process alone."""

from collections import OrderedDict
from dataclasses import dataclass

from writeback.core.clock import Clock

_MOST_BUCKETS = 10_000
"""Those that are remembered; one that is forgotten is full."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What may still be done: so much at once now, and all of it again after so long."""

    remaining: int
    full_in_s: float
    is_exceeded: bool = False


class Buckets:
    """A bucket by name, each of `burst` calls (or what else is counted) that come back at `per_s` a second."""

    def __init__(self, clock: Clock, per_s: float, burst: int) -> None:
        self._clock, self._per_s, self._burst = clock, per_s, burst
        self._full_at: OrderedDict[str, float] = OrderedDict()
        """When each bucket will be full again, on the monotonic clock."""

    def take(self, name: str, amount: int = 1) -> Allowance:
        """Take so many calls out of a bucket, if they are in it."""
        now = self._clock.monotonic()
        full_at = max(now, self._full_at.get(name, now))
        taken = full_at + amount / self._per_s
        if taken - now > self._burst / self._per_s:
            return Allowance(0, full_at - now, is_exceeded=True)
        self._keep(name, taken)
        return Allowance(int(self._burst - (taken - now) * self._per_s), taken - now)

    def charge(self, name: str, amount: int) -> None:
        """Take so many out of a bucket, also those that it does not have: they are missing in it until they come."""
        now = self._clock.monotonic()
        self._keep(name, max(now, self._full_at.get(name, now)) + amount / self._per_s)

    def empty_for_s(self, name: str) -> float:
        """Return for how long there is nothing in a bucket; 0 where there is something."""
        now = self._clock.monotonic()
        return max(0.0, self._full_at.get(name, now) - now - (self._burst - 1) / self._per_s)

    def _keep(self, name: str, full_at: float) -> None:
        self._full_at[name] = full_at
        if len(self._full_at) > _MOST_BUCKETS:
            self._full_at.popitem(last=False)
