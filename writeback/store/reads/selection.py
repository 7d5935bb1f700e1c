"""Which writebacks a call by filter is about, in the order of acceptance: only ever what the caller may change."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import ColumnElement, func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.domain.access import Caller
from writeback.store.reads.filters import Filter, conditions, visible
from writeback.store.reads.people_of_one_school import check_one_school
from writeback.store.sql.json_size import array_size
from writeback.store.tables import WritebackRow


@dataclass(frozen=True)
class Selection:
    """Those that a filter finds and, where ids are given, that have one of these."""

    filter: Filter = field(default_factory=Filter)
    ids: Sequence[str] = ()


class Extent(NamedTuple):
    """How far a writeback is; `size` is the number of its records."""

    status: str
    progress: str
    size: int


async def count(session: AsyncSession, caller: Caller, wanted: Selection) -> int:
    """Return how many there are."""
    return (await session.exec(select(func.count()).select_from(WritebackRow).where(*_where(caller, wanted)))).one()


async def check_people(session: AsyncSession, caller: Caller, wanted: Selection, what: str) -> None:
    """Raise BadInput where `what` names people by id and the writebacks are of several schools."""
    await check_one_school(session, caller, wanted.filter.school, _where(caller, wanted), what)


async def extents(session: AsyncSession, caller: Caller, wanted: Selection, *, limit: int) -> Sequence[Extent]:
    """Return how far the first of them are, without their records."""
    query = select(WritebackRow.status, WritebackRow.progress, array_size(col(WritebackRow.records)))
    query = query.where(*_where(caller, wanted)).order_by(col(WritebackRow.seq)).limit(limit)
    return [Extent(*found) for found in (await session.exec(query)).all()]


async def ids_of(
    session: AsyncSession, caller: Caller, wanted: Selection, *, after: int | None, limit: int
) -> Sequence[tuple[int, str]]:
    """Return sequence and id of those accepted after `after`."""
    query = select(WritebackRow.seq, WritebackRow.id).where(*_where(caller, wanted))
    if after is not None:
        query = query.where(col(WritebackRow.seq) > after)
    found = (await session.exec(query.order_by(col(WritebackRow.seq)).limit(limit))).all()
    return [(seq or 0, writeback_id) for seq, writeback_id in found]


async def rows_of(session: AsyncSession, ids: Sequence[str]) -> Sequence[WritebackRow]:
    """Return the writebacks, in the order of acceptance, to be read and not changed."""
    query = select(WritebackRow).where(col(WritebackRow.id).in_(ids)).order_by(col(WritebackRow.seq))
    return (await session.exec(query)).all()


def _where(caller: Caller, wanted: Selection) -> list[ColumnElement[bool]]:
    found = [*visible(caller), *conditions(wanted.filter)]
    if wanted.ids:
        found.append(col(WritebackRow.id).in_(wanted.ids))
    return found
