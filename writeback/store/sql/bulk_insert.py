"""An INSERT of many rows in one statement or few, made once and handed to the driver as it is.

SQLAlchemy looks at every value of every row on the way, and the driver takes Python's lock again for every row; for a
register that costs more than the database does. SQLite gets `VALUES` of as many rows as there are. PostgreSQL gets an
array a column, which it reads in about half the time and which is one statement for every number of rows.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import Column
from sqlalchemy.engine import Dialect
from sqlmodel import SQLModel

from writeback.store.sql.drivers import Statements
from writeback.store.sql.types import UtcDateTime
from writeback.store.tables import table_of

Values = Sequence[Any]
"""A row as the driver takes it, in the order of the columns."""

_PLACEHOLDER = re.compile(r"\$(\d+)")
_SIZES = (128, 64, *range(32, 0, -1))
"""Rows in one statement of SQLite's: whatever a commit gathers in one go, but few statements to keep prepared."""


class Part(NamedTuple):
    """A statement that writes, with PostgreSQL's placeholders, and its parameters."""

    statement: str
    parameters: Sequence[Any]


def together(parts: Sequence[Part]) -> Part:
    """Return one statement that does what these do, each to other rows; what the last returns is returned.

    A round trip takes client and server as long as writing a few rows.
    """
    counts = tuple(len(part.parameters) for part in parts)
    joined = _joined(tuple(part.statement for part in parts), counts)
    return Part(joined, [value for part in parts for value in part.parameters])


@cache
def _joined(statements: Sequence[str], counts: Sequence[int]) -> str:
    firsts = [sum(counts[:place]) for place in range(len(counts))]
    numbered = [
        _PLACEHOLDER.sub(lambda found, first=first: f"${int(found[1]) + first}", one)  # type: ignore[misc]
        for one, first in zip(statements, firsts, strict=True)
    ]
    before = ", ".join(f"part_{place} AS ({one})" for place, one in enumerate(numbered[:-1]))
    return f"WITH {before} {numbered[-1]}" if before else numbered[-1]


class BulkInsert:
    """Inserts rows of one table; the column `counted` is left to the database, `ending` ends the statement."""

    def __init__(self, dialect: Dialect, row: type[SQLModel], *, counted: str = "", ending: str = "") -> None:
        table = table_of(row)
        columns = [column for column in table.columns if column.name != counted]
        names = ", ".join(dialect.identifier_preparer.format_column(column) for column in columns)
        self._head, self._ending = f"INSERT INTO {table.name} ({names})", ending
        self._processors = processors(columns, dialect)
        fields = row.model_fields.items()
        self._defaults = {
            name: field.get_default(call_default_factory=True)
            for name, field in fields
            if not field.is_required() and name != counted
        }
        self._one_row = f"({', '.join('?' for _ in columns)})"
        self._of_arrays = ""
        if dialect.name == "postgresql":
            types = [column.type.compile(dialect) for column in columns]
            arrays = ", ".join(f"${number}::{name}[]" for number, name in enumerate(types, start=1))
            self._of_arrays = f"{self._head} SELECT * FROM unnest({arrays}) {ending}"  # noqa: S608 - names of our own tables and columns
        self._of_values: dict[int, str] = {}

    def values(self, row: Mapping[str, Any]) -> Values:
        """Return the row as `run` takes it; what it leaves out has its default."""
        given = {**self._defaults, **row}
        return [process(given[name]) if process else given[name] for name, process in self._processors]

    def of_arrays(self, rows: Sequence[Values]) -> "Part":
        """Return the statement for all the rows, in PostgreSQL's language."""
        return Part(self._of_arrays, list(zip(*rows, strict=True)))

    def run(self, statements: Statements, rows: Sequence[Values]) -> Sequence[Sequence[Any]]:
        """Insert the rows, in their order, and return what the ending returns."""
        if self._of_arrays:
            return statements.run(*self.of_arrays(rows))
        returned: list[Sequence[Any]] = []
        for chunk in _chunks(rows):
            returned += statements.run(self._of_size(len(chunk)), tuple(chain.from_iterable(chunk)))
        return returned

    def _of_size(self, size: int) -> str:
        """Return SQLite's INSERT of so many rows, made once."""
        if size not in self._of_values:
            self._of_values[size] = f"{self._head} VALUES {', '.join([self._one_row] * size)} {self._ending}"
        return self._of_values[size]


def processors(columns: Sequence[Column[Any]], dialect: Dialect) -> list[tuple[str, Callable[[Any], Any] | None]]:
    """Return for each column its name, and what makes a value fit for the driver; None where any is."""
    return [(column.name, _processor(column, dialect)) for column in columns]


def _processor(column: Column[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    """Return what makes a value of the column fit for the driver; None where any does."""
    kind = column.type
    if not isinstance(kind, UtcDateTime) or dialect.name != "sqlite":
        return kind.dialect_impl(dialect).bind_processor(dialect)

    def instant_as_text(value: datetime | None) -> str | None:
        """SQLAlchemy's own text for SQLite, in a third of its time; a row has up to four."""
        instant = kind.process_bind_param(value, dialect)
        return None if instant is None else instant.isoformat(" ", "microseconds")

    return instant_as_text


def _chunks(rows: Sequence[Values]) -> Iterator[Sequence[Values]]:
    """Cut the rows into pieces of the sizes that there are, the largest first."""
    start = 0
    for size in _SIZES:
        while len(rows) - start >= size:
            yield rows[start : start + size]
            start += size
