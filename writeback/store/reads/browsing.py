"""How lists go through writebacks: over one narrow index, the newest first, unless few are named.

SQLite keeps no statistics of ours: for a status that most have it would collect them all before it sorts them.
PostgreSQL chooses for itself.
"""

from typing import TypeVar

from sqlalchemy.sql.selectable import HasHints

from writeback.store.reads.filters import Filter
from writeback.store.tables import WritebackRow, table_of

_ALL_FILTERS, _OF_SCHOOL, _OF_STATUS = "ix_writeback_browse", "ix_writeback_of_school", "ix_writeback_due"
"""Indexes with all that filters ask for; with school, status and app, in this order; with status."""
Q = TypeVar("Q", bound=HasHints)


def browsed(query: Q, wanted: Filter) -> Q:
    """Return the query of writebacks, the newest first, told which way to go."""
    is_narrow = wanted.school is not None and bool(wanted.statuses) and wanted.is_by_school_and_status
    return _by(query, wanted, _OF_SCHOOL if is_narrow else _ALL_FILTERS)


def counted(query: Q, wanted: Filter) -> Q:
    """Return the query of numbers of writebacks by school and status, told which way to go."""
    return _by(query, wanted, _OF_SCHOOL if wanted.is_by_school_and_status else _ALL_FILTERS)


def numbered(query: Q, wanted: Filter, *, is_limited: bool) -> Q:
    """Return the query of as many writebacks as there are up to a bound, told which way meets no others.

    `is_limited`: whoever asks sees some schools alone.
    """
    if is_quick(wanted):
        index = _OF_SCHOOL if wanted.school is not None or is_limited else _OF_STATUS
        return _by(query, wanted, index if wanted.statuses else _ALL_FILTERS)
    return _by(query, wanted, _ALL_FILTERS)


def is_quick(wanted: Filter) -> bool:
    """Whether an index leads to those of each status that the filter finds, past all others."""
    return wanted.is_by_school_and_status and (not wanted.app or wanted.school is not None)


def joined(query: Q, wanted: Filter) -> Q:
    """Return the query that comes from sequences to writebacks, told to do without the rows."""
    return _by(query, wanted, _ALL_FILTERS)


def held(query: Q) -> Q:
    """Return the query of writebacks that have a reason to wait, told to look at no other."""
    return query.with_hint(table_of(WritebackRow), "INDEXED BY ix_writeback_held", "sqlite")


def _by(query: Q, wanted: Filter, index: str) -> Q:
    if wanted.is_by_term or wanted.batch is not None:
        return query
    return query.with_hint(table_of(WritebackRow), f"INDEXED BY {index}", "sqlite")
