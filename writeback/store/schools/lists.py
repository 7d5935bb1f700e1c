"""Cached lists of schools: rows as one JSON text a list, read by version."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime

from sqlmodel import Session, col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.domain.lookups import ListName, Lookup, Stamp
from writeback.store.batches import moved_schools
from writeback.store.schools import directories, former_ids, removals
from writeback.store.tables import LookupRow, SchoolRow


async def stamps(session: AsyncSession, school_id: str) -> dict[ListName, Stamp]:
    """Return each list's version and freshness."""
    query = select(LookupRow.list, LookupRow.version, LookupRow.fetched_at, LookupRow.full_at)
    found = (await session.exec(query.where(LookupRow.school_id == school_id))).all()
    return {ListName(name): Stamp(version, fetched_at, full_at) for name, version, fetched_at, full_at in found}


async def fetched_since(session: AsyncSession, school_id: str, since: datetime) -> set[ListName]:
    """Return the lists that have been fetched since then, of this MIS and account."""
    query = select(LookupRow.list).where(LookupRow.school_id == school_id, col(LookupRow.fetched_at) > since)
    return {ListName(name) for name in (await session.exec(query.where(~col(LookupRow.begins_again)))).all()}


async def load(session: AsyncSession, school_id: str, name: ListName) -> Lookup | None:
    """Return one list, whole; None where it has never been fetched."""
    row = await session.get(LookupRow, (school_id, name.value))
    return None if row is None else _as_lookup(row)


async def save(session: AsyncSession, school_id: str, lookup: Lookup) -> None:
    """Write one list, whole."""
    row = await session.get(LookupRow, (school_id, lookup.list.value), with_for_update=True)
    if row is None:
        row = LookupRow(school_id=school_id, list=lookup.list.value)
    row.version = lookup.version
    for name, value in _fetch_of(lookup).items():
        setattr(row, name, value)
    row.rows = _as_text(lookup.rows)
    session.add(row)


async def replace(session: AsyncSession, school_id: str, before: Lookup | None, after: Lookup) -> bool:
    """Write one list in the place of the one that it was made from; False, and nothing, where that is gone.

    Two syncs at once, or one that outlasts a migration, would else put back what the other has just taken out. Raise
    IntegrityError where another first one is written at this moment.
    """
    is_it = (col(LookupRow.school_id) == school_id, col(LookupRow.list) == after.list.value)
    query = select(LookupRow.version, LookupRow.fetched_at, LookupRow.cursor).where(*is_it).with_for_update()
    there = (await session.exec(query)).one_or_none()
    if there != (None if before is None else (before.version, before.fetched_at, before.cursor)):
        return False
    if before is not None and before.version == after.version:  # the same rows: neither read nor written again
        await session.exec(update(LookupRow).where(*is_it).values(**_fetch_of(after)))
    else:
        await save(session, school_id, after)
    return True


def begin_again(session: Session, school: SchoolRow, now: datetime) -> None:
    """Have every list of the school replaced by what is fetched next: it is another MIS's, or another account's. What
    was accepted before has former ids; files that are under way are stopped.

    A sync that is under way comes too late.
    """
    former_ids.note_move(session, school, now)
    moved_schools.stop_files(session, school.id, now)
    school_id = school.id
    every = update(LookupRow).where(col(LookupRow.school_id) == school_id)
    session.exec(every.values(cursor=None, begins_again=True, version=col(LookupRow.version) + 1))
    removals.forget(session, school_id)
    directories.begin_again(session, school_id)


async def drop(session: AsyncSession, school_id: str, name: ListName, ids: Collection[str]) -> None:
    """Take rows out of a list that is there; a sync of it that is under way comes too late."""
    row = await session.get(LookupRow, (school_id, name.value), with_for_update=True)
    if row is None:
        return
    row.version += 1
    if ids:
        row.rows = _as_text({row_id: kept for row_id, kept in json.loads(row.rows).items() if row_id not in ids})
    session.add(row)


def _fetch_of(lookup: Lookup) -> dict[str, object]:
    names = ("fetched_at", "cursor", "full_at", "begins_again")
    return {name: getattr(lookup, name) for name in names}


def _as_text(rows: Mapping[str, Mapping[str, object]]) -> str:
    return json.dumps({key: dict(row) for key, row in rows.items()}, separators=(",", ":"))


def _as_lookup(row: LookupRow) -> Lookup:
    return Lookup(
        ListName(row.list),
        row.version,
        row.fetched_at,
        json.loads(row.rows),
        row.cursor,
        full_at=row.full_at,
        begins_again=row.begins_again,
    )
