"""Statements that are made once and run on the driver itself, in the transaction of a session.

On its way to the driver SQLAlchemy spends half a millisecond on a statement, most of a register's cost. What is left
here is the statement, and making objects of its rows; whatever is rare goes on through the session, before and after.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import inspect
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.orm import Mapper, make_transient_to_detached
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.types import TypeEngine
from sqlalchemy.util import await_only
from sqlmodel import SQLModel

from writeback.store.sql.lists import padded
from writeback.store.sql.pool import is_lost

Row = TypeVar("Row", bound=SQLModel)
Process = Callable[[Any], Any]
Values = Sequence[Any]


def run(session: OrmSession, statement: str, parameters: Values) -> Sequence[Values]:
    """Run a statement of the driver's in the session's transaction, and return its rows. Raises what the driver
    raises."""
    connection = session.connection()
    driver: Any = connection.connection.driver_connection
    if isinstance(driver, sqlite3.Connection):
        return driver.execute(statement, parameters).fetchall()
    if connection.dialect.driver != "asyncpg":
        result = connection.exec_driver_sql(statement, tuple(parameters))
        return list(result.fetchall()) if result.returns_rows else []
    try:
        rows: Sequence[Values] = await_only(driver.fetch(statement, *parameters))
    except BaseException as error:
        _drop_unfit(connection, error)
        raise
    return rows


def _drop_unfit(connection: Connection, error: BaseException) -> None:
    """Let nobody use the connection again after anything but a plain error, as SQLAlchemy would."""
    if not isinstance(error, Exception) or isinstance(error, TimeoutError) or is_lost(error):
        connection.invalidate(error)


class Prepared:
    """A statement with named parameters; those that are collections stand in an `IN`.

    What the session has changed before is written first, as before a query of the session's.
    """

    def __init__(self, statement: Any) -> None:
        self._statement = statement
        self._made: dict[tuple[Any, ...], _Made] = {}

    def rows(self, session: OrmSession, **parameters: Any) -> list[Values]:
        """Run it and return its rows."""
        session.flush()
        given = {
            name: padded(value) if isinstance(value, Collection) and not isinstance(value, str) else value
            for name, value in parameters.items()
        }
        dialect = session.get_bind().dialect
        key = (dialect.driver, *(len(value) for value in given.values() if isinstance(value, list)))
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = _make(self._statement, dialect, given)
        return made.processed(run(session, made.text, made.values(given)))


class PreparedSelect(Prepared, Generic[Row]):
    """A query of whole rows of a table."""

    def __init__(self, row_type: type[Row], statement: Any) -> None:
        super().__init__(statement)
        mapper = inspect(row_type)
        self._mapper: Mapper[Any] = mapper
        self._names = [mapper.get_property_by_column(column).key for column in mapper.local_table.columns]
        self._key = [self._names.index(mapper.get_property_by_column(column).key) for column in mapper.primary_key]

    def objects(self, session: OrmSession, **parameters: Any) -> list[Row]:
        """Run it and return objects of the session; those that it has already become as their rows are."""
        return [self._object(session, values) for values in self.rows(session, **parameters)]

    def _object(self, session: OrmSession, values: Values) -> Row:
        key = self._mapper.identity_key_from_primary_key(tuple(values[place] for place in self._key))
        known: Row | None = session.identity_map.get(key)
        row: Row = self._mapper.class_manager.new_instance() if known is None else known
        row.__dict__.update(zip(self._names, values, strict=True))
        if known is None:
            make_transient_to_detached(row)
            session.add(row)
        return row


@dataclass(frozen=True)
class _Made:
    """A statement as its driver takes it, for certain lengths of its lists."""

    text: str
    places: Sequence[tuple[str, Process | None]]
    """In the order of the driver's placeholders: the parameter, and what makes its value fit for the driver."""
    constants: Mapping[str, Any]
    lists: Mapping[str, Sequence[str]]
    """By parameter that is a list: the names of the places of its values."""
    results: Sequence[tuple[int, Process]]
    """The places of a row whose values are made of what the driver gives, and how."""

    def values(self, given: Mapping[str, Any]) -> Values:
        """Return the values in the order of the placeholders."""
        named = {**self.constants, **given}
        for name, places in self.lists.items():
            named.update(zip(places, _flat(given[name]), strict=True))
        return [process(named[name]) if process else named[name] for name, process in self.places]

    def processed(self, rows: Sequence[Values]) -> list[Values]:
        """Return the rows as Python has their values."""
        if not self.results:
            return list(rows)
        made = [list(row) for row in rows]
        for row in made:
            for place, process in self.results:
                row[place] = process(row[place])
        return made  # type: ignore[return-value]


def _make(statement: Any, dialect: Dialect, given: Mapping[str, Any]) -> _Made:
    compiled = statement.compile(dialect=dialect)
    state = compiled.construct_expanded_state(given)
    types = {name: bind.type for name, bind in compiled.binds.items()}
    places = [(name, state.processors.get(name) or _bound(types.get(name), dialect)) for name in state.positiontup]
    results = ((place, _read(column.type, dialect)) for place, column in enumerate(statement.exported_columns))
    return _Made(
        state.statement,
        places,
        {name: value for name, value in state.parameters.items() if name not in given},
        {name: of for name, of in state.parameter_expansion.items() if name in given},
        [(place, process) for place, process in results if process],
    )


def _flat(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, tuple):
            yield from value
        else:
            yield value


def _bound(kind: TypeEngine[Any] | None, dialect: Dialect) -> Process | None:
    return None if kind is None else kind.dialect_impl(dialect).bind_processor(dialect)


def _read(kind: TypeEngine[Any], dialect: Dialect) -> Process | None:
    return kind.dialect_impl(dialect).result_processor(dialect, None)
