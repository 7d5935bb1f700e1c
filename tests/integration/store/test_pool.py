"""Connections to PostgreSQL: few, waited for in turn, replaced when the server closed them, given back when idle."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from sqlalchemy import func, text
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel import select

from writeback.store.sql.bulk_insert import BulkInsert
from writeback.store.sql.capacity import Capacity, capacity_of
from writeback.store.sql.database import Database
from writeback.store.sql.drivers import Statements
from writeback.store.sql.pool import DEFAULT_POOL, PoolOptions, application_name
from writeback.store.tables import App

_AT = datetime(2026, 1, 12, 9, 0, tzinfo=UTC)
_OURS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def _app(name: str) -> App:
    return App(id=f"app_{name}", name=name, created_at=_AT)


@asynccontextmanager
async def _opened(url: str, **options: Any) -> AsyncIterator[Database]:
    db = Database.open(url, pool=PoolOptions(**options))
    try:
        yield db
    finally:
        await db.dispose()


async def _ask(url: str, query: str) -> Any:
    """Ask on a connection of the test's own."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(query)  # all of them: `fetchval` stops after the first
        return rows[0][0] if rows else None
    finally:
        await connection.close()


async def _until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(20):
        while not await holds():  # noqa: ASYNC110 - it is the server that does it
            await asyncio.sleep(0.02)


async def _kill_all(url: str) -> None:
    """End every connection to the database, and return when the server has done so."""
    await _ask(url, f"SELECT pg_terminate_backend(pid) FROM ({_OURS.replace('count(*)', 'pid')}) AS of_others")

    async def are_gone() -> bool:
        return bool(await _ask(url, _OURS) == 0)

    await _until(are_gone)


async def _open_all(db: Database) -> None:
    """Have the pool as many connections as it may."""
    together = asyncio.Barrier(DEFAULT_POOL.size)

    async def hold() -> None:
        async with db.read() as session:
            await session.exec(select(func.count()).select_from(App))
            await together.wait()

    await asyncio.gather(*(hold() for _ in range(DEFAULT_POOL.size)))


async def _names(db: Database) -> Sequence[str]:
    async with db.read() as session:
        return (await session.exec(select(App.name).order_by(App.name))).all()


async def _use_every_way(db: Database, prefix: str) -> None:
    """Read, write, transact, write without the ORM and by the driver."""
    apps = BulkInsert(db.sql_dialect, App)
    row = apps.values({"id": f"{prefix}_driver", "name": f"{prefix}_driver", "created_at": _AT})
    await _names(db)
    async with db.write() as session:
        session.add(_app(f"{prefix}_write"))
    await db.transact(lambda session: session.add(_app(f"{prefix}_transact")))
    await db.write_core(lambda connection: connection.execute(text("UPDATE app SET name = name")))
    await db.write_by_driver(lambda statements: apps.run(statements, [row]))


async def test_whatever_comes_after_the_server_closed_every_connection_succeeds(postgres_url: str) -> None:
    async with _opened(postgres_url) as db:
        for prefix in ("a", "b", "c"):
            await _open_all(db)
            await _kill_all(postgres_url)
            await _use_every_way(db, prefix)
        names = await _names(db)

    assert names == [f"{prefix}_{way}" for prefix in ("a", "b", "c") for way in ("driver", "transact", "write")]


async def test_each_way_is_the_first_to_meet_closed_connections(postgres_url: str) -> None:
    async with _opened(postgres_url) as db:
        apps = BulkInsert(db.sql_dialect, App)
        row = apps.values({"id": "app_d", "name": "d", "created_at": _AT})
        ways: list[Callable[[], Any]] = [
            lambda: _names(db),
            db.ping,
            lambda: db.transact(lambda session: session.add(_app("t"))),
            lambda: db.write_core(lambda connection: connection.scalar(text("SELECT 1"))),
            lambda: db.write_by_driver(lambda statements: apps.run(statements, [row])),
        ]
        for way in ways:
            await _open_all(db)
            await _kill_all(postgres_url)
            await way()

        assert await _names(db) == ["d", "t"]


async def test_many_at_once_meet_closed_connections_and_all_succeed(postgres_url: str) -> None:
    async with _opened(postgres_url) as db:
        await _open_all(db)
        await _kill_all(postgres_url)
        results = await asyncio.gather(*(_names(db) for _ in range(40)))

    assert results == [[]] * 40


async def test_work_that_loses_its_connection_before_commit_is_run_again(postgres_url: str) -> None:
    runs = []

    def kill_once(session: Any) -> None:
        runs.append("transact")
        session.add(_app("t"))
        session.flush()
        if len(runs) == 1:
            session.connection().exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")

    def kill_driver_once(statements: Statements) -> None:
        runs.append("driver")
        statements.run("INSERT INTO app (id, name, created_at) VALUES ($1, $2, $3)", ["app_d", "d", _AT])
        if runs.count("driver") == 1:
            statements.run("SELECT pg_terminate_backend(pg_backend_pid())", [])

    async with _opened(postgres_url) as db:
        await db.transact(kill_once)
        await db.write_by_driver(kill_driver_once)
        names = await _names(db)

    assert runs == ["transact", "transact", "driver", "driver"]
    assert names == ["d", "t"]


async def test_a_connection_lost_at_commit_is_not_tried_again(postgres_url: str) -> None:
    """A trigger that ends the connection when it commits: whether it has, nobody knows then."""
    async with _opened(postgres_url) as db:
        await db.write_core(
            lambda connection: connection.execute(
                text(
                    "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS "
                    "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(1); RETURN NULL; END $$"
                )
            )
        )
        trigger = "CREATE CONSTRAINT TRIGGER dies AFTER INSERT ON app DEFERRABLE INITIALLY DEFERRED FOR EACH ROW "
        await db.write_core(lambda connection: connection.execute(text(f"{trigger} EXECUTE FUNCTION die()")))
        runs = []

        def insert(session: Any) -> None:
            runs.append("transact")
            session.add(_app("t"))

        def insert_by_driver(statements: Statements) -> None:
            runs.append("driver")
            statements.run("INSERT INTO app (id, name, created_at) VALUES ($1, $2, $3)", ["app_d", "d", _AT])

        for failing in (db.transact(insert), db.write_by_driver(insert_by_driver)):
            with pytest.raises(Exception, match=r"terminating connection|closed"):
                await failing

    assert runs == ["transact", "driver"]


async def test_a_checkout_asks_the_server_nothing(postgres_url: str) -> None:
    """What is sent beside the statements themselves; a ping would be a transaction of its own."""
    async with _opened(postgres_url, size=1) as db:
        await _names(db)
        sent: list[str] = []
        async with db.read() as session:
            driver = (await (await session.connection()).get_raw_connection()).driver_connection
            assert driver is not None
            driver.add_query_logger(lambda record: sent.append(record.query))
        for _ in range(3):
            await _names(db)

    assert [query.split()[0].strip(";") for query in sent] == ["ROLLBACK", *["BEGIN", "ROLLBACK"] * 3]


async def test_more_callers_than_connections_wait_their_turn(postgres_url: str) -> None:
    async with _opened(postgres_url, size=2) as db:
        peak = 0

        async def read() -> None:
            nonlocal peak
            async with db.read() as session:
                peak = max(peak, (await (await session.connection()).execute(text(_OURS))).scalar_one() + 1)

        await asyncio.gather(*(read() for _ in range(50)))

    assert peak == 2


async def test_a_wait_that_is_too_long_ends_in_an_error_that_says_so(postgres_url: str) -> None:
    async with _opened(postgres_url, size=1, wait_s=0.1) as db, db.read():
        with pytest.raises(PoolTimeout, match=r"no connection to the database became free within 0\.1 s"):
            await db.ping()


@pytest.fixture
async def crowded_url(postgres_url: str) -> AsyncIterator[str]:
    """A database of which one role may have three connections only."""
    name = f"few_{postgres_url.rpartition('/')[2].partition('?')[0]}"
    await _ask(postgres_url, f"CREATE ROLE {name} LOGIN CONNECTION LIMIT 3")
    await _ask(postgres_url, f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {name}")
    yield postgres_url.replace("//postgres:@", f"//{name}:@").replace("//postgres@", f"//{name}@")
    await _kill_all(postgres_url)
    await _ask(postgres_url, f"DROP OWNED BY {name}")
    await _ask(postgres_url, f"DROP ROLE {name}")


async def test_callers_do_with_fewer_connections_where_the_server_has_no_more(crowded_url: str) -> None:
    async with _opened(crowded_url, size=5) as one, _opened(crowded_url, size=5) as two:

        async def write(db: Database, number: int) -> None:
            await db.transact(lambda session: session.add(_app(f"{number}")))

        await asyncio.gather(one.ping(), two.ping())  # each has one; the third is whose it may be
        await asyncio.gather(*(write(db, number * 2 + of) for number in range(40) for of, db in enumerate((one, two))))
        names = await _names(one)

    assert len(names) == 80


async def test_a_connection_is_waited_for_while_others_have_them_all(crowded_url: str, postgres_url: str) -> None:
    others = [await asyncpg.connect(crowded_url) for _ in range(3)]
    async with _opened(crowded_url) as db:
        waiting = asyncio.create_task(_names(db))
        done, _ = await asyncio.wait({waiting}, timeout=0.2)
        assert not done
        await others[0].close()
        assert await waiting == []
    for other in others[1:]:
        await other.close()


async def test_a_server_without_room_is_an_error_in_the_end(crowded_url: str) -> None:
    others = [await asyncpg.connect(crowded_url) for _ in range(3)]
    async with _opened(crowded_url, wait_s=0.2) as db:
        with pytest.raises(Exception, match=r"too many connections|no connection to the database"):
            await db.ping()
    for other in others:
        await other.close()


async def test_connections_that_nobody_uses_are_given_back(postgres_url: str) -> None:
    async def is_one_left() -> bool:
        await db.ping()  # who is busy keeps what it needs
        return bool(await _ask(postgres_url, _OURS) == 1)

    async def is_none_left() -> bool:
        return bool(await _ask(postgres_url, _OURS) == 0)

    async with _opened(postgres_url, idle_s=0.3) as db:
        await _open_all(db)
        assert await _ask(postgres_url, _OURS) == DEFAULT_POOL.size
        await _until(is_one_left)
        await _until(is_none_left)
        await _use_every_way(db, "after")


async def test_the_sum_of_connections_is_compared_with_the_servers(postgres_url: str) -> None:
    async with _opened(postgres_url) as db:
        alone = await capacity_of(db, DEFAULT_POOL, as_one_of_them=True)
        assert alone is not None
        others = [
            await asyncpg.connect(postgres_url, server_settings={"application_name": name})
            for name in ("writeback/other:1", "writeback/other:1", "writeback/other:2", "psql")
        ]
        capacity = await capacity_of(db, DEFAULT_POOL, as_one_of_them=True)
        assert capacity is not None
        for other in others:
            await other.close()

    assert alone.is_enough
    assert (capacity.processes - alone.processes, capacity.others - alone.others) == (2, 1)
    assert (capacity.allowed, capacity.of_each) == (int(await _ask(postgres_url, "SHOW max_connections")), 5)


async def test_behind_a_pooler_and_on_sqlite_there_is_no_sum(postgres_url: str, sqlite_url: str) -> None:
    async with _opened(sqlite_url) as on_sqlite, _opened(postgres_url) as on_postgres:
        assert await capacity_of(on_sqlite, DEFAULT_POOL, as_one_of_them=True) is None
        assert await capacity_of(on_postgres, PoolOptions(is_behind_pooler=True), as_one_of_them=True) is None


def test_too_few_connections_are_shown_with_numbers_and_what_to_do() -> None:
    few = Capacity(processes=4, of_each=5, allowed=20, reserved=3, others=2, ours_at_most=None)
    hardly_any = Capacity(processes=9, of_each=5, allowed=100, reserved=3, others=0, ours_at_most=8)

    assert not few.is_enough
    assert few.says == (
        "4 processes of up to 5 connections may want 20; the server has room for 15 "
        "(max_connections=20, 3 reserved, 2 used by others)"
    )
    assert few.mend.startswith("set WRITEBACK_DATABASE_POOL_SIZE=3, raise max_connections, or put a pooler")
    assert hardly_any.room == 8
    assert "limited to 8" in hardly_any.says
    assert hardly_any.mend.startswith("raise max_connections")


def test_a_process_is_named_at_the_server() -> None:
    assert application_name().startswith("writeback/")
    assert len(application_name()) <= 63
