"""What people are called, for whoever may see it. Each look is in the audit log, by ids: one line a page.

Pages of the console ask for the people of one school at a time, so that an id is never taken for somebody of another.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from writeback.core.ttl import TtlCache
from writeback.domain.access import Caller
from writeback.domain.actor import actor_of
from writeback.domain.lookups import ListName
from writeback.flow.directory.find import PeopleFinder
from writeback.flow.engine.context import FlowContext
from writeback.store.people import audit

_ONE_LOOK_S = 600.0
"""Whoever sees the same of the same page again within this has looked once."""
Details = Mapping[str, Any]
"""`surname`, `forename`, `class`, `upn`, …: `PersonDetails.as_json`."""


@dataclass(frozen=True)
class Names:
    """What people of one school are called, by id; empty where nobody may see it, or nothing is kept."""

    pupils: Mapping[str, Details] = field(default_factory=dict, repr=False)
    staff: Mapping[str, Details] = field(default_factory=dict, repr=False)

    def __bool__(self) -> bool:
        return bool(self.pupils or self.staff)


@dataclass(frozen=True)
class Look:
    """What is looked at. `subject`: the id of a writeback or pupil, or what page it is; `noted`: ids, never names.

    `is_always`: it is written down even where no name was shown.
    """

    action: str
    subject: str
    noted: Mapping[str, Any] = field(default_factory=dict)
    is_always: bool = False


@dataclass(frozen=True)
class NamesShown:
    """Gives names. One a process."""

    flow: FlowContext
    finder: PeopleFinder

    async def of(
        self, caller: Caller, school_id: str, look: Look, *, pupils: Collection[str] = (), staff: Collection[str] = ()
    ) -> Names:
        """Return what these are called, for a caller who sees names at this school and whose school keeps them."""
        names = Names()
        if caller.sees_names and caller.may_touch(school_id):
            names = Names(
                await self.finder.names(school_id, ListName.STUDENTS, pupils) if pupils else {},
                await self.finder.names(school_id, ListName.EMPLOYEES, staff) if staff else {},
            )
        if names or look.is_always:
            await self._note(caller, school_id, look, len(names.pupils) + len(names.staff))
        return names

    async def _note(self, caller: Caller, school_id: str, look: Look, shown: int) -> None:
        seen = (caller.key_id, school_id, look.action, look.subject, repr(look.noted), shown > 0)
        if self._seen.peek(seen):
            return
        actor, changed = actor_of(caller), {**look.noted, **({"names_shown": shown} if shown else {})}
        async with self.flow.db.write() as session:
            now = self.flow.clock.now()
            audit.note(session, actor, now, look.action, look.subject, school=school_id, changed=changed)
        self._seen.put(seen, True)

    @cached_property
    def _seen(self) -> TtlCache[tuple[str, str, str, str, str, bool], bool]:
        return TtlCache(self.flow.clock, _ONE_LOOK_S)
