"""A file of any format, opened: recognised by its content, and by its name or media type where that leaves a choice."""

from typing import BinaryIO

from writeback.batches.csv_files import open_csv
from writeback.batches.foreign_files import OLD_WORKBOOK, refuse_foreign
from writeback.batches.layout import NOTHING_STATED, Format, Stated
from writeback.batches.ndjson_files import open_ndjson
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
    said = _BY_MEDIA_TYPE.get(media_type) or _BY_ENDING.get(name.rpartition(".")[2].lower())
    if said is not None:
        return said
    return Format.NDJSON if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") else Format.CSV


def open_file(
    file: BinaryIO, format_: Format, kind: str | None, *, max_unpacked: int, stated: Stated = NOTHING_STATED
) -> OpenFile:
    """Return the file's layout and rows; raise FileRefused, here or while the rows are read."""
    refuse_foreign(file)
    match format_:
        case Format.CSV:
            return open_csv(file, kind, stated)
        case Format.NDJSON:
            return open_ndjson(file, kind, stated)
        case Format.XLSX:
            # openpyxl is loaded when there is a workbook: every process would wait for it at its start.
            from writeback.batches.xlsx_files import open_xlsx

            return open_xlsx(file, kind, stated, max_unpacked=max_unpacked)
