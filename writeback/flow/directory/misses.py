"""How often files name people who are not at the school: who mends rows tries names out as who asks by itself does."""

from collections.abc import Collection, Hashable

from writeback.core.buckets import Buckets
from writeback.core.clock import Clock
from writeback.core.ttl import TtlCache

_HOUR_S = 3_600
_MOST_REMEMBERED = 20_000


class Misses:
    """Counts them, of one app at one school each; whoever is named again within an hour counts once. One a process."""

    def __init__(self, clock: Clock, most: int) -> None:
        self.most = most
        self._left = Buckets(clock, most / _HOUR_S, most)
        self._counted: TtlCache[Hashable, bool] = TtlCache(clock, _HOUR_S, max_entries=_MOST_REMEMBERED)

    def are_too_many(self, app_id: str, school_id: str) -> bool:
        """Whether there have been so many in an hour that nothing more is told."""
        return self._left.empty_for_s(f"{app_id}|{school_id}") > 0

    def note(self, app_id: str, school_id: str, missed: Collection[Hashable]) -> None:
        """Count people who were not found, or not alone."""
        new = [one for one in missed if self._counted.peek((app_id, school_id, one)) is None]
        for one in new:
            self._counted.put((app_id, school_id, one), True)
        if new:
            self._left.charge(f"{app_id}|{school_id}", len(new))
