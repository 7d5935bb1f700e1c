"""Holds and resumes a school, or one family of kinds there: writebacks wait, visibly; none is lost.

Everyone locks in one order: lanes, then the school, then writebacks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlmodel import Session

from writeback.core.errors import BadInput, NotFound
from writeback.domain.actor import SERVICE, Actor
from writeback.domain.outcome import Blocked
from writeback.domain.school import BY_PEOPLE, OF_A_FAMILY, HoldReason
from writeback.domain.states import Event, Status
from writeback.flow.engine.context import FlowContext
from writeback.flow.engine.status_changes import Changes
from writeback.flow.registry.migration import Stage, move_in, without
from writeback.store.people import audit
from writeback.store.tables import Lane, RequestRow, SchoolRow, WritebackRow
from writeback.store.writebacks import breakers, holds, lanes, writebacks

log = structlog.get_logger()

_LONGEST_RECHECK_S = 900.0


def locked_school(session: Session, school_id: str) -> SchoolRow:
    """Return the school, locked until the transaction ends; raise NotFound where it is gone."""
    school = holds.lock_school(session, school_id)
    if school is None:
        raise NotFound("school_unknown", f"there is no school {school_id}")
    return school


def hold_school(
    flow: FlowContext,
    changes: Changes,
    school_id: str,
    reason: HoldReason,
    detail: str,
    until: datetime | None = None,
) -> None:
    """Hold the school and everything that is queued for it, in the caller's transaction.

    Staff's own hold stays, but for their later word. `until`: when a hold by staff ends by itself.
    """
    school = locked_school(changes.session, school_id)
    if reason is HoldReason.BY_STAFF and school.hold_reason == HoldReason.BY_STAFF:
        school.hold_detail, school.hold_until = detail, until
        changes.session.add(school)
    if school.hold_reason not in BY_PEOPLE:
        if school.held_at is None or reason is HoldReason.BY_STAFF:
            school.held_at = changes.now
        school.hold_reason, school.hold_detail, school.hold_until = reason.value, detail, until
        if reason is not HoldReason.BY_STAFF:
            school.recheck_at = changes.now + _patience(flow, school.rechecks)
        elif move_in(school.facts) is None:
            school.recheck_at = None
        changes.session.add(school)
        log.warning("school_held", school=school_id, reason=reason.value)
    for row in writebacks.of_school(changes.session, school_id, Status.QUEUED):
        row.hold_reason = school.hold_reason
        changes.event(row, Event.HELD, detail=f"{school.hold_reason}: {school.hold_detail}")


def lock_for(session: Session, request: RequestRow, blocked: Blocked) -> None:
    """Lock what a refusal will hold, before anything that is locked after it."""
    if blocked.reason in OF_A_FAMILY:
        holds.lock_lane(session, request.lane_id)
    else:
        locked_school(session, request.school_id)


def hold_for(flow: FlowContext, changes: Changes, request: RequestRow, blocked: Blocked) -> None:
    """Hold what the answer to a request says cannot be sent: its family of kinds, or the whole school."""
    if blocked.reason in OF_A_FAMILY:
        _hold_family(flow, changes, request.lane_id, blocked)
    else:
        hold_school(flow, changes, request.school_id, blocked.reason, blocked.detail)


def _hold_family(flow: FlowContext, changes: Changes, lane_id: str, blocked: Blocked) -> None:
    lane = holds.lock_lane(changes.session, lane_id)
    lane.held_at = lane.held_at or changes.now
    lane.hold_reason, lane.hold_detail = blocked.reason.value, blocked.detail
    lane.recheck_at = changes.now + _patience(flow, lane.rechecks)
    changes.session.add(lane)
    log.warning("family_held", lane=lane_id, reason=blocked.reason.value)
    for row in writebacks.queued_of_lane(changes.session, lane_id):
        row.hold_reason = lane.hold_reason
        changes.event(row, Event.HELD, detail=f"{lane.hold_reason}: {lane.hold_detail}")


def resume_lanes(
    changes: Changes,
    school: SchoolRow,
    held_lanes: Sequence[Lane],
    *,
    forget: bool = False,
    taken_until: datetime | None = None,
) -> set[str]:
    """End the hold of a school, and those of its families that are due; return the lanes that are resumed.

    The school and `held_lanes` are locked. `forget`: staff asked for it: every family is resumed, and counting starts
    again; else a hold that returns at once is retried later each time. `taken_until`: the mark that the calling recheck
    has put on the families that it is for.
    """
    if school.hold_reason is not None or forget:
        school.hold_reason = school.hold_detail = school.recheck_at = school.hold_until = None
        school.rechecks = 0 if forget else school.rechecks + 1
        school.held_at = None if forget else school.held_at
        changes.session.add(school)
    still_held = _let_families_go(changes, held_lanes, forget=forget, taken_until=taken_until)
    going: list[WritebackRow] = []
    for row in writebacks.of_school(changes.session, school.id, Status.HELD):
        row.hold_reason = still_held.get(row.lane_id)
        changes.session.add(row)
        if row.hold_reason is None:
            row.next_attempt_at = None
            changes.event(row, Event.RELEASED)
            going.append(row)
    return {row.lane_id for row in going}


def _let_families_go(
    changes: Changes, held: Sequence[Lane], *, forget: bool, taken_until: datetime | None
) -> dict[str, str]:
    """Let those families go whose time has come; return why the others, by lane, are still held."""
    still_held: dict[str, str] = {}
    for lane in held:
        is_due = lane.recheck_at is None or lane.recheck_at <= changes.now or lane.recheck_at == taken_until
        if lane.hold_reason is not None and not forget and not is_due:
            still_held[lane.id] = lane.hold_reason
            continue
        lane.rechecks = 0 if forget else lane.rechecks + (lane.hold_reason is not None)
        lane.held_at = None if forget else lane.held_at
        lane.hold_reason = lane.hold_detail = lane.recheck_at = None
        changes.session.add(lane)
    return still_held


def look_again_later(flow: FlowContext, session: Session, school: SchoolRow) -> None:
    """Have a school that is locked looked at again, each time later than the last."""
    school.rechecks += 1
    school.recheck_at = flow.clock.now() + _patience(flow, school.rechecks)
    session.add(school)


def _patience(flow: FlowContext, rechecks: int) -> timedelta:
    """Return how long to wait before a held school is asked about again: doubled each time, up to a quarter of an
    hour."""
    first = flow.settings.dispatch.hold_recheck_s
    return timedelta(seconds=min(max(first, _LONGEST_RECHECK_S), first * 2 ** min(rechecks, 10)))


@dataclass(frozen=True)
class Holds:
    """Holds and resumes schools on somebody's word; `school_watch` looks after those that wait for a provider."""

    flow: FlowContext

    async def hold(
        self, school_id: str, reason: HoldReason, detail: str, actor: Actor, *, until: datetime | None = None
    ) -> None:
        """Hold a school, until then or until somebody resumes it; raise NotFound for an unknown one, and BadInput for
        an end that has passed."""
        if until is not None and until <= self.flow.clock.now():
            raise BadInput(
                "hold_end_passed",
                f"until is {until.isoformat(timespec='minutes')}, which has passed",
                hint="Send a moment to come, or leave it out to hold the school until somebody resumes it.",
            )

        def hold(session: Session) -> None:
            now = self.flow.clock.now()
            hold_school(self.flow, Changes(session, now, actor.name), school_id, reason, detail, until)
            noted = {"hold": reason.value, **({"until": until.isoformat()} if until is not None else {})}
            audit.note(session, actor.because(detail), now, "school.hold", school_id, school=school_id, changed=noted)

        await self.flow.db.transact(hold)
        self.flow.registry.forget(school_id)

    async def end_due(self) -> int:
        """End the holds whose time has come, each school by itself; return how many that were."""
        async with self.flow.db.read() as session:
            due = await holds.ended(session, self.flow.clock.now())
        ended = 0
        for school_id in due:
            going = await self.flow.db.transact(partial(self._end, school_id))
            if going is None:
                continue
            ended += 1
            self.flow.registry.forget(school_id)
            await self.flow.waker.wake("serve_lane", going)
            log.info("hold_ended", school=school_id, lanes=len(going))
        return ended

    def _end(self, school_id: str, session: Session) -> set[str] | None:
        """End one; None where it has been ended, or was made longer. What the provider holds besides stays held."""
        held_lanes = holds.lock_held_lanes(session, school_id)
        school, now = holds.lock_school(session, school_id), self.flow.clock.now()
        if school is None or school.hold_until is None or school.hold_until > now:
            return None
        noted = {"hold": school.hold_reason, "until": school.hold_until.isoformat()}
        audit.note(session, SERVICE, now, "school.hold_ended", school_id, school=school_id, changed=noted)
        changes, move = Changes(session, now, SERVICE.name), move_in(school.facts)
        if move is None or move.stage(None, now) is Stage.PLANNED:
            school.rechecks = -1  # nothing was tried in vain
            going = resume_lanes(changes, school, held_lanes)
            school.held_at, school.recheck_at = None, move.begins_at if move is not None else None
            return going
        # A move goes on: the school is asked about, and goes when it is over.
        school.hold_reason, school.hold_detail = HoldReason.MIGRATION.value, "it moves to another MIS"
        school.hold_until, school.recheck_at = None, now
        for row in writebacks.of_school(session, school_id, Status.HELD):
            if row.hold_reason == HoldReason.BY_STAFF:
                row.hold_reason = school.hold_reason
        return set()

    async def resume(self, school_id: str, actor: Actor) -> None:
        """Resume a school: everything held for it is queued again, in its order. Raise NotFound.

        Its families that are held by themselves are resumed too, and what waits because its provider is left alone. A
        move to another MIS that has begun counts as over; one that is still to come does not.
        """

        def resume(session: Session) -> set[str]:
            held_lanes = holds.lock_held_lanes(session, school_id)
            school = locked_school(session, school_id)
            now = self.flow.clock.now()
            move = move_in(school.facts)
            noted = {"hold": school.hold_reason}
            audit.note(session, actor, now, "school.resume", school_id, school=school_id, changed=noted)
            going = resume_lanes(Changes(session, now, actor.name), school, held_lanes, forget=True)
            going |= _leave_alone_no_longer(session, school_id, now)
            if move is not None and move.stage(None, now) is Stage.PLANNED:
                school.recheck_at = move.begins_at
            elif move is not None:
                school.facts = without(school.facts)
            return going

        going = await self.flow.db.transact(resume)
        self.flow.registry.forget(school_id)
        await self.flow.waker.wake("serve_lane", going)
        log.info("school_resumed", school=school_id, lanes=len(going), actor=actor.name)


def _leave_alone_no_longer(session: Session, school_id: str, now: datetime) -> set[str]:
    """Have a school tried again now, whatever its provider asked for; return the lanes that have something due."""
    breakers.close(session, [breakers.of_school(school_id)])
    lanes.leave_school_alone(session, school_id, None)
    return {*writebacks.go_now(session, school_id, now), *lanes.with_due(session, school_id, now)}
