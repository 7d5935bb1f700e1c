"""Directories of schools' people: one row a list, read and written whole."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import defer
from sqlmodel import Session, col, delete, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.store.tables import DirectoryRow, SchoolRow


async def find(session: AsyncSession, school_id: str, list_name: str) -> DirectoryRow | None:
    """Return the directory of a list; None where there is none."""
    return await session.get(DirectoryRow, _id_of(school_id, list_name))


async def head(session: AsyncSession, school_id: str, list_name: str) -> DirectoryRow | None:
    """Return the same without its people: how it was made, and its version."""
    people = (DirectoryRow.people, DirectoryRow.details)
    query = select(DirectoryRow).where(DirectoryRow.id == _id_of(school_id, list_name))
    query = query.options(*(defer(column, raiseload=True) for column in people))  # type: ignore[arg-type] # as in schools.py
    return (await session.exec(query)).one_or_none()


async def lock_school(session: AsyncSession, school_id: str) -> None:
    """Have what the school wants of its directory stay until the transaction ends; before any of its lists is locked,
    as everywhere."""
    await session.exec(select(SchoolRow.id).where(SchoolRow.id == school_id).with_for_update(read=True))


async def put(
    session: AsyncSession, school_id: str, list_name: str, before: int | None, values: Mapping[str, Any]
) -> bool:
    """Write the directory of a list in the place of the version that it was made from; False, and nothing, where that
    is gone, or the school, which is locked, wants another mode by now.

    Raise IntegrityError where another first one is written at this moment.
    """
    wanted = select(SchoolRow.directory).where(SchoolRow.id == school_id)
    if (await session.exec(wanted)).one_or_none() != values["mode"]:
        return False
    row_id, version = _id_of(school_id, list_name), (before or 0) + 1
    if before is None:
        session.add(DirectoryRow(id=row_id, school_id=school_id, list=list_name, version=version, **values))
        return True
    is_it = (col(DirectoryRow.id) == row_id, col(DirectoryRow.version) == before)
    changed = await session.exec(update(DirectoryRow).where(*is_it).values(version=version, **values))
    return bool(changed.rowcount)


async def filled_at(session: AsyncSession, school_id: str) -> Mapping[str, datetime]:
    """Return when each directory of the school was last fresh, by list; none of one that begins again."""
    query = select(DirectoryRow.list, DirectoryRow.filled_at).where(DirectoryRow.school_id == school_id)
    return dict((await session.exec(query.where(~col(DirectoryRow.begins_again)))).all())


def forget(session: Session, school_id: str) -> None:
    """Delete the school's directories: it keeps none, or another kind of them."""
    session.exec(delete(DirectoryRow).where(col(DirectoryRow.school_id) == school_id))


def begin_again(session: Session, school_id: str) -> None:
    """Have nobody found until all people have been fetched: those that are known are another MIS's, or account's."""
    every = update(DirectoryRow).where(col(DirectoryRow.school_id) == school_id)
    session.exec(every.values(begins_again=True, version=col(DirectoryRow.version) + 1))


def begins_again(session: Session, school_id: str) -> bool:
    """Whether people of the school are still those of another MIS or account."""
    of_school = col(DirectoryRow.school_id) == school_id
    return (
        session.exec(select(DirectoryRow.id).where(of_school, col(DirectoryRow.begins_again)).limit(1)).first()
        is not None
    )


def _id_of(school_id: str, list_name: str) -> str:
    return f"{school_id}:{list_name}"
