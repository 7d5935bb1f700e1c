"""Writing many rows of a transaction in few statements.

SQLAlchemy's own flush runs one statement a row. Here all rows that are inserted later are one INSERT a table; on
PostgreSQL all rows of which the same columns have changed are one UPDATE, and at the end of a transaction all of these
are one statement.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import event, inspect
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Session as OrmSession
from sqlmodel import Session, SQLModel

from writeback.store.sql.bulk_insert import BulkInsert, Part, processors, together
from writeback.store.sql.prepared import run
from writeback.store.tables import table_of

Row = type[SQLModel]
_LATER = "rows that are inserted later"


def insert_later(session: OrmSession, row_type: Row, **values: Any) -> None:
    """Have a row inserted by `flush` or `write_out`, at the latest when the session commits.

    It is no object of the session: making one costs more than inserting it.
    """
    session.info.setdefault(_LATER, {}).setdefault(row_type, []).append(values)


def flush(session: OrmSession) -> None:
    """Write everything that a query of this transaction is to see."""
    session.flush()
    _insert_waiting(session)


@event.listens_for(OrmSession, "after_rollback")
def _drop_waiting(session: OrmSession) -> None:
    session.info.pop(_LATER, None)


@event.listens_for(OrmSession, "before_commit")
def _insert_waiting(session: OrmSession) -> None:
    waiting: dict[Row, list[Mapping[str, Any]]] = session.info.pop(_LATER, {})
    for row_type in sorted(waiting, key=_place):
        insert_many(session, row_type, waiting[row_type])


@cache
def _place(row_type: Row) -> int:
    """Return the place of the table among all: those that others refer to come first."""
    return SQLModel.metadata.sorted_tables.index(table_of(row_type))


class Updates(NamedTuple):
    """Columns `names` of rows that are set, each row as values by column, found by `key` (None: the primary key) where
    `only` holds."""

    row_type: Row
    names: Sequence[str]
    rows: Sequence[Mapping[str, Any]]
    key: str | None = None
    only: str = "TRUE"


def write_out(session: Session, *more: Updates) -> None:
    """Write what is waiting, what has changed, and `more`, and let go of those rows: the session is at its end.

    Rows of tables in which a column sets itself are left to the flush.
    """
    dialect = session.get_bind().dialect
    updates = [*_changed(session), *(one for one in more if one.rows)]
    if dialect.name == "postgresql":
        waiting: dict[Row, list[Mapping[str, Any]]] = session.info.pop(_LATER, {})
        parts = [_part(dialect, row_type, waiting[row_type]) for row_type in sorted(waiting, key=_place)]
        parts += [_update_of(dialect, one).part(one.rows) for one in updates]
        if parts:
            run(session, *together(parts))
    else:
        _insert_waiting(session)
        for one in updates:
            _update_of(dialect, one).run(session, one.rows)


def _changed(session: Session) -> list[Updates]:
    """Return what has changed of the session's rows, and let go of them."""
    changed: defaultdict[tuple[Row, tuple[str, ...]], list[SQLModel]] = defaultdict(list)
    for row in session.dirty:
        if _sets_itself(type(row)):  # type: ignore[arg-type]
            continue
        if names := tuple(sorted(inspect(row).committed_state)):
            changed[type(row), names].append(row)
    for rows in changed.values():
        for row in rows:
            session.expunge(row)
    return [Updates(row_type, names, [row.__dict__ for row in rows]) for (row_type, names), rows in changed.items()]


def _part(dialect: Dialect, row_type: Row, rows: Sequence[Mapping[str, Any]]) -> Part:
    insert = _insert(dialect, row_type, "")
    return insert.of_arrays([insert.values(row) for row in rows])


def insert_many(session: OrmSession, row_type: Row, rows: Sequence[Mapping[str, Any]], *, ending: str = "") -> None:
    """Insert rows, each as values by column; a number that the database counts up is left to it."""
    if rows:
        insert = _insert(session.get_bind().dialect, row_type, ending)
        insert.run(_InSession(session), [insert.values(row) for row in rows])


def update_many(session: Session, updates: Updates) -> None:
    """Set columns of rows at once."""
    if updates.rows:
        _update_of(session.get_bind().dialect, updates).run(session, updates.rows)


def _update_of(dialect: Dialect, updates: Updates) -> "_Update":
    return _update(dialect, updates.row_type, tuple(updates.names), updates.key, updates.only)


@cache
def _sets_itself(row_type: Row) -> bool:
    return any(column.onupdate is not None for column in table_of(row_type).columns)


@cache
def _insert(dialect: Dialect, row_type: Row, ending: str) -> BulkInsert:
    counted = next((column.name for column in table_of(row_type).primary_key if column.autoincrement is True), "")
    return BulkInsert(dialect, row_type, counted=counted, ending=ending)


@cache
def _update(dialect: Dialect, row_type: Row, names: tuple[str, ...], key: str | None, only: str) -> "_Update":
    return _Update(dialect, row_type, names, key, only)


class _Update:
    def __init__(self, dialect: Dialect, row_type: Row, names: tuple[str, ...], key: str | None, only: str) -> None:
        table = table_of(row_type)
        keys = [key] if key else [column.name for column in table.primary_key]
        named = [table.c[name] for name in (*names, *keys)]
        self._processors = processors(named, dialect)
        quoted = [dialect.identifier_preparer.format_column(column) for column in named]
        values = quoted[: len(quoted) - len(keys)]
        self._is_of_arrays = dialect.name == "postgresql"
        if self._is_of_arrays:
            types = [column.type.compile(dialect) for column in named]
            arrays = ", ".join(f"${number}::{name}[]" for number, name in enumerate(types, start=1))
            found = " AND ".join(f"{table.name}.{name} = given.{name}" for name in quoted[len(values) :])
            self._statement = (
                f"UPDATE {table.name} SET {', '.join(f'{name} = given.{name}' for name in values)} "  # noqa: S608 - our own names
                f"FROM unnest({arrays}) AS given({', '.join(quoted)}) WHERE {found} AND {only}"
            )
        else:
            found = " AND ".join(f"{name} = ?" for name in quoted[len(values) :])
            self._statement = (
                f"UPDATE {table.name} SET {', '.join(f'{name} = ?' for name in values)} WHERE {found} AND {only}"  # noqa: S608
            )

    def part(self, rows: Sequence[Mapping[str, Any]]) -> Part:
        """Return the statement for all the rows, in PostgreSQL's language."""
        return Part(self._statement, list(zip(*map(self._values, rows), strict=True)))

    def run(self, session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
        if self._is_of_arrays:
            run(session, *self.part(rows))
        else:
            for values in map(self._values, rows):
                run(session, self._statement, values)

    def _values(self, row: Mapping[str, Any]) -> Sequence[Any]:
        return [process(row[name]) if process else row[name] for name, process in self._processors]


@dataclass(frozen=True)
class _InSession:
    """Runs statements in the transaction of a session."""

    session: OrmSession

    def run(self, statement: str, parameters: Sequence[Any]) -> Sequence[Sequence[Any]]:
        return run(self.session, statement, parameters)
