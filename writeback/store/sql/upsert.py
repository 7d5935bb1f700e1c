"""Inserting what may be there already, the same on SQLite and PostgreSQL."""

from typing import Any, cast

from sqlalchemy import CursorResult
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel

from writeback.store.tables import table_of

_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def insert_new(session: Session, row: type[SQLModel], **values: Any) -> bool:
    """Insert the row unless one with its key is there, also one that another transaction is about to commit.

    Return whether it was inserted. What the values leave out has the default of the row's field.
    """
    connection = session.connection()
    defaults = {name: field.default for name, field in row.model_fields.items() if not field.is_required()}
    insert = _INSERTS[connection.dialect.name](table_of(row)).values(**{**defaults, **values})
    result = cast(CursorResult[Any], connection.execute(insert.on_conflict_do_nothing()))
    return result.rowcount == 1
