"""Everything that is sealed with the secret key, column by column: read some at a time, and put sealed again.

A column says that it is one of them by `SEALED` in `tables/`, and is found here by that.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Column, Connection, Table, select, update
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession


class Sealed(NamedTuple):
    """One sealed text, and the key of its row."""

    row: str
    text: str


class SealedColumn(NamedTuple):
    """A column of sealed texts, in a table whose key is one column."""

    table: Table
    key: Column[str]
    value: Column[str]

    @property
    def name(self) -> str:
        return f"{self.table.name}.{self.value.name}"


def sealed_columns() -> Sequence[SealedColumn]:
    """Return them all, by name."""
    found = []
    for table in SQLModel.metadata.tables.values():
        for value in table.columns:
            if value.info.get("sealed"):
                (key,) = table.primary_key.columns
                found.append(SealedColumn(table, key, value))
    return sorted(found, key=lambda one: one.name)


async def some(session: AsyncSession, of: SealedColumn, after: str, limit: int) -> Sequence[Sealed]:
    """Return what is sealed in the rows after that key; empty and null are not."""
    query = select(of.key, of.value).where(of.key > after, of.value.is_not(None), of.value != "")
    found = await (await session.connection()).execute(query.order_by(of.key).limit(limit))
    return [Sealed(row, text) for row, text in found]


def put(connection: Connection, of: SealedColumn, changed: Sequence[tuple[Sealed, str]]) -> int:
    """Put the new texts where the old ones still stand: what was written meanwhile stays. Return how many that were."""
    return sum(
        connection.execute(
            update(of.table).where(of.key == was.row, of.value == was.text).values({of.value: text})
        ).rowcount
        for was, text in changed
    )
