"""The lookups that a process keeps in memory, fed from SQL."""

from writeback.core.clock import Clock
from writeback.domain.lookups import ListName, Lookup, Stamp
from writeback.lookups.cache import LookupCache
from writeback.store.schools import lists
from writeback.store.sql.database import Database


def lookup_cache(db: Database, clock: Clock) -> LookupCache:
    """Return a cache that loads from SQL."""

    async def load_stamps(school_id: str) -> dict[ListName, Stamp]:
        async with db.read() as session:
            return await lists.stamps(session, school_id)

    async def load_list(school_id: str, name: ListName) -> Lookup | None:
        async with db.read() as session:
            return await lists.load(session, school_id, name)

    return LookupCache(load_stamps, load_list, clock)
