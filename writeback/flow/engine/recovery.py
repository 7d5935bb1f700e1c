"""Recovers requests whose worker is gone: its lease ran out, and no answer was recorded."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from writeback.domain.kinds import KINDS, field_of
from writeback.domain.states import Event
from writeback.domain.writeback import RecordStatus
from writeback.flow.engine.context import FlowContext
from writeback.flow.engine.request_members import close_request, load_members, move_members
from writeback.flow.engine.status_changes import Changes
from writeback.flow.engine.turn import Member
from writeback.store.tables import RequestRow
from writeback.store.writebacks import in_doubt, requests
from writeback.store.writebacks.requests import RequestState, Unsettled


def recover_abandoned(flow: FlowContext, changes: Changes, unsettled: Sequence[Unsettled], fence: int) -> bool:
    """Settle those requests that were sent under a lease older than `fence`; return whether there were any.

    They are treated as if their answer had timed out. But a callback that came meanwhile proves that the provider has
    the request: then its evidence is awaited as usual.
    """
    session = changes.session
    abandoned = [one for one in unsettled if one.state == RequestState.SENDING and one.fence < fence]
    for one in abandoned:
        request = requests.lock(session, one.id)  # a callback may be writing to it
        if request is not None:
            requests.finish_attempt(session, request.id, at=changes.now, outcome="lost", detail="sender gone")
            _settle(flow, changes, request)
    return bool(abandoned)


def _settle(flow: FlowContext, changes: Changes, request: RequestRow) -> None:
    members = load_members(changes.session, request)
    if request.hints:
        request.state, request.sent_at, request.check_at = RequestState.TAKEN, request.created_at, changes.now
        request.provider_ref = request.provider_ref or request.hints[-1].get("provider_ref")
        move_members(changes, members, RecordStatus.SENT)
    elif may_go_again(flow, request, members):
        close_request(request, changes.now, "lost")
        note_in_doubt(flow, changes, request, members)
        count_failure(members)
        move_members(changes, members, RecordStatus.QUEUED, queued_by=Event.RETRY, detail="the sender went away")
    else:
        put_in_doubt(flow, changes, request, members, "the sender went away")
    changes.session.add(request)


def may_go_again(flow: FlowContext, request: RequestRow, members: Sequence[Member]) -> bool:
    """Whether what was sent without an answer may simply be sent again: what is repeatable, and not for ever."""
    tries = 1 + max(member.opened.row.failures for member in members)
    return KINDS[request.kind].is_repeatable and tries < flow.settings.dispatch.max_attempts


def note_in_doubt(
    flow: FlowContext,
    changes: Changes,
    request: RequestRow,
    members: Sequence[Member],
    *,
    until: datetime | None = None,
) -> None:
    """Note that marks of this request may still arrive, over newer ones; all other kinds are settled by a read-back."""
    if not KINDS[request.kind].is_repeatable:
        return
    until = until or changes.now + timedelta(seconds=flow.settings.confirm.late_after_s)
    for member in members:
        slot, code = member.kind.slot(member.record), field_of(member.record, "code")
        if slot is not None and code is not None:
            in_doubt.add(
                changes.session,
                lane_id=request.lane_id,
                slot=slot,
                writeback_id=member.opened.row.id,
                code=code,
                until=until,
            )


def late_until(changes: Changes, request: RequestRow, members: Sequence[Member]) -> datetime | None:
    """Return until when a mark of another writeback may, or might have, come into one of the slots; None: none may."""
    if request.lane_id in changes.lanes_without_doubt:
        return None
    own = {member.opened.row.id for member in members}
    marks = in_doubt.about(changes.session, request.lane_id, request.slots)
    others = (one for one in marks if one.writeback_id not in own)
    return max((one.until for one in others), default=None)


def count_failure(members: Sequence[Member]) -> None:
    """Count for each writeback of the members that it was sent without an answer that settles it."""
    for row in {member.opened.row.id: member.opened.row for member in members}.values():
        row.failures += 1


def put_in_doubt(
    flow: FlowContext, changes: Changes, request: RequestRow, members: Sequence[Member], detail: str
) -> None:
    """Have the MIS read, to settle a request without an answer."""
    note_in_doubt(flow, changes, request, members)
    request.state, request.check_at = RequestState.IN_DOUBT, changes.now
    request.sent_at = request.sent_at or request.created_at
    move_members(changes, members, RecordStatus.UNKNOWN, detail=detail)
