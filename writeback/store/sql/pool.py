"""Connections of a process to PostgreSQL: few, shared in turn, alive, and closed when idle.

Used by `engines.py` and `database.py`. Nothing is asked of a connection before it is used: whether the server has
closed it is known without asking, and where that is learnt at BEGIN, another one is taken.
"""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

from sqlalchemy import Engine, event
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection, QueuePool
from sqlalchemy.util import await_only, greenlet_spawn
from sqlmodel import Session
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.core.settings import Settings

if TYPE_CHECKING:
    import asyncpg

T = TypeVar("T")

APPLICATION = "writeback/"
"""With this begins the name under which a process is seen in pg_stat_activity."""

_FULL = "53300"
"""The server, the database or the role has no connection left."""
_GONE_STATES = ("08", "57P01", "57P02", "57P03")
"""Connection exceptions; the server shuts down, has crashed, or is not up yet."""
_FULL_FOR_S = 0.5
"""For how long a process makes do with the connections that it has, once the server had no more."""


@dataclass(frozen=True)
class PoolOptions:
    """How many connections to PostgreSQL one process has, and how it treats them; the settings `database_…`."""

    size: int = 5
    wait_s: float = 15.0
    idle_s: float = 60.0
    lifetime_s: float = 1_800.0
    is_behind_pooler: bool = False

    @classmethod
    def of(cls, settings: Settings) -> "PoolOptions":
        return cls(
            size=settings.database_pool_size,
            wait_s=settings.database_pool_wait_s,
            idle_s=settings.database_pool_idle_s,
            lifetime_s=settings.database_pool_lifetime_s,
            is_behind_pooler=settings.database_pooler == "transaction",
        )


DEFAULT_POOL = PoolOptions()


def application_name() -> str:
    """Return the name of this process at the server; PostgreSQL keeps 63 bytes of it."""
    return f"{APPLICATION}{socket.gethostname()[:40]}:{os.getpid()}"


def sqlstate_of(error: BaseException) -> str:
    """Return the SQLSTATE of PostgreSQL's error, or of that which SQLAlchemy has made of it; empty without one."""
    original = getattr(error, "orig", None) or error
    return str(getattr(original, "sqlstate", None) or "")


def is_lost(error: BaseException) -> bool:
    """Whether the connection is gone: of a transaction whose COMMIT was not sent nothing is left then."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    driver = sys.modules.get("asyncpg")  # where nothing has loaded it, no error is one of its
    if driver and isinstance(error, driver.InterfaceError):  # "connection is closed"; DataError is a ValueError as well
        return not isinstance(error, ValueError)
    return isinstance(error, ConnectionError) or sqlstate_of(error).startswith(_GONE_STATES)


class PoolUse(NamedTuple):
    """Connections of one process: how many there may be, are in use, and are waited for."""

    most: int
    in_use: int
    waiting: int


class Lender:
    """Lends the connections of an engine: first come, first served.

    So many are lent at a time; fewer while the server has none left, so that callers wait here and not at the server.
    """

    def __init__(self, options: PoolOptions) -> None:
        self._turns, self._wait_s = asyncio.Semaphore(options.size), options.wait_s
        self._most, self._waiting = options.size, 0

    @property
    def use(self) -> PoolUse:
        """How the connections are used now."""
        return PoolUse(self._most, self._most - self._turns._value, self._waiting)

    @asynccontextmanager
    async def session(self, engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
        """Give a session in a transaction that the server has begun; raise PoolTimeout after too long a wait."""
        session = await self._take(partial(_begun_session, engine))
        try:
            async with session:
                yield session
        finally:
            self._turns.release()

    @asynccontextmanager
    async def plain(self, engine: AsyncEngine) -> AsyncIterator[Session]:
        """Give a session as `session` does, but a plain one, which works where SQLAlchemy's own greenlets do.

        An `AsyncSession` changes to them for each of its steps, which costs as much as two statements.
        """
        session = await self._take(partial(greenlet_spawn, _begun_plain, engine.sync_engine))
        try:
            yield session
        finally:
            try:
                if session.in_transaction():
                    await asyncio.shield(asyncio.ensure_future(greenlet_spawn(session.close)))
                else:
                    session.close()  # there is nothing to wait for
            finally:
                self._turns.release()

    @asynccontextmanager
    async def driver(self, engine: AsyncEngine) -> "AsyncIterator[asyncpg.Connection]":
        """Give a connection of the driver's in a transaction, which is rolled back on an error. Raises as `session`."""
        pooled = await self._take(partial(_begun_driver, engine))
        try:
            yield _driver_of(pooled)
        except BaseException as error:
            await _roll_back(pooled, error)
            raise
        finally:
            if pooled.is_valid:
                pooled.close()  # back into the pool; the driver has nothing to wait for, its transaction has ended
            self._turns.release()

    async def _take(self, begin: Callable[[], Awaitable[T]]) -> T:
        loop = asyncio.get_running_loop()
        until = loop.time() + self._wait_s
        may_be_dead = True
        while True:
            await self._turn(until)
            try:
                return await begin()
            except BaseException as error:
                if sqlstate_of(error) == _FULL and loop.time() < until:
                    loop.call_later(_FULL_FOR_S, self._turns.release)
                    continue
                self._turns.release()
                if not (may_be_dead and isinstance(error, _NotBegun)):
                    raise
                may_be_dead = False

    async def _turn(self, until: float) -> None:
        if not self._turns.locked():
            await self._turns.acquire()  # at once
            return
        self._waiting += 1
        try:
            async with asyncio.timeout_at(until):
                await self._turns.acquire()
        except TimeoutError:
            raise PoolTimeout(f"no connection to the database became free within {self._wait_s:g} s") from None
        finally:
            self._waiting -= 1


class _NotBegun(ConnectionResetError):
    """The connection turned out to be dead at BEGIN: nothing has happened, and another one may do."""


async def _begun_session(engine: AsyncEngine) -> AsyncSession:
    session = AsyncSession(engine, expire_on_commit=False)
    try:
        connection = await (await session.connection()).get_raw_connection()
    except BaseException:
        await session.close()
        raise
    try:
        # What SQLAlchemy does before the first statement, done now, while another connection can still be taken.
        driver: Any = connection.dbapi_connection
        await driver._start_transaction()
    except BaseException as error:
        await session.invalidate()
        raise _not_begun(error) from error
    return session


def _begun_plain(engine: Engine) -> Session:
    session = Session(engine, expire_on_commit=False)
    try:
        driver: Any = session.connection().connection.dbapi_connection
    except BaseException:
        session.close()
        raise
    try:
        await_only(driver._start_transaction())  # as in `_begun_session`
    except BaseException as error:
        session.invalidate()
        raise _not_begun(error) from error
    return session


async def _begun_driver(engine: AsyncEngine) -> PoolProxiedConnection:
    pooled = await engine.raw_connection()
    try:
        await _driver_of(pooled).execute("BEGIN")
    except BaseException as error:
        pooled.invalidate(error)
        raise _not_begun(error) from error
    return pooled


def _not_begun(error: BaseException) -> BaseException:
    return _NotBegun("the database does not begin a transaction") if isinstance(error, Exception) else error


def _driver_of(pooled: PoolProxiedConnection) -> "asyncpg.Connection":
    return cast("asyncpg.Connection", pooled.driver_connection)


async def _roll_back(pooled: PoolProxiedConnection, error: BaseException) -> None:
    """Leave the connection fit for the next transaction; after anything but a plain error, drop it."""
    if not isinstance(error, Exception) or isinstance(error, TimeoutError) or is_lost(error):
        pooled.invalidate(error)
        return
    try:
        await _driver_of(pooled).execute("ROLLBACK")
    except BaseException as failure:
        pooled.invalidate(failure)
        raise


def keep_few(engine: Engine, options: PoolOptions) -> None:
    """Have the pool pass by connections that the server has closed, and close those that nobody uses."""
    event.listen(engine, "checkout", _refuse_closed)
    idle = _Idle(engine, options.idle_s)
    event.listen(engine, "checkout", idle.goes_out)
    event.listen(engine, "checkin", idle.comes_in)


def _refuse_closed(connection: Any, *_: object) -> None:
    if connection.driver_connection.is_closed():
        raise DisconnectionError  # the pool opens another one in its place


class _Idle:
    """Closes connections that have not been used for so long; SQLAlchemy's pool would keep them."""

    def __init__(self, engine: Engine, after_s: float) -> None:
        self._engine, self._after_s = engine, after_s
        self._since: dict[ConnectionPoolEntry, float] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        """That on which somebody looks again in a while; None where nothing was open the last time."""

    def goes_out(self, _: object, entry: ConnectionPoolEntry, __: object) -> None:
        self._since.pop(entry, None)
        if self._loop is None:
            self._look_later(asyncio.get_running_loop())

    def comes_in(self, connection: object, entry: ConnectionPoolEntry) -> None:
        if connection is not None and self._loop is not None:
            self._since[entry] = self._loop.time()

    def _look_later(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        loop.call_later(self._after_s / 2, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, pool = None, self._engine.pool
        oldest = loop.time() - self._after_s
        for entry, since in list(self._since.items()):
            if since <= oldest:
                del self._since[entry]
                entry.invalidate()
        assert isinstance(pool, QueuePool)
        if self._since or pool.checkedout():
            self._look_later(loop)
