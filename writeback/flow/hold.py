"""Holding a school and letting it go again: its writebacks wait, visibly, and none is lost."""

from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlmodel import Session

from writeback.core.errors import NotFound
from writeback.domain.actor import Actor
from writeback.domain.school import HoldReason
from writeback.domain.states import Event, Status
from writeback.flow.changes import Changes
from writeback.flow.context import FlowContext
from writeback.flow.school_migration import Stage, move_in, without
from writeback.store import audit, holds, writebacks
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
        if reason is not HoldReason.BY_STAFF:
            school.recheck_at = changes.now + _patience(flow, school.rechecks)
        elif move_in(school.facts) is None:
            school.recheck_at = None
        changes.session.add(school)
        log.warning("school_held", school=school_id, reason=reason.value)
    for row in writebacks.of_school(changes.session, school_id, Status.QUEUED):
        row.hold_reason = school.hold_reason
        changes.event(row, Event.HELD, detail=f"{school.hold_reason}: {school.hold_detail}")


def let_go(changes: Changes, school: SchoolRow, *, forget: bool) -> set[str]:
    """End the hold of a school that is locked; return the lanes in which something goes on now.

    `forget`: begin counting anew; else a hold that comes back at once is left alone for longer.
    """
    school.hold_reason = school.hold_detail = school.recheck_at = None
    school.rechecks = 0 if forget else school.rechecks + 1
    school.held_at = None if forget else school.held_at
    changes.session.add(school)
    held = writebacks.of_school(changes.session, school.id, Status.HELD)
    for row in held:
        row.hold_reason = row.next_attempt_at = None
        changes.event(row, Event.RELEASED)
    return {row.lane_id for row in held}


def look_again_later(flow: FlowContext, session: Session, school: SchoolRow) -> None:
    """Have a school that is locked looked at again, each time later than the last."""
    school.rechecks += 1
    school.recheck_at = flow.clock.now() + _patience(flow, school.rechecks)
    session.add(school)


def _patience(flow: FlowContext, rechecks: int) -> timedelta:
    """Return how long to leave a held school alone: twice as long each time, up to a quarter of an hour."""
    first = flow.settings.dispatch.hold_recheck_s
    return timedelta(seconds=min(max(first, _LONGEST_RECHECK_S), first * 2 ** min(rechecks, 10)))


@dataclass(frozen=True)
class Holds:
    """Holds and resumes schools on somebody's word; `school_watch` looks after those that wait for a provider."""

    flow: FlowContext

    async def hold(self, school_id: str, reason: HoldReason, detail: str, actor: Actor) -> None:
        """Hold a school; raise NotFound for an unknown one."""

        def hold(session: Session) -> None:
            now = self.flow.clock.now()
            hold_school(self.flow, Changes(session, now, actor.name), school_id, reason, detail)
            noted = {"hold": reason.value}
            audit.note(session, actor.because(detail), now, "school.hold", school_id, school=school_id, changed=noted)

        await self.flow.db.transact(hold)
        self.flow.registry.forget(school_id)

    async def resume(self, school_id: str, actor: Actor) -> None:
        """Let a school go on: everything held for it is queued again, in its order. Raise NotFound.

        A move to another MIS that has begun is taken for over, and not waited for any more; one that is yet to come is.
        """

        def resume(session: Session) -> set[str]:
            school = locked_school(session, school_id)
            now = self.flow.clock.now()
            move = move_in(school.facts)
            noted = {"hold": school.hold_reason}
            audit.note(session, actor, now, "school.resume", school_id, school=school_id, changed=noted)
            lanes = let_go(Changes(session, now, actor.name), school, forget=True)
            if move is not None and move.stage(None, now) is Stage.PLANNED:
                school.recheck_at = move.begins_at
            elif move is not None:
                school.facts = without(school.facts)
            return lanes

        lanes = await self.flow.db.transact(resume)
        self.flow.registry.forget(school_id)
        await self.flow.doorbell.ring("serve_lane", lanes)
        log.info("school_resumed", school=school_id, lanes=len(lanes), actor=actor.name)
