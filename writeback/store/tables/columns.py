"""What tables, and columns of several tables, share."""

from typing import Any

from sqlalchemy import BigInteger, Column, Integer, Table
from sqlmodel import Field, SQLModel
from sqlmodel._compat import SQLModelConfig

from writeback.core.clock import SystemClock
from writeback.store.sql.types import UtcDateTime

BIG_PK = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts only INTEGER PRIMARY KEY up by itself

SEALED: dict[str, Any] = {"info": {"sealed": True}}
"""What makes a column one of sealed text, which is sealed again when the secret key turns: `store/sql/sealed.py`."""


class Stored(SQLModel):
    """Base of the tables. Rows are not validated: what Pydantic would do that with is never built."""

    model_config = SQLModelConfig(defer_build=True)


def instant(*, nullable: bool = False, index: bool = False) -> Any:
    return Field(default=None, sa_column=Column(UtcDateTime(), nullable=nullable, index=index))


def changed_at() -> Any:
    """A column that says when the row was last changed: by each INSERT and UPDATE, whatever else it sets."""
    now = SystemClock().now
    return Field(default=None, sa_column=Column(UtcDateTime(), nullable=True, index=True, default=now, onupdate=now))


def table_of(row: type[SQLModel]) -> Table:
    """Return the table behind a row class, for statements without the ORM."""
    table: Table = row.__table__  # type: ignore[attr-defined]
    return table
