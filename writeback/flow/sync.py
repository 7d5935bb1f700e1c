"""Sync: fetch a school's lists from its provider, keep them in SQL, and learn what the school allows."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

import structlog
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from writeback.domain.lookups import ListName, Lookup
from writeback.domain.outcome import NotReached
from writeback.domain.school import Account, HoldReason
from writeback.flow.changes import Changes
from writeback.flow.context import FlowContext
from writeback.flow.hold import hold_school, locked_school
from writeback.providers.base import ListChange, LookupFailed, SchoolReport
from writeback.store import lanes, lookups

log = structlog.get_logger()


@dataclass(frozen=True)
class ListSync:
    """What became of one list. `error` says why it could not be fetched; the one before is kept then."""

    list: ListName
    rows: int
    changed: bool
    fetched_at: datetime | None
    error: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "list": self.list.value,
            "rows": self.rows,
            "changed": self.changed,
            "fetched_at": self.fetched_at.isoformat() if self.fetched_at else None,
            "error": self.error,
        }


@dataclass(frozen=True)
class SyncReport:
    """What a sync brought."""

    school_id: str
    lists: Sequence[ListSync]
    facts: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {
            "school": self.school_id,
            "lists": [one.as_json() for one in self.lists],
            "report": self.facts,
        }


@dataclass(frozen=True)
class Syncer:
    """Syncs schools."""

    flow: FlowContext

    async def sync_school(self, school_id: str) -> SyncReport:
        """Sync every list and ask the provider about the school; a list that fails leaves the others alone."""
        account = await self.flow.registry.account(school_id)
        lists = await self.sync_lists(account, list(ListName))
        report = await self.flow.providers[account.provider].report(account)
        facts = await self._keep_facts(school_id, report)
        self.flow.registry.forget(school_id)
        async with self.flow.db.read() as session:
            waiting = await session.run_sync(lambda plain: lanes.of_school(cast(Session, plain), school_id))
        await self.flow.doorbell.ring("serve_lane", waiting)
        return SyncReport(school_id, lists, facts)

    async def sync_lists(self, account: Account, names: Collection[ListName]) -> list[ListSync]:
        """Sync some lists, side by side."""
        return list(await asyncio.gather(*(self._sync_list(account, name) for name in names)))

    async def _sync_list(self, account: Account, name: ListName) -> ListSync:
        async with self.flow.db.read() as session:
            known = await lookups.load(session, account.school_id, name)
        now = self.flow.clock.now()
        days = self.flow.settings.lookups
        back, ahead = timedelta(days=days.lessons_back_days), timedelta(days=days.lessons_ahead_days)
        window = ((now - back).date(), (now + ahead).date())
        try:
            provider = self.flow.providers[account.provider]
            change = await provider.fetch(account, name, known.cursor if known else None, window)
        except LookupFailed as failure:
            return _kept(account, name, known, failure.detail)
        if known and known.rows and change.is_full and not change.rows:
            return _kept(account, name, known, "it came back empty: the list from before is kept")
        merged = _merge(name, known, change, now)
        try:
            async with self.flow.db.write() as session:
                await lookups.save(session, account.school_id, merged)
        except IntegrityError:
            return _kept(account, name, known, "another first sync was quicker: its list is used")
        return ListSync(name, len(merged.rows), known is None or merged.version != known.version, now)

    async def _keep_facts(self, school_id: str, report: SchoolReport | NotReached) -> dict[str, Any]:
        """Store what the provider says of the school and when to sync it next."""
        now = self.flow.clock.now()
        every = self.flow.settings.lookups.sync_every_s

        def keep(session: Session) -> dict[str, Any]:
            school = locked_school(session, school_id)
            if isinstance(report, SchoolReport):
                asked = {"is_online": report.is_online, "asked_at": now.isoformat()}
                school.facts = {**school.facts, **report.facts, **asked}
            school.sync_at = now + timedelta(seconds=every * self.flow.rng.uniform(0.9, 1.1))
            session.add(school)
            self._hold_if_told(Changes(session, now, "worker"), school_id, report)
            return dict(school.facts)

        return await self.flow.db.transact(keep)

    def _hold_if_told(self, changes: Changes, school_id: str, report: SchoolReport | NotReached) -> None:
        """Hold a school of which the provider says that nothing can be written."""
        if isinstance(report, NotReached):
            return
        if report.blocked is not None:
            hold_school(self.flow, changes, school_id, report.blocked.reason, report.blocked.detail)
        elif not report.is_online:
            hold_school(self.flow, changes, school_id, HoldReason.OFFLINE, "the provider says that it is offline")


def _kept(account: Account, name: ListName, known: Lookup | None, error: str) -> ListSync:
    """Say that the list could not be synced; whatever there was of it is used on."""
    log.warning("list_not_synced", school=account.school_id, list=name.value, reason=error)
    rows, fetched_at = (len(known.rows), known.fetched_at) if known else (0, None)
    return ListSync(name, rows, False, fetched_at, error)


def _merge(name: ListName, known: Lookup | None, change: ListChange, now: datetime) -> Lookup:
    """Return the list after the change; its version counts up only when a row differs."""
    before = dict(known.rows) if known else {}
    rows = dict(change.rows) if change.is_full else {**before, **change.rows}
    for gone in change.deleted:
        rows.pop(gone, None)
    version = (known.version if known else 0) + (1 if known is None or rows != before else 0)
    return Lookup(name, version, now, rows, change.cursor)
