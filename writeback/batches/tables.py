"""A table in a file: its column names are found, and what stands below them is handed out row by row."""

import re
from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

from writeback.batches.cells import ERRORS, plain_text
from writeback.batches.columns import KIND, NOT_SENT, columns_of
from writeback.batches.findings import FileRefused, make, refuse
from writeback.batches.headers import Header, about_unknown, check_header, find_header, letters, names_for
from writeback.batches.layout import Layout, Row, checked_kind
from writeback.batches.whole_file_findings import OpenFile
from writeback.domain.finding import Finding
from writeback.domain.kinds import KINDS
from writeback.domain.submission.shape_findings import show

HEADER_WITHIN = 10
"""The column names stand in one of the first rows; above them there may be a title."""
MOST_COLUMNS = 200
_DAY_NAME = re.compile(
    r"(mon|tue(s)?|wed(nes)?|thu(rs)?|fri)(day)?\b"
    r"|\d{1,2}[/.\-]\d{1,2}\b|\d{4}-\d\d-\d\d|\d{1,2}(st|nd|rd|th)? [a-z]{3}",
    re.IGNORECASE,
)
"""A column name that is a day: the table is a grid."""
_FEWEST_DAYS = 2


def open_table(
    rows: Iterator[Row],
    kind: str | None,
    *,
    hidden_columns: Container[int] = (),
    warnings: Sequence[Finding] = (),
    **facts: Any,
) -> OpenFile:
    """Find the header among the first rows and return the table below it; raise FileRefused.

    `hidden_columns` are places that the spreadsheet does not show; `facts` are what else is known of its layout.
    """
    first = list(islice((row for row in rows if not _is_blank(row)), HEADER_WITHIN + 1))
    if not first:
        raise refuse("file_empty")
    header = find_header([(row.number, row.cells[: MOST_COLUMNS + 1]) for row in first[:HEADER_WITHIN]], kind)
    if header is None:
        _refuse_grid(first, header, kind)
        raise _without_header(first, kind)
    if len(header.cells) > MOST_COLUMNS:
        raise refuse("file_too_many_columns", row=header.row, limit=MOST_COLUMNS)
    below = [row for row in first if row.number > header.row]
    kind = kind or _kind_in(header.fields, below)
    if not columns_of(kind):
        raise refuse("kind_not_tabular", kind=kind)
    if any(field is not None and field not in names_for(kind).values() for field in header.fields):
        header = find_header([(header.row, header.cells)], kind) or header  # found by the columns of any kind
    _refuse_grid(first, header, kind)
    check_header(header, kind)
    warned = [one.as_json() for one in (*warnings, *_about_columns(header, hidden_columns))]
    layout = Layout(
        kind=kind, header=header.cells, fields=header.fields, header_row=header.row, warnings=warned, **facts
    )
    body = chain(below, (row for row in rows if not _is_blank(row)))
    return OpenFile(layout, _checked(body, header, layout))


def _checked(rows: Iterable[Row], header: Header, layout: Layout) -> Iterator[Row]:
    """Yield each row as wide as the header, with what is to be said of its cells."""
    width, unknown = len(header.cells), header.unknown
    is_sent = [field != NOT_SENT for field in header.fields]
    for row in rows:
        cells = list(row.cells[:width]) + [""] * (width - len(row.cells))
        if any(cells[place].strip() for place in unknown):
            raise FileRefused(about_unknown(header, layout.kind))
        found = [*_about_cells(row, is_sent), *_beside_header(row, header.cells, layout.delimiter)]
        yield row._replace(cells=cells, findings=found)


def _about_cells(row: Row, is_sent: Sequence[bool]) -> Iterator[Finding]:
    """Yield a finding for each cell that holds a formula, or what a formula without a result shows."""
    for place in row.formulas:
        if place < len(is_sent) and is_sent[place]:
            yield make("cell_formula", cell=f"{letters(place)}{row.number}")
    for place, (cell, matters) in enumerate(zip(row.cells, is_sent, strict=False)):
        if cell[:1] == "#" and matters and cell.strip().upper() in ERRORS:
            yield make("cell_error", cell=f"{letters(place)}{row.number}", value=cell.strip())


def _about_columns(header: Header, hidden: Container[int]) -> Iterator[Finding]:
    """Yield what is to be said of columns that are passed over, and of hidden ones that are not."""
    passed = [place for place, field in enumerate(header.fields) if field == NOT_SENT]
    unseen = [place for place, field in enumerate(header.fields) if field not in (None, NOT_SENT) and place in hidden]
    for code, places in (("columns_not_sent", passed), ("columns_hidden", unseen)):
        if places:
            yield make(code, columns=", ".join(f"{show(header.cells[place])} ({letters(place)})" for place in places))


def _refuse_grid(first: Sequence[Row], header: Header | None, kind: str | None) -> None:
    """Raise FileRefused where days are column names while the rows lack one."""
    days = [column.name for column in columns_of(kind) if column.is_needed and column.type == "date"] if kind else []
    if header is not None and all(name in header.fields for name in days):
        return
    for row in first:
        named = [place for place, cell in enumerate(row.cells) if _DAY_NAME.match(plain_text(cell))]
        if len(named) >= _FEWEST_DAYS:
            where = f"{letters(named[0])}{row.number}"
            raise refuse("file_is_grid", row=row.number, cell=where, value=show(row.cells[named[0]].strip()))
        if header is not None and row.number == header.row:
            return


def _is_blank(row: Row) -> bool:
    return not any(plain_text(cell) for cell in row.cells)


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
