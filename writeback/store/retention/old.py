"""What may be deleted, as values: which rows, and what becomes of a piece of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, delete, func, select, tuple_
from sqlmodel import Session, SQLModel

from writeback.store.tables import table_of


@dataclass(frozen=True)
class Scope:
    """What ended `before` then is too old; `school`: only that one's, where it is deleted school by school."""

    before: datetime
    now: datetime
    school: str = ""


Keys = Sequence[Any]
"""Rows of the columns that `due` selects."""


@dataclass(frozen=True)
class Old:
    """Rows that are too old. `due` selects their keys; `delete` does away with those, or with what they say."""

    due: Select[Any]
    delete: Callable[[Session, Keys], None]
    locks: Table | None = None
    """The table whose rows a piece locks first; those that others have locked are for another time."""

    def piece(self, session: Session, limit: int, skipped: int = 0) -> int:
        """Delete so many at most, but for the first `skipped`; return how many."""
        due = self.due.limit(limit).offset(skipped)
        if self.locks is not None:
            due = due.with_for_update(of=self.locks, skip_locked=True)
        keys = session.connection().execute(due).all()
        if keys:
            self.delete(session, keys)
        return len(keys)

    def has_any(self, session: Session) -> bool:
        return session.connection().execute(self.due.limit(1)).first() is not None

    def count(self, session: Session) -> int:
        """Return how many there are."""
        keys = self.due.order_by(None).subquery()
        return int(session.connection().execute(select(func.count()).select_from(keys)).scalar_one())


def rows(row: type[SQLModel], *conditions: ColumnElement[bool]) -> Old:
    """Return rows that are deleted whole, and locked first: one that somebody is changing may be needed again."""
    key = list(table_of(row).primary_key)

    def delete_them(session: Session, keys: Keys) -> None:
        session.connection().execute(delete(table_of(row)).where(tuple_(*key).in_([tuple(one) for one in keys])))

    return Old(select(*key).where(*conditions), delete_them, table_of(row))
