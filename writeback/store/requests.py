"""Requests to providers and their attempts."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.store.tables import AttemptRow, RequestRow


class RequestState(StrEnum):
    """Where a request is."""

    SENDING = "sending"
    """On its way, under the lane's lease."""
    TAKEN = "taken"
    """The provider has it; evidence is awaited."""
    IN_DOUBT = "in_doubt"
    """It may have arrived; to be settled by read-back."""
    SETTLED = "settled"
    """Nothing more is expected of it."""


AWAITING = (RequestState.TAKEN, RequestState.IN_DOUBT)
_UNSETTLED = (RequestState.SENDING, *AWAITING)


async def lock(session: AsyncSession, request_id: str) -> RequestRow | None:
    """Return the request, locked until the transaction ends."""
    query = select(RequestRow).where(RequestRow.id == request_id).with_for_update()
    return (await session.exec(query.execution_options(populate_existing=True))).one_or_none()


async def lock_by_ref(session: AsyncSession, provider: str, provider_ref: str) -> RequestRow | None:
    """Return the newest request that the provider knows by this reference, locked."""
    query = (
        select(RequestRow)
        .where(RequestRow.provider == provider, RequestRow.provider_ref == provider_ref)
        .order_by(col(RequestRow.created_at).desc())
        .limit(1)
        .with_for_update()
    )
    return (await session.exec(query)).first()


async def abandoned_in_lane(session: AsyncSession, lane_id: str, fence: int) -> Sequence[RequestRow]:
    """Return the lane's requests that were sent under a lease older than `fence`, locked."""
    query = (
        select(RequestRow)
        .where(RequestRow.lane_id == lane_id, RequestRow.state == RequestState.SENDING, col(RequestRow.fence) < fence)
        .order_by(col(RequestRow.created_at))
        .with_for_update()
    )
    return (await session.exec(query)).all()


async def slots_on_their_way(session: AsyncSession, lane_id: str) -> set[str]:
    """Return the slots of all that is sent in the lane and has not settled."""
    query = select(RequestRow.slots).where(RequestRow.lane_id == lane_id, col(RequestRow.state).in_(_UNSETTLED))
    return {slot for slots in (await session.exec(query)).all() for slot in slots}


async def due_checks(session: AsyncSession, lane_id: str, now: datetime, limit: int) -> Sequence[RequestRow]:
    """Return the lane's requests that should be asked about now, the longest waiting first; locked."""
    query = (
        select(RequestRow)
        .where(RequestRow.lane_id == lane_id, col(RequestRow.state).in_(AWAITING), col(RequestRow.check_at) <= now)
        .order_by(col(RequestRow.check_at))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await session.exec(query)).all()


async def finish_attempt(
    session: AsyncSession, request_id: str, *, at: datetime, outcome: str, detail: str | None
) -> None:
    """Complete the request's open attempt."""
    query = select(AttemptRow).where(AttemptRow.request_id == request_id, col(AttemptRow.finished_at).is_(None))
    for attempt in (await session.exec(query)).all():
        attempt.finished_at, attempt.outcome, attempt.detail = at, outcome, detail
        session.add(attempt)
