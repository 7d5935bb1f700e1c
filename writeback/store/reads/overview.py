"""Queries of the current state: which schools there are, what waits, what went wrong. Counts are in `rollups.py`.

Instants of acceptance have no index; ids have, and begin with the instant, so `id_floor` stands for it.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import case, func
from sqlalchemy import select as select_row
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.core.ids import id_floor
from writeback.domain.mode import Mode
from writeback.domain.states import FINAL, NEED_SOMEBODY, Status
from writeback.store.reads.browsing import browsed
from writeback.store.reads.filters import Filter, among, in_mode
from writeback.store.tables import BreakerRow, Lane, SchoolRow, WritebackRow

Schools = Collection[str] | None
"""Ids of the schools to look at; None: all live ones."""

_WAITING = tuple(status.value for status in Status if status not in FINAL)
_AT_ONCE = 1_000
_NEVER = 2**62
OUT_OF_ORDER = 1_000
"""How far the order of sequences may differ from that of ids, where several processes accept at the same moment."""


class Waiting(NamedTuple):
    """Writebacks of one school in one status that has not ended. `since`: the oldest was accepted then."""

    school_id: str
    status: str
    writebacks: int
    recent: int
    """Those of them that were accepted recently."""
    since: datetime
    changed_at: datetime
    """When the oldest of them came into the status that it has."""


class Wrong(NamedTuple):
    """One writeback that has not gone well: its findings are in `progress`."""

    status: str
    progress: str


class SchoolState(NamedTuple):
    """A school, and why it is held, should it be."""

    id: str
    name: str
    provider: str
    mis: str
    hold_reason: str | None
    hold_detail: str | None
    held_at: datetime | None
    hold_until: datetime | None = None


async def waiting(session: AsyncSession, schools: Schools, lately: datetime) -> Sequence[Waiting]:
    """Return what has not ended, by school and status; `lately`: since when an acceptance is recent."""
    connection = await session.connection()
    # The sequence stands in the index that is read below.
    recent = func.sum(case((col(WritebackRow.seq) >= await first_since(session, lately), 1), else_=0))
    # By lane, for that index has status and sequence as well: the writebacks themselves need not be read.
    query = (
        select_row(col(Lane.school_id), col(WritebackRow.status), func.count(), recent, func.min(WritebackRow.seq))
        .join(WritebackRow, col(WritebackRow.lane_id) == col(Lane.id))
        .where(col(WritebackRow.status).in_(_WAITING), *among(schools, Lane.school_id))
        .group_by(col(Lane.school_id), col(WritebackRow.status))
    )
    found = (await connection.execute(query)).all()
    first = [row[4] for row in found]
    oldest = select_row(col(WritebackRow.seq), col(WritebackRow.created_at), col(WritebackRow.updated_at))
    at: dict[int, tuple[datetime, datetime]] = {}
    for some in range(0, len(first), _AT_ONCE):
        rows = await connection.execute(oldest.where(col(WritebackRow.seq).in_(first[some : some + _AT_ONCE])))
        at.update({seq or 0: (created_at, updated_at) for seq, created_at, updated_at in rows.all()})
    return [Waiting(row[0], row[1], row[2], int(row[3]), *at[row[4]]) for row in found if row[4] in at]


async def gone_wrong(session: AsyncSession, schools: Schools, since: datetime, limit: int) -> Sequence[Wrong]:
    """Return what was accepted since then and has not gone well, the latest first."""
    # Chosen by an index that has all of this: of writebacks, which are long, only those are read that are looked into.
    chosen = (
        browsed(select_row(col(WritebackRow.seq)), Filter())
        .where(
            col(WritebackRow.seq) >= await first_since(session, since) - OUT_OF_ORDER,
            col(WritebackRow.status).in_(NEED_SOMEBODY),
            *among(schools, WritebackRow.school_id),
        )
        .order_by(col(WritebackRow.seq).desc())
        .limit(limit)
    )
    query = select_row(col(WritebackRow.status), col(WritebackRow.progress)).where(
        col(WritebackRow.seq).in_(chosen), col(WritebackRow.id) >= id_floor("wb", since)
    )
    query = query.order_by(col(WritebackRow.seq).desc())
    return [Wrong(*row) for row in (await (await session.connection()).execute(query)).all()]


async def held_since(session: AsyncSession, schools: Schools, since: datetime, limit: int) -> Sequence[str]:
    """Return the ids of what is held and was accepted since then, the latest first: ids begin with that instant."""
    query = (
        select_row(col(WritebackRow.id))
        .join(Lane, col(WritebackRow.lane_id) == col(Lane.id))
        .where(
            col(WritebackRow.status) == Status.HELD.value,
            col(WritebackRow.seq) >= await first_since(session, since) - OUT_OF_ORDER,
            col(WritebackRow.id) >= id_floor("wb", since),
            *among(schools, Lane.school_id),
        )
        .order_by(col(WritebackRow.seq).desc())
        .limit(limit)
    )
    return (await (await session.connection()).execute(query)).scalars().all()


async def first_since(session: AsyncSession, since: datetime) -> int:
    """Return the sequence of the first that was accepted since then: the order of ids is the order of time."""
    after = select_row(col(WritebackRow.seq)).where(col(WritebackRow.id) >= id_floor("wb", since))
    first = (await (await session.connection()).execute(after.order_by(col(WritebackRow.id)).limit(1))).scalar()
    return first or _NEVER


async def schools_of(session: AsyncSession, schools: Schools) -> Sequence[SchoolState]:
    """Return the schools, by name, and whether they are held."""
    query = select_row(
        col(SchoolRow.id),
        col(SchoolRow.name),
        col(SchoolRow.provider),
        col(SchoolRow.mis),
        col(SchoolRow.hold_reason),
        col(SchoolRow.hold_detail),
        col(SchoolRow.held_at),
        col(SchoolRow.hold_until),
    )
    query = query.where(*among(schools, SchoolRow.id)).order_by(col(SchoolRow.name))
    return [SchoolState(*row) for row in (await (await session.connection()).execute(query)).all()]


async def test_schools(session: AsyncSession) -> frozenset[str]:
    """Return the ids of all test schools."""
    query = select_row(col(SchoolRow.id)).where(*in_mode(Mode.TEST, SchoolRow.id))
    return frozenset((await (await session.connection()).execute(query)).scalars().all())


async def facts_of(session: AsyncSession, school_ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """Return what providers last said of these schools."""
    query = select_row(col(SchoolRow.id), col(SchoolRow.facts)).where(col(SchoolRow.id).in_(school_ids))
    return {row[0]: row[1] or {} for row in (await (await session.connection()).execute(query)).all()}


async def open_breakers(session: AsyncSession) -> Sequence[BreakerRow]:
    """Return schools and providers that are left alone for a while, for they do not answer."""
    return (await session.exec(select(BreakerRow).where(col(BreakerRow.open_until).is_not(None)))).all()
