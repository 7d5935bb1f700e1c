"""The circuit breaker: when to stop asking what does not answer, and when to try it again. Pure."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Gate(StrEnum):
    """Whether a request may go."""

    OPEN = "open"
    """It may."""
    PROBE = "probe"
    """One may, to try."""
    SHUT = "shut"


@dataclass(frozen=True)
class BreakerPolicy:
    """When it opens and for how long."""

    failures: int
    """In a row."""
    cooldown_s: float
    cooldown_cap_s: float

    def cooldown(self, trips: int, rng: random.Random) -> timedelta:
        """Return how long it stays open the `trips`-th time in a row: doubling, at least half of that, at random."""
        longest = min(self.cooldown_cap_s, self.cooldown_s * 2 ** min(trips - 1, 10))
        return timedelta(seconds=rng.uniform(longest / 2, longest))


def gate(open_until: datetime | None, now: datetime) -> Gate:
    """Return what a breaker says to one who wants to send now."""
    if open_until is None:
        return Gate.OPEN
    return Gate.SHUT if open_until > now else Gate.PROBE
