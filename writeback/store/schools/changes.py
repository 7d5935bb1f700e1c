"""Which schools have changed lately, their rows or their lists: one read for all that a process remembers."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import col, func, select, union_all
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.core.clock import SystemClock
from writeback.store.tables import LookupRow, SchoolRow

_LATELY = timedelta(seconds=60)
"""Longer than a transaction takes, from when it has read the clock until it commits, and than clocks differ."""


async def lately(session: AsyncSession) -> set[tuple[str, datetime]]:
    """Return schools that were changed in the last moments, each with when that was last.

    By the machine's own clock, as the tables have it.
    """
    since = SystemClock().now() - _LATELY
    rows = select(SchoolRow.id, SchoolRow.changed_at).where(col(SchoolRow.changed_at) > since)
    lists = (
        select(LookupRow.school_id, func.max(LookupRow.changed_at))
        .where(col(LookupRow.changed_at) > since)
        .group_by(LookupRow.school_id)
    )
    found: Sequence[Any] = (await (await session.connection()).execute(union_all(rows, lists))).all()
    return {(str(row[0]), row[1]) for row in found}
