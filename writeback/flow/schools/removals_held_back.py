"""Removals from a school's lists that wait for a person's decision.

A list that shrinks by much at once may be a missing page, or the end of the school year; no program can know.
"""

from dataclasses import dataclass
from typing import cast

import structlog
from sqlmodel import Session

from writeback.core.clock import Clock
from writeback.core.errors import Conflict
from writeback.domain.actor import Actor
from writeback.domain.lookups import Decision, ListName
from writeback.flow.engine.holds import locked_school
from writeback.store.people import audit
from writeback.store.schools import lists, removals
from writeback.store.sql.database import Database

log = structlog.get_logger()


@dataclass(frozen=True)
class Removals:
    """Decides about removals that are held back."""

    db: Database
    clock: Clock

    async def decide(
        self, school_id: str, name: ListName, decision: Decision, *, count: int | None = None, actor: Actor
    ) -> int:
        """Accept the removals of a list, or discard them; return how many those were: 0 where nothing waits. `count`:
        how many the person saw; raise Conflict where the number has changed since. Raise NotFound.
        """
        now = self.clock.now()
        async with self.db.write() as session:
            await session.run_sync(lambda plain: locked_school(cast(Session, plain), school_id))
            ids = await removals.ids(session, school_id, name)
            if count not in (None, len(ids)):
                raise Conflict(
                    "removals_changed",
                    f"{len(ids)} entries of {name.value} wait to be removed by now, not {count}",
                    hint="Look at GET /v1/schools/{school} again, and decide about what it says now.",
                )
            if ids:
                await lists.drop(session, school_id, name, ids if decision is Decision.ACCEPT else ())
                await removals.keep(session, school_id, name, (), now)
                noted = {"list": name.value, "removals": len(ids)}
                action = f"school.removals.{decision.value}"
                audit.note(session, actor, now, action, school_id, school=school_id, changed=noted)
        if ids:
            log.info("removals_decided", school=school_id, list=name.value, decision=decision.value, count=len(ids))
        return len(ids)

    async def waiting(self) -> int:
        """Return from how many lists something waits to be taken."""
        async with self.db.read() as session:
            return (await removals.of_all(session)).lists
