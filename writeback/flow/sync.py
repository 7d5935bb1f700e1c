"""Sync: fetch a school's lists from its provider, keep them in SQL, and learn what the school allows."""

import asyncio
import contextlib
from collections.abc import Collection, Coroutine, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, TypeVar, cast

import structlog
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from validators import rule_for
from writeback.core import failpoints, outages, pace
from writeback.domain.actor import Actor
from writeback.domain.kinds import KINDS
from writeback.domain.lookups import ATTRIBUTE_LISTS, ListName, Lookup
from writeback.domain.outcome import Blocked, NotReached
from writeback.domain.school import Account, HoldReason, School
from writeback.flow.breaker import keys_of
from writeback.flow.context import FlowContext
from writeback.flow.full_syncs import full_since
from writeback.flow.hold import locked_school
from writeback.flow.list_changes import Changed, ListRules
from writeback.flow.school_standing import NOT_AVAILABLE, keep_report
from writeback.flow.school_views import SHOWN
from writeback.providers.base import LookupFailed, SchoolReport
from writeback.store import audit, holds, lanes, lookups, removals
from writeback.store.engines import is_unavailable
from writeback.store.holds import TakenSync

T = TypeVar("T")
log = structlog.get_logger()

FIRST_LISTS = tuple(name for name in ListName if name not in ATTRIBUTE_LISTS)
"""What registers need: fetched before everything else."""
_NEVER_EMPTY = frozenset({ListName.STUDENTS, ListName.ATTENDANCE_CODES})
"""What every school has: without it there is something wrong with the answer."""
_MARGIN_S = 60.0
"""By how much a school stays taken longer than a sync may take."""
_AGAIN_S = (10.0, 30.0)
"""When a sync that could not come to its end is begun again: somewhere in between, for others could not either."""
_TRIES = 3
"""How often a list that is to be fetched from the beginning is, while other syncs are quicker to change it."""
_JITTER = 0.2
"""By what part the time until the next sync is longer or shorter: schools that were due together drift apart."""


@dataclass(frozen=True)
class ListSync:
    """What became of one list."""

    __pydantic_config__ = SHOWN

    list: ListName
    rows: int
    changed: bool
    fetched_at: datetime | None
    error: str | None = None
    """Why it could not be fetched; the list from before is used then."""
    not_available: str | None = None
    """Why there is no such list here: the provider has none, or the school does not permit it. No error."""
    held_back: int = 0
    """Entries that the provider has no longer, and that stay until somebody says that this is true."""


@dataclass(frozen=True)
class SyncReport:
    """What a sync brought."""

    __pydantic_config__ = SHOWN

    school: str
    lists: Sequence[ListSync]
    report: Mapping[str, Any]
    """What the provider says of the school."""


@dataclass(frozen=True)
class Syncer:
    """Syncs schools."""

    flow: FlowContext

    async def sync_school(
        self, school_id: str, *, actor: Actor | None = None, full: bool = False, lists: Collection[ListName] = ()
    ) -> SyncReport:
        """Sync every list, or some, and ask the provider about the school; a list that fails leaves the others alone.

        What registers need comes first, and what waits for it goes on at once. `full`: from the beginning, whatever has
        changed. `actor`: who asked, for the audit log.
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
            return await self._sync(account, until, full_since)
        synced = await self.sync_lists(account, sorted(lists), full_since=full_since)
        await self._ring(school_id)
        return SyncReport(school_id, synced, (await self.flow.registry.school(school_id)).facts)

    async def sync_due(self, school_id: str) -> SyncReport | None:
        """Sync a school whose lists are due; None where they are not, or another worker is at it.

        What if this process dies? The school counts as taken for as long as a sync may last, and is due again then.
        """
        account = await self.flow.registry.account(school_id)
        until = self._taken_until()
        taken = await self._take(school_id, until)
        if taken is None:
            return None
        school, now = await self.flow.registry.school(school_id), self.flow.clock.now()
        full = full_since(school_id, school.zone, now, self.flow.settings.lookups)
        return await self._sync(account, until, self.doubted_since() if taken.is_waited_for else full)

    def doubted_since(self) -> datetime:
        """Return since when a list must have been fetched from the beginning to be believed where it lacks something:
        not the moment itself, or wrong ids would have whole lists fetched all the time."""
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
        """Have the school synced soon: by whoever comes first, for this process may be about to stop."""
        at = self.flow.clock.now() + timedelta(seconds=self.flow.rng.uniform(*_AGAIN_S))
        with contextlib.suppress(Exception):  # then it is due when it counts as taken no longer
            await self.flow.db.transact(partial(holds.give_back_sync, school_id=school_id, taken_until=until, at=at))

    def _taken_until(self) -> datetime:
        return self.flow.clock.now() + timedelta(seconds=self.flow.settings.queue.sync_timeout_s + _MARGIN_S)

    async def _sync(self, account: Account, until: datetime, full_since: datetime | None) -> SyncReport:
        """Sync a school that is taken until then; give it back where that cannot come to its end now."""
        try:
            return await self._fetch_all(account, until, full_since)
        except (Exception, asyncio.CancelledError) as error:
            if is_unavailable(error) or isinstance(error, asyncio.CancelledError):
                await self._give_back(account.school_id, until)
            raise

    async def _fetch_all(self, account: Account, until: datetime, full_since: datetime | None) -> SyncReport:
        school_id = account.school_id
        first = await self.sync_lists(account, FIRST_LISTS, full_since=full_since)
        failpoints.hit("sync.before_report")
        report = await self.flow.providers[account.provider].report(account)
        failpoints.hit("sync.after_report")
        facts = await self._keep(school_id, report, until)
        await self._ring(school_id)
        further = further_lists(await self.flow.registry.school(school_id))
        others = await self.sync_lists(account, further, full_since=full_since)
        if any(one.changed for one in others):
            await self._ring(school_id)
        return SyncReport(school_id, [*first, *others], facts)

    async def sync_lists(
        self, account: Account, names: Collection[ListName], *, full_since: datetime | None = None
    ) -> Sequence[ListSync]:
        """Sync some lists side by side, the first ones first, only so many at a time; note which there are not here.

        Those that have not been fetched from the beginning since `full_since` are; None: only what has changed.
        """
        at_once = asyncio.Semaphore(self.flow.settings.lookups.lists_at_once)

        async def sync(name: ListName) -> ListSync:
            async with at_once:
                return await self._sync_list(account, name, full_since)

        synced = await _side_by_side([sync(name) for name in names])
        await self._note_availability(account.school_id, synced)
        return synced

    async def _sync_list(self, account: Account, name: ListName, full_since: datetime | None) -> ListSync:
        for _ in range(_TRIES):
            known, synced = await self._try_list(account, name, full_since)
            if synced is not None:
                return synced
        return _kept(account, name, known, LookupFailed(name, None, "another sync was quicker each time: try again"))

    async def _try_list(
        self, account: Account, name: ListName, full_since: datetime | None
    ) -> tuple[Lookup | None, ListSync | None]:
        """Return the list from before and what became of it; None where another sync was quicker, and it may have been
        one of changes only."""
        await pace.give_way()
        async with self.flow.db.read() as session:
            known = await lookups.load(session, account.school_id, name)
            held_back = await removals.ids(session, account.school_id, name)
        is_full = _must_be_full(known, full_since)
        rules, at = ListRules(self.flow.settings.lookups, self._window()), self.flow.clock.now()
        failpoints.hit("sync.before_fetch")
        try:
            change = await self.flow.providers[account.provider].fetch(
                account, name, known.cursor if known and not is_full else None, rules.window
            )
        except LookupFailed as failure:
            return known, _not_available(name, known, failure) or _kept(account, name, known, failure)
        failpoints.hit("sync.after_fetch")
        if not change.rows and name in _NEVER_EMPTY and (known is None or known.begins_again):
            return known, _kept(account, name, known, LookupFailed(name, None, "it came back empty"))
        await pace.give_way()
        after = rules.changed(name, known, held_back, change, at)
        if failpoints.hit("sync.before_save"):
            await self._replace(account.school_id, known, after, held_back)
        is_ours = await self._replace(account.school_id, known, after, held_back)
        if not is_ours and is_full and known is not None:
            return known, None
        if is_ours and len(after.held_back) > len(held_back):
            _say_held_back(account, name, after)
        changed = is_ours and (known is None or after.lookup.version != known.version)
        return known, ListSync(name, len(after.lookup.rows), changed, at, held_back=len(after.held_back))

    async def _replace(self, school_id: str, known: Lookup | None, after: Changed, held_back: AbstractSet[str]) -> bool:
        """Keep the list in the place of the one that it was made from; False where that is gone."""
        try:
            async with self.flow.db.write() as session:
                is_ours = await lookups.replace(session, school_id, known, after.lookup)
                if is_ours and after.held_back != held_back:
                    name, now = after.lookup.list, self.flow.clock.now()
                    await removals.keep(session, school_id, name, after.held_back, now)
            failpoints.hit("sync.after_save")
            return is_ours
        except IntegrityError:
            return False

    def _window(self) -> tuple[date, date]:
        """Return the first and the last day of which lessons are kept."""
        now, days = self.flow.clock.now(), self.flow.settings.lookups
        back, ahead = timedelta(days=days.lessons_back_days), timedelta(days=days.lessons_ahead_days)
        return (now - back).date(), (now + ahead).date()

    async def _note_availability(self, school_id: str, synced: Sequence[ListSync]) -> None:
        """Remember with the school which lists there are not, so that no submission asks for them again."""
        school = await self.flow.registry.school(school_id)
        known = dict(school.facts.get(NOT_AVAILABLE) or {})
        told = {one.list.value: one.not_available for one in synced if one.error is None}
        if all(known.get(name) == said for name, said in told.items()):
            return

        def note(session: Session) -> None:
            row = locked_school(session, school_id)
            noted = {**(row.facts.get(NOT_AVAILABLE) or {}), **told}
            row.facts = {**row.facts, NOT_AVAILABLE: {name: said for name, said in noted.items() if said}}
            session.add(row)

        if failpoints.hit("sync.before_note"):
            await self.flow.db.transact(note)
        await self.flow.db.transact(note)
        failpoints.hit("sync.after_note")
        self.flow.registry.forget(school_id)

    async def _keep(self, school_id: str, report: SchoolReport | NotReached, until: datetime) -> Mapping[str, Any]:
        """Store what the provider says of the school and when to sync it next: at once, where it was asked for since it
        was taken until then."""
        every = self.flow.settings.lookups.sync_every_s * self.flow.rng.uniform(1 - _JITTER, 1 + _JITTER)

        def keep(session: Session) -> Mapping[str, Any]:
            school = locked_school(session, school_id)
            if school.sync_at == until:
                school.sync_at, school.sync_first = self.flow.clock.now() + timedelta(seconds=every), False
            session.add(school)
            keep_report(self.flow, session, school, report)
            return dict(school.facts)

        if failpoints.hit("sync.before_keep"):
            await self.flow.db.transact(keep)
        facts = await self.flow.db.transact(keep)
        failpoints.hit("sync.after_keep")
        self.flow.registry.forget(school_id)
        return facts

    async def _ring(self, school_id: str) -> None:
        async with self.flow.db.read() as session:
            waiting = await session.run_sync(lambda plain: lanes.of_school(cast(Session, plain), school_id))
        await self.flow.doorbell.ring("serve_lane", waiting)


def further_lists(school: School) -> Sequence[ListName]:
    """Return the lists of attributes that the kinds need which this school takes: the others are left alone."""
    kinds = (kind for kind in KINDS.values() if rule_for(school, kind.name).supported)
    needed = {name for kind in kinds for name in kind.lists}
    return [name for name in ListName if name in ATTRIBUTE_LISTS and name in needed]


def _not_available(name: ListName, known: Lookup | None, failure: LookupFailed) -> ListSync | None:
    """Return that there is no such list here; None where it is a fault.

    Pupils and codes there must be. Of the others, a definite answer that is no list says that the provider has none,
    and a missing permission that the school shares none.
    """
    if name in _NEVER_EMPTY:
        return None
    match failure.outcome:
        case None if name not in ATTRIBUTE_LISTS:
            return None
        case None | Blocked(reason=HoldReason.SCOPE_MISSING):
            rows, fetched_at = _before(known)
            return ListSync(name, rows, False, fetched_at, not_available=failure.detail)
        case _:
            return None


async def _side_by_side(works: Sequence[Coroutine[Any, Any, T]]) -> Sequence[T]:
    """Return what the works return; where one raises, end the others and raise that."""
    tasks = [asyncio.create_task(pace.measured(work)) for work in works]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


def _kept(account: Account, name: ListName, known: Lookup | None, failure: LookupFailed) -> ListSync:
    """Say that the list could not be synced; whatever there was of it is used on."""
    kind = type(failure.outcome).__name__ if failure.outcome else "NotAList"
    said = {"school": account.school_id, "list": name.value, "reason": failure.detail}
    outages.of_provider("list_not_synced", kind, of=keys_of(account)[0], **said)
    rows, fetched_at = _before(known)
    return ListSync(name, rows, False, fetched_at, failure.detail)


def _before(known: Lookup | None) -> tuple[int, datetime | None]:
    return (len(known.rows), known.fetched_at) if known else (0, None)


def _must_be_full(known: Lookup | None, full_since: datetime | None) -> bool:
    """Whether a list is to be fetched from the beginning; the first time it is anyway."""
    if known is None or known.begins_again:
        return True
    return full_since is not None and (known.full_at is None or known.full_at <= full_since)


def _say_held_back(account: Account, name: ListName, after: Changed) -> None:
    log.warning(
        "removals_held_back",
        school=account.school_id,
        list=name.value,
        removals=len(after.held_back),
        of=len(after.lookup.rows),
    )
