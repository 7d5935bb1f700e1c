"""Removals that wait for a person's decision: one row a list, and most lists have none."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func
from sqlmodel import Session, col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.domain.lookups import ListName
from writeback.domain.mode import Mode
from writeback.store.reads.filters import in_mode
from writeback.store.tables import RemovalsRow


class HeldBack(NamedTuple):
    """How many entries of a list its provider has no longer, and since when somebody is to say whether that is true."""

    school_id: str
    list: str
    entries: int
    since: datetime


class AllHeldBack(NamedTuple):
    """How many lists there are from which something waits to be taken, and since when the first of them."""

    lists: int
    since: datetime | None


async def ids(session: AsyncSession, school_id: str, name: ListName) -> frozenset[str]:
    """Return what waits to be taken from a list."""
    row = await session.get(RemovalsRow, (school_id, name.value))
    return frozenset(json.loads(row.ids)) if row is not None else frozenset()


async def of_schools(session: AsyncSession, school_ids: Collection[str] | None) -> Sequence[HeldBack]:
    """Return the lists of these schools, None: of all, from which something waits to be taken, the longest first."""
    query = select(RemovalsRow.school_id, RemovalsRow.list, RemovalsRow.entries, RemovalsRow.since)
    if school_ids is not None:
        query = query.where(col(RemovalsRow.school_id).in_(school_ids))
    found = (await session.exec(query.order_by(col(RemovalsRow.since), col(RemovalsRow.school_id)))).all()
    return [HeldBack(*row) for row in found]


async def of_all(session: AsyncSession) -> AllHeldBack:
    """Return how many lists of live schools wait for somebody."""
    query = select(func.count(), func.min(RemovalsRow.since)).where(*in_mode(Mode.LIVE, RemovalsRow.school_id))
    return AllHeldBack(*(await session.exec(query)).one())


async def keep(
    session: AsyncSession, school_id: str, name: ListName, held_back: Collection[str], now: datetime
) -> None:
    """Write down what waits to be taken from a list, in the place of what did; nothing: forget it."""
    row = await session.get(RemovalsRow, (school_id, name.value), with_for_update=True)
    if not held_back:
        if row is not None:
            await session.delete(row)
        return
    if row is None:
        row = RemovalsRow(school_id=school_id, list=name.value, since=now, entries=0, ids="")
    row.entries, row.ids = len(held_back), json.dumps(sorted(held_back), separators=(",", ":"))
    session.add(row)


def forget(session: Session, school_id: str) -> None:
    """Forget what waits to be taken from the school's lists: they are another MIS's from now on."""
    session.exec(delete(RemovalsRow).where(col(RemovalsRow.school_id) == school_id))
