"""Watches schools that wait for something outside, or that a webhook named: asks the provider, and acts on the answer.

What if the process dies? The school's row says when it is looked at again; every step can be taken twice.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlmodel import Session

from writeback.domain.outcome import NotReached
from writeback.domain.school import BY_PEOPLE, Account, HoldReason
from writeback.flow.engine.context import FlowContext
from writeback.flow.engine.holds import locked_school, look_again_later, resume_lanes
from writeback.flow.engine.status_changes import Changes
from writeback.flow.registry.migration import FACT, Stage, move_in, read_instant, when_done
from writeback.flow.schools import credentials
from writeback.flow.schools.school_access import Standing, keep_report, look_by
from writeback.flow.schools.sync import FIRST_LISTS, Syncer, further_lists, lists_with_ids
from writeback.providers.base import SchoolReport
from writeback.store.schools import lists
from writeback.store.tables import SchoolRow
from writeback.store.writebacks import holds

log = structlog.get_logger()

_NOT_THIS_TOKEN = frozenset({HoldReason.TOKEN_REFUSED, HoldReason.SCOPE_MISSING, HoldReason.UNKNOWN_THERE})
"""What a token comes to that is false, or another school's."""
_MARGIN_S = 5.0
"""By how much a school stays taken longer than a recheck may take."""


@dataclass(frozen=True)
class Asked:
    """What a provider said of a school. `offer_stands`: whether it takes the token that was offered (None: no word)."""

    report: SchoolReport | NotReached
    offered: str | None = None
    offer_stands: bool | None = None


@dataclass(frozen=True)
class SchoolWatch:
    """Watches schools."""

    flow: FlowContext
    syncer: Syncer

    async def recheck_due(self, school_id: str) -> None:
        """Recheck a school if that is due, and no other worker is at it."""
        now = self.flow.clock.now()
        until = now + timedelta(seconds=self.flow.settings.queue.job_timeout_s + _MARGIN_S)
        if await self.flow.db.transact(partial(holds.take_recheck, school_id=school_id, now=now, until=until)):
            await self.recheck(school_id, taken_until=until)

    async def recheck(self, school_id: str, *, taken_until: datetime | None = None) -> None:
        """Ask the provider how a school stands; resume it, hold it, or look again later.

        `taken_until` marks the families that this check is for, as opposed to those that others take meanwhile.
        """
        self.flow.registry.forget(school_id)  # a webhook may have come to another process
        asked = await self._ask(await self.flow.registry.account(school_id))
        stands, lanes = await self.flow.db.transact(partial(self._settle, school_id, asked, taken_until))
        self.flow.registry.forget(school_id)
        if lanes:
            log.info("school_resumed", school=school_id, lanes=len(lanes), actor="worker")
        await self.flow.waker.wake("serve_lane", lanes)
        if stands.move is Stage.OVER:
            await self._fetch_anew(school_id)

    async def _ask(self, account: Account) -> Asked:
        """Ask with the token that was offered, where there is one; where that is refused, with the one from before."""
        provider = self.flow.providers[account.provider]
        offered = credentials.offered_to(account)
        if offered is None:
            return Asked(await provider.report(account))
        report = await provider.report(credentials.with_offered(account))
        blocked = None if isinstance(report, NotReached) else report.blocked
        if blocked is not None and blocked.reason in _NOT_THIS_TOKEN:
            return Asked(await provider.report(account), offered, offer_stands=False)
        is_good = not isinstance(report, NotReached) and (blocked is None or blocked.reason is HoldReason.WRITEBACK_OFF)
        return Asked(report, offered, offer_stands=True if is_good else None)

    def _settle(
        self, school_id: str, asked: Asked, taken_until: datetime | None, session: Session
    ) -> tuple[Standing, AbstractSet[str]]:
        """Record what is known now; return how the school stands, and the lanes that have something due."""
        held_lanes = holds.lock_held_lanes(session, school_id)
        school = locked_school(session, school_id)
        if asked.offered is not None and asked.offer_stands is not None:
            credentials.settle_offer(self.flow.secrets, school, asked.offered, is_taken=asked.offer_stands)
        stands = keep_report(self.flow, session, school, asked.report)
        self._move_on(session, school, stands)
        is_staffs = school.hold_reason in BY_PEOPLE
        if isinstance(asked.report, NotReached) or (stands.hold is not None and not is_staffs):
            if school.recheck_at is not None:  # null: held by staff
                look_again_later(self.flow, session, school)
                look_by(school, stands.look_at)
            return stands, set()
        lanes: AbstractSet[str] = set()
        if not is_staffs:
            changes = Changes(session, self.flow.clock.now(), "worker")
            lanes = resume_lanes(changes, school, held_lanes, taken_until=taken_until)
        school.recheck_at = stands.look_at
        session.add(school)
        return stands, lanes

    def _move_on(self, session: Session, school: SchoolRow, stands: Standing) -> None:
        """Take a move to another MIS a step further: when it is over the old lists are of no use any more."""
        move, now = move_in(school.facts), self.flow.clock.now()
        if move is None:
            return
        if stands.move is Stage.OVER and move.over_at is None:
            log.info("school_mis_changed", school=school.id, before=school.mis, after=move.becomes)
            school.mis = move.becomes
            school.facts = {**school.facts, FACT: replace(move, over_at=now.isoformat()).as_fact()}
            lists.begin_again(session, school, now)
        elif stands.move is Stage.DONE and stands.hold is None:
            school.facts = dict(when_done(school.facts, move))
        session.add(school)

    async def _fetch_anew(self, school_id: str) -> None:
        """Fetch what has not been fetched since the move was over; when nothing is left, the school can be resumed."""
        account = await self.flow.registry.account(school_id)
        school = await self.flow.registry.school(school_id)
        move = move_in(school.facts)
        since = read_instant(move.over_at) if move else None
        if move is None or since is None:
            return
        view = await self.flow.lookups.view(school_id, fresh=True)
        had = ((name, view.get(name)) for name in (*FIRST_LISTS, *further_lists(school)))
        missing = [name for name, lookup in had if lookup is None or lookup.fetched_at <= since]
        synced = await self.syncer.sync_lists(account, missing)
        needed = lists_with_ids(school)
        failed = [str(one.list) for one in synced if one.error is not None and one.list in needed]
        if failed:
            log.warning("migration_waits_for_lists", school=school_id, lists=failed)
            return

        def note(session: Session) -> None:
            row = locked_school(session, school_id)
            now = self.flow.clock.now()
            if move_in(row.facts) == move:
                synced = replace(move, synced_at=now.isoformat())
                row.facts, row.recheck_at = {**row.facts, FACT: synced.as_fact()}, synced.settles_at
                session.add(row)

        await self.flow.db.transact(note)
        self.flow.registry.forget(school_id)
