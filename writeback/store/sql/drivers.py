"""Transactions on the drivers themselves, for the statements that every submission waits for.

On the way to the driver SQLAlchemy spends about a millisecond of a commit in Python, however few rows it has; what is
left here is BEGIN, the statements and COMMIT. Only `database.py` opens these; everything else goes through sessions.
"""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from sqlalchemy import Engine
from sqlalchemy.util import await_only, greenlet_spawn

from writeback.store.sql.pool import is_lost

if TYPE_CHECKING:
    import asyncpg

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


async def transact_on_postgres(
    borrow: "Callable[[], AbstractAsyncContextManager[asyncpg.Connection]]", work: Callable[[Statements], T]
) -> T:
    """Return what `work` returns, run in a transaction on a connection that is borrowed for it.

    It is a plain function, and runs where SQLAlchemy's own greenlets do; once more when the connection is lost before
    COMMIT, for then nothing is left of it.
    """
    for tries_left in (1, 0):
        is_committing = False
        try:
            async with borrow() as connection:
                result = await greenlet_spawn(work, _PostgresStatements(connection))
                is_committing = True
                await connection.execute("COMMIT")
                return result
        except Exception as error:
            if is_committing or not (tries_left and is_lost(error)):
                raise
    raise AssertionError("unreachable")


class _PostgresStatements:
    def __init__(self, connection: "asyncpg.Connection") -> None:
        self._connection = connection

    def run(self, statement: str, parameters: Sequence[Any]) -> Sequence[Sequence[Any]]:
        rows: Sequence[Sequence[Any]] = await_only(self._connection.fetch(statement, *parameters))
        return rows
