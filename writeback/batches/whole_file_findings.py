"""A file that is being read, and what is to be said of it as a whole once each row was seen: none is used by then."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date as Date

from writeback.batches.cells import has_time, says_nothing
from writeback.batches.day_orders import DayOrders, Quote
from writeback.batches.days import DayOrder
from writeback.batches.encodings import other_reading
from writeback.batches.findings import make
from writeback.batches.layout import Layout, Row
from writeback.batches.mapping.people import read_columns
from writeback.domain.finding import Finding
from writeback.domain.submission.shape_findings import show

_DAY_TYPES = frozenset({"date", "date-time"})
_AROUND = 20
"""Characters that are quoted on either side of a letter."""


class Survey:
    """Sees every row below the column names once, in order."""

    def __init__(self, layout: Layout) -> None:
        columns = read_columns(layout.kind)
        self._layout = layout
        self._sent = [
            (place, columns[name]) for place, name in enumerate(layout.fields) if name is not None and name in columns
        ]
        self._days = [place for place, column in self._sent if column.type in _DAY_TYPES]
        self._dates = [place for place, column in self._sent if column.type == "date"]
        self._times, self._time = 0, Quote(0, 0, "")
        self._orders = DayOrders()
        self._texts: Sequence[int] = [place for place, _ in self._sent] or [0]
        self._foreign: Quote | None = None
        """The first cell with a letter beyond ASCII, where the encoding was guessed."""
        self._nothings, self._nothing = 0, Quote(0, 0, "")
        self._hidden, self._first_hidden = 0, 0

    def see(self, row: Row) -> None:
        """Take note of a row."""
        if row.is_hidden:
            self._hidden += 1
            self._first_hidden = self._first_hidden or row.number
        for place in self._days:
            self._orders.see(place, row)
        for place in self._dates:
            if has_time(row.cells[place]):
                self._times += 1
                self._time = self._time if self._times > 1 else Quote(place, row.number, row.cells[place])
        for place, column in self._sent:
            if says_nothing(row.cells[place], column):
                self._nothings += 1
                self._nothing = self._nothing if self._nothings > 1 else Quote(place, row.number, row.cells[place])
        if self._layout.is_guessed and self._foreign is None:
            self._foreign = next(self._foreign_in(row), None)

    def settle(self, today: Date) -> tuple[DayOrder, list[Finding]]:
        """Return what only all rows could tell, the order of the days, and warnings; raise FileRefused."""
        order, about_days = self._orders.decide(self._layout.stated.date_order, today)
        return order, [*about_days, *self._warnings()]

    def _foreign_in(self, row: Row) -> Iterator[Quote]:
        for place in self._texts:
            cell = row.cells[place]
            if not cell.isascii():
                first = next(number for number, letter in enumerate(cell) if not letter.isascii())
                yield Quote(place, row.number, cell[max(0, first - _AROUND) : first + _AROUND])

    def _warnings(self) -> Iterator[Finding]:
        if self._foreign is not None:
            text, encoding = self._foreign.text, self._layout.encoding
            other, read_so = other_reading(text, encoding)
            yield make(
                "encoding_guessed",
                encoding=encoding,
                row=self._foreign.row,
                text=show(text),
                other=other,
                other_text=show(read_so),
            )
        if self._nothings:
            yield make("cells_say_nothing", count=self._nothings, value=self._nothing.value, cell=self._nothing.cell)
        if self._times:
            yield make("times_not_sent", count=self._times, value=self._time.value, cell=self._time.cell)
        if self._hidden:
            yield make("rows_hidden", count=self._hidden, row=self._first_hidden)


class OpenFile:
    """`layout` is what is known of the file when it is opened; its rows can be taken once, from the first."""

    def __init__(
        self,
        layout: Layout,
        rows: Iterator[Row],
        survey: Survey | None = None,
        more: Callable[[], Sequence[Finding]] = tuple,
    ) -> None:
        """`survey` has seen the rows, where they are not as they stand in the file; `more` is to be said as well."""
        self.layout = layout
        self._survey, self._more = survey or Survey(layout), more
        self.rows = rows if survey is not None else self._seen(rows)

    def settle(self, today: Date) -> tuple[Layout, list[Finding]]:
        """Return the whole layout, and warnings, when all rows were taken; raise FileRefused."""
        order, found = self._survey.settle(today)
        return self.layout.with_order(order), [*found, *self._more()]

    def _seen(self, rows: Iterator[Row]) -> Iterator[Row]:
        for row in rows:
            self._survey.see(row)
            yield row
