"""Rewrites a database without its dead rows: what was deleted or changed stands in its files until then.

For off-hours: SQLite's writers wait meanwhile, and on PostgreSQL each table is locked while it is rewritten.
"""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from writeback.store.sql.engines import make_engines, parse_url
from writeback.store.sql.pool import PoolOptions


@dataclass(frozen=True)
class Compacted:
    """Bytes before and after; `is_busy`: somebody was reading an older state, so that the log could not be emptied."""

    before: int
    after: int
    is_busy: bool = False


async def compact(url: str, pool: PoolOptions, tables: Sequence[str], *, patience_s: float) -> Compacted:
    """Rewrite the database, of PostgreSQL these tables; raise what the driver raises."""
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        assert parsed.database is not None
        return await asyncio.to_thread(_compact_sqlite, Path(parsed.database), patience_s)
    engines = make_engines(url, pool=pool, command_timeout_s=None)
    try:
        return await _compact_postgres(engines.writer, tables)
    finally:
        await engines.dispose()


def _compact_sqlite(path: Path, patience_s: float) -> Compacted:
    before = _size(path)
    with closing(sqlite3.connect(path, timeout=patience_s, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute("VACUUM")  # into the write-ahead log, which then takes the place of the file
        is_busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return Compacted(before, _size(path), bool(is_busy))


def _size(path: Path) -> int:
    log = path.with_name(f"{path.name}-wal")
    return path.stat().st_size + (log.stat().st_size if log.exists() else 0)


async def _compact_postgres(engine: AsyncEngine, tables: Sequence[str]) -> Compacted:
    size = text("SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relname = ANY (:tables)")
    async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        before = int((await connection.execute(size, {"tables": list(tables)})).scalar_one() or 0)
        for table in tables:
            await connection.execute(text(f'VACUUM (FULL, ANALYZE) "{table}"'))  # our own names, from the metadata
        after = int((await connection.execute(size, {"tables": list(tables)})).scalar_one() or 0)
    return Compacted(before, after)
