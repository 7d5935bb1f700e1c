"""What people read of batches: lists, one with its counts, and its bad rows. Only ever what the caller may see."""

import json
from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, Text, and_, cast, func, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.domain.access import Caller
from writeback.store.batches.batches import LineState
from writeback.store.reads.filters import in_reach
from writeback.store.tables import BatchLine, BatchRow, WritebackRow


async def find(session: AsyncSession, caller: Caller, batch_id: str) -> BatchRow | None:
    """Return the batch; None where there is none, or none for this caller. Its kind is still to be checked."""
    return (await session.exec(select(BatchRow).where(BatchRow.id == batch_id, *_reachable(caller)))).first()


async def app_of(session: AsyncSession, batch_id: str) -> str:
    """Return the app that uploaded the batch; empty where there is none of that id."""
    return (await session.exec(select(BatchRow.app_id).where(BatchRow.id == batch_id))).one_or_none() or ""


async def page(
    session: AsyncSession,
    caller: Caller,
    *,
    school: str | None,
    statuses: Sequence[str],
    before: str | None,
    limit: int,
) -> Sequence[BatchRow]:
    """Return batches made before the one whose id is `before`, the newest first."""
    query = select(BatchRow).where(*_visible(caller))
    if school is not None:
        query = query.where(BatchRow.school_id == school)
    if statuses:
        query = query.where(col(BatchRow.status).in_(statuses))
    if before is not None:
        query = query.where(col(BatchRow.id) < before)
    return (await session.exec(query.order_by(col(BatchRow.id).desc()).limit(limit))).all()


async def writeback_counts(session: AsyncSession, batch_ids: Sequence[str]) -> Mapping[str, dict[str, int]]:
    """Return each batch's writebacks by status."""
    query = (
        select(WritebackRow.batch_id, WritebackRow.status, func.count())
        .where(col(WritebackRow.batch_id).in_(batch_ids))
        .group_by(col(WritebackRow.batch_id), col(WritebackRow.status))
    )
    counts: dict[str, dict[str, int]] = {}
    for batch_id, status, number in (await session.exec(query)).all():
        counts.setdefault(batch_id or "", {})[status] = number
    return counts


async def bad_lines(session: AsyncSession, batch_id: str, *, after: int, limit: int) -> Sequence[BatchLine]:
    """Return bad rows below the row `after`, in the order of the file."""
    query = select(BatchLine).where(
        BatchLine.batch_id == batch_id, BatchLine.state == LineState.BAD, col(BatchLine.number) > after
    )
    return (await session.exec(query.order_by(col(BatchLine.number)).limit(limit))).all()


def _visible(caller: Caller) -> list[ColumnElement[bool]]:
    """Those of the key's kinds; one whose kind is not known yet where a key of the same kinds has uploaded it."""
    conditions = _reachable(caller)
    if caller.kinds is not None:
        alike = cast(col(BatchRow.kinds), Text) == json.dumps(sorted(caller.kinds))
        conditions.append(or_(col(BatchRow.kind).in_(caller.kinds), and_(col(BatchRow.kind).is_(None), alike)))
    return conditions


def _reachable(caller: Caller) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if caller.sees_app is not None:
        conditions.append(col(BatchRow.app_id) == caller.sees_app)
    return [*conditions, *in_reach(caller, BatchRow.school_id)]
