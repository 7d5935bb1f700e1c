"""CSV in and out: any delimiter, any of the usual encodings; read strictly, so that no row is swallowed by another."""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import date as Date
from itertools import islice
from typing import BinaryIO

from writeback.batches.cells import safe
from writeback.batches.columns import PROBLEM, WHAT_TO_DO
from writeback.batches.encodings import Encoding, encoding_of, text_of
from writeback.batches.findings import unreadable
from writeback.batches.layout import Format, Layout, Row, Stated, kept_columns
from writeback.batches.mapping.header_rows import HEADER_WITHIN, score
from writeback.batches.tables import Table

DELIMITERS = (",", ";", "\t", "|")
_SAMPLE = 1 << 16
_SEPARATOR_LINE = "sep="
"""Excel's own first line that names the delimiter."""


def csv_table(file: BinaryIO, kind: str | None, stated: Stated, today: Date | None) -> Table:
    """Return the table in a CSV file; raise FileRefused."""
    encoding = encoding_of(file, stated.encoding)
    delimiter, skipped = _delimiter_of(file, encoding, kind)
    rows = _rows(file, encoding, delimiter, skipped)
    return Table(
        rows,
        kind,
        format=Format.CSV,
        encoding=encoding.name,
        has_mark=encoding.mark > 0,
        is_guessed=encoding.is_guessed,
        delimiter=delimiter,
        stated=stated,
        today=today,
    )


def _rows(file: BinaryIO, encoding: Encoding, delimiter: str, skipped: int) -> Iterator[Row]:
    number = skipped
    text = text_of(file, encoding)
    for _ in range(skipped):
        text.readline()
    try:
        for number, cells in enumerate(csv.reader(text, delimiter=delimiter, strict=True), skipped + 1):
            yield Row(number, cells)
    except csv.Error as error:
        raise _broken(number + 1, str(error)) from None
    finally:
        text.close()


def _broken(number: int, reason: str) -> Exception:
    if "unexpected end" in reason or "field larger" in reason:
        what = f"a quotation mark that begins a cell of row {number} or below is never closed"
    else:
        what = f"row {number} has a quotation mark in the middle of a cell ({reason})"
    hint = (
        "Put quotation marks around the whole cell, and write those inside it twice. Spreadsheets do so by themselves."
    )
    return unreadable("CSV", what, hint)


def _delimiter_of(file: BinaryIO, encoding: Encoding, kind: str | None) -> tuple[str, int]:
    """Return the delimiter with which most columns are known, and how many lines to skip."""
    text = text_of(file, encoding)
    sample = text.read(_SAMPLE)
    text.close()
    first = sample.partition("\n")[0].rstrip("\r")
    if first.lower().startswith(_SEPARATOR_LINE) and len(first) == len(_SEPARATOR_LINE) + 1:
        return first[-1], 1
    return max(DELIMITERS, key=lambda one: (_known_columns(sample, one, kind), first.count(one))), 0


def _known_columns(sample: str, delimiter: str, kind: str | None) -> int:
    rows = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
    try:
        return max((score(cells, kind) for cells in islice(rows, HEADER_WITHIN)), default=0)
    except csv.Error:
        return 0


class CsvErrors:
    """Writes the bad rows of a CSV file, or of a sheet, as a CSV file."""

    def __init__(self, layout: Layout) -> None:
        self._places = kept_columns(layout)
        self._header = [layout.header[place] for place in self._places]
        self._delimiter = layout.delimiter if layout.format is Format.CSV else ","
        # What is not plain UTF-8 came from a spreadsheet, which takes UTF-8 for something else without a mark.
        self._mark = "\ufeff" if layout.has_mark or layout.encoding != "utf-8" or layout.format is Format.XLSX else ""

    def head(self) -> bytes:
        """Return the beginning of the file."""
        return (self._mark + self._line([*self._header, PROBLEM, WHAT_TO_DO])).encode()

    def row(self, cells: Sequence[str], problem: str, what_to_do: str) -> bytes:
        """Return one row as it was, with what is wrong and what to do."""
        return self._line([*(cells[place] for place in self._places), problem, what_to_do]).encode()

    def _line(self, cells: Sequence[str]) -> str:
        return csv_line(cells, self._delimiter)


def csv_line(cells: Sequence[str], delimiter: str = ",") -> str:
    """Return one line of CSV in which no cell can be taken for a formula."""
    line = io.StringIO()
    csv.writer(line, delimiter=delimiter, lineterminator="\r\n").writerow([safe(cell) for cell in cells])
    return line.getvalue()
