"""A list after a change, and which removals wait for a person: a list that shrinks at once may be a fault. Pure."""

from collections.abc import Collection
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime

from writeback.core.settings import LookupSettings
from writeback.domain.lookups import ListName, Lookup, Row
from writeback.providers.base import ListChange

_NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Changed:
    """`held_back`: what the provider no longer has, kept in the list until somebody accepts its removal."""

    lookup: Lookup
    held_back: AbstractSet[str] = _NOTHING


@dataclass(frozen=True)
class ListRules:
    """What decides whether removals are believed. `window`: the first and the last day that lessons are kept of."""

    settings: LookupSettings
    window: tuple[date, date]

    def changed(
        self, name: ListName, known: Lookup | None, held_back: Collection[str], change: ListChange, at: datetime
    ) -> Changed:
        """Return the list after a change that was asked for at that moment; its version counts up when a row differs.

        What is new or differs is always taken. `held_back`: what waited before.
        """
        if known is None or known.begins_again:
            version = (known.version if known else 0) + 1
            return Changed(Lookup(name, version, at, dict(change.rows), change.cursor, full_at=at))
        gone = self._gone(known, held_back, change)
        over = {row_id for row_id in gone if self._is_over(name, known.rows[row_id])}
        believed, waits = gone, set[str]()
        if self._is_too_much(name, len(gone - over), len(known.rows) - len(over), has_new=bool(change.rows)):
            believed, waits = over, gone - over
        rows = {row_id: row for row_id, row in known.rows.items() if row_id not in believed} | dict(change.rows)
        version = known.version + (rows != known.rows)
        full_at = at if change.is_full else known.full_at
        return Changed(Lookup(name, version, at, rows, change.cursor, full_at=full_at), waits)

    @staticmethod
    def of_day(known: Lookup, day: date, change: ListChange) -> ListChange:
        """Return the timetable of one day as a change of the whole: what the day no longer has is gone."""
        rows, value = change.rows, day.isoformat()
        gone = [row_id for row_id, row in known.rows.items() if row_id not in rows and row.get("date") == value]
        return ListChange(rows, is_full=False, deleted=gone, cursor=change.cursor)

    def newly_gone(self, known: Lookup, held_back: Collection[str], change: ListChange) -> AbstractSet[str]:
        """Return what falls out of the list with this change, and did not before."""
        return self._gone(known, held_back, change) - set(held_back)

    @staticmethod
    def _gone(known: Lookup, held_back: Collection[str], change: ListChange) -> set[str]:
        if change.is_full:
            return set(known.rows.keys() - change.rows.keys())
        return (set(held_back) | set(change.deleted)) & known.rows.keys() - change.rows.keys()

    def _is_over(self, name: ListName, row: Row) -> bool:
        """Whether it is a lesson of a day that is not asked for any more."""
        first, last = self.window
        return name is ListName.LESSONS and not first.isoformat() <= str(row.get("date")) <= last.isoformat()

    def _is_too_much(self, name: ListName, gone: int, of: int, *, has_new: bool) -> bool:
        """Whether so many at once may be a fault: nothing would be left, or more than a share is gone.

        Of lessons only the first: a new timetable has new ones.
        """
        if name is ListName.CLOSURES:  # they only warn, and those of last year go
            return False
        if gone == of and not has_new:
            return gone > 0
        most = max(self.settings.removals_share * of, self.settings.removals_least - 1)
        return name is not ListName.LESSONS and gone > most
