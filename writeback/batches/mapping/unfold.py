"""Rows as a mapping reads them: a plain table, of which each row is one record, or one pupil of an incident.

A row of a grid becomes a row for each of its marks; what the file does not say in columns is a column more. So what
comes back to be mended is a table that anybody can read, and that is understood by its names alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date as Date

from writeback.batches.cells import plain_text
from writeback.batches.columns import NOT_SENT, letters
from writeback.batches.findings import make
from writeback.batches.headers import names_for, plain
from writeback.batches.layout import MARKS_OF_ROW, Row
from writeback.batches.mapping.days_of_grids import BOTH_SESSIONS, is_partial_day, marks_in, whole_day
from writeback.batches.mapping.mapping import CODE, DATE, LESSON, SESSION, ColumnUse, Mapping
from writeback.batches.mapping.proposal import ProposedColumn
from writeback.domain.finding import Finding
from writeback.domain.submission.shape_findings import show

_NO_MARK = frozenset({"", "-", "--", "\u2013", "\u2014", "null", "(null)", "<null>", "nan"})
"""What stands in a grid where no mark was made; `-` is SIMS' own."""
_HALVES = ("AM", "PM")


@dataclass(frozen=True)
class PlainTable:
    """The header and fields of the table that a mapping makes of a file with these column names."""

    header: Sequence[str]
    fields: Sequence[str | None]


class Unfolding:
    """Makes plain rows of a file's rows."""

    def __init__(self, mapping: Mapping, columns: Sequence[ProposedColumn]) -> None:
        first_day = Date.fromisoformat(mapping.first_day) if mapping.first_day else None
        self._marks = [(place, use) for place, use in enumerate(mapping.columns) if use.is_of_grid]
        self._days = {place: _iso(use.day, first_day) for place, use in self._marks}
        self._said = [
            field
            for field, value in ((DATE, "day"), (SESSION, "session"), (LESSON, "lesson_id"))
            if any(getattr(use, value) for _, use in self._marks)
        ]
        self._kept = [place for place, use in enumerate(mapping.columns) if not use.is_of_grid]
        self._constants = list(mapping.constants.values())
        self.table = self._table(mapping, columns)

    def _table(self, mapping: Mapping, columns: Sequence[ProposedColumn]) -> PlainTable:
        kept = [(columns[place], mapping.columns[place]) for place in self._kept]
        fields = [use.field or (NOT_SENT if column.name else None) for column, use in kept]
        more = [*self._said, *([CODE] if self._marks else []), *mapping.constants]
        return PlainTable([*(_name(column, use, mapping.kind) for column, use in kept), *more], [*fields, *more])

    def rows(self, row: Row, found: Sequence[tuple[int, Finding]]) -> Iterator[Row]:
        """Yield the plain rows of one that is as wide as the header; `found`: what its cells have, by their places."""
        if not self._marks:
            yield row._replace(cells=[*row.cells, *self._constants], findings=[one for _, one in found])
            return
        kept = [row.cells[place] for place in self._kept]
        typed = [at for at, place in enumerate(self._kept) if place in row.typed_days]
        of_all = [one for place, one in found if place not in self._days]
        for place, use in self._marks:
            of_cell = [*of_all, *(one for at, one in found if at == place)]
            for half, session, mark, more in self._marks_of(use, row.cells[place], f"{letters(place)}{row.number}"):
                about = {DATE: self._days[place], SESSION: session, LESSON: use.lesson_id}
                cells = [*kept, *(about[field] for field in self._said), mark, *self._constants]
                number = row.number * MARKS_OF_ROW + 2 * place + half
                yield Row(number, cells, [*of_cell, *more], typed_days=typed, is_hidden=row.is_hidden)

    def _marks_of(self, use: ColumnUse, cell: str, where: str) -> Iterator[tuple[int, str, str, list[Finding]]]:
        """Yield each mark of a cell: which half of the day it is, the session, the mark, and what is wrong with it."""
        text = plain_text(cell)
        if text.casefold() in _NO_MARK:
            return
        if use.session != BOTH_SESSIONS:
            yield 0, use.session, cell, []
            return
        marks = text.split() if " " in text else marks_in(text)
        if len(marks) != len(_HALVES):
            wrong = make("cell_not_two_marks", cell=where, value=show(text), pointer=f"/{CODE}")
            yield 0, _HALVES[0], cell, [wrong]
            return
        for half, mark in enumerate(marks):
            if mark.casefold() not in _NO_MARK:
                yield half, _HALVES[half], mark, []


def _name(column: ProposedColumn, use: ColumnUse, kind: str) -> str:
    """Return what the column is called, so that its name alone says what it is."""
    if use.field is not None:
        return column.name if names_for(kind).get(plain(column.name)) == use.field else use.field
    return column.name if column.is_certain and column.use == use else f"{column.name} ({NOT_SENT})"


def _iso(day: str, first_day: Date | None) -> str:
    """Return the day as it is written into each row; a mapping that has been checked settles every day."""
    if not is_partial_day(day):
        return day
    found = whole_day(day, first_day) if first_day is not None else None
    return found.isoformat() if found is not None else ""
