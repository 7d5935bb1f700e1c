"""What to do with requests whose sender is gone: its lease ran out, its answer was never written down."""

from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.domain.kinds import KINDS
from writeback.domain.states import Event
from writeback.domain.writeback import RecordStatus
from writeback.flow.changes import Changes
from writeback.flow.members import load_members, move_members
from writeback.store import requests
from writeback.store.requests import RequestState
from writeback.store.tables import RequestRow


async def recover_abandoned(session: AsyncSession, changes: Changes, lane_id: str, fence: int) -> None:
    """Settle the lane's requests that were sent under an older lease, as if their answer had timed out.

    A callback that came meanwhile proves that the provider has the request: then its evidence is awaited as usual.
    """
    for request in await requests.abandoned_in_lane(session, lane_id, fence):
        await requests.finish_attempt(session, request.id, at=changes.now, outcome="lost", detail="sender gone")
        await _settle(session, changes, request)


async def _settle(session: AsyncSession, changes: Changes, request: RequestRow) -> None:
    members = await load_members(session, request)
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
