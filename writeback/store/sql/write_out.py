"""Writing many rows of a transaction in few statements.

SQLAlchemy's own flush runs one statement a row. Here all rows that are inserted later are one INSERT a table; and on
PostgreSQL all rows of which the same columns have changed are one UPDATE.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import event, inspect
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Session as OrmSession
from sqlmodel import Session, SQLModel

from writeback.store.sql.bulk_insert import BulkInsert, processors
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


def write_out(session: Session) -> None:
    """Write what is waiting and what has changed, and let go of those rows: the session is at its end.

    Rows of tables in which a column sets itself are left to the flush.
    """
    _insert_waiting(session)
    changed: defaultdict[tuple[Row, tuple[str, ...]], list[SQLModel]] = defaultdict(list)
    for row in session.dirty:
        if _sets_itself(type(row)):  # type: ignore[arg-type]
            continue
        if names := tuple(sorted(inspect(row).committed_state)):
            changed[type(row), names].append(row)
    for (row_type, names), rows in changed.items():
        update_many(session, row_type, names, [row.__dict__ for row in rows])
        for row in rows:
            session.expunge(row)


def insert_many(session: OrmSession, row_type: Row, rows: Sequence[Mapping[str, Any]], *, ending: str = "") -> None:
    """Insert rows, each as values by column; a number that the database counts up is left to it."""
    if rows:
        insert = _insert(session.get_bind().dialect, row_type, ending)
        insert.run(_InSession(session), [insert.values(row) for row in rows])


def update_many(
    session: Session,
    row_type: Row,
    names: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    *,
    key: str | None = None,
    only: str = "TRUE",
) -> None:
    """Set columns of rows, each as values by column, found by `key` (None: the primary key) where `only` holds."""
    if not rows:
        return
    update = _update(session.get_bind().dialect, row_type, tuple(names), key, only)
    update.run(session, rows)


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

    def run(self, session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
        given = [self._values(row) for row in rows]
        if self._is_of_arrays:
            run(session, self._statement, list(zip(*given, strict=True)))
        else:
            for values in given:
                run(session, self._statement, values)

    def _values(self, row: Mapping[str, Any]) -> Sequence[Any]:
        return [process(row[name]) if process else row[name] for name, process in self._processors]


@dataclass(frozen=True)
class _InSession:
    """Runs statements in the transaction of a session."""

    session: OrmSession

    def run(self, statement: str, parameters: Sequence[Any]) -> Sequence[Sequence[Any]]:
        return run(self.session, statement, parameters)
