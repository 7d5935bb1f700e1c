"""How one file is laid out, found once and kept with its batch; and a row as it was read."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from itertools import chain, islice
from typing import Any, NamedTuple

from writeback.batches.cells import without_apostrophe
from writeback.batches.columns import KIND, OURS, columns_of
from writeback.batches.findings import FileRefused, make, refuse
from writeback.batches.headers import about_unknown, check_header, find_header, letters, names_for
from writeback.domain.finding import Finding
from writeback.domain.kinds import KINDS
from writeback.domain.shape import show

HEADER_WITHIN = 10
"""The column names stand in one of the first rows; above them there may be a title."""
MOST_COLUMNS = 200


class Format(StrEnum):
    CSV = "csv"
    NDJSON = "ndjson"
    XLSX = "xlsx"


class Row(NamedTuple):
    """One row: its number as a spreadsheet shows it, its cells as text, and what reading had to say of it."""

    number: int
    cells: Sequence[str]
    findings: Sequence[Finding] = ()


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
    delimiter: str = ","
    sheet: str | None = None
    warnings: Sequence[dict[str, Any]] = field(default=())

    def as_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def of_json(cls, text: str) -> "Layout":
        stored = json.loads(text)
        return cls(**{**stored, "format": Format(stored["format"])})

    def shown(self) -> dict[str, Any]:
        """Return what people are told of it."""
        told: dict[str, Any] = {"format": self.format.value}
        if self.format is not Format.XLSX:
            told["encoding"] = self.encoding
        if self.format is Format.CSV:
            told["delimiter"] = self.delimiter
        if self.format is not Format.NDJSON:
            told |= {"header_row": self.header_row, "columns": dict(zip(self.header, self.fields, strict=True))}
        return told | ({"sheet": self.sheet} if self.sheet else {})


@dataclass(frozen=True)
class OpenFile:
    """A file that is being read: how it is laid out, and its rows from the first."""

    layout: Layout
    rows: Iterator[Row]


def open_table(rows: Iterator[Row], kind: str | None, **facts: Any) -> OpenFile:
    """Find the header among the first rows and return the table below it; raise FileRefused."""
    first = list(islice((row for row in rows if not _is_blank(row)), HEADER_WITHIN + 1))
    if not first:
        raise refuse("file_empty")
    header = find_header([(row.number, row.cells[: MOST_COLUMNS + 1]) for row in first[:HEADER_WITHIN]], kind)
    if header is None:
        raise _without_header(first, kind)
    if len(header.cells) > MOST_COLUMNS:
        raise refuse("file_too_many_columns", row=header.row, limit=MOST_COLUMNS)
    below = [row for row in first if row.number > header.row]
    kind = kind or _kind_in(header.fields, below)
    if not columns_of(kind):
        raise refuse("kind_not_tabular", kind=kind)
    if any(field is not None and field not in names_for(kind).values() for field in header.fields):
        header = find_header([(header.row, header.cells)], kind) or header  # found by the columns of any kind
    check_header(header, kind)
    layout = Layout(kind=kind, header=header.cells, fields=header.fields, header_row=header.row, **facts)
    body = chain(below, (row for row in rows if not _is_blank(row)))
    unknown, width = header.unknown, len(header.cells)

    def checked() -> Iterator[Row]:
        for row in body:
            cells = list(row.cells[:width]) + [""] * (width - len(row.cells))
            if any(cells[place].strip() for place in unknown):
                raise FileRefused(about_unknown(header, kind))
            yield Row(row.number, cells, [*row.findings, *_beside_header(row, header.cells, layout.delimiter)])

    return OpenFile(layout, checked())


def _is_blank(row: Row) -> bool:
    return not any(cell.strip() for cell in row.cells)


def _beside_header(row: Row, header: Sequence[str], delimiter: str) -> Iterable[Finding]:
    """Yield a finding for the first cell that has something in it and no name above it."""
    for place, cell in enumerate(row.cells):
        if cell.strip() and (place >= len(header) or not header[place].strip()):
            where = f"{letters(place)}{row.number}"
            yield make("cell_without_header", cell=where, delimiter="a tab" if delimiter == "\t" else delimiter)
            return


def _without_header(first: Sequence[Row], kind: str | None) -> FileRefused:
    shown = ", ".join(show(cell) for cell in first[0].cells[:8] if cell.strip())
    known = ", ".join(column.name for column in columns_of(kind)) if kind else ""
    if kind is not None and not known:
        return refuse("kind_not_tabular", kind=kind)
    return refuse(
        "header_missing", rows=HEADER_WITHIN, kind=kind or "any kind", shown=shown, known=known or "see there"
    )


def _kind_in(fields: Sequence[str | None], rows: Sequence[Row]) -> str:
    """Return the kind that the column `kind` names in the first row."""
    place = fields.index(KIND) if KIND in fields else None
    known = ", ".join(KINDS)
    if place is None or not rows:
        raise refuse("kind_missing", known=known)
    return checked_kind(rows[0].cells[place] if place < len(rows[0].cells) else "")


def checked_kind(given: str) -> str:
    """Return the kind of this name; raise FileRefused."""
    name, known = without_apostrophe(given).strip(), ", ".join(KINDS)
    if not name:
        raise refuse("kind_missing", known=known)
    if name not in KINDS:
        raise refuse("kind_unknown", value=show(name), known=known)
    return name


def kept_columns(layout: Layout) -> list[int]:
    """Return the places of the columns that are the sender's own: not those that we have added."""
    return [place for place, field in enumerate(layout.fields) if field not in OURS]
