"""An INSERT of many rows in few statements, each compiled once and handed to the driver as it is.

SQLAlchemy looks at every value of every row on the way, and the driver takes Python's lock again for every row; for a
register that costs more than the database does.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, count
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.engine import Dialect
from sqlmodel import SQLModel

from writeback.store.tables import table_of

_SIZES = (128, 64, *range(32, 0, -1))
"""Rows in one statement: whatever a commit gathers in one go, but few statements to keep prepared."""
_PLACEHOLDER = re.compile(r"\?|\$\d+((?:::[A-Za-z ]+)?)")


class BulkInsert:
    """Inserts rows of one table; the column `counted` is left to the database."""

    def __init__(self, row: type[SQLModel], *, counted: str) -> None:
        self._table = table_of(row)
        self._columns = [column for column in self._table.columns if column.name != counted]
        fields = row.model_fields.items()
        self._defaults = {name: field.default for name, field in fields if not field.is_required() and name != counted}
        self._processors: list[tuple[str, Any]] = []
        self._statements: dict[int, str] = {}

    def run(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert the rows; what a row leaves out has its default."""
        if not self._processors:
            self._compile(connection.dialect)
        for chunk in _chunks(rows):
            values = chain.from_iterable(self._fitted(row) for row in chunk)
            connection.exec_driver_sql(self._statement(len(chunk)), tuple(values))

    def _fitted(self, row: Mapping[str, Any]) -> list[Any]:
        values = {**self._defaults, **row}
        return [process(values[name]) if process else values[name] for name, process in self._processors]

    def _compile(self, dialect: Dialect) -> None:
        """Find the statement in the driver's own parameter style, and for each column what makes a value fit."""
        names = [column.name for column in self._columns]
        insert = str(self._table.insert().inline().compile(dialect=dialect, column_keys=names))
        self._head, _, self._one_row = insert.partition(" VALUES ")
        self._processors = [
            (column.name, column.type.dialect_impl(dialect).bind_processor(dialect)) for column in self._columns
        ]

    def _statement(self, size: int) -> str:
        """Return the INSERT of so many rows, made once."""
        if size not in self._statements:
            numbers = count(1)
            rows = [_PLACEHOLDER.sub(lambda found: _numbered(found, next(numbers)), self._one_row) for _ in range(size)]
            self._statements[size] = f"{self._head} VALUES {', '.join(rows)}"
        return self._statements[size]


def _numbered(found: re.Match[str], number: int) -> str:
    return "?" if found[0] == "?" else f"${number}{found[1]}"


def _chunks(rows: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[Mapping[str, Any]]]:
    """Cut the rows into pieces of the sizes that there are, the largest first."""
    start = 0
    for size in _SIZES:
        while len(rows) - start >= size:
            yield rows[start : start + size]
            start += size
