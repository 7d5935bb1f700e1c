"""Transactions behave the same on both databases, and SQLite's writers do not trip over each other."""

import asyncio
import gc
import sqlite3
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import Connection, func, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlmodel import select, update

from writeback.core.errors import ConfigurationError
from writeback.domain.lookups import ListName, Lookup
from writeback.store.schools import lists
from writeback.store.sql.bulk_insert import BulkInsert
from writeback.store.sql.database import Database
from writeback.store.sql.drivers import Statements
from writeback.store.sql.engines import parse_url
from writeback.store.sql.upsert import insert_into
from writeback.store.tables import ApiKey, App, LookupRow

_AT = datetime(2026, 1, 12, 9, 0, tzinfo=UTC)


def _app(name: str) -> App:
    return App(id=f"app_{name}", name=name, created_at=_AT)


async def _count(db: Database) -> int:
    async with db.read() as session:
        return (await session.exec(select(func.count()).select_from(App))).one()


async def test_clean_end_commits(database: Database) -> None:
    async with database.write() as session:
        session.add(_app("a"))

    assert await _count(database) == 1


async def test_error_rolls_back(database: Database) -> None:
    async def write_and_fail() -> None:
        async with database.write() as session:
            session.add(_app("a"))
            await session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await write_and_fail()

    assert await _count(database) == 0


async def test_rows_stay_readable_after_the_commit(database: Database) -> None:
    async with database.write() as session:
        app = _app("a")
        session.add(app)

    assert app.name == "a"


async def test_read_cannot_write(database: Database) -> None:
    async def write_where_one_reads() -> None:
        async with database.read() as session:
            session.add(_app("a"))
            await session.flush()

    with pytest.raises(DBAPIError, match=r"read-?only"):
        await write_where_one_reads()

    async with database.write() as session:
        session.add(_app("b"))
    assert await _count(database) == 1


async def test_foreign_keys_are_enforced(database: Database) -> None:
    with pytest.raises(IntegrityError):
        async with database.write() as session:
            session.add(ApiKey(id="key_1", app_id="app_nobody", hash="h", scopes=[], created_at=_AT))


async def test_instants_come_back_in_utc(database: Database) -> None:
    in_karachi = _AT.astimezone(timezone(timedelta(hours=5)))
    async with database.write() as session:
        session.add(App(id="app_a", name="a", created_at=in_karachi))

    async with database.read() as session:
        created_at = (await session.exec(select(App.created_at))).one()
    assert (created_at, created_at.tzinfo) == (_AT, UTC)


async def test_an_insert_knows_conflicts(database: Database) -> None:
    statement = insert_into(database.dialect, App).on_conflict_do_nothing()
    values = {"id": "app_a", "name": "a", "created_at": _AT}

    await database.write_core(lambda connection: [connection.execute(statement, values) for _ in range(2)])

    assert await _count(database) == 1


async def test_core_write_is_rolled_back_as_a_whole(database: Database) -> None:
    def write_twice(connection: Connection) -> None:
        for _ in range(2):
            connection.execute(insert_into(database.dialect, App), {"id": "app_a", "name": "a", "created_at": _AT})

    with pytest.raises(IntegrityError):
        await database.write_core(write_twice)

    assert await _count(database) == 0


async def test_driver_write_is_rolled_back_as_a_whole(database: Database) -> None:
    apps = BulkInsert(database.sql_dialect, App)
    row = apps.values({"id": "app_a", "name": "a", "created_at": _AT})

    def write_twice(statements: Statements) -> None:
        for _ in range(2):
            apps.run(statements, [row])

    with pytest.raises((sqlite3.IntegrityError, asyncpg.UniqueViolationError)):
        await database.write_by_driver(write_twice)
    assert await _count(database) == 0

    await database.write_by_driver(lambda statements: apps.run(statements, [row]))
    assert await _count(database) == 1


async def test_driver_writes_at_once_take_turns(database: Database) -> None:
    apps = BulkInsert(database.sql_dialect, App)

    async def write(number: int) -> None:
        row = apps.values({"id": f"app_{number}", "name": f"{number}", "created_at": _AT})
        await database.write_by_driver(lambda statements: apps.run(statements, [row]))

    async with asyncio.timeout(30):
        await asyncio.gather(*(write(number) for number in range(20)))

    assert await _count(database) == 20


async def test_hundred_writers_at_once_all_succeed(database: Database) -> None:
    async def write(number: int) -> None:
        async with database.write() as session:
            seen = (await session.exec(select(func.count()).select_from(App))).one()
            session.add(_app(f"{number}_{seen}"))

    async def write_by_core(number: int) -> None:
        values = {"id": f"core_{number}", "name": f"core_{number}", "created_at": _AT}
        await database.write_core(lambda connection: connection.execute(insert_into(database.dialect, App), values))

    async with asyncio.timeout(30):
        await asyncio.gather(*(write(number) for number in range(50)), *(write_by_core(number) for number in range(50)))

    assert await _count(database) == 100


async def test_cancelled_writer_leaves_the_database_usable(database: Database) -> None:
    inside = asyncio.Event()

    async def write_for_ever() -> None:
        async with database.write() as session:
            session.add(_app("never"))
            await session.flush()
            inside.set()
            await asyncio.Event().wait()

    writer = asyncio.create_task(write_for_ever())
    await inside.wait()
    writer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writer

    async with database.write() as session:
        session.add(_app("next"))
    assert await _count(database) == 1


async def test_ping_answers(database: Database) -> None:
    await database.ping()


async def test_ping_raises_when_the_server_is_away(tmp_path: Path) -> None:
    db = Database.open(f"postgresql://user@/writeback?host={tmp_path}")

    with pytest.raises(OSError, match="No such file"):
        await db.ping()

    await db.dispose()


_WRITER_PROCESS = """
import asyncio, sys
from datetime import UTC, datetime
from writeback.store.sql.database import Database
from writeback.store.tables import App

async def main(url, prefix):
    db = Database.open(url)
    for number in range(50):
        async with db.write() as session:
            name = f"{prefix}_{number}"
            session.add(App(id=name, name=name, created_at=datetime.fromtimestamp(0, UTC)))
    await db.dispose()

asyncio.run(main(*sys.argv[1:]))
"""


async def test_several_processes_write_to_one_sqlite_file(sqlite_url: str) -> None:
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", _WRITER_PROCESS, sqlite_url, prefix)
        for prefix in ("a", "b", "c")
    ]

    exits = [await process.wait() for process in processes]

    db = Database.open(sqlite_url)
    assert exits == [0, 0, 0]
    assert await _count(db) == 150
    await db.dispose()


@pytest.fixture
async def sqlite_db(sqlite_url: str) -> AsyncIterator[Database]:
    db = Database.open(sqlite_url)
    yield db
    await db.dispose()


@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 10_000)]
)
async def test_sqlite_is_set_to_be_durable(sqlite_db: Database, pragma: str, value: object) -> None:
    async with sqlite_db.write() as session:
        through_orm = (await (await session.connection()).execute(text(f"PRAGMA {pragma}"))).scalar()
    through_core = await sqlite_db.write_core(lambda connection: connection.scalar(text(f"PRAGMA {pragma}")))

    assert (through_orm, through_core) == (value, value)


async def test_sqlite_reader_keeps_its_snapshot_while_another_writes(sqlite_db: Database) -> None:
    async with sqlite_db.read() as session:
        before = (await session.exec(select(func.count()).select_from(App))).one()
        async with sqlite_db.write() as writer:
            writer.add(_app("a"))
        after = (await session.exec(select(func.count()).select_from(App))).one()

    assert (before, after) == (0, 0)


async def test_missing_folder_is_made(tmp_path: Path) -> None:
    db = Database.open(f"sqlite:///{tmp_path / 'new' / 'folder' / 'writeback.db'}")

    await db.ping()
    await db.dispose()

    assert (tmp_path / "new" / "folder" / "writeback.db").exists()


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("postgres://u:p@h/db", "postgresql+asyncpg://u:p@h/db"),
        ("postgresql://u:p@h:5432/db", "postgresql+asyncpg://u:p@h:5432/db"),
        ("postgresql://u:p@h/db?sslmode=require", "postgresql+asyncpg://u:p@h/db?ssl=require"),
        ("sqlite:////var/writeback.db", "sqlite+aiosqlite:////var/writeback.db"),
        ("sqlite+aiosqlite:////var/writeback.db", "sqlite+aiosqlite:////var/writeback.db"),
    ],
)
def test_url_is_put_right(given: str, used: str) -> None:
    assert parse_url(given).render_as_string(hide_password=False) == used


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("mysql://u@h/db", "mysql://, which is not supported"),
        ("sqlite://", "give it a path"),
        ("sqlite:///:memory:", "give it a path"),
        ("/var/writeback.db", "cannot be read as a URL"),
        ("sqlite:////proc/nowhere/writeback.db", "cannot be opened"),
    ],
)
def test_url_of_no_use_is_explained(url: str, advice: str) -> None:
    with pytest.raises(ConfigurationError, match=advice):
        Database.open(url)


async def test_the_text_of_an_error_holds_no_parameters(database: Database) -> None:
    def fail(connection: Connection) -> None:
        connection.execute(text("INSERT INTO no_such_table VALUES (:comment)"), {"comment": "Jo is ill"})

    async def read() -> None:
        async with database.read() as session:
            await (await session.connection()).run_sync(fail)

    for failing in (read(), database.write_core(fail), database.transact(lambda session: fail(session.connection()))):
        with pytest.raises(DBAPIError) as caught:
            await failing
        assert "Jo" not in str(caught.value)


async def test_work_in_the_background_leaves_connections_to_the_others(database: Database) -> None:
    few, held, may_end = database.with_at_most(1), asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with few.read():
            held.set()
            await may_end.wait()

    holding = asyncio.create_task(hold())
    await held.wait()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await few.transact(lambda _: None)
    await database.transact(lambda _: None)
    may_end.set()
    await holding
    await few.transact(lambda _: None)


@pytest.mark.filterwarnings("default:unclosed database in:ResourceWarning")  # from Python 3.13 on
async def test_a_write_that_is_cancelled_keeps_nobody_from_writing(sqlite_url: str) -> None:
    """The garbage collector is off: it would finish the cursor that keeps SQLite from closing the connection."""
    ours, others = Database.open(sqlite_url), Database.open(sqlite_url, busy_timeout_s=0.5)
    gc.disable()
    try:
        for step in range(80):
            writing = asyncio.create_task(_save(ours, "x" * 200_000))
            await asyncio.sleep(step * 0.0002)
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)

            await others.transact(lambda session: session.exec(update(LookupRow).values(cursor="c")))
    finally:
        gc.enable()
        await ours.dispose()
        await others.dispose()
        gc.collect()  # what was cut off is left to it: in this test, and in no other


async def _save(db: Database, cell: str) -> None:
    lookup = Lookup(ListName.STUDENTS, 1, _AT, {"A1": {"name": cell}}, None)
    async with db.write() as session:
        await lists.save(session, "hillside", lookup)
