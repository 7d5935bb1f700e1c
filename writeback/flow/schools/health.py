"""The current state of a school: what waits in its lanes, and whether it or its provider is left alone. Read-only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from writeback.flow.engine.breakers import ASKED, keys_of
from writeback.flow.registry.entries import Registry
from writeback.store.schools import queue as school_queue
from writeback.store.schools.queue import Queued
from writeback.store.sql.database import Database


@dataclass(frozen=True)
class OpenBreaker:
    """Why nothing is sent for a while. `is_schools`: to this school; else to nobody at this provider's address."""

    is_schools: bool
    reason: str
    since: datetime
    until: datetime

    @property
    def was_asked_for(self) -> bool:
        """Whether the provider itself asked for it."""
        return ASKED in self.reason


@dataclass(frozen=True)
class SchoolHealth:
    queue: Sequence[Queued]
    breakers: Sequence[OpenBreaker]


async def health_of(db: Database, registry: Registry, school_id: str) -> SchoolHealth:
    """Return how the school does; raise NotFound."""
    keys = keys_of(await registry.account(school_id))
    async with db.read() as session:
        queue = await school_queue.of_school(session, school_id)
        rows = await school_queue.open_breakers(session, keys)
    found = [
        OpenBreaker(row.key.startswith("school:"), row.reason or "", row.since, row.open_until)
        for row in rows
        if row.open_until is not None
    ]
    return SchoolHealth(queue, found)
