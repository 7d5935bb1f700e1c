"""How one file is laid out, found once and kept with its batch; and a row as it was read."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, NamedTuple

from writeback.batches.cells import plain_text
from writeback.batches.columns import OURS, letters
from writeback.batches.days import DayOrder, DayStyle
from writeback.batches.findings import refuse
from writeback.domain.finding import Finding
from writeback.domain.kinds import KINDS
from writeback.domain.submission.shape_findings import show

MARKS_OF_ROW = 1_000
"""The rows of a plain table that is made of a grid are numbered so that each row of the grid has room for as many."""


class Format(StrEnum):
    CSV = "csv"
    NDJSON = "ndjson"
    XLSX = "xlsx"


class Row(NamedTuple):
    """One row: its number as a spreadsheet shows it, its cells as text, and what reading had to say of it."""

    number: int
    cells: Sequence[str]
    findings: Sequence[Finding] = ()
    formulas: Sequence[int] = ()
    """Places of cells that hold a formula."""
    typed_days: Sequence[int] = ()
    """Places of cells that the spreadsheet itself keeps as days, not as text."""
    is_hidden: bool = False
    """Whether the spreadsheet does not show it."""


@dataclass(frozen=True)
class Stated:
    """What whoever uploads a file says of it, so that it need not be found out."""

    date_order: DayOrder | None = None
    encoding: str | None = None

    def as_json(self) -> str:
        """Return it as it is kept in place of the layout, until the file has been opened; empty where it is nothing."""
        return json.dumps({"stated": asdict(self)}) if self != Stated() else ""

    @classmethod
    def of_json(cls, text: str) -> "Stated":
        """Return what was stated of the file whose layout, or what is kept in its place, is `text`."""
        stored = json.loads(text).get("stated", {}) if text else {}
        order = stored.get("date_order")
        return cls(DayOrder(order) if order else None, stored.get("encoding"))


NOTHING_STATED = Stated()


@dataclass(frozen=True)
class Layout:
    """`fields` says of each column what it is; None: it has no name. NDJSON has neither header nor fields."""

    format: Format
    kind: str
    header: Sequence[str] = ()
    fields: Sequence[str | None] = ()
    header_row: int = 0
    encoding: str = "utf-8"
    has_mark: bool = False
    """Whether it begins with a byte order mark."""
    is_guessed: bool = False
    """Whether nothing says that the encoding is this one."""
    delimiter: str = ","
    sheet: str | None = None
    date_order: DayOrder = DayOrder.DAY_FIRST
    from_1904: bool = False
    """Whether its numbers of days count from 1904."""
    stated: Stated = NOTHING_STATED
    warnings: Sequence[dict[str, Any]] = field(default=())
    is_grid: bool = False
    """Whether the file has several marks in a row; header and fields are those of the plain table made of it."""

    def row_in_file(self, number: int) -> int:
        """Return the number that a row has in the file itself."""
        return number // MARKS_OF_ROW if self.is_grid else number

    def row_name(self, number: int) -> str:
        """Return how people find a row in their file: its number there, of a grid with the letter of the column."""
        row = self.row_in_file(number)
        return f"{row} ({letters(number % MARKS_OF_ROW // 2)})" if self.is_grid else str(row)

    def as_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def of_json(cls, text: str) -> "Layout | None":
        """Return the layout that is kept; None where the file has not been opened."""
        stored = json.loads(text) if text else {}
        if "format" not in stored:
            return None
        order = DayOrder(stored.get("date_order", DayOrder.DAY_FIRST))
        parts = {"format": Format(stored["format"]), "date_order": order, "stated": Stated.of_json(text)}
        return cls(**{**stored, **parts})

    @property
    def days(self) -> DayStyle:
        """How its days are written."""
        return DayStyle(self.date_order, self.from_1904)

    def with_order(self, order: DayOrder) -> "Layout":
        """Return the layout of the same file, whose days are in this order."""
        return replace(self, date_order=order)

    def shown(self) -> dict[str, Any]:
        """Return what people are shown of it."""
        parts: dict[str, Any] = {"format": self.format.value}
        if self.format is not Format.XLSX:
            parts["encoding"] = self.encoding
        if self.format is Format.CSV:
            parts["delimiter"] = self.delimiter
        if self.format is not Format.NDJSON:
            parts |= {"header_row": self.header_row, "columns": dict(zip(self.header, self.fields, strict=True))}
            parts["date_order"] = self.date_order.value
        return parts | ({"sheet": self.sheet} if self.sheet else {})


def checked_kind(given: str) -> str:
    """Return the kind of this name; raise FileRefused."""
    name, known = plain_text(given), ", ".join(KINDS)
    if not name:
        raise refuse("kind_missing", known=known)
    if name not in KINDS:
        raise refuse("kind_unknown", value=show(name), known=known)
    return name


def kept_columns(layout: Layout) -> list[int]:
    """Return the places of the columns that are the sender's own: not those that we have added."""
    return [place for place, field in enumerate(layout.fields) if field not in OURS]
