"""A bulkhead: one provider that hangs may hold no more than its share of a worker's jobs; the others go on.

It lives in the worker process. What is turned away is remembered, and woken as soon as there is room; should the
process die, the sweeper wakes it, because SQL still says what is due.
"""

from collections import Counter
from dataclasses import dataclass, field

Job = tuple[str, str]
"""A worker's function and its subject, e.g. `serve_lane` and a lane's id."""

_MOST_REMEMBERED = 50_000


def job_place(job: str, provider: str) -> str:
    """Return what places are counted by where each of several jobs has its own of a provider's."""
    return f"{job} {provider}"


@dataclass
class Bulkhead:
    """Counts the jobs under way for each provider. `most`: how many one may have; 0: none."""

    most: int
    _under_way: Counter[str] = field(default_factory=Counter)
    _turned_away: dict[str, dict[Job, None]] = field(default_factory=dict)

    def enter(self, provider: str, job: Job) -> bool:
        """Take a place for the job; False when the provider has all that it may have."""
        if self._under_way[provider] >= self.most:
            waiting = self._turned_away.setdefault(provider, {})
            if len(waiting) < _MOST_REMEMBERED:
                waiting[job] = None
            return False
        self._under_way[provider] += 1
        return True

    def room(self, name: str) -> int:
        """Return how many more could enter now; those that were turned away go first."""
        return max(0, self.most - self._under_way[name] - len(self._turned_away.get(name, ())))

    def leave(self, provider: str) -> Job | None:
        """Give the place back; return who waited longest for one."""
        self._under_way[provider] -= 1
        waiting = self._turned_away.get(provider)
        if not waiting:
            return None
        job = next(iter(waiting))
        del waiting[job]
        return job
