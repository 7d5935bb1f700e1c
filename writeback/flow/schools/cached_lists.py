"""The lookups that a process keeps in memory, fed from SQL."""

from collections.abc import Mapping

from writeback.core.clock import Clock
from writeback.core.settings import LookupSettings
from writeback.core.ttl import TtlCache
from writeback.domain.lookups import ListName, Lookup, Stamp
from writeback.flow.registry.changes import REMEMBERED_S, SchoolChanges
from writeback.lookups.cache import LookupCache
from writeback.store.schools import lists
from writeback.store.sql.database import Database

_USUAL = LookupSettings()


def lookup_cache(
    db: Database, clock: Clock, settings: LookupSettings = _USUAL, changes: SchoolChanges | None = None
) -> LookupCache:
    """Return a cache that loads from SQL; `changes` are those that the process looks for already."""
    known: TtlCache[str, tuple[float, Mapping[ListName, Stamp]]] = TtlCache(clock, REMEMBERED_S)
    seen = changes or SchoolChanges(db, clock)

    async def load_stamps(school_id: str) -> Mapping[ListName, Stamp]:
        before = known.peek(school_id)
        if before is not None and await seen.still_stands(school_id, before[0]):
            return before[1]
        read_at = clock.monotonic()
        async with db.read() as session:
            stamps = await lists.stamps(session, school_id)
        known.put(school_id, (read_at, stamps))
        return stamps

    async def load_list(school_id: str, name: ListName) -> Lookup | None:
        async with db.read() as session:
            lookup = await lists.load(session, school_id, name)
        return lookup.in_little_memory() if lookup is not None else None

    return LookupCache(
        load_stamps, load_list, clock, forget_stamps=known.forget, memory_bytes=settings.memory_mb * 1_000_000
    )
