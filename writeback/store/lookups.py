"""Cached lists of schools: rows as one JSON text a list, read by version."""

import json
from collections.abc import Mapping

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.domain.lookups import ListName, Lookup
from writeback.store.tables import LookupRow


async def versions(session: AsyncSession, school_id: str) -> dict[ListName, tuple[int, str]]:
    """Return each list's version and when it was fetched (ISO text, to notice a refresh without changes)."""
    query = select(LookupRow.list, LookupRow.version, LookupRow.fetched_at).where(LookupRow.school_id == school_id)
    return {ListName(name): (version, at.isoformat()) for name, version, at in (await session.exec(query)).all()}


async def load(session: AsyncSession, school_id: str, name: ListName) -> Lookup | None:
    """Return one list, whole; None where it has never been fetched."""
    row = await session.get(LookupRow, (school_id, name.value))
    return None if row is None else _as_lookup(row)


async def save(session: AsyncSession, school_id: str, lookup: Lookup) -> None:
    """Write one list, whole."""
    row = await session.get(LookupRow, (school_id, lookup.list.value), with_for_update=True)
    if row is None:
        row = LookupRow(school_id=school_id, list=lookup.list.value)
    row.version, row.fetched_at, row.cursor = lookup.version, lookup.fetched_at, lookup.cursor
    row.rows = _as_text(lookup.rows)
    session.add(row)


def _as_text(rows: Mapping[str, Mapping[str, object]]) -> str:
    return json.dumps({key: dict(row) for key, row in rows.items()}, separators=(",", ":"))


def _as_lookup(row: LookupRow) -> Lookup:
    return Lookup(ListName(row.list), row.version, row.fetched_at, json.loads(row.rows), row.cursor)
