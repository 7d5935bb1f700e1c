"""How SQLite and PostgreSQL are reached: URLs put right, engines made, transactions begun as we want them.

Only `database.py` calls this.
"""

import contextlib
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.sql.selectable import FromClause

from writeback.core.errors import ConfigurationError
from writeback.core.private_files import make_private_dir, make_private_file
from writeback.store.sql.pool import (
    Lender,
    PoolOptions,
    application_name,
    is_lost,
    keep_few,
    sqlstate_of,
)

BUSY_TIMEOUT_S = 10.0
"""How long a writer waits for another process that writes to the same SQLite file."""
CONNECT_TIMEOUT_S = 5.0
_SQLITE_READERS = 8
_WAL_TRIES, _WAL_RETRY_S = 200, 0.02
_PRAGMAS = ("foreign_keys=ON", "synchronous=FULL")
_WRITER_PRAGMAS = (
    "wal_autocheckpoint=4000",  # pages of 4 KB; a checkpoint makes its writer wait, so make it rarer than by default
    "journal_size_limit=67108864",
)

_UNAVAILABLE_SQLSTATES = ("08", "53", "57", "58", "28", "3D", "25006")
"""PostgreSQL: connection exception, insufficient resources, operator intervention, system error, login refused, no such
database, read-only standby."""

_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
    "postgresql+psycopg": "postgresql+asyncpg",
    "postgresql+psycopg2": "postgresql+asyncpg",
}


class _WithHints(SQLiteCompiler):
    """Writes a hint behind its table, as `INDEXED BY` needs it; SQLAlchemy has none for SQLite."""

    def get_from_hint_text(self, table: FromClause, text: str | None) -> str | None:
        return text


def parse_url(url: str) -> URL:
    """Return the URL with the driver that we use; raise ConfigurationError when it is of no use to us."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigurationError(
            "WRITEBACK_DATABASE_URL cannot be read as a URL: "
            "write sqlite:////absolute/path/writeback.db or postgresql://user:password@host:5432/database"
        ) from error
    driver = _DRIVERS.get(parsed.drivername)
    if driver is None:
        raise ConfigurationError(
            f"WRITEBACK_DATABASE_URL begins with {parsed.drivername}://, which is not supported: "
            "use sqlite:/// and a path, or postgresql://"
        )
    parsed = parsed.set(drivername=driver)
    return _with_file(parsed) if driver == "sqlite+aiosqlite" else _with_ssl(parsed)


def _with_file(url: URL) -> URL:
    if not url.database or ":memory:" in url.database or "mode=memory" in url.database:
        raise ConfigurationError(
            "WRITEBACK_DATABASE_URL names no SQLite file: several connections share the database, "
            "so give it a path, as in sqlite:////var/lib/writeback/writeback.db"
        )
    return url.set(database=str(Path(url.database).absolute()))


def _with_ssl(url: URL) -> URL:
    """Return the URL with libpq's `sslmode` under the name that asyncpg has for it."""
    mode = url.query.get("sslmode")
    return url if mode is None else url.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode})


@dataclass(frozen=True)
class Engines:
    """What a database is reached through."""

    writer: AsyncEngine
    reader: AsyncEngine
    core_writer: Engine | None
    """SQLite only: writes from a thread. aiosqlite changes threads for each step of each statement, which costs more
    than the statements."""
    lender: Lender | None = None
    """PostgreSQL only: whoever wants a connection of the pool's asks here."""

    @property
    def is_sqlite(self) -> bool:
        return self.core_writer is not None

    async def dispose(self) -> None:
        await self.writer.dispose()
        await self.reader.dispose()
        if self.core_writer:
            self.core_writer.dispose()


def make_engines(
    url: str, *, pool: PoolOptions, command_timeout_s: float | None, busy_timeout_s: float = BUSY_TIMEOUT_S
) -> Engines:
    """Return engines that connect when they are first used."""
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite_engines(parsed, busy_timeout_s)
    return _postgres_engines(parsed, pool, command_timeout_s)


def _sqlite_engines(url: URL, busy_timeout_s: float) -> Engines:
    assert url.database is not None
    _make_wal(Path(url.database))
    # With isolation_level None the driver begins nothing by itself; `_begin_by` says which BEGIN it is.
    # This is SQLAlchemy's advice for Python before 3.12, and works with every version.
    # Parameters are hidden from the texts of errors: they hold pupils' records.
    options: dict[str, Any] = {
        "max_overflow": 0,
        "connect_args": {"isolation_level": None, "timeout": busy_timeout_s},
        "hide_parameters": True,
    }
    writer = create_async_engine(url, pool_size=1, **options)
    reader = create_async_engine(url, pool_size=_SQLITE_READERS, **options)
    core_writer = create_engine(url.set(drivername="sqlite+pysqlite"), pool_size=1, **options)
    for engine in (writer.sync_engine, reader.sync_engine, core_writer):
        engine.dialect.statement_compiler = _WithHints
        event.listen(engine, "invalidate", _roll_back)
    for engine in (writer.sync_engine, core_writer):
        _begin_by(engine, "BEGIN IMMEDIATE")
        _set_at_connect(engine, *_PRAGMAS, *_WRITER_PRAGMAS)
    _begin_by(reader.sync_engine, "BEGIN")
    _set_at_connect(reader.sync_engine, *_PRAGMAS, "query_only=ON")
    return Engines(writer, reader, core_writer)


def _make_wal(path: Path) -> None:
    """Put the file into WAL mode, which it keeps. SQLite does not wait for others at this change, so we do."""
    try:
        make_private_dir(path.parent)
        make_private_file(path)  # its -wal and -shm are given the same rights by SQLite
        with closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT_S)) as connection:
            for tries_left in reversed(range(_WAL_TRIES)):
                try:
                    connection.execute("PRAGMA journal_mode=WAL")
                    break
                except sqlite3.OperationalError as error:
                    if "locked" not in str(error) or not tries_left:
                        raise
                    time.sleep(_WAL_RETRY_S)
    except (OSError, sqlite3.Error) as error:
        raise ConfigurationError(f"the SQLite file {path} cannot be opened: {error}") from error


def _begin_by(engine: Engine, statement: str) -> None:
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(statement)

    event.listen(engine, "begin", begin)


def _roll_back(connection: Any, *_: object) -> None:
    """End the transaction of a connection that is given up, as when its task is cancelled.

    SQLite closes a connection only once no cursor is left, and the garbage collector may leave them for minutes: until
    then nobody else could write.
    """
    with contextlib.suppress(Exception):  # it may be closed already
        connection.rollback()


def _set_at_connect(engine: Engine, *pragmas: str) -> None:
    def set_pragmas(connection: Any, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    event.listen(engine, "connect", set_pragmas)


def _postgres_engines(url: URL, pool: PoolOptions, command_timeout_s: float | None) -> Engines:
    """Return engines that share one pool; the reader's transactions are READ ONLY."""
    options: dict[str, Any] = {
        "timeout": CONNECT_TIMEOUT_S,
        "command_timeout": command_timeout_s,
        "server_settings": {"application_name": application_name(), "timezone": "UTC"},
    }
    if pool.is_behind_pooler:
        # The next transaction may be on another server connection, which knows no statement that was prepared before.
        options |= {"statement_cache_size": 0, "prepared_statement_cache_size": 0}
    else:
        options["server_settings"]["jit"] = "off"  # a pooler refuses what it does not know
    engine = create_async_engine(
        url,
        pool_size=pool.size,
        max_overflow=0,
        pool_timeout=pool.wait_s,
        pool_recycle=pool.lifetime_s,
        pool_use_lifo=True,  # so those that are not needed become idle
        isolation_level="READ COMMITTED",
        hide_parameters=True,
        connect_args=options,
    )
    keep_few(engine.sync_engine, pool)
    return Engines(engine, engine.execution_options(postgresql_readonly=True), None, Lender(pool))


def is_unavailable(error: BaseException) -> bool:
    """Whether the error says that the database cannot be used just now, rather than that a statement is wrong."""
    # SQLite's OperationalError: locked, disk full, input or output error. asyncpg's errors never become one.
    if isinstance(error, OSError | OperationalError | sqlite3.OperationalError | PoolTimeout | TimeoutError):
        return True
    return is_lost(error) or sqlstate_of(error).startswith(_UNAVAILABLE_SQLSTATES)
