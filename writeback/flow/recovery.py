"""What to do with requests whose sender is gone: its lease ran out, its answer was never written down."""

from collections.abc import Sequence

from sqlmodel import Session

from writeback.domain.kinds import KINDS
from writeback.domain.states import Event
from writeback.domain.writeback import RecordStatus
from writeback.flow.changes import Changes
from writeback.flow.members import load_members, move_members
from writeback.store import requests
from writeback.store.requests import RequestState, Unsettled
from writeback.store.tables import RequestRow


def recover_abandoned(session: Session, changes: Changes, unsettled: Sequence[Unsettled], fence: int) -> bool:
    """Settle those requests that were sent under a lease older than `fence`; return whether there were any.

    They are treated as if their answer had timed out. But a callback that came meanwhile proves that the provider has
    the request: then its evidence is awaited as usual.
    """
    abandoned = [one for one in unsettled if one.state == RequestState.SENDING and one.fence < fence]
    for one in abandoned:
        request = requests.lock(session, one.id)  # a callback may be writing to it
        if request is not None:
            requests.finish_attempt(session, request.id, at=changes.now, outcome="lost", detail="sender gone")
            _settle(session, changes, request)
    return bool(abandoned)


def _settle(session: Session, changes: Changes, request: RequestRow) -> None:
    members = load_members(session, request)
    if request.hints:
        request.state, request.sent_at, request.check_at = RequestState.TAKEN, request.created_at, changes.now
        request.provider_ref = request.provider_ref or request.hints[-1].get("provider_ref")
        move_members(changes, members, RecordStatus.SENT)
    elif KINDS[request.kind].is_repeatable:
        request.state, request.settled_at, request.result = RequestState.SETTLED, changes.now, "lost"
        move_members(changes, members, RecordStatus.QUEUED, queued_by=Event.RETRY, detail="the sender went away")
    else:
        request.state, request.check_at = RequestState.IN_DOUBT, changes.now
        move_members(changes, members, RecordStatus.UNKNOWN)
    session.add(request)
