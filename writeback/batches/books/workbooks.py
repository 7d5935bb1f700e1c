"""What is looked at before a workbook is read: its size, how tightly it is packed, merged cells, and what is hidden."""

import re
import zipfile
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from writeback.batches.books.workbook_dialects import plain_names
from writeback.batches.findings import unreadable
from writeback.batches.foreign_files import refuse_foreign_archive

_MOST_PARTS = 1_000
_MOST_TEXTS = 100_000_000
"""Bytes of shared texts, unpacked: these are kept in memory while the sheet is read."""
_TIGHTEST, _SMALL = 300, 2_000_000
"""How many times larger a part may become, where it is not small: spreadsheets reach a tenth of it."""
_MOST_MERGED, _MOST_COLUMNS = 20_000, 16_384
_PIECE = 1 << 18
_LONGEST_TAG = 4_096
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s+ref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"')
_HIDDEN = re.compile(rb'<(?:\w+:)?(row|col)\b([^<>]*\bhidden="(?:1|true)"[^<>]*)')
_NUMBER = re.compile(rb'\b(r|min|max)="(\d{1,7})"')
_SAVE_AGAIN = "Open it in the spreadsheet and save it again as .xlsx, without a password."


@dataclass(frozen=True, order=True)
class Merged:
    """Merged cells, rows and columns counted from 1 and 0, all inclusive."""

    top: int
    bottom: int
    left: int
    right: int


def check_workbook(file: BinaryIO, *, max_unpacked: int) -> None:
    """Raise FileRefused where the file is no workbook, or would become too large; nothing is unpacked for that."""
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            parts, names = archive.infolist(), plain_names(archive)
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise unreadable("XLSX", f"it is no workbook, or is damaged ({error})", _SAVE_AGAIN) from None
    if "xl/workbook.xml" not in names:
        refuse_foreign_archive(names)
        raise unreadable("XLSX", "there is no workbook in it", _SAVE_AGAIN)
    if any(part.flag_bits & 1 for part in parts):
        raise unreadable("XLSX", "it has a password", _SAVE_AGAIN)
    # A part never unpacks to more than it says here: zipfile stops there.
    unpacked = sum(part.file_size for part in parts)
    texts = sum(part.file_size for part in parts if part.filename.lower().endswith("sharedstrings.xml"))
    is_tight = any(part.file_size > max(_SMALL, _TIGHTEST * part.compress_size) for part in parts)
    if len(parts) > _MOST_PARTS or unpacked > max_unpacked or texts > _MOST_TEXTS or is_tight:
        hint = "Send only the sheet with the records, without pictures and formats; or save it as CSV."
        raise unreadable("XLSX", f"it would become {unpacked} bytes when unpacked, which is too large", hint)


@dataclass(frozen=True)
class SheetMarks:
    """What a sheet has beside its cells: merged ones, and rows (from 1) and columns (from 0) that it does not show."""

    merged: Sequence[Merged]
    hidden_rows: Sequence[int]
    hidden_columns: Container[int]

    def hides(self, row: int) -> bool:
        place = bisect_left(self.hidden_rows, row)
        return place < len(self.hidden_rows) and self.hidden_rows[place] == row


def sheet_marks(file: BinaryIO, sheet_path: str) -> SheetMarks:
    """Return what stands around the cells, some of it behind them: the part is gone through once, in pieces."""
    merged, rows, columns = list[Merged](), array("I"), set[int]()
    for window in _windows(file, sheet_path):
        for match in _MERGED.finditer(window):
            left, top, right, bottom = match.groups()
            merged.append(Merged(int(top), int(bottom), _place(left), _place(right)))
        if len(merged) > _MOST_MERGED:
            hint = "Take the merging off: each row needs its own values."
            raise unreadable("XLSX", f"it has more than {_MOST_MERGED} merged cells", hint)
        for match in _HIDDEN.finditer(window) if b"hidden=" in window else ():
            said = {name: int(number) for name, number in _NUMBER.findall(match[2])}
            if match[1] == b"row":
                rows.extend([said[b"r"]] if b"r" in said else [])
            else:
                columns |= set(range(said.get(b"min", 1) - 1, min(said.get(b"max", 0), _MOST_COLUMNS)))
    return SheetMarks(sorted(merged), rows, columns)


def _windows(file: BinaryIO, sheet_path: str) -> Iterator[bytes]:
    """Yield the sheet's text in pieces that no tag goes across."""
    file.seek(0)
    with zipfile.ZipFile(file) as archive, archive.open(sheet_path) as sheet:
        before = b""
        while piece := sheet.read(_PIECE):
            window = before + piece
            end = window.rfind(b">") + 1
            yield window[:end]
            before = window[end:][-_LONGEST_TAG:]


class MergedValues:
    """Fills merged cells: each of them means what stands in the first. Ask row by row, downwards."""

    def __init__(self, merged: Sequence[Merged]) -> None:
        self._tops = [one.top for one in merged]
        self._merged = merged
        self._begun = 0
        self._open: list[tuple[Merged, str, bool]] = []

    def fill(self, number: int, cells: list[str], formulas: set[int]) -> None:
        """Put values into the row's cells that are merged with a cell above or to the left.

        `formulas` are the places of cells that hold one; those that are merged with such a cell are added.
        """
        self._open = [entry for entry in self._open if entry[0].bottom >= number]
        upto = bisect_right(self._tops, number)
        for one in self._merged[self._begun : upto]:
            if one.bottom >= number and one.left < len(cells):
                value = cells[one.left] if one.top == number else ""
                self._open.append((one, value, one.top == number and one.left in formulas))
        self._begun = upto
        for one, value, is_formula in self._open:
            for place in range(one.left, min(one.right + 1, len(cells))):
                cells[place] = value
                if is_formula:
                    formulas.add(place)


def _place(letters: bytes) -> int:
    place = 0
    for letter in letters:
        place = place * 26 + letter - ord("A") + 1
    return place - 1
