"""A template as a workbook: what each column is in a note, its codes on a second sheet, ids kept as text."""

from collections.abc import Sequence
from typing import Any

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from writeback.batches.books.xlsx_files import CODES_SHEET
from writeback.batches.cells import safe
from writeback.batches.columns import TemplateColumn

_SHOWN_IN_NOTE = 20
_ROWS_AS_TEXT = 500
"""Rows that are formatted as text, so that the spreadsheet does not turn ids into numbers."""
_WIDTH = 18


def workbook(kind: str, columns: Sequence[TemplateColumn]) -> Workbook:
    """Return the workbook of a template."""
    book = Workbook()
    sheet: Any = book.active
    sheet.title = kind
    codes: Any = book.create_sheet(CODES_SHEET)
    for place, column in enumerate(columns, 1):
        letter = get_column_letter(place)
        _head(sheet.cell(1, place), column)
        sheet.column_dimensions[letter].width = _WIDTH
        for row in range(2, _ROWS_AS_TEXT + 2):
            sheet.cell(row, place).number_format = "@"
        _put(sheet.cell(2, place), column.example)
        if column.choices:
            _list_codes(sheet, codes, column, letter)
    sheet.freeze_panes = "A2"
    return book


def _head(cell: Any, column: TemplateColumn) -> None:
    _put(cell, column.name)
    cell.font = Font(bold=True)
    if column.is_needed:
        cell.fill = PatternFill("solid", fgColor="FFF2CC")
    help_lines = [column.help, "Needed." if column.is_needed else "May be left empty."]
    shown = [f"{code}  {description}".strip() for code, description in column.choices[:_SHOWN_IN_NOTE]]
    if len(column.choices) > _SHOWN_IN_NOTE:
        shown.append(f"… all on the sheet {CODES_SHEET}")
    cell.comment = Comment(
        "\n".join(filter(None, [*help_lines, *shown])), "writeback", width=320, height=40 + 18 * len(shown)
    )


def _list_codes(sheet: Any, codes: Any, column: TemplateColumn, letter: str) -> None:
    """List the codes on the second sheet, and offer them in the column."""
    first = codes.max_column + 1 if codes.max_column > 1 or codes.cell(1, 1).value else 1
    _put(codes.cell(1, first), column.name)
    _put(codes.cell(1, first + 1), "meaning")
    for row, (code, description) in enumerate(column.choices, 2):
        _put(codes.cell(row, first), code)
        _put(codes.cell(row, first + 1), description)
    place = get_column_letter(first)
    offered = DataValidation(
        type="list", formula1=f"{CODES_SHEET}!${place}$2:${place}${len(column.choices) + 1}", showErrorMessage=False
    )
    sheet.add_data_validation(offered)
    offered.add(f"{letter}2:{letter}{_ROWS_AS_TEXT + 1}")


def _put(cell: Any, text: str) -> None:
    """Write a text, whatever it looks like."""
    cell.value = safe(text)
    cell.data_type = "s"
