"""`only_if_blank`, and the school's say: read the MIS first, and keep what somebody has entered there.

The same for a mark that was seen long before it is sent (`observed_at`): another may have been entered since, and no
MIS tells when. Only what we have written there ourselves, before, is known to be older.

It runs between the commit of a request as `sending` and its sending. What if the process dies? Nothing has been sent:
the request is recovered as one whose answer never came, and the next turn looks again. A mark that the office makes in
the moment between the look and the write is not seen by anyone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlmodel import Session

from writeback.core import failpoints
from writeback.domain.finding import Finding
from writeback.domain.lookups import LookupView
from writeback.domain.outcome import Blocked, NotReached, ReadBack, SlotReadBack
from writeback.domain.school import OfficeMarks
from writeback.domain.writeback import RecordStatus
from writeback.flow.dispatch import office_marks
from writeback.flow.engine.context import FlowContext
from writeback.flow.engine.hook_urls import callback_url
from writeback.flow.engine.last_look import may_be_there
from writeback.flow.engine.provider_calls import provider_call
from writeback.flow.engine.request_members import (
    BLANK,
    change_member,
    close_request,
    leave_member,
    load_members,
    settle_members,
)
from writeback.flow.engine.slots import LEFT, is_conditional
from writeback.flow.engine.status_changes import Changes
from writeback.flow.engine.turn import Member, SeenBefore, Turn, members_json
from writeback.providers.base import SentRequest
from writeback.store.tables import RequestRow
from writeback.store.writebacks import lanes, requests

log = structlog.get_logger()

_SHOWN_WITHIN = timedelta(hours=3)
"""How old what a provider shows may be that does not say: Wonde reads a school every two hours or so [A]."""


@dataclass(frozen=True)
class Precondition:
    """Sees to preconditions that the provider does not see to itself."""

    flow: FlowContext

    async def settle(self, turn: Turn) -> Turn | NotReached | Blocked | None:
        """Return the turn with what may be written; None when nothing is left, an outcome when the MIS cannot be
        read."""
        lookups = await self.flow.lookups.view(turn.account.school_id)
        sent = SentRequest(
            request_id=turn.request_id,
            kind=turn.kind,
            records=[turn.records[position] for position in turn.to_look_at],
            provider_ref=None,
            sent_at=self.flow.clock.now(),
        )
        failpoints.hit("dispatch.before_look")
        with provider_call(self.flow, turn.account.provider, "read_back", turn.request_id, turn.traces) as call:
            read = await turn.provider.read_back(turn.account, sent, lookups)
            call.ended(read)
        failpoints.hit("dispatch.after_look")
        if not isinstance(read, ReadBack):
            return turn if self._goes_unread(turn) else read
        readings = {position: read.readings.get(place) for place, position in enumerate(turn.to_look_at)}
        shown_at = read.as_of or self.flow.clock.now() - _SHOWN_WITHIN
        kept = await self.flow.db.transact(partial(self._leave, turn, readings, lookups, shown_at))
        failpoints.hit("dispatch.after_leave")
        if kept is None:
            return None
        if len(kept) == len(turn.records):
            return turn
        records = [turn.records[position] for position in kept]
        request = turn.provider.build(
            turn.kind,
            records,
            lookups,
            account=turn.account,
            callback_url=callback_url(self.flow, turn.account, turn.request_id),
        )
        return replace(turn, records=records, request=request, to_look_at=())

    @staticmethod
    def _goes_unread(turn: Turn) -> bool:
        """Whether the look is for a warning alone: no mark waits for that."""
        is_asked = any(at in turn.seen_before or is_conditional(turn.records[at]) for at in turn.to_look_at)
        return turn.office_marks is OfficeMarks.WARN and not is_asked

    def _leave(
        self,
        turn: Turn,
        readings: Mapping[int, SlotReadBack | None],
        lookups: LookupView,
        shown_at: datetime,
        session: Session,
    ) -> list[int] | None:
        """Settle what is not written; return the positions of what is, None when there is none or the lease is lost."""
        changes = Changes(session, self.flow.clock.now(), "worker")
        request = requests.lock(session, turn.request_id)
        if request is None or not lanes.is_held(session, turn.lane_id, turn.fence):
            log.warning("lease_lost", lane=turn.lane_id, request_id=turn.request_id)
            return None
        members = load_members(session, request)
        before = turn.seen_before
        of_school = {at: reading for at, reading in readings.items() if at not in before}
        left, warned = office_marks.of_school(session, members, of_school, turn.office_marks, lookups, shown_at)
        asked = [at for at in readings if at in before or is_conditional(members[at].record)]
        settled = [*left, *(at for at in asked if _settle(members[at], readings[at], before.get(at)))]
        if settled or warned:
            settle_members(changes, [members[position] for position in (*settled, *warned)], detail=LEFT)
        if not settled:
            return list(range(len(members)))
        kept = [position for position in range(len(members)) if position not in settled]
        _keep(request, members, kept)
        if not kept:
            close_request(request, changes.now, "left", LEFT)
            requests.finish_attempt(session, request.id, at=changes.now, outcome="left", detail=None)
            lanes.release(session, [(turn.lane_id, turn.fence)])
        session.add(request)
        return kept or None


def _settle(member: Member, reading: SlotReadBack | None, before: SeenBefore | None) -> bool:
    """Settle the record if it is not to be written; return whether it is settled. `before`: it is looked at for that
    alone."""
    if reading is None:
        status = RecordStatus.NEEDS_ATTENTION if may_be_there(member.opened) else RecordStatus.FAILED
        change_member(member, status, findings=[_cannot_tell(member.index, before)])
    elif reading.matches and not reading.is_kept:
        change_member(member, RecordStatus.CONFIRMED, evidence="read-back")
        member.opened.row.evidence = "read-back"
    elif reading.value in BLANK or (before is not None and reading.value in before.ours):
        return False
    elif before is None:
        leave_member(member, reading.value, "only_if_blank asks so")
    else:
        code = getattr(member.record, "code", "")
        why = f"{code} was seen at {before.at}, and {reading.value} may have been entered since"
        hint = "To replace it, send the mark that is right, without observed_at."
        leave_member(member, reading.value, why, hint=hint)
    return True


def _keep(request: RequestRow, members: list[Member], kept: list[int]) -> None:
    """Let the request carry those records alone."""
    rest = [members[position] for position in kept]
    request.members = members_json((member.opened.row.id, member.index) for member in rest)
    request.slots = [slot for member in rest if (slot := member.kind.slot(member.record)) is not None]


def _cannot_tell(index: int, before: SeenBefore | None) -> Finding:
    field, why = "only_if_blank", "as only_if_blank asks"
    if before is not None:
        field, why = "observed_at", f"for it was seen at {before.at}, and something may have been entered since"
    return Finding(
        code="cannot_be_read_first",
        message=f"The MIS does not show what is in this slot, so it was not written over, {why}.",
        hint=f"Look in the MIS; to write whatever is there, send the mark again without {field}.",
        pointer=f"/records/{index}/{field}",
        record=index,
    )
