"""What a process may go on remembering of schools: it looks every second which have changed, all in one read."""

import asyncio

from writeback.core.clock import Clock
from writeback.core.ttl import TtlCache
from writeback.store.schools import changes
from writeback.store.sql.database import Database

_EVERY_S = 1.0
REMEMBERED_S = 600.0
"""What was read longer ago is read again: a transaction may have taken so long that its change was not seen."""


class SchoolChanges:
    """Says whether what was read of a school still stands. One a process."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db, self._clock = db, clock
        self._looked_at = float("-inf")
        self._looking = asyncio.Lock()
        self._seen: TtlCache[object, float] = TtlCache(clock, 2 * REMEMBERED_S, max_entries=100_000)
        """When each change was seen; by school, and by school and instant of the change."""

    async def still_stands(self, school_id: str, read_at: float) -> bool:
        """Whether nothing has changed of a school since `read_at`, by the monotonic clock: a second ago at most."""
        if self._clock.monotonic() - read_at > REMEMBERED_S:
            return False
        await self._look()
        seen_at = self._seen.peek(school_id)
        return seen_at is None or seen_at <= read_at

    async def _look(self) -> None:
        async with self._looking:
            began_at = self._clock.monotonic()
            if began_at - self._looked_at < _EVERY_S:
                return
            async with self._db.read() as session:
                changed = await changes.lately(session)
            seen_at = self._clock.monotonic()  # whoever reads from now on sees it, whoever began before may not have
            for change in changed:
                if self._seen.peek(change) is None:
                    self._seen.put(change, seen_at)
                    self._seen.put(change[0], seen_at)
            self._looked_at = began_at
