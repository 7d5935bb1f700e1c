"""A school's directory as a sync keeps it: who the provider says people are, as hashes and, if the school wants that,
names that are sealed. It is written in the transaction that writes the list.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.core.secrets import SecretBox
from writeback.domain.directory import Directory
from writeback.domain.directory.index import PeopleIndex, hashed_people
from writeback.domain.lookups import ListName, Lookup
from writeback.providers.base import ListChange
from writeback.store.schools import directories, former_ids
from writeback.store.tables import DirectoryRow

LISTS = frozenset({ListName.STUDENTS, ListName.EMPLOYEES})


@dataclass(frozen=True)
class WritePeople:
    """Writes them in the transaction of the list. `has_new_ids`: it also changes the school, which is locked for that
    from the beginning: two lists that first shared it would wait for each other."""

    has_new_ids: bool
    put: Callable[[AsyncSession], Awaitable[None]]

    async def __call__(self, session: AsyncSession) -> None:
        await self.put(session)


_PURPOSE = "directory"


def key_of(secrets: SecretBox, row: DirectoryRow) -> bytes | None:
    """Return the key of a directory's hashes; None where it is none of ours any more."""
    place = secrets.key_of_token(_PURPOSE, row.made_with)
    return None if place is None else _key(secrets, row.school_id, row.list, place)


def _key(secrets: SecretBox, school_id: str, list_name: str, place: int = 0) -> bytes:
    return secrets.key_for(f"{_PURPOSE}/{school_id}/{list_name}", place)


@dataclass(frozen=True)
class KnownPeople:
    """The directory of one list as it is before a sync, and as the school wants it."""

    secrets: SecretBox
    school_id: str
    list: ListName
    mode: Directory
    head: DirectoryRow | None
    """Without its people: most syncs bring nobody."""
    load: Callable[[], Awaitable[DirectoryRow | None]]
    """Returns all of it."""
    gone_kept: timedelta
    """For how long the numbers of those are kept who are not on the list any more."""

    @property
    def needs_whole_list(self) -> bool:
        """Whether changes alone do not do: there is none yet, or it is of another mode, MIS or key."""
        row = self.head
        return row is None or row.mode != self.mode or row.begins_again or key_of(self.secrets, row) is None

    async def after(self, change: ListChange, lookup: Lookup, at: datetime) -> WritePeople | None:
        """Return what writes the people after a change has been taken into the list; None where nothing is to be.

        A school of 1,000 takes some 70 ms, once a day: not on the event loop.
        """
        if not change.is_full and (self.needs_whole_list or not (change.people or change.deleted)):
            return None
        row = await self.load()
        values = await asyncio.to_thread(self._after, row, change, lookup.rows.keys(), at)
        put = partial(self._put, row.version if row is not None else None, values)
        return WritePeople(values["has_new_ids"], put)

    def _after(
        self, row: DirectoryRow | None, change: ListChange, on_list: Collection[str], at: datetime
    ) -> Mapping[str, Any]:
        before = PeopleIndex.from_text(row.people) if row is not None else PeopleIndex()
        today = at.date().isoformat()
        if row is not None and row.begins_again:
            before = before.begun_again(today)
        place = None if row is None or change.is_full else self.secrets.key_of_token(_PURPOSE, row.made_with)
        people = hashed_people(_key(self.secrets, self.school_id, self.list, place or 0), self.list, change.people)
        index = before.changed(people, on_list, today, (at - self.gone_kept).date().isoformat())
        left = set(before.ids) - set(index.ids)
        details = self._details(row, change, on_list)
        return {
            "mode": self.mode.value,
            "made_with": row.made_with if row is not None and place is not None else self.secrets.token_for(_PURPOSE),
            "begins_again": False,
            "filled_at": at,
            "has_new_ids": bool(left and index.now_called(left)),
            "people": index.as_text(),
            "details": self.secrets.seal(details) if details else "",
        }

    def _details(self, row: DirectoryRow | None, change: ListChange, on_list: Collection[str]) -> dict[str, Any]:
        if self.mode is not Directory.NAMED:
            return {}
        is_known = row is not None and row.details and not self.needs_whole_list
        known = self.secrets.open(row.details) if row is not None and is_known else {}
        new = {one: person.as_json() for one, person in change.people.items()}
        return {one: shown for one, shown in {**known, **new}.items() if one in on_list}

    async def _put(self, before: int | None, values: Mapping[str, Any], session: AsyncSession) -> None:
        """Write them, unless that was changed meanwhile, or the school wants another directory: the next sync does."""
        kept = {name: value for name, value in values.items() if name != "has_new_ids"}
        is_ours = await directories.put(session, self.school_id, self.list.value, before, kept)
        if is_ours and values["has_new_ids"]:
            await former_ids.note_new_ids(session, self.school_id, values["filled_at"])
