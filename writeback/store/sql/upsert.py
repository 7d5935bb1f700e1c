"""Inserting what may be there already, the same on SQLite and PostgreSQL."""

from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import CursorResult
from sqlmodel import Session, SQLModel

from writeback.store.tables import table_of

if TYPE_CHECKING:
    from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
    from sqlalchemy.dialects.sqlite import Insert as SqliteInsert


def insert_into(dialect: str, row: type[SQLModel]) -> "SqliteInsert | PostgresInsert":
    """Return an INSERT of `sqlite` or `postgresql`, which knows `on_conflict_do_nothing` and `…_do_update`."""
    if dialect == "sqlite":  # a process loads the dialect that it uses
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table_of(row))
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table_of(row))


def insert_new(session: Session, row: type[SQLModel], **values: Any) -> bool:
    """Insert the row unless one with its key is there, also one that another transaction is about to commit.

    Return whether it was inserted. What the values leave out has the default of the row's field.
    """
    connection = session.connection()
    defaults = {name: field.default for name, field in row.model_fields.items() if not field.is_required()}
    insert = insert_into(connection.dialect.name, row).values(**{**defaults, **values})
    result = cast(CursorResult[Any], connection.execute(insert.on_conflict_do_nothing()))
    return result.rowcount == 1
