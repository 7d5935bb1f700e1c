"""Transactions on the drivers themselves, for the statements that every submission waits for.

On the way to the driver SQLAlchemy spends about a millisecond of a commit in Python, however few rows it has; what is
left here is BEGIN, the statements and COMMIT. Only `database.py` opens these; everything else goes through sessions.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar, cast

import asyncpg
from sqlalchemy import Engine
from sqlalchemy.util import await_only, greenlet_spawn

T = TypeVar("T")


class Statements(Protocol):
    """What runs statements in a transaction, with the placeholders of its driver."""

    def run(self, statement: str, parameters: Sequence[Any]) -> Sequence[Sequence[Any]]:
        """Run one statement and return its rows."""
        ...


def transact_on_sqlite(engine: Engine, work: Callable[[Statements], T]) -> T:
    """Return what `work` returns, run in a transaction on a connection of the engine's. Blocks."""
    pooled = engine.raw_connection()
    try:
        connection = cast(sqlite3.Connection, pooled.driver_connection)
        connection.execute("BEGIN IMMEDIATE")
        try:
            result = work(_SqliteStatements(connection))
            connection.execute("COMMIT")
        except BaseException:
            connection.rollback()
            raise
        return result
    finally:
        pooled.close()


class _SqliteStatements:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def run(self, statement: str, parameters: Sequence[Any]) -> Sequence[Sequence[Any]]:
        return self._connection.execute(statement, parameters).fetchall()


class PostgresTransactions:
    """Runs one transaction after the other on a connection that it keeps."""

    def __init__(self, connect: Callable[[], Awaitable[asyncpg.Connection]]) -> None:
        self._connect = connect
        self._connection: asyncpg.Connection | None = None
        self._turn = asyncio.Lock()

    async def transact(self, work: Callable[[Statements], T]) -> T:
        """Return what `work` returns; it is a plain function, and runs where SQLAlchemy's own greenlets do."""
        async with self._turn:
            connection = await self._begin()
            try:
                result = await greenlet_spawn(work, _PostgresStatements(connection))
                await connection.execute("COMMIT")
            except BaseException as error:
                await self._roll_back(connection, error)
                raise
            return result

    async def aclose(self) -> None:
        """Close the connection; a later transaction opens another one."""
        connection, self._connection = self._connection, None
        if connection is not None and not connection.is_closed():
            await connection.close()

    async def _begin(self) -> asyncpg.Connection:
        """Return a connection in a transaction: a new one where that which we had turns out to be dead."""
        if self._connection is not None:
            try:
                await self._connection.execute("BEGIN")
            except Exception:  # it need not say why: nothing has been written yet
                self._drop()
            except BaseException:
                self._drop()
                raise
            else:
                return self._connection
        connection = self._connection = await self._connect()
        await connection.execute("BEGIN")
        return connection

    async def _roll_back(self, connection: asyncpg.Connection, error: BaseException) -> None:
        """Leave the connection fit for the next transaction; after anything but a plain error, drop it."""
        if not isinstance(error, Exception) or isinstance(error, TimeoutError) or connection.is_closed():
            self._drop()
            return
        try:
            await connection.execute("ROLLBACK")
        except BaseException:
            self._drop()
            raise

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


class _PostgresStatements:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    def run(self, statement: str, parameters: Sequence[Any]) -> Sequence[Sequence[Any]]:
        rows: Sequence[Sequence[Any]] = await_only(self._connection.fetch(statement, *parameters))
        return rows
