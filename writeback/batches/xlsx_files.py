"""XLSX in and out, by openpyxl, a row at a time. Formulas are never worked out, and never written."""

import zipfile
from collections.abc import Iterator, Sequence
from datetime import date as Date
from datetime import datetime, time, timedelta
from typing import Any, BinaryIO
from xml.etree.ElementTree import ParseError

from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font

from writeback.batches.cells import safe
from writeback.batches.columns import PROBLEM, WHAT_TO_DO
from writeback.batches.findings import make, unreadable
from writeback.batches.headers import letters
from writeback.batches.layout import MOST_COLUMNS, Format, Layout, OpenFile, Row, kept_columns, open_table
from writeback.batches.workbooks import MergedValues, check_workbook, merged_cells
from writeback.domain.finding import Finding

_MOST_EXACT = 10**15
"""Excel keeps 15 digits of a number; what is longer has lost its last ones."""
_DAMAGED = (
    ParseError,
    zipfile.BadZipFile,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    IndexError,
    EOFError,
    OSError,
)
"""What openpyxl raises of a workbook that is not as it should be."""


CODES_SHEET = "Codes"
"""The second sheet of our templates; it is for reading only."""


def open_xlsx(file: BinaryIO, kind: str | None, *, max_unpacked: int) -> OpenFile:
    """Return the table on the first sheet of a workbook; raise FileRefused."""
    check_workbook(file, max_unpacked=max_unpacked)
    try:
        book = load_workbook(file, read_only=True)
        sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"] or book.worksheets
        sheet: Any = sheets[0]
        merged = MergedValues(merged_cells(file, sheet._worksheet_path.lstrip("/")))
    except _DAMAGED as error:
        raise _damaged(error) from None
    others = [one.title for one in sheets[1:] if one.title != CODES_SHEET]
    warnings = [make("file_other_sheets", count=len(others) + 1, sheet=sheet.title).as_json()] if others else []
    sheet.reset_dimensions()  # what the file says of its size may be wrong
    return open_table(_rows(sheet, merged), kind, format=Format.XLSX, sheet=sheet.title, warnings=warnings)


def _rows(sheet: Any, merged: MergedValues) -> Iterator[Row]:
    rows = iter(sheet.iter_rows(max_col=MOST_COLUMNS))
    number = 0
    while True:
        try:
            row = next(rows, None)
        except _DAMAGED as error:
            raise _damaged(error) from None
        if row is None:
            return
        number += 1
        cells = [_text(cell.value) for cell in row]
        merged.fill(number, cells)
        yield Row(number, cells, _about(row, number))


def _damaged(error: Exception) -> Exception:
    hint = "Open it in the spreadsheet and save it again as .xlsx; or save it as CSV."
    return unreadable("XLSX", f"the workbook is damaged ({type(error).__name__})", hint)


def _about(row: Sequence[Any], number: int) -> list[Finding]:
    """Return what is to be said of cells that hold a formula, or an error."""
    found = []
    for place, cell in enumerate(row):
        if cell.data_type == "f":
            found.append(make("cell_formula", cell=f"{letters(place)}{number}"))
        elif cell.data_type == "e":
            found.append(make("cell_error", cell=f"{letters(place)}{number}", value=str(cell.value)))
    return found


def _text(value: Any) -> str:
    """Return a cell's value as a CSV file would have it."""
    match value:
        case None:
            return ""
        case bool():
            return "TRUE" if value else "FALSE"
        case int():
            return str(value) if abs(value) < _MOST_EXACT else f"{value:.14E}"
        case float():
            return _text(int(value)) if value.is_integer() and abs(value) < 1e300 else repr(value)
        case datetime():
            return value.date().isoformat() if value.time() == time.min else value.isoformat(" ", "seconds")
        case Date() | time():
            return value.isoformat()
        case timedelta():
            return str(value)
        case str():
            return value
        case _:  # a formula over several cells
            return "=" + str(getattr(value, "text", None) or "").lstrip("=")


class XlsxErrors:
    """Writes the bad rows of a workbook's sheet as a workbook; every cell is text."""

    def __init__(self, layout: Layout) -> None:
        self._places = kept_columns(layout)
        self._book = Workbook(write_only=True)
        self._sheet: Any = self._book.create_sheet(layout.sheet or "Rows")
        header = [layout.header[place] for place in self._places]
        self._append([*header, PROBLEM, WHAT_TO_DO], font=Font(bold=True))

    def row(self, cells: Sequence[str], problem: str, what_to_do: str) -> None:
        self._append([*(cells[place] for place in self._places), problem, what_to_do])

    def save(self, file: BinaryIO) -> None:
        self._book.save(file)

    def _append(self, cells: Sequence[str], *, font: Font | None = None) -> None:
        self._sheet.append([text_cell(self._sheet, cell, font=font) for cell in cells])


def text_cell(sheet: Any, value: str, *, font: Font | None = None) -> Any:
    """Return a cell that is text whatever it looks like; characters that XML cannot hold are left out."""
    cell: Any = WriteOnlyCell(sheet)
    cell.value = ILLEGAL_CHARACTERS_RE.sub("", safe(value))
    cell.data_type = "s"
    if font is not None:
        cell.font = font
    return cell
