"""How lists go through writebacks: over one narrow index, the newest first, unless few are named.

SQLite keeps no statistics of ours: for a status that most have it would collect them all before it sorts them.
PostgreSQL chooses for itself.
"""

from typing import TypeVar

from sqlalchemy.sql.selectable import HasHints

from writeback.store.reads.filters import Filter
from writeback.store.tables import WritebackRow, table_of

Q = TypeVar("Q", bound=HasHints)


def browsed(query: Q, wanted: Filter, index: str = "ix_writeback_browse") -> Q:
    """Return the query of writebacks, told which way to go."""
    if wanted.is_by_term or wanted.batch is not None:
        return query
    return query.with_hint(table_of(WritebackRow), f"INDEXED BY {index}", "sqlite")
