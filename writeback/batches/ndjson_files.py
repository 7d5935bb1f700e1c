"""NDJSON: one record on each line, as the API takes it; the way for kinds that do not fit into columns."""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from pydantic_core import from_json

from writeback.batches.columns import KIND, OURS, PROBLEM, WHAT_TO_DO
from writeback.batches.encodings import Encoding, encoding_of, text_of
from writeback.batches.findings import refuse, unreadable
from writeback.batches.layout import Format, Layout, Row, Stated, checked_kind
from writeback.batches.whole_file_findings import OpenFile
from writeback.core.json_values import MOST_VALUES, values_in

LONGEST_LINE = 2_000_000
"""Characters: no more than the API takes in one submission."""


def open_ndjson(file: BinaryIO, kind: str | None, stated: Stated) -> OpenFile:
    """Return the lines of an NDJSON file; raise FileRefused."""
    encoding = encoding_of(file, stated.encoding)
    rows = _rows(file, encoding)
    first = next(rows, None)
    if first is None:
        raise refuse("file_empty")
    layout = Layout(
        Format.NDJSON,
        kind or _kind_of(first.cells[0]),
        encoding=encoding.name,
        has_mark=encoding.mark > 0,
        is_guessed=encoding.is_guessed,
        stated=stated,
    )
    return OpenFile(layout, _with(first, rows))


def read_line(line: str) -> tuple[dict[str, Any], str | None]:
    """Return the record of a line without what we have added to it, and its `kind`; raise ValueError."""
    if len(line) > MOST_VALUES and values_in(line) > MOST_VALUES:
        raise ValueError(f"it has more than {MOST_VALUES} commas and opening brackets")
    content = from_json(line, allow_inf_nan=False)
    if not isinstance(content, dict):
        raise ValueError("it is another sort of JSON")
    kind = content.pop(KIND, None)
    return {name: value for name, value in content.items() if name not in OURS}, kind if kind is None else str(kind)


def error_line(line: str, problem: str, what_to_do: str) -> bytes:
    """Return the line with what is wrong and what to do; one that is no object is put into one."""
    try:
        content = json.loads(line)
    except ValueError:
        content = {"line": line}
    content_out = {
        **(content if isinstance(content, dict) else {"line": content}),
        PROBLEM: problem,
        WHAT_TO_DO: what_to_do,
    }
    return json.dumps(content_out, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def _with(first: Row, rows: Iterator[Row]) -> Iterator[Row]:
    yield first
    yield from rows


def _rows(file: BinaryIO, encoding: Encoding) -> Iterator[Row]:
    text = text_of(file, encoding)
    number = 0
    try:
        while line := text.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                hint = f"Put each record on a line of its own, of at most {LONGEST_LINE} characters."
                raise unreadable("NDJSON", f"line {number} is too long", hint)
            if line.strip():
                yield Row(number, [line.strip()])
    finally:
        text.close()


def _kind_of(line: str) -> str:
    try:
        return checked_kind(read_line(line)[1] or "")
    except ValueError as error:
        hint = "Put one record, as the API takes it, on each line."
        raise unreadable("NDJSON", f"its first line is no JSON object: {error}", hint) from None
