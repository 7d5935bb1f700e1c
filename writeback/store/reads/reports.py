"""Queries for reports: one school's writebacks of a stretch of time. Called by `flow/projections/reports.py`."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.core.ids import id_floor
from writeback.store.reads.overview import OUT_OF_ORDER, first_since
from writeback.store.tables import SchoolRow, WritebackRow


async def accepted(session: AsyncSession, school_id: str, since: datetime, until: datetime) -> Sequence[WritebackRow]:
    """Return the school's writebacks that were accepted then, in the order of acceptance."""
    # Sequences stand in the school's index, ids do not: without them all that the school ever sent would be read.
    first, last = await first_since(session, since), await first_since(session, until)
    query = (
        select(WritebackRow)
        .where(
            WritebackRow.school_id == school_id,
            col(WritebackRow.seq).between(first - OUT_OF_ORDER, last + OUT_OF_ORDER),
            col(WritebackRow.id) >= id_floor("wb", since),
            col(WritebackRow.id) < id_floor("wb", until),
        )
        .order_by(col(WritebackRow.seq))
    )
    return (await session.exec(query)).all()


async def schools(session: AsyncSession, only: Collection[str] | None) -> Sequence[tuple[str, str]]:
    """Return id and name of the schools that may be seen, by name; None: all."""
    query = select(SchoolRow.id, SchoolRow.name).order_by(col(SchoolRow.name))
    return (await session.exec(query if only is None else query.where(col(SchoolRow.id).in_(only)))).all()
