"""Migrations make exactly the tables that the code has, once, whoever starts first."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlmodel import SQLModel

from writeback.store import migrate, tables
from writeback.store.database import Database

_UPGRADE = "import asyncio, sys; from writeback.store import migrate; asyncio.run(migrate.upgrade(sys.argv[1]))"


def _differences(connection: Connection) -> list[Any]:
    ours = {table.name for table in SQLModel.metadata.tables.values()}
    assert tables.WritebackRow.__tablename__ in ours
    return list(compare_metadata(MigrationContext.configure(connection), SQLModel.metadata))


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    url: str = request.getfixturevalue("empty_postgres_url")
    return url


async def test_migrated_schema_is_the_one_in_the_code(database: Database) -> None:
    async with database.read() as session:
        differences = await (await session.connection()).run_sync(_differences)

    assert differences == []


async def test_comparison_would_see_a_missing_column(database: Database) -> None:
    await database.write_core(lambda connection: connection.execute(text("ALTER TABLE writeback DROP COLUMN evidence")))

    async with database.read() as session:
        differences = await (await session.connection()).run_sync(_differences)
    assert [difference[0] for difference in differences] == ["add_column"]


async def test_empty_database_is_not_current(empty_url: str) -> None:
    schema = await migrate.inspected(empty_url)

    assert (schema.revision, schema.fit, schema.serves) == (None, migrate.Fit.OLDER, False)


async def test_upgrade_makes_it_current_and_may_be_repeated(empty_url: str) -> None:
    await migrate.upgrade(empty_url)
    await migrate.upgrade(empty_url)

    assert (await migrate.inspected(empty_url)).fit is migrate.Fit.CURRENT


async def test_processes_that_upgrade_at_once_wait_for_each_other(empty_url: str) -> None:
    processes = [await asyncio.create_subprocess_exec(sys.executable, "-c", _UPGRADE, empty_url) for _ in range(3)]

    exits = [await process.wait() for process in processes]

    assert exits == [0, 0, 0]
    assert (await migrate.inspected(empty_url)).fit is migrate.Fit.CURRENT


async def test_failed_upgrade_leaves_nothing_behind(empty_url: str) -> None:
    db = Database.open(empty_url)
    await db.write_core(lambda connection: connection.execute(text("CREATE TABLE attempt (id INTEGER)")))

    with pytest.raises(Exception, match="already exists"):
        await migrate.upgrade(empty_url)

    await db.write_core(lambda connection: connection.execute(text("CREATE TABLE app (id INTEGER)")))
    await db.dispose()
    assert (await migrate.inspected(empty_url)).revision is None


async def test_postgres_compresses_large_texts_by_lz4_where_it_can(postgres_url: str) -> None:
    db = Database.open(postgres_url)
    offered = text("SELECT 'lz4' = ANY(enumvals) FROM pg_settings WHERE name = 'default_toast_compression'")
    chosen = text(
        "SELECT attcompression FROM pg_attribute "
        "WHERE attrelid IN ('writeback'::regclass, 'lookup'::regclass) AND attname IN ('records', 'progress', 'rows')"
    )

    async with db.read() as session:
        connection = await session.connection()
        has_lz4 = (await connection.execute(offered)).scalar_one()
        methods = (await connection.execute(chosen)).scalars().all()
    await db.dispose()

    assert methods == [b"l" if has_lz4 else b"\0"] * 3
