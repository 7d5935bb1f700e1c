"""Queries of the school registry. Called by `flow/registry/entries.py`."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func
from sqlalchemy.orm import defer
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.domain.mode import Mode
from writeback.domain.states import FINAL, Status
from writeback.store.reads.filters import in_mode
from writeback.store.sql.json_size import object_size
from writeback.store.tables import LookupRow, SchoolRow, WritebackRow

_ACCOUNTS_LOCK = 0x7363686F  # "scho"
_WAITING = tuple(status.value for status in Status if status not in FINAL)


class ListState(NamedTuple):
    """How fresh one cached list of a school is. `rows` is its number of rows."""

    school_id: str
    list: str
    rows: int
    version: int
    fetched_at: datetime
    full_at: datetime | None


async def find(session: AsyncSession, school_id: str) -> SchoolRow | None:
    return await session.get(SchoolRow, school_id)


async def lock(session: AsyncSession, school_id: str) -> SchoolRow | None:
    """Return the school, locked until the transaction ends."""
    query = select(SchoolRow).where(SchoolRow.id == school_id).with_for_update()
    return (await session.exec(query.execution_options(populate_existing=True))).one_or_none()


async def lock_accounts(session: AsyncSession) -> None:
    """Wait until nobody else registers or moves a school; SQLite has but one writer anyway."""
    if session.get_bind().dialect.name == "postgresql":
        await session.exec(select(func.pg_advisory_xact_lock(_ACCOUNTS_LOCK)))


async def of_account(session: AsyncSession, provider: str, provider_school_id: str) -> Sequence[SchoolRow]:
    """Return the schools that the provider knows by this id, at whatever address."""
    query = select(SchoolRow).where(SchoolRow.provider == provider, SchoolRow.provider_school_id == provider_school_id)
    return (await session.exec(query.order_by(col(SchoolRow.id)))).all()


async def ids_by_account(session: AsyncSession, provider: str) -> Sequence[tuple[str, str]]:
    """Return the provider's id and ours of every live school that is registered with it."""
    query = select(SchoolRow.provider_school_id, SchoolRow.id).where(
        SchoolRow.provider == provider, *in_mode(Mode.LIVE, SchoolRow.id)
    )
    return (await session.exec(query)).all()


async def page(
    session: AsyncSession, *, only: Collection[str] | None, mode: Mode | None, after: str | None, limit: int
) -> Sequence[SchoolRow]:
    """Return schools by id, those after `after`; `only` are the ids that may be seen, None: all; `mode` None: both."""
    query = select(SchoolRow).where(*in_mode(mode, SchoolRow.id)).order_by(col(SchoolRow.id)).limit(limit)
    if only is not None:
        query = query.where(col(SchoolRow.id).in_(only))
    if after is not None:
        query = query.where(col(SchoolRow.id) > after)
    return (await session.exec(query)).all()


async def waiting_counts(session: AsyncSession, school_ids: Collection[str]) -> dict[str, int]:
    """Return how many writebacks of each school are in no final state; schools without any are left out."""
    query = (
        select(WritebackRow.school_id, func.count())
        .where(col(WritebackRow.school_id).in_(school_ids), col(WritebackRow.status).in_(_WAITING))
        .group_by(col(WritebackRow.school_id))
    )
    return dict((await session.exec(query)).all())


async def list_states(session: AsyncSession, school_ids: Collection[str]) -> list[ListState]:
    """Return the cached lists of the schools, without their rows."""
    query = (
        select(LookupRow, object_size(col(LookupRow.rows)))
        .where(col(LookupRow.school_id).in_(school_ids))
        .order_by(col(LookupRow.school_id), col(LookupRow.list))
        .options(defer(LookupRow.rows, raiseload=True))  # type: ignore[arg-type] # a column, which its type hides
    )
    found = (await session.exec(query)).all()
    return [ListState(row.school_id, row.list, size, row.version, row.fetched_at, row.full_at) for row, size in found]
