"""The one way to the database: transactions to write in and to read in, the same on SQLite and PostgreSQL.

On SQLite the writers of one process take turns, in the order in which they came; those of several processes wait for
each other at BEGIN IMMEDIATE. So no transaction fails half-way because the database is locked.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from copy import copy
from functools import partial
from typing import Any, Literal, TypeVar

from sqlalchemy import Connection, Engine, text
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import greenlet_spawn
from sqlmodel import Session
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.store.sql.drivers import Statements, transact_on_postgres, transact_on_sqlite
from writeback.store.sql.engines import BUSY_TIMEOUT_S, Engines, make_engines
from writeback.store.sql.pool import DEFAULT_POOL, PoolOptions, PoolUse, is_lost, sqlstate_of
from writeback.store.sql.write_out import flush

T = TypeVar("T")

_TRIES, _DEADLOCK_STATES = 3, ("40P01", "40001")


class Database:
    """Connections to one database. Open one a process, dispose of it at the end."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        # asyncio's lock is first come, first served; PostgreSQL needs none
        self._turn: AbstractAsyncContextManager[Any] = asyncio.Lock() if engines.is_sqlite else nullcontext()
        self._thread = ThreadPoolExecutor(1, "sqlite-writer")  # has no thread until it is used
        self._places: AbstractAsyncContextManager[Any] = nullcontext()

    @classmethod
    def open(
        cls,
        url: str,
        *,
        pool: PoolOptions = DEFAULT_POOL,
        command_timeout_s: float | None = 30.0,
        busy_timeout_s: float = BUSY_TIMEOUT_S,
    ) -> "Database":
        """Return a database that connects when it is first used; on SQLite the file and its folder are made.

        `pool` is how many connections PostgreSQL is asked for; `command_timeout_s` bounds one statement there, so that
        a dead network ends in an error; `busy_timeout_s` the wait for another process that writes to the same SQLite
        file.
        Raises ConfigurationError when the URL is of no use or the file cannot be opened.
        """
        engines = make_engines(url, pool=pool, command_timeout_s=command_timeout_s, busy_timeout_s=busy_timeout_s)
        return cls(engines)

    @property
    def dialect(self) -> Literal["sqlite", "postgresql"]:
        return "sqlite" if self._engines.is_sqlite else "postgresql"

    @property
    def pool_use(self) -> PoolUse | None:
        """How this process uses its connections; None on SQLite, which has no pool."""
        return None if self._engines.lender is None else self._engines.lender.use

    @property
    def sql_dialect(self) -> Dialect:
        """What SQLAlchemy knows of the database: how it names its types, and how values become fit for its driver."""
        return self._engines.writer.dialect

    def with_at_most(self, connections: int) -> "Database":
        """Return the same database for work in the background, which holds no more connections than that at a time."""
        limited = copy(self)
        limited._places = asyncio.Semaphore(connections)
        return limited

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """Give a session in a transaction that is committed at a clean end and rolled back on an error."""
        async with self._places, self._turn, self._session(self._engines.writer) as session:
            yield session
            await session.commit()

    def _session(self, engine: AsyncEngine) -> AbstractAsyncContextManager[AsyncSession]:
        if self._engines.lender is not None:
            return self._engines.lender.session(engine)
        return AsyncSession(engine, expire_on_commit=False)

    async def transact(self, work: Callable[[Session], T]) -> T:
        """Return what `work` returns, run with a session in a transaction like that of `write`.

        `work` is a plain function: nothing can be awaited in the middle of a transaction. On SQLite it runs in a thread
        of its own, in one go, so it must leave the event loop alone.
        """
        core_writer = self._engines.core_writer
        if core_writer is None:
            return await self._transact_again(work)
        async with self._places, self._turn:
            return await asyncio.get_running_loop().run_in_executor(self._thread, _run_session, core_writer, work)

    async def _transact_again(self, work: Callable[[Session], T]) -> T:
        """Run `work` on PostgreSQL; again when nothing is left of it: after a deadlock, or a loss before COMMIT."""
        lender = self._engines.lender
        assert lender is not None
        for tries_left in reversed(range(_TRIES)):
            is_committing = False
            try:
                async with self._places, lender.plain(self._engines.writer) as session:
                    result: T = await greenlet_spawn(_worked, session, work)
                    is_committing = True
                    await greenlet_spawn(session.commit)
                    return result
            except Exception as error:  # SQLAlchemy's, or the driver's own
                is_undone = sqlstate_of(error) in _DEADLOCK_STATES or (is_lost(error) and not is_committing)
                if not (tries_left and is_undone):
                    raise
        raise AssertionError("unreachable")

    async def write_core(self, work: Callable[[Connection], T]) -> T:
        """Return what `work` returns, run in a transaction like that of `write`, without the ORM.

        On SQLite it runs in a thread of its own, in one go: `work` must leave the event loop alone.
        """
        core_writer = self._engines.core_writer
        if core_writer is None:
            return await self._transact_again(lambda session: work(session.connection()))
        async with self._places, self._turn:
            return await asyncio.get_running_loop().run_in_executor(self._thread, _run, core_writer, work)

    async def write_by_driver(self, work: Callable[[Statements], T]) -> T:
        """Return what `work` returns, run in a transaction like that of `write_core`, on the driver itself.

        Raises what the driver raises.
        """
        core_writer = self._engines.core_writer
        if core_writer is None:
            assert self._engines.lender is not None
            async with self._places:
                return await transact_on_postgres(partial(self._engines.lender.driver, self._engines.writer), work)
        async with self._places, self._turn:
            return await asyncio.get_running_loop().run_in_executor(self._thread, transact_on_sqlite, core_writer, work)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """Give a session that cannot write: one snapshot on SQLite, READ COMMITTED on PostgreSQL."""
        async with self._places, self._session(self._engines.reader) as session:
            yield session

    async def ping(self) -> None:
        """Return when the database answers; else raise what the driver says."""
        async with self.read() as session:
            await (await session.connection()).execute(text("SELECT 1"))

    async def dispose(self) -> None:
        """Close every connection."""
        await asyncio.to_thread(self._thread.shutdown)
        await self._engines.dispose()


def _worked(session: Session, work: Callable[[Session], T]) -> T:
    result = work(session)
    flush(session)
    return result


def _run_session(engine: Engine, work: Callable[[Session], T]) -> T:
    with Session(engine, expire_on_commit=False) as session, session.begin():
        return work(session)


def _run(engine: Engine, work: Callable[[Connection], T]) -> T:
    with engine.begin() as connection:
        return work(connection)
