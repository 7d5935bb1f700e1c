"""Holding a school and letting it go again: its writebacks wait, visibly, and none is lost."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import structlog
from sqlmodel import Session

from writeback.core.errors import NotFound
from writeback.domain.outcome import NotReached
from writeback.domain.school import HoldReason
from writeback.domain.states import Event, Status
from writeback.flow.changes import Changes
from writeback.flow.context import FlowContext
from writeback.store import holds, writebacks
from writeback.store.tables import SchoolRow

log = structlog.get_logger()

_LONGEST_RECHECK_S = 900.0


def locked_school(session: Session, school_id: str) -> SchoolRow:
    """Return the school, locked until the transaction ends; raise NotFound where it is gone."""
    school = holds.lock_school(session, school_id)
    if school is None:
        raise NotFound("school_unknown", f"there is no school {school_id}")
    return school


def hold_school(flow: FlowContext, changes: Changes, school_id: str, reason: HoldReason, detail: str) -> None:
    """Hold the school and everything that is queued for it, in the caller's transaction. Staff's own hold stays."""
    school = locked_school(changes.session, school_id)
    if school.hold_reason != HoldReason.BY_STAFF:
        if school.held_at is None or reason is HoldReason.BY_STAFF:
            school.held_at = changes.now
        school.hold_reason, school.hold_detail = reason.value, detail
        school.recheck_at = None if reason is HoldReason.BY_STAFF else changes.now + _patience(flow, school.rechecks)
        changes.session.add(school)
        log.warning("school_held", school=school_id, reason=reason.value)
    for row in writebacks.of_school(changes.session, school_id, Status.QUEUED):
        row.hold_reason = school.hold_reason
        changes.event(row, Event.HELD, detail=f"{school.hold_reason}: {school.hold_detail}")


def _patience(flow: FlowContext, rechecks: int) -> timedelta:
    """Return how long to leave a held school alone: twice as long each time, up to a quarter of an hour."""
    first = flow.settings.dispatch.hold_recheck_s
    return timedelta(seconds=min(max(first, _LONGEST_RECHECK_S), first * 2 ** min(rechecks, 10)))


@dataclass(frozen=True)
class Holds:
    """Holds and resumes schools, for people and for the sweeper."""

    flow: FlowContext

    async def hold(self, school_id: str, reason: HoldReason, detail: str, actor: str) -> None:
        """Hold a school on somebody's word; raise NotFound for an unknown one."""

        def hold(session: Session) -> None:
            hold_school(self.flow, Changes(session, self.flow.clock.now(), actor), school_id, reason, detail)

        await self.flow.db.transact(hold)
        self.flow.registry.forget(school_id)

    async def resume(self, school_id: str, actor: str) -> None:
        """Let a school go on: everything held for it is queued again, in its order. Raise NotFound."""
        await self._let_go(school_id, actor, forget=True)

    async def recheck(self, school_id: str) -> None:
        """Ask the provider whether a held school can go on; look again later where it cannot."""
        account = await self.flow.registry.account(school_id)
        report = await self.flow.providers[account.provider].report(account)
        if not isinstance(report, NotReached) and report.is_online and report.blocked is None:
            await self._let_go(school_id, "worker", forget=False)
        else:
            await self.flow.db.transact(partial(self._look_again_later, school_id))

    async def _let_go(self, school_id: str, actor: str, *, forget: bool) -> None:
        """End the hold. `forget`: begin counting anew; else a hold that comes back at once is left alone for longer."""

        def let_go(session: Session) -> set[str]:
            changes = Changes(session, self.flow.clock.now(), actor)
            school = locked_school(session, school_id)
            if school.hold_reason == HoldReason.BY_STAFF and not forget:
                return set()  # staff held it while the worker asked
            school.hold_reason = school.hold_detail = school.recheck_at = None
            school.rechecks = 0 if forget else school.rechecks + 1
            school.held_at = None if forget else school.held_at
            session.add(school)
            held = writebacks.of_school(session, school_id, Status.HELD)
            for row in held:
                row.hold_reason = row.next_attempt_at = None
                changes.event(row, Event.RELEASED)
            return {row.lane_id for row in held}

        lanes = await self.flow.db.transact(let_go)
        self.flow.registry.forget(school_id)
        await self.flow.doorbell.ring("serve_lane", lanes)
        log.info("school_resumed", school=school_id, lanes=len(lanes), actor=actor)

    def _look_again_later(self, school_id: str, session: Session) -> None:
        school = locked_school(session, school_id)
        if school.recheck_at is not None:
            school.rechecks += 1
            school.recheck_at = self.flow.clock.now() + _patience(self.flow, school.rechecks)
            session.add(school)
