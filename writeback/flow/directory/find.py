"""Finds a school's pupils and staff by what a file or an app knows of them: a UPN, a number, a name."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from writeback.core.ttl import TtlCache
from writeback.domain.directory import Directory, Found, Match, PersonReference
from writeback.domain.directory.index import PeopleIndex, hashed
from writeback.domain.directory.ways import LASTING, Lead, leads_in, outcome
from writeback.domain.lookups import ListName
from writeback.flow.directory.misses import Misses
from writeback.flow.engine.context import FlowContext
from writeback.flow.registry.changes import REMEMBERED_S
from writeback.flow.schools.people_kept import key_of
from writeback.flow.schools.unknown_id_refresh import ListRefresher
from writeback.store.schools import directories

_REMEMBERED = 64
"""Directories that a process remembers: 0.25 MB each at 1,000 pupils."""
_FILES = 4
"""As many as may be missed in so many files may be in all files of an app for a school, in an hour."""
_NOT_KEPT = Found(Match.NOT_KEPT)


@dataclass(frozen=True, slots=True)
class _Known:
    read_at: float
    people: PeopleIndex
    key: bytes


@dataclass
class PeopleFinder:
    """Finds people. One a process. `refresher` None: lists are not fetched for somebody who is not on them."""

    flow: FlowContext
    refresher: ListRefresher | None = None
    misses: Misses = field(init=False, repr=False)
    """Whom files have named who are not there."""
    _known: TtlCache[tuple[str, str], _Known] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.misses = Misses(self.flow.clock, _FILES * self.flow.settings.batches.max_people_missed)
        self._known = TtlCache(self.flow.clock, REMEMBERED_S, max_entries=_REMEMBERED)

    async def find(
        self, school_id: str, list_name: ListName, references: Sequence[PersonReference], *, refresh: bool = True
    ) -> Sequence[Found]:
        """Return what each reference comes to, in their order: one read of the database, or none.

        Where somebody is unknown the list is fetched first, unless it was a moment ago, or not `refresh`. `list_name`:
        students or employees. Raise NotFound for the school.
        """
        found = await self._find(school_id, list_name, references)
        is_any = any(one.match in (Match.UNKNOWN, Match.NOT_KEPT) for one in found)
        if not (refresh and is_any and self.refresher is not None) or await self._is_off(school_id):
            return found
        refreshed = await self.refresher.refresh(school_id, [list_name])
        if not refreshed.is_any:
            return found
        self._known.forget((school_id, list_name.value))
        return await self._find(school_id, list_name, references)

    async def now_called(self, school_id: str, list_name: ListName, ids: Iterable[str]) -> Mapping[str, str]:
        """Return the ids that some who have gone from a list have on it now: those of whom it knows, by the UPN (of
        staff: the e-mail), that they are one person still on it. After a move of MIS, or where ids are new each year.
        """
        known = await self._load(school_id, list_name)
        return known.people.now_called(ids) if known is not None else {}

    async def names(self, school_id: str, list_name: ListName, ids: Iterable[str]) -> Mapping[str, Mapping[str, Any]]:
        """Return names, classes and numbers of some people by id, for those who may see them; none where the school's
        directory is not `named`."""
        details = await self.everybody(school_id, list_name)
        return {one: details[one] for one in ids if one in details}

    async def everybody(self, school_id: str, list_name: ListName) -> Mapping[str, Mapping[str, Any]]:
        """Return the same of all on a list. Nothing of it stays in memory."""
        if (await self.flow.registry.school(school_id)).directory is not Directory.NAMED:
            return {}
        async with self.flow.db.read() as session:
            row = await directories.find(session, school_id, list_name.value)
        if row is None or row.begins_again or not row.details:
            return {}
        return self.flow.secrets.open(row.details)

    async def _find(
        self, school_id: str, list_name: ListName, references: Sequence[PersonReference]
    ) -> Sequence[Found]:
        known = await self._load(school_id, list_name)
        if known is None:
            return [_NOT_KEPT] * len(references)
        return [_find_one(known, list_name.value, one) for one in references]

    async def _load(self, school_id: str, list_name: ListName) -> _Known | None:
        """Return the directory of a list; None where the school keeps none, or it is not there yet."""
        if await self._is_off(school_id):
            return None
        place = (school_id, list_name.value)
        known = self._known.peek(place)
        if known is not None and await self.flow.registry.changes.still_stands(school_id, known.read_at):
            return known
        read_at = self.flow.clock.monotonic()
        async with self.flow.db.read() as session:
            row = await directories.find(session, school_id, list_name.value)
        key = key_of(self.flow.secrets, row) if row is not None and not row.begins_again else None
        if row is None or key is None:
            self._known.forget(place)
            return None
        known = _Known(read_at, PeopleIndex.from_text(row.people), key)
        self._known.put(place, known)
        return known

    async def _is_off(self, school_id: str) -> bool:
        return (await self.flow.registry.school(school_id)).directory is Directory.OFF


def _find_one(known: _Known, list_name: str, given: PersonReference) -> Found:
    """Return what a reference comes to: 12 to 35 µs. A way that nobody on the list has says nothing."""
    index = known.people
    leads = [lead for lead in leads_in(list_name, given) if lead.way in index.ways]
    led_to: dict[Lead, AbstractSet[str]] = {lead: index.whom(hashed(known.key, lead)) for lead in leads}
    people = frozenset[str]().union(*led_to.values())
    return outcome(leads, led_to, index.with_number(people), LASTING[list_name])
