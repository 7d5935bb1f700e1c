"""Migrations make exactly the tables that the code has, once, whoever starts first."""

import asyncio
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlmodel import SQLModel

from tests import ahead
from writeback.core.errors import ConfigurationError
from writeback.store import tables
from writeback.store.sql import migrate
from writeback.store.sql.database import Database

_UPGRADE = "import asyncio, sys; from writeback.store.sql import migrate; asyncio.run(migrate.upgrade(sys.argv[1]))"


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


@pytest.mark.parametrize(("works_from", "fit"), [("0009", migrate.Fit.NEWER), (None, migrate.Fit.TOO_NEW)])
async def test_a_newer_schema_says_whether_this_version_works_with_it(
    tmp_path: Path, database_url: str, works_from: str | None, fit: migrate.Fit
) -> None:
    await ahead.upgrade(tmp_path, database_url, works_from=works_from)

    schema = await migrate.inspected(database_url)

    assert (schema.revision, schema.fit, schema.serves) == (ahead.REVISION, fit, fit is migrate.Fit.NEWER)


async def test_an_older_version_upgrades_nothing_where_the_schema_is_newer(tmp_path: Path, database_url: str) -> None:
    await ahead.upgrade(tmp_path, database_url, works_from=migrate.known_revision())

    schema = await migrate.upgrade(database_url)

    assert (schema.revision, schema.fit) == (ahead.REVISION, migrate.Fit.NEWER)
    assert schema.says == f"is 9999, newer than this version's {schema.known}, and works with it"


async def test_an_older_version_says_that_the_schema_is_too_new_for_it(tmp_path: Path, database_url: str) -> None:
    await ahead.upgrade(tmp_path, database_url, works_from=None)

    with pytest.raises(ConfigurationError, match="install a newer writeback"):
        await migrate.upgrade(database_url)


def test_revisions_are_numbers_that_grow_so_that_older_versions_can_compare_them() -> None:
    newest_first = [script.revision for script in ScriptDirectory(str(migrate._MIGRATIONS)).walk_revisions()]

    assert all(re.fullmatch(r"\d{4}", revision) for revision in newest_first)
    assert newest_first == sorted(newest_first, reverse=True)
    assert newest_first[0] == migrate.known_revision()
