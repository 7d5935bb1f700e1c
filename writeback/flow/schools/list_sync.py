"""One list of one school: fetching it, keeping it in SQL, and saying what came of it."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import structlog
from sqlalchemy.exc import IntegrityError

from writeback.core import background_pace, failpoints, outage_logs
from writeback.domain.directory import Directory
from writeback.domain.lookups import MAY_LACK, ListName, Lookup
from writeback.domain.outcome import Blocked
from writeback.domain.school import Account, HoldReason
from writeback.flow.engine.breakers import keys_of
from writeback.flow.engine.context import FlowContext
from writeback.flow.engine.provider_calls import provider_call
from writeback.flow.schools import people_kept
from writeback.flow.schools.people_kept import KnownPeople, WritePeople
from writeback.flow.schools.shrinking_lists import Changed, ListRules
from writeback.providers.base import ListChange, LookupFailed
from writeback.store.schools import directories, former_ids, lists, removals
from writeback.store.tables import DirectoryRow
from writeback_client.models.schools import SyncedList

log = structlog.get_logger()

_NEVER_EMPTY = frozenset({ListName.STUDENTS, ListName.ATTENDANCE_CODES})
"""What every school has: without it there is something wrong with the answer."""
_YEAR = timedelta(days=366)
"""How far back, and ahead, closures are asked for."""
_TRIES = 3
"""How often a list that is to be fetched from the beginning is, while other syncs are quicker to change it."""


@dataclass(frozen=True)
class ListSyncer:
    """Syncs lists."""

    flow: FlowContext

    async def sync(self, account: Account, name: ListName, full_since: datetime | None) -> SyncedList:
        """Return what came of it; a list that cannot be fetched stays as it was."""
        synced = await self._sync(account, name, full_since)
        self.flow.meters.list_synced(account.provider, _result_of(synced))
        return synced

    async def _sync(self, account: Account, name: ListName, full_since: datetime | None) -> SyncedList:
        for _ in range(_TRIES):
            known, synced = await self._try_list(account, name, full_since)
            if synced is not None:
                return synced
        return _kept(account, name, known, LookupFailed(name, None, "another sync was quicker each time: try again"))

    async def _try_list(
        self, account: Account, name: ListName, full_since: datetime | None
    ) -> tuple[Lookup | None, SyncedList | None]:
        """Return the list from before and the new one; None where another sync was quicker, which may have fetched
        changes only."""
        await background_pace.give_way()
        mode = await self._directory(account, name)
        async with self.flow.db.read() as session:
            known = await lists.load(session, account.school_id, name)
            held_back = await removals.ids(session, account.school_id, name)
            head = await directories.head(session, account.school_id, name.value) if mode is not Directory.OFF else None
        people = self._people(account, name, mode, head)
        is_full = _must_be_full(known, full_since) or (people is not None and people.needs_whole_list)
        rules, at = ListRules(self.flow.settings.lookups, self._window(name)), self.flow.clock.now()
        failpoints.hit("sync.before_fetch")
        try:
            with provider_call(self.flow, account.provider, "list") as call:
                change = await self._fetch(account, name, None if is_full else known, held_back, rules)
                call.ended(change)
        except LookupFailed as failure:
            return known, _not_available(name, known, failure) or _kept(account, name, known, failure)
        failpoints.hit("sync.after_fetch")
        if not change.rows and name in _NEVER_EMPTY and (known is None or known.begins_again):
            return known, _kept(account, name, known, LookupFailed(name, None, "it came back empty"))
        await background_pace.give_way()
        after = rules.changed(name, known, held_back, change, at)
        write = await people.after(change, after.lookup, at) if people is not None else None
        if failpoints.hit("sync.before_save"):
            await self._replace(account.school_id, known, after, held_back, write)
        is_ours = await self._replace(account.school_id, known, after, held_back, write)
        if not is_ours and is_full and known is not None:
            return known, None
        if is_ours and len(after.held_back) > len(held_back):
            _say_held_back(account, name, after)
        changed = is_ours and (known is None or after.lookup.version != known.version)
        return known, SyncedList(
            list=name,
            rows=len(after.lookup.rows),
            changed=changed,
            fetched_at=at,
            held_back=len(after.held_back),
        )

    async def _fetch(
        self, account: Account, name: ListName, known: Lookup | None, held_back: AbstractSet[str], rules: ListRules
    ) -> ListChange:
        """Return what the provider says has changed in the list; all of it, where nothing is known.

        What has fallen out is believed of the whole list only: a change may say falsely that somebody is gone. Of the
        timetable today is looked at: no provider says which lessons are gone (Wonde 169), and today's matter now.
        """
        fetch = self.flow.providers[account.provider].fetch
        if known is None:
            return await fetch(account, name, None, rules.window)
        if name is ListName.LESSONS:
            today = (await self.flow.registry.school(account.school_id)).today(self.flow.clock.now())
            change = rules.of_day(known, today, await fetch(account, name, known.cursor, (today, today)))
        else:
            change = await fetch(account, name, known.cursor, rules.window)
        if change.is_full or not rules.newly_gone(known, held_back, change):
            return change
        return await fetch(account, name, None, rules.window)

    async def _directory(self, account: Account, name: ListName) -> Directory:
        """Return what is to be kept of a list's people."""
        if name not in people_kept.LISTS or not account.with_people:
            return Directory.OFF
        return (await self.flow.registry.school(account.school_id)).directory

    def _people(
        self, account: Account, name: ListName, mode: Directory, head: DirectoryRow | None
    ) -> KnownPeople | None:
        """Return what is known of a list's people; None where nothing is to be kept."""
        if mode is Directory.OFF:
            return None

        async def load() -> DirectoryRow | None:
            async with self.flow.db.read() as session:
                return await directories.find(session, account.school_id, name.value)

        kept = timedelta(days=self.flow.settings.retention.people_days)
        return KnownPeople(self.flow.secrets, account.school_id, name, mode, head, load, kept)

    async def _replace(
        self,
        school_id: str,
        known: Lookup | None,
        after: Changed,
        held_back: AbstractSet[str],
        write_people: WritePeople | None,
    ) -> bool:
        """Keep the list in the place of the one that it was made from, and its people; False where that is gone."""
        is_first_new = known is not None and known.begins_again
        try:
            async with self.flow.db.write() as session:
                if is_first_new or (write_people is not None and write_people.has_new_ids):
                    await former_ids.lock(session, school_id)
                elif write_people is not None:
                    await directories.lock_school(session, school_id)
                is_ours = await lists.replace(session, school_id, known, after.lookup)
                if is_ours and after.held_back != held_back:
                    name, now = after.lookup.list, self.flow.clock.now()
                    await removals.keep(session, school_id, name, after.held_back, now)
                if is_ours and is_first_new:
                    await former_ids.note_new_list(session, school_id, after.lookup.list, self.flow.clock.now())
                if is_ours and write_people is not None:
                    await write_people(session)
            failpoints.hit("sync.after_save")
            return is_ours
        except IntegrityError:
            return False

    def _window(self, name: ListName) -> tuple[date, date]:
        """Return the first and the last day of which lessons, or closures, are kept."""
        now, days = self.flow.clock.now(), self.flow.settings.lookups
        if name is ListName.CLOSURES:
            return (now - _YEAR).date(), (now + _YEAR).date()
        back, ahead = timedelta(days=days.lessons_back_days), timedelta(days=days.lessons_ahead_days)
        return (now - back).date(), (now + ahead).date()


def _not_available(name: ListName, known: Lookup | None, failure: LookupFailed) -> SyncedList | None:
    """Return that there is no such list here; None where it is a fault. Pupils and codes are always needed. For other
    lists, a definite answer without a list means that the provider has none, and a missing permission that the school
    shares none.
    """
    if name in _NEVER_EMPTY:
        return None
    match failure.outcome:
        case None if name not in MAY_LACK:
            return None
        case None | Blocked(reason=HoldReason.SCOPE_MISSING):
            rows, fetched_at = _before(known)
            return SyncedList(list=name, rows=rows, changed=False, fetched_at=fetched_at, not_available=failure.detail)
        case _:
            return None


def _kept(account: Account, name: ListName, known: Lookup | None, failure: LookupFailed) -> SyncedList:
    """Say that the list could not be synced; whatever there was of it is used on."""
    kind = type(failure.outcome).__name__ if failure.outcome else "NotAList"
    said = {"school": account.school_id, "list": name.value, "reason": failure.detail}
    outage_logs.of_provider("list_not_synced", kind, of=keys_of(account)[0], **said)
    rows, fetched_at = _before(known)
    return SyncedList(list=name, rows=rows, changed=False, fetched_at=fetched_at, error=failure.detail)


def _result_of(synced: SyncedList) -> str:
    """Return what is counted of a list, as `Meters` names it."""
    if synced.error is not None:
        return "failed"
    if synced.not_available is not None:
        return "not_available"
    return "changed" if synced.changed else "unchanged"


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
