"""Behind a real PgBouncer that lends a server connection for one transaction at a time."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, text
from sqlmodel import select

from writeback.store.sql import migrate
from writeback.store.sql.bulk_insert import BulkInsert
from writeback.store.sql.database import Database
from writeback.store.sql.pool import PoolOptions
from writeback.store.tables import App, BulkRow

_AT = datetime(2026, 1, 12, 9, 0, tzinfo=UTC)
_POOLED = PoolOptions(size=8, is_behind_pooler=True)


async def test_statements_of_many_processes_do_not_meet_on_its_connections(pooler_url: str) -> None:
    """Eight connections of each of three go over three of the server's: a statement kept prepared would be missed."""
    databases = [Database.open(pooler_url, pool=_POOLED) for _ in range(3)]
    apps = BulkInsert(databases[0].sql_dialect, App)
    servers: Counter[int] = Counter()

    async def use(db: Database, number: int) -> None:
        row = apps.values({"id": f"driver_{number}", "name": f"driver_{number}", "created_at": _AT})
        await db.write_by_driver(lambda statements: apps.run(statements, [row]))
        await db.transact(lambda session: session.add(App(id=f"orm_{number}", name=f"orm_{number}", created_at=_AT)))
        await db.write_core(lambda connection: connection.execute(text("UPDATE app SET name = name WHERE id = 'no'")))
        async with db.read() as session:
            await session.exec(select(BulkRow.refusals))  # JSON, for which asyncpg is given a codec
            pid: Any = (await (await session.connection()).execute(text("SELECT pg_backend_pid()"))).scalar_one()
            servers[pid] += 1

    async with asyncio.timeout(60):
        await asyncio.gather(*(use(databases[number % 3], number) for number in range(120)))
    async with databases[0].read() as session:
        count = (await session.exec(select(func.count()).select_from(App))).one()
    for db in databases:
        await db.dispose()

    assert count == 240
    assert 1 < len(servers) <= 3


async def test_readers_cannot_write_and_instants_are_in_utc_there_too(pooler_url: str) -> None:
    db = Database.open(pooler_url, pool=_POOLED)
    await db.transact(lambda session: session.add(App(id="app_a", name="a", created_at=_AT)))

    async with db.read() as session:
        assert (await session.exec(select(App.created_at))).one() == _AT
        with pytest.raises(Exception, match="read-only"):
            await (await session.connection()).execute(text("DELETE FROM app"))
    await db.dispose()


async def test_the_schema_is_brought_up_to_date_through_it(empty_postgres_url: str, pgbouncer: str) -> None:
    name = empty_postgres_url.partition("?")[0].rpartition("/")[2]
    url = f"postgresql://postgres@{pgbouncer}/{name}"

    schemas = await asyncio.gather(*(migrate.upgrade(url, _POOLED) for _ in range(3)))

    assert {schema.fit for schema in schemas} == {migrate.Fit.CURRENT}


async def test_without_that_setting_it_refuses_us(pooler_url: str) -> None:
    db = Database.open(pooler_url)

    with pytest.raises(Exception, match="unsupported startup parameter: jit"):
        await db.ping()
    await db.dispose()
