"""The traces that writebacks are part of, for steps that do not read these. Asked only where something is traced."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlmodel import Session, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.store.tables import RequestRow, WritebackRow


class Traced(NamedTuple):
    """A request, and the traces of the writebacks that it carries."""

    request_id: str
    traces: Sequence[str]


def of_writebacks(session: Session, ids: Collection[str]) -> dict[str, str]:
    """Return the traces of writebacks by id, of those that are traced."""
    query = select(WritebackRow.id, WritebackRow.traceparent).where(col(WritebackRow.id).in_(ids))
    return {one: trace for one, trace in session.exec(query) if trace is not None}


async def of_request(
    session: AsyncSession, provider: str, request_id: str | None, provider_ref: str | None
) -> Traced | None:
    """Return the request of that id, or else of that reference of the provider's; None where there is none."""
    query = select(RequestRow.id, RequestRow.members).where(RequestRow.provider == provider)
    is_it = RequestRow.id == request_id if request_id else RequestRow.provider_ref == provider_ref
    found: Any = (await session.exec(query.where(is_it).limit(1))).first()
    if found is None:
        return None
    ids = [writeback_id for writeback_id, _ in found[1]]
    traces = select(WritebackRow.traceparent).where(
        col(WritebackRow.id).in_(ids), col(WritebackRow.traceparent).is_not(None)
    )
    return Traced(found[0], [one for one in (await session.exec(traces)).all() if one is not None])
