"""Queries of confirmed mappings: how an app's files with one header are read for one school."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, update
from sqlmodel import Session, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.domain.access import Caller
from writeback.store.sql.upsert import insert_new
from writeback.store.tables import BatchMappingRow, table_of

_MAPPING = table_of(BatchMappingRow)


def remember(session: Session, row: BatchMappingRow) -> None:
    """Keep a mapping in the place of what was confirmed before for the same header."""
    values = row.model_dump()
    if insert_new(session, BatchMappingRow, **values):
        return
    changed = {name: values[name] for name in ("header", "mapping", "confirmed_by", "confirmed_at", "used_at")}
    is_it = [_MAPPING.c[name] == values[name] for name in ("app_id", "school_id", "kind", "fingerprint")]
    session.connection().execute(update(_MAPPING).where(*is_it).values(**changed))


def find(session: Session, app_id: str, school_id: str, kind: str, fingerprint: str) -> BatchMappingRow | None:
    """Return what was confirmed for files with this header; None where nothing was."""
    query = select(BatchMappingRow).where(
        BatchMappingRow.app_id == app_id,
        BatchMappingRow.school_id == school_id,
        BatchMappingRow.kind == kind,
        BatchMappingRow.fingerprint == fingerprint,
    )
    return session.exec(query).first()


def note_use(session: Session, mapping_id: str, now: datetime) -> None:
    session.connection().execute(update(_MAPPING).where(_MAPPING.c.id == mapping_id).values(used_at=now))


async def page(
    session: AsyncSession, caller: Caller, school_id: str, *, before: str | None, limit: int
) -> Sequence[BatchMappingRow]:
    """Return a school's mappings that the caller may see, the newest first."""
    query = select(BatchMappingRow).where(BatchMappingRow.school_id == school_id)
    if caller.sees_app is not None:
        query = query.where(BatchMappingRow.app_id == caller.sees_app)
    if caller.kinds is not None:
        query = query.where(col(BatchMappingRow.kind).in_(caller.kinds))
    if before is not None:
        query = query.where(col(BatchMappingRow.id) < before)
    return (await session.exec(query.order_by(col(BatchMappingRow.id).desc()).limit(limit))).all()


def forget(session: Session, school_id: str, mapping_id: str, app_id: str | None) -> BatchMappingRow | None:
    """Delete a mapping and return it; None where there is none of this school, and of the app where one is given."""
    row = session.get(BatchMappingRow, mapping_id)
    if row is None or row.school_id != school_id or app_id not in (None, row.app_id):
        return None
    session.connection().execute(delete(_MAPPING).where(_MAPPING.c.id == mapping_id))
    return row
