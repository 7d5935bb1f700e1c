"""In which order a file has day and month: decided by all of its days, before any of them is used.

A file with 23/11/2026 in it has the day first, one with 11/23/2026 the month; both together contradict each other.
Where nothing decides, the day is first, as in Britain, and a warning says so; but where the month first would mean days
nearer to today, or none to come where the day first would, the file is refused and the question put.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date as Date
from typing import NamedTuple

from writeback.batches.cells import plain_text
from writeback.batches.columns import letters
from writeback.batches.days import DayOrder, readings_of
from writeback.batches.findings import make, refuse
from writeback.batches.layout import Row
from writeback.domain.finding import Finding
from writeback.domain.submission.shape_findings import show

_TWELFTH, _DAY_OF_ISO = 12, slice(8, 10)
_DAY, _MONTH = DayOrder.DAY_FIRST, DayOrder.MONTH_FIRST


class Quote(NamedTuple):
    """A cell as a finding names it."""

    place: int
    row: int
    text: str

    @property
    def cell(self) -> str:
        return f"{letters(self.place)}{self.row}"

    @property
    def value(self) -> str:
        return show(self.text)


@dataclass
class _Column:
    """What one column has shown."""

    last: str = ""
    """Its cell in the row before: files have the same day over and over."""
    proof: Quote | None = None
    typed: Quote | None = None
    may_be_exchanged: bool = True
    """Whether no typed day is later than the twelfth."""


class DayOrders:
    """Sees the days of a file, row by row."""

    def __init__(self) -> None:
        self._columns: dict[int, _Column] = {}
        self._proofs: dict[DayOrder, Quote] = {}
        """The first day of the file that can be read in this order alone."""
        self._either: Quote | None = None
        """The first that may be read both ways."""
        self._spans: dict[DayOrder, tuple[Date, Date]] = {}
        """The first and last day that those are."""

    def see(self, place: int, row: Row) -> None:
        """Take note of a row's cell in a column of days."""
        cell = row.cells[place]
        column = self._columns.setdefault(place, _Column())
        if cell == column.last:
            return
        column.last = cell
        quote = Quote(place, row.number, plain_text(cell))
        if place in row.typed_days:
            column.typed = column.typed or quote
            column.may_be_exchanged &= int(quote.text[_DAY_OF_ISO]) <= _TWELFTH
            return
        readings = readings_of(quote.text)
        if len(readings) == 1:
            (order,) = readings
            self._proofs.setdefault(order, quote)
            column.proof = column.proof or quote
        elif readings and readings[_DAY] != readings[_MONTH]:
            self._either = self._either or quote
            for order, day in readings.items():
                first, last = self._spans.get(order, (day, day))
                self._spans[order] = min(first, day), max(last, day)

    def decide(self, stated: DayOrder | None, today: Date) -> tuple[DayOrder, list[Finding]]:
        """Return the order, `stated` where somebody has said it, and what is to be said of it; raise FileRefused."""
        self._refuse_exchanged()
        if stated is not None:
            return stated, []
        if len(self._proofs) > 1:
            first, second = self._proofs[_DAY], self._proofs[_MONTH]
            cells = {"first_cell": first.cell, "second_cell": second.cell}
            raise refuse("days_contradict", first=first.value, second=second.value, **cells)
        if _MONTH in self._proofs:
            proof = self._proofs[_MONTH]
            return _MONTH, [make("days_month_first", value=proof.value, cell=proof.cell)]
        if self._proofs or self._either is None:
            return _DAY, []
        return _DAY, [self._assumed(self._either, today)]

    def _assumed(self, quote: Quote, today: Date) -> Finding:
        """Return the warning that nothing says the order; raise FileRefused where the month is likely to be first."""
        readings = readings_of(quote.text)
        said = {"value": quote.value, "cell": quote.cell, "day_first": _said(readings, _DAY)}
        said["month_first"] = _said(readings, _MONTH)
        is_to_come = {order: last > today for order, (_, last) in self._spans.items()}
        farthest = {order: max(abs((day - today).days) for day in span) for order, span in self._spans.items()}
        if (is_to_come[_DAY] and not is_to_come[_MONTH]) or farthest[_MONTH] < farthest[_DAY]:
            raise refuse("days_either_way", **said)
        return make("days_day_first", **said)

    def _refuse_exchanged(self) -> None:
        """Raise FileRefused where a spreadsheet has read some days of a column by itself, perhaps the wrong way round.

        It makes days of those texts that it understands and leaves the others: what is left proves an order, and none
        of what it made is later than the twelfth.
        """
        for place, column in self._columns.items():
            if column.proof is not None and column.typed is not None and column.may_be_exchanged:
                texts = {"text": column.proof.value, "text_cell": column.proof.cell}
                typed = {"typed": column.typed.value, "typed_cell": column.typed.cell}
                raise refuse("days_exchanged", column=letters(place), **texts, **typed)


def _said(readings: Mapping[DayOrder, Date], order: DayOrder) -> str:
    return f"{readings[order]:%d %B %Y}".lstrip("0")
