"""Rows below the header with which another part of a file begins: another day, session or class, or other columns.

A report often has a part for each day, or for each class. Its rows are not about what the first title said.
"""

import re
from collections.abc import Sequence
from datetime import date as Date

from writeback.batches.cells import plain_text
from writeback.batches.columns import CLASS, NOT_SENT
from writeback.batches.days import DayOrder, NoDay
from writeback.batches.findings import make
from writeback.batches.headers import names_for, plain
from writeback.batches.layout import Row
from writeback.batches.mapping.days_of_grids import is_partial_day, mark_header, whole_day
from writeback.batches.mapping.mapping import Mapping
from writeback.batches.mapping.titles import A_YEAR, Titles
from writeback.domain.finding import Finding
from writeback.domain.submission.shape_findings import show

_LONGEST_MARK = 2
"""Characters: what is longer may be the name of a column."""
_SESSIONS = ("am", "pm")
_LONGEST_NAME = 100
_FEWEST_NAMES = 2
_MOST_TITLES = 2_000
"""Rows that are gone through for what a title says: where none of so many says anything, the rest does not either."""


class Sections:
    """Tells by what a row differs from the header, and from what stands above it."""

    def __init__(self, mapping: Mapping, header: Sequence[Sequence[str]], order: DayOrder | None) -> None:
        """`header` are the cells of the rows that name the columns, each as wide as the table."""
        self._mapping, self._order, self._header = mapping, order or DayOrder.DAY_FIRST, header
        self._names = names_for(mapping.kind)
        self._sent = [place for place, use in enumerate(mapping.columns) if use.field is not None]
        self._marks = [place for place, use in enumerate(mapping.columns) if use.is_of_grid]
        self._days = self._partial_days()
        self._titles = 0

    def is_header(self, row: Row) -> bool:
        """Whether the row names columns: those of the table once more, or others."""
        first = _first_of(row)
        # No name of a column ends with a digit, while most ids do.
        if not first[-1:].isdigit() and plain(first) in self._names and self._has_names(row):
            return True
        cells = [row.cells[place] for place in self._marks]
        names = [plain_text(cell) for cell in cells if len(cell) > _LONGEST_MARK or cell.casefold() in _SESSIONS]
        return bool(names) and sum(map(self._is_of_marks, names)) >= min(_FEWEST_NAMES, len(self._marks))

    def other_columns(self, row: Row) -> Finding | None:
        """Return what is to be said of a row that names columns, where these are not those of the table."""
        for cells in self._header:
            if all(plain(row.cells[place]) == plain(cells[place]) for place in self._sent):
                return None
        place = next(
            (at for at in self._sent if all(plain(row.cells[at]) != plain(cells[at]) for cells in self._header)), 0
        )
        return make("columns_change", row=row.number, value=show(plain_text(row.cells[place])))

    def is_label(self, row: Row) -> bool:
        """Whether the row says in so many words what holds for all rows: `Date`, and a day beside it."""
        if not self._mapping.constants:
            return False
        return self._names.get(plain(_first_of(row).partition(":")[0])) in self._mapping.constants

    def is_alone(self, row: Row) -> bool:
        """Whether the row has one text alone, as a title between records has."""
        return bool(self._mapping.constants or self._days) and sum(map(bool, map(str.strip, row.cells))) == 1

    def other_title(self, row: Row) -> Finding | None:
        """Return what is to be said of a row that is no record, where a title above the header says something else."""
        constants = self._mapping.constants
        if self._titles >= _MOST_TITLES or not (constants or self._days):
            return None
        self._titles += 1
        titles = Titles([row], self._mapping.kind, self._order, None)
        for field, said in titles.constants.items():
            if field in constants and said.value.casefold() != plain_text(constants[field]).casefold():
                return make("title_changes", row=row.number, field=field, first=constants[field], second=said.value)
        first = _first_of(row)
        if CLASS in constants and first != constants[CLASS] and _shape(first) == _shape(constants[CLASS]):
            return make("title_changes", row=row.number, field=CLASS, first=constants[CLASS], second=first)
        found = titles.first_day(A_YEAR) if self._days else None
        if found is not None and found.value not in self._days:
            begun = self._mapping.first_day
            return make("title_changes", row=row.number, field="first_day", first=begun, second=found.value)
        return None

    def _partial_days(self) -> Sequence[str]:
        """Return the days of columns that do not say which they are, and the first day itself."""
        if not self._mapping.first_day:
            return ()
        since = Date.fromisoformat(self._mapping.first_day)
        partial = [self._mapping.columns[place].day for place in self._marks]
        days = [day for one in partial if is_partial_day(one) and (day := whole_day(one, since)) is not None]
        return [self._mapping.first_day, *(day.isoformat() for day in days)]

    def _has_names(self, row: Row) -> bool:
        texts = {place: plain(cell) for place, cell in enumerate(row.cells) if cell.strip()}
        named = [
            place
            for place, text in texts.items()
            if self._names.get(text, NOT_SENT) != NOT_SENT or any(text == plain(cells[place]) for cells in self._header)
        ]
        return len(named) * 2 > len(texts)

    def _is_of_marks(self, text: str) -> bool:
        try:
            mark = mark_header(text, self._order)
        except NoDay:
            return True
        return mark is not None and not mark.is_number


def _first_of(row: Row) -> str:
    """Return the first text of a row that is as short as a name."""
    text = plain_text(row.cells[0]) or next((text for cell in row.cells if (text := plain_text(cell))), "")
    return text if len(text) <= _LONGEST_NAME else ""


def _shape(text: str) -> str:
    """Return of what letters and digits a text is made: `7B` and `10C` are alike."""
    return re.sub(r"[^\W\d]+", "a", re.sub(r"\d+", "1", text.strip()))
