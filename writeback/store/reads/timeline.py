"""Queries of what happened to one writeback: its events, the requests that carried it, their attempts."""

import json
from collections.abc import Sequence

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.store.tables import AttemptRow, EventRow, RequestRow
from writeback.store.writebacks import requests


async def events_of(session: AsyncSession, writeback_id: str) -> Sequence[EventRow]:
    """Return its events in the order in which they were written."""
    query = select(EventRow).where(EventRow.writeback_id == writeback_id).order_by(col(EventRow.id))
    return (await session.exec(query)).all()


async def requests_of(session: AsyncSession, writeback_id: str) -> Sequence[RequestRow]:
    """Return the requests that carried records of it, the oldest first."""
    return (await session.exec(requests.carrying(writeback_id))).all()


async def attempts_of(session: AsyncSession, request_ids: Sequence[str]) -> Sequence[AttemptRow]:
    """Return the attempts of the requests, in order."""
    query = select(AttemptRow).where(col(AttemptRow.request_id).in_(request_ids)).order_by(col(AttemptRow.id))
    return (await session.exec(query)).all()


def as_json_text(value: str) -> str:
    """Return `value` as it stands in JSON text, in its quotes."""
    return json.dumps(value, ensure_ascii=False)
