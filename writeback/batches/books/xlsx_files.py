"""XLSX in and out, by openpyxl, a row at a time. Formulas are never worked out, and never written."""

import zipfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import date as Date
from datetime import datetime, time, timedelta
from itertools import islice
from typing import Any, BinaryIO

from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from writeback.batches.books.workbook_dialects import make_usual
from writeback.batches.books.workbooks import MergedValues, SheetMarks, check_workbook, sheet_marks
from writeback.batches.cells import is_text_formula, safe
from writeback.batches.columns import PROBLEM, WHAT_TO_DO
from writeback.batches.findings import make, unreadable
from writeback.batches.layout import Format, Layout, Row, Stated, kept_columns
from writeback.batches.mapping.header_rows import HEADER_WITHIN, NAME_WEIGHT, score
from writeback.batches.tables import MOST_COLUMNS, Table

_MOST_EXACT = 10**15
"""Excel keeps 15 digits of a number; what is longer has lost its last ones."""
_DAMAGED = (
    SyntaxError,  # of XML: of the standard library's parser, and of lxml's, which openpyxl takes where it is there
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


_LOOKED_AT, _FEWEST_NAMES = 100, 2 * NAME_WEIGHT
"""How many rows of a sheet are looked at for column names, and the score of so many names as make a table."""
CODES_SHEET = "Codes"
"""The second sheet of our templates; it is for reading only."""


def xlsx_table(file: BinaryIO, kind: str | None, stated: Stated, today: Date | None, *, max_unpacked: int) -> Table:
    """Return the table in a workbook, on the first visible sheet that has one; raise FileRefused."""
    check_workbook(file, max_unpacked=max_unpacked)
    try:
        make_usual(file)
        book = load_workbook(file, read_only=True)
        sheet: Any = _sheet_with_table(book.worksheets, kind)
        marks = sheet_marks(file, sheet._worksheet_path.lstrip("/"))
    except _DAMAGED as error:
        raise _damaged(error) from None
    others = [one for one in book.worksheets if one is not sheet and one.title != CODES_SHEET]
    warnings = [make("file_other_sheets", count=len(others) + 1, sheet=sheet.title)] if others else []
    return Table(
        _rows(sheet, marks),
        kind,
        hidden_columns=marks.hidden_columns,
        warnings=warnings,
        format=Format.XLSX,
        sheet=sheet.title,
        from_1904=book.epoch == CALENDAR_MAC_1904,
        stated=stated,
        today=today,
    )


def _sheet_with_table(sheets: Sequence[Any], kind: str | None) -> Any:
    """Return the first visible sheet that begins with column names, else the first: before it there may be a cover."""
    visible = [sheet for sheet in sheets if sheet.sheet_state == "visible"] or sheets
    for sheet in visible:
        sheet.reset_dimensions()  # what the file says of its size may be wrong
    return next((sheet for sheet in visible[1:] and visible if _has_names(sheet, kind)), visible[0])


def _has_names(sheet: Any, kind: str | None) -> bool:
    with closing(sheet.iter_rows(max_row=_LOOKED_AT, max_col=MOST_COLUMNS, values_only=True)) as rows:
        filled = (cells for row in rows if any(cells := [_text(value) for value in row]))
        return any(score(cells, kind) >= _FEWEST_NAMES for cells in islice(filled, HEADER_WITHIN))


def _rows(sheet: Any, marks: SheetMarks) -> Iterator[Row]:
    rows, merged = iter(sheet.iter_rows(max_col=MOST_COLUMNS)), MergedValues(marks.merged)
    number = 0
    while True:
        try:
            row = next(rows, None)
        except _DAMAGED as error:
            raise _damaged(error) from None
        if row is None:
            return
        number += 1
        texts = [_text(cell.value) for cell in row]
        formulas = {
            place for place, cell in enumerate(row) if cell.data_type == "f" and not is_text_formula(texts[place])
        }
        cells = list(texts)
        merged.fill(number, cells, formulas)
        days = [
            place for place, cell in enumerate(row) if isinstance(cell.value, Date) and cells[place] is texts[place]
        ]
        yield Row(number, cells, formulas=sorted(formulas), typed_days=days, is_hidden=marks.hides(number))


def _damaged(error: Exception) -> Exception:
    hint = "Open it in the spreadsheet and save it again as .xlsx; or save it as CSV."
    return unreadable("XLSX", f"the workbook is damaged ({type(error).__name__})", hint)


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
