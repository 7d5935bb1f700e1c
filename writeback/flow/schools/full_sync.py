"""All of a school's lists fetched from the beginning because somebody asked: by a worker, and how far it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from writeback.domain.actor import Actor
from writeback.domain.lookups import ListName
from writeback.flow.engine.context import FlowContext
from writeback.flow.engine.holds import locked_school
from writeback.flow.registry.entries import school_unknown
from writeback.flow.schools.school_access import NOT_AVAILABLE
from writeback.flow.schools.sync import FIRST_LISTS, LISTS_FAILED, further_lists
from writeback.store.people import audit
from writeback.store.schools import schools


@dataclass(frozen=True)
class ListFetch:
    """How far one list is. `rows` None: it has not been fetched since; `why`: it could not be, or is not there."""

    list: str
    rows: int | None = None
    why: str = ""
    is_missing: bool = False
    """The provider has none, or the school does not permit it."""

    @property
    def is_over(self) -> bool:
        return self.rows is not None or bool(self.why)

    @property
    def has_failed(self) -> bool:
        return bool(self.why) and not self.is_missing


@dataclass(frozen=True)
class FullSync:
    """How far it is."""

    asked_at: datetime
    lists: Sequence[ListFetch]

    @property
    def over(self) -> int:
        """How many lists have been fetched, or could not be."""
        return sum(one.is_over for one in self.lists)

    @property
    def is_over(self) -> bool:
        return self.over == len(self.lists)

    @property
    def failed(self) -> Sequence[ListFetch]:
        return [one for one in self.lists if one.has_failed]


@dataclass(frozen=True)
class FullSyncs:
    """Asks for them, and looks at them. What if a worker dies over one? What it has fetched counts, and the rest is
    fetched when the school is due again."""

    flow: FlowContext

    async def ask(self, school_id: str, actor: Actor) -> None:
        """Have all lists of a school fetched from the beginning, before those that are merely due; raise NotFound."""
        await self.flow.registry.school(school_id)
        now = self.flow.clock.now()

        def ask(session: Session) -> None:
            school = locked_school(session, school_id)
            school.sync_at, school.sync_first, school.full_sync_asked_at = now, True, now
            school.facts = {name: fact for name, fact in school.facts.items() if name != LISTS_FAILED}
            session.add(school)
            audit.note(session, actor, now, "school.sync", school_id, school=school_id, changed={"full": True})

        await self.flow.db.transact(ask)
        self.flow.registry.forget(school_id)
        await self.flow.waker.wake("sync_school", [school_id])

    async def of(self, school_id: str) -> FullSync | None:
        """Return how far the latest is; None where nobody has asked for one. Raise NotFound."""
        async with self.flow.db.read() as session:
            row = await schools.find(session, school_id)
            states = await schools.list_states(session, [school_id])
        if row is None:
            raise school_unknown(school_id)
        asked_at = row.full_sync_asked_at
        if asked_at is None:
            return None
        fetched = {one.list: one.rows for one in states if one.full_at is not None and one.full_at >= asked_at}
        wanted = (*FIRST_LISTS, *further_lists(await self.flow.registry.school(school_id)))
        return FullSync(asked_at, [_fetch(name, fetched, row.facts) for name in wanted])


def _fetch(name: ListName, fetched: Mapping[str, int], facts: Mapping[str, Any]) -> ListFetch:
    if name in fetched:
        return ListFetch(name, fetched[name])
    missing, failed = facts.get(NOT_AVAILABLE) or {}, facts.get(LISTS_FAILED) or {}
    return ListFetch(name, why=str(missing.get(name) or failed.get(name) or ""), is_missing=name in missing)
