"""A file of any format, opened: recognised by its content, and by its name or media type where that leaves a choice."""

from datetime import date as Date
from typing import BinaryIO

from writeback.batches.csv_files import csv_table
from writeback.batches.foreign_files import OLD_WORKBOOK, refuse_foreign
from writeback.batches.layout import NOTHING_STATED, Format, Stated
from writeback.batches.mapping.mapping import Mapping
from writeback.batches.mapping.proposal import Proposal
from writeback.batches.ndjson_files import open_ndjson
from writeback.batches.tables import Table
from writeback.batches.whole_file_findings import OpenFile

MEDIA_TYPES = {
    Format.CSV: "text/csv",
    Format.NDJSON: "application/x-ndjson",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_BY_MEDIA_TYPE = {
    **{media_type: format_ for format_, media_type in MEDIA_TYPES.items()},
    "text/plain": Format.CSV,
    "text/tab-separated-values": Format.CSV,
    "application/csv": Format.CSV,
    "application/vnd.ms-excel": None,  # browsers on Windows say so of CSV files as well
    "application/octet-stream": None,
    "application/ndjson": Format.NDJSON,
    "application/jsonl": Format.NDJSON,
    "application/json-lines": Format.NDJSON,
    "application/x-jsonlines": Format.NDJSON,
    "": None,
}
_BY_ENDING = {
    "csv": Format.CSV,
    "tsv": Format.CSV,
    "txt": Format.CSV,
    "ndjson": Format.NDJSON,
    "jsonl": Format.NDJSON,
    "xlsx": Format.XLSX,
}
_ZIP = b"PK\x03\x04"


def is_known_media_type(media_type: str) -> bool:
    """Whether files of this type are taken."""
    return media_type in _BY_MEDIA_TYPE


def format_of(head: bytes, *, media_type: str = "", name: str = "") -> Format:
    """Return the format of a file whose first bytes are `head`."""
    if head.startswith((_ZIP, OLD_WORKBOOK)):
        return Format.XLSX
    said = _BY_MEDIA_TYPE.get(media_type)
    if said is Format.XLSX:  # it is none; generated clients name the first type that the API takes, whatever they send
        said = None
    said = said or _BY_ENDING.get(name.rpartition(".")[2].lower())
    if said is not None:
        return said
    return Format.NDJSON if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") else Format.CSV


def look_at(
    file: BinaryIO,
    format_: Format,
    kind: str | None,
    *,
    max_unpacked: int,
    today: Date,
    stated: Stated = NOTHING_STATED,
) -> Proposal | None:
    """Return what the columns of a file seem to be, None where it has none (NDJSON); raise FileRefused."""
    if format_ is Format.NDJSON:
        return None
    return open_table(file, format_, kind, max_unpacked=max_unpacked, today=today, stated=stated).proposal


def open_file(
    file: BinaryIO,
    format_: Format,
    kind: str | None,
    *,
    max_unpacked: int,
    today: Date | None = None,
    stated: Stated = NOTHING_STATED,
    mapping: Mapping | None = None,
) -> OpenFile:
    """Return the file's layout and rows; raise FileRefused, here or while the rows are read.

    `mapping` is what a person has said of its columns; without it they must leave no doubt. `today` is the school's
    day: without it, a column name that is a day without a year says nothing.
    """
    if format_ is Format.NDJSON:
        refuse_foreign(file)
        return open_ndjson(file, kind, stated)
    return open_table(file, format_, kind, max_unpacked=max_unpacked, today=today, stated=stated).open(mapping)


def open_table(
    file: BinaryIO,
    format_: Format,
    kind: str | None,
    *,
    max_unpacked: int,
    today: Date | None = None,
    stated: Stated = NOTHING_STATED,
) -> Table:
    """Return the table in a file that has columns, as `open_file`; what they are can be said before it is opened."""
    refuse_foreign(file)
    if format_ is Format.CSV:
        return csv_table(file, kind, stated, today)
    # openpyxl is loaded when there is a workbook: every process would wait for it at its start.
    from writeback.batches.books.xlsx_files import xlsx_table

    return xlsx_table(file, kind, stated, today, max_unpacked=max_unpacked)
