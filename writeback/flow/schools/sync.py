"""Sync: fetch a school's lists from its provider, keep them in SQL, and learn what the school allows."""

import asyncio
import contextlib
from collections.abc import Collection, Coroutine, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar, cast

from sqlmodel import Session

from validators import rule_for
from writeback.core import background_pace, failpoints
from writeback.domain.actor import Actor
from writeback.domain.kinds import KINDS
from writeback.domain.lookups import MAY_LACK, ListName
from writeback.domain.outcome import NotReached
from writeback.domain.school import Account, School
from writeback.flow.engine.context import FlowContext
from writeback.flow.engine.holds import locked_school
from writeback.flow.engine.provider_calls import provider_call
from writeback.flow.schools.list_sync import ListSyncer
from writeback.flow.schools.school_access import NOT_AVAILABLE, keep_report
from writeback.flow.schools.sync_times import last_moment, next_sync
from writeback.providers.base import SchoolReport
from writeback.store.people import audit
from writeback.store.schools import lists as lookups
from writeback.store.sql.engines import is_unavailable
from writeback.store.writebacks import holds, lanes
from writeback.store.writebacks.holds import TakenSync
from writeback_client.models.schools import Synced, SyncedList

T = TypeVar("T")

FIRST_LISTS = tuple(name for name in ListName if name not in MAY_LACK)
"""What registers need: fetched before everything else."""
_HARDLY_CHANGE = MAY_LACK | {ListName.ATTENDANCE_CODES}
"""Neither provider says what has changed in them."""
LISTS_FAILED = "lists_failed"
"""Fact: which lists could not be fetched last, each with the reason."""
_MARGIN_S = 60.0
"""By how much a school stays taken longer than a sync may take."""
_AGAIN_S = (10.0, 30.0)
"""When a sync that could not come to its end is begun again: somewhere in between, for others could not either."""


@dataclass(frozen=True)
class Syncer:
    """Syncs schools."""

    flow: FlowContext

    async def sync_school(
        self, school_id: str, *, actor: Actor | None = None, full: bool = False, lists: Collection[ListName] = ()
    ) -> Synced:
        """Sync every list, or some, and ask the provider about the school; a list that fails leaves the others alone.

        Lists that hardly change are among them, for somebody asked. What registers need comes first, and what waits for
        it is woken at once. `full`: every list whole, whatever has changed. `actor`: who asked, for the audit log.
        """
        account = await self.flow.registry.account(school_id)
        until, now = self._taken_until(), self.flow.clock.now()

        def take(session: Session) -> None:
            school = locked_school(session, school_id)
            if not lists:
                school.sync_at = until
                session.add(school)
            if actor is not None:
                asked = {"full": full, "lists": sorted(lists)} if full or lists else {}
                audit.note(session, actor, now, "school.sync", school_id, school=school_id, changed=asked)

        await self.flow.db.transact(take)
        full_since = now if full else None
        if not lists:
            return await self._sync(account, until, full_since, is_waited_for=True)
        synced = await self.sync_lists(account, sorted(lists), full_since=full_since)
        await self._wake(school_id)
        facts = (await self.flow.registry.school(school_id)).facts
        return Synced(school=school_id, lists=synced, report=facts)

    async def sync_due(self, school_id: str) -> Synced | None:
        """Sync a school whose lists are due; None where they are not, or another worker is at it.

        What if this process dies? The school counts as taken for as long as a sync may last, and is due again then.
        """
        account = await self.flow.registry.account(school_id)
        until = self._taken_until()
        taken = await self._take(school_id, until)
        if taken is None:
            return None
        school, now = await self.flow.registry.school(school_id), self.flow.clock.now()
        moment = last_moment(school_id, school.zone, now, self.flow.settings.lookups)
        wanted = (self.full_fetch_due_since() if taken.is_waited_for else moment, taken.full_asked_at)
        full_since = max((since for since in wanted if since is not None), default=None)
        return await self._sync(account, until, full_since, is_waited_for=taken.is_waited_for)

    def full_fetch_due_since(self) -> datetime:
        """Return since when a list must have been fetched in full to be trusted about a missing id: not the moment
        itself, or wrong ids would have whole lists fetched all the time."""
        return self.flow.clock.now() - timedelta(seconds=self.flow.settings.lookups.miss_full_again_after_s)

    async def _take(self, school_id: str, until: datetime) -> TakenSync | None:
        def take(session: Session) -> TakenSync | None:
            taken = holds.take_sync(session, school_id, self.flow.clock.now(), until)
            failpoints.hit("sync.take_uncommitted")
            return taken

        failpoints.hit("sync.before_take")
        taken = await self.flow.db.transact(take)
        failpoints.hit("sync.after_take")
        return taken

    async def _give_back(self, school_id: str, until: datetime) -> None:
        """Have the school synced soon, by any worker: this process may be about to stop."""
        at = self.flow.clock.now() + timedelta(seconds=self.flow.rng.uniform(*_AGAIN_S))
        with contextlib.suppress(Exception):  # then it is due when it counts as taken no longer
            await self.flow.db.transact(partial(holds.give_back_sync, school_id=school_id, taken_until=until, at=at))

    def _taken_until(self) -> datetime:
        return self.flow.clock.now() + timedelta(seconds=self.flow.settings.queue.sync_timeout_s + _MARGIN_S)

    async def _sync(
        self, account: Account, until: datetime, full_since: datetime | None, *, is_waited_for: bool
    ) -> Synced:
        """Sync a school that is taken until then; give it back where that cannot come to its end now."""
        try:
            left_out = frozenset() if is_waited_for else await self._not_due(account.school_id, full_since)
            return await self._fetch_all(account, until, full_since, left_out)
        except (Exception, asyncio.CancelledError) as error:
            if is_unavailable(error) or isinstance(error, asyncio.CancelledError):
                await self._give_back(account.school_id, until)
            raise

    async def _not_due(self, school_id: str, full_since: datetime | None) -> AbstractSet[ListName]:
        """Return the lists that hardly change and were fetched not long ago; with the codes, those there are not."""
        rarely = self.flow.clock.now() - timedelta(seconds=self.flow.settings.lookups.rarely_every_s)
        async with self.flow.db.read() as session:
            fetched = await lookups.fetched_since(session, school_id, max(rarely, full_since or rarely))
        not_due = fetched & _HARDLY_CHANGE
        if ListName.ATTENDANCE_CODES in not_due:
            facts = (await self.flow.registry.school(school_id)).facts
            not_due |= {name for name in ListName if name in (facts.get(NOT_AVAILABLE) or {})}
        return not_due

    async def _fetch_all(
        self, account: Account, until: datetime, full_since: datetime | None, left_out: AbstractSet[ListName]
    ) -> Synced:
        school_id = account.school_id
        wanted = [name for name in FIRST_LISTS if name not in left_out]
        first = await self.sync_lists(account, wanted, full_since=full_since)
        failpoints.hit("sync.before_report")
        with provider_call(self.flow, account.provider, "report") as call:
            report = await self.flow.providers[account.provider].report(account)
            call.ended(report)
        failpoints.hit("sync.after_report")
        facts = await self._keep(school_id, report, until)
        await self._wake(school_id)
        needed = further_lists(await self.flow.registry.school(school_id))
        further = [name for name in needed if name not in left_out]
        others = await self.sync_lists(account, further, full_since=full_since)
        if any(one.changed for one in others):
            await self._wake(school_id)
        return Synced(school=school_id, lists=[*first, *others], report=facts)

    async def sync_lists(
        self, account: Account, names: Collection[ListName], *, full_since: datetime | None = None
    ) -> Sequence[SyncedList]:
        """Sync some lists side by side, the first ones first, only so many at a time; note which there are not here.

        Those that have not been fetched from the beginning since `full_since` are; None: only what has changed.
        """
        at_once, by_list = asyncio.Semaphore(self.flow.settings.lookups.lists_at_once), ListSyncer(self.flow)

        async def sync(name: ListName) -> SyncedList:
            async with at_once:
                return await by_list.sync(account, name, full_since)

        synced = await _side_by_side([sync(name) for name in names])
        await self._note_availability(account.school_id, synced)
        return synced

    async def _note_availability(self, school_id: str, synced: Sequence[SyncedList]) -> None:
        """Remember with the school which lists there are not, so that no submission asks for them again, and which
        could not be fetched, so that people see why."""
        facts = (await self.flow.registry.school(school_id)).facts
        news: Mapping[str, Mapping[str, str | None]] = {
            NOT_AVAILABLE: {str(one.list): one.not_available for one in synced if one.error is None},
            LISTS_FAILED: {str(one.list): one.error for one in synced},
        }
        if all((facts.get(fact) or {}).get(name) == why for fact, said in news.items() for name, why in said.items()):
            return

        def note(session: Session) -> None:
            row = locked_school(session, school_id)
            for fact, said in news.items():
                noted = {**(row.facts.get(fact) or {}), **said}
                row.facts = {**row.facts, fact: {name: why for name, why in noted.items() if why}}
            session.add(row)

        if failpoints.hit("sync.before_note"):
            await self.flow.db.transact(note)
        await self.flow.db.transact(note)
        failpoints.hit("sync.after_note")
        self.flow.registry.forget(school_id)

    async def _keep(self, school_id: str, report: SchoolReport | NotReached, until: datetime) -> Mapping[str, Any]:
        """Store what the provider says of the school and when to sync it next: at once, where it was asked for since it
        was taken until then."""
        school = await self.flow.registry.school(school_id)
        async with self.flow.db.read() as session:
            timetable = await lookups.load(session, school_id, ListName.LESSONS)
            closures = await lookups.load(session, school_id, ListName.CLOSURES)
        days = timetable.days if timetable is not None else frozenset()
        closed = partial(school.year.closed, told=closures.year if closures is not None else None)
        due_at = next_sync(school_id, school.zone, self.flow.clock.now(), days, self.flow.settings.lookups, closed)

        def keep(session: Session) -> Mapping[str, Any]:
            school = locked_school(session, school_id)
            if school.sync_at == until:
                school.sync_at, school.sync_first = due_at, False
            session.add(school)
            keep_report(self.flow, session, school, report)
            return dict(school.facts)

        if failpoints.hit("sync.before_keep"):
            await self.flow.db.transact(keep)
        facts = await self.flow.db.transact(keep)
        failpoints.hit("sync.after_keep")
        self.flow.registry.forget(school_id)
        return facts

    async def _wake(self, school_id: str) -> None:
        async with self.flow.db.read() as session:
            waiting = await session.run_sync(lambda plain: lanes.of_school(cast(Session, plain), school_id))
        await self.flow.waker.wake("serve_lane", waiting)


def further_lists(school: School) -> Sequence[ListName]:
    """Return the attribute lists that the school's kinds need, others are not fetched; and its closures."""
    kinds = (kind for kind in KINDS.values() if rule_for(school, kind.name).supported)
    needed = {name for kind in kinds for name in kind.lists} | {ListName.CLOSURES}
    return [name for name in ListName if name in MAY_LACK and name in needed]


def lists_with_ids(school: School) -> Sequence[ListName]:
    """Return the lists of which records have ids: after a move nothing goes before these are the new ones."""
    return [name for name in (*FIRST_LISTS, *further_lists(school)) if name is not ListName.CLOSURES]


async def _side_by_side(works: Sequence[Coroutine[Any, Any, T]]) -> Sequence[T]:
    """Return what the works return; where one raises, end the others and raise that."""
    tasks = [asyncio.create_task(background_pace.measured(work)) for work in works]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
