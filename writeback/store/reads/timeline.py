"""Queries of what happened to one writeback: its events, the requests that carried it, their attempts."""

import json
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Text, cast
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.store.tables import AttemptRow, EventRow, RequestRow, WritebackRow

_CLOCK_SKEW = timedelta(hours=1)
"""By how much a worker's clock may be behind that of the API that accepted the writeback."""


async def events_of(session: AsyncSession, writeback_id: str) -> Sequence[EventRow]:
    """Return its events in the order in which they were written."""
    query = select(EventRow).where(EventRow.writeback_id == writeback_id).order_by(col(EventRow.id))
    return (await session.exec(query)).all()


async def requests_of(session: AsyncSession, row: WritebackRow) -> Sequence[RequestRow]:
    """Return the requests that carried records of it, the oldest first."""
    query = (
        select(RequestRow)
        .where(
            RequestRow.lane_id == row.lane_id,
            col(RequestRow.created_at) >= row.created_at - _CLOCK_SKEW,
            cast(RequestRow.members, Text).contains(as_json_text(row.id), autoescape=True),
        )
        .order_by(col(RequestRow.created_at), col(RequestRow.id))
    )
    return (await session.exec(query)).all()


async def attempts_of(session: AsyncSession, request_ids: Sequence[str]) -> Sequence[AttemptRow]:
    """Return the attempts of the requests, in order."""
    query = select(AttemptRow).where(col(AttemptRow.request_id).in_(request_ids)).order_by(col(AttemptRow.id))
    return (await session.exec(query)).all()


def as_json_text(value: str) -> str:
    """Return `value` as it stands in JSON text, in its quotes."""
    return json.dumps(value, ensure_ascii=False)
