"""How often apps called, and what came of their writebacks and webhooks. `flow/projections/usage.py` calls this."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlmodel import Session, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.domain.access import Caller
from writeback.domain.states import Status
from writeback.store.reads.filters import visible
from writeback.store.reads.rollups import adding
from writeback.store.sql.write_out import insert_many
from writeback.store.tables import DeliveryRow, UsageRow, WritebackRow


class Sent(NamedTuple):
    """One delivery of a webhook."""

    state: str
    http_status: int | None
    error: str | None
    last_attempt_at: datetime | None


def add(session: Session, rows: Iterable[Mapping[str, Any]]) -> None:
    """Add to the counts, made where they are not there; examples take the place of older ones."""
    # In one order, so that two processes never wait for each other's rows.
    given = sorted(rows, key=lambda row: (row["app_id"], row["what"], row["route"], row["code"]))
    latest = "examples = coalesce(excluded.examples, usage_count.examples)"
    insert_many(session, UsageRow, given, ending=adding(UsageRow, ("number",), latest))


async def counts(session: AsyncSession, app_id: str, since: datetime) -> Sequence[UsageRow]:
    """Return an app's rows of the hours from that one on, the earliest first."""
    query = select(UsageRow).where(UsageRow.app_id == app_id, UsageRow.hour_at >= since)
    return (await session.exec(query.order_by(col(UsageRow.hour_at)))).all()


async def latest_confirmed(session: AsyncSession, caller: Caller, since: datetime, limit: int) -> Sequence[float]:
    """Return how many seconds the latest confirmed took from acceptance to evidence, of those the caller may see."""
    query = (
        select(WritebackRow.created_at, WritebackRow.updated_at)
        .where(WritebackRow.app_id == caller.app_id, *visible(caller))
        .where(WritebackRow.status == Status.CONFIRMED.value, WritebackRow.created_at >= since)
        .order_by(col(WritebackRow.seq).desc())
        .limit(limit)
    )
    return [(ended - begun).total_seconds() for begun, ended in (await session.exec(query)).all()]


async def latest_sent(session: AsyncSession, webhook_id: str, since: datetime, limit: int) -> Sequence[Sent]:
    """Return the latest deliveries of a webhook that were made since then, the latest first."""
    row = DeliveryRow
    query = (
        select(row.state, row.http_status, row.error, row.last_attempt_at)
        .where(row.webhook_id == webhook_id, row.created_at >= since)
        .order_by(col(row.sequence).desc())
        .limit(limit)
    )
    return [Sent(*one) for one in (await session.exec(query)).all()]
