"""The bad rows of a batch as the same file: its columns, their order, and what is wrong with each row."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Sequence
from typing import BinaryIO, cast

from writeback.batches.csv_files import CsvErrors
from writeback.batches.files import MEDIA_TYPES
from writeback.batches.layout import Format, Layout
from writeback.batches.ndjson_files import error_line
from writeback.batches.records import as_sent_back
from writeback.core.errors import Conflict, NotFound
from writeback.domain.finding import Severity
from writeback.flow.engine.context import FlowContext
from writeback.store.batches import batch_reads
from writeback.store.batches.batches import CHECKED, BatchStatus
from writeback.store.tables import BatchLine, BatchRow

_AT_ONCE = 500
_PIECE = 1 << 16
_IN_MEMORY = 2_000_000


def error_file(flow: FlowContext, batch: BatchRow, format_: Format) -> AsyncIterator[bytes]:
    """Return the pieces of the file; raise NotFound or Conflict before the first of them."""
    _check(batch, format_)
    layout = Layout.of_json(batch.layout)
    assert layout is not None  # it has been checked
    pages = _pages(flow, batch.id)
    match format_:
        case Format.CSV:
            return _csv(layout, pages)
        case Format.NDJSON:
            return _ndjson(pages)
        case Format.XLSX:
            return _xlsx(layout, pages)


def file_name_of(batch: BatchRow, format_: Format) -> str:
    """Return what the file is called: the upload's name, with `.errors` before its ending."""
    stem = batch.file_name.rpartition(".")[0] or batch.file_name or batch.id
    return f"{stem}.errors.{format_.value}"


def media_type_of(format_: Format) -> str:
    media_type = MEDIA_TYPES[format_]
    return f"{media_type}; charset=utf-8" if format_ is not Format.XLSX else media_type


def _check(batch: BatchRow, format_: Format) -> None:
    fitting = {Format(batch.format), Format.CSV} if batch.format != Format.NDJSON else {Format.NDJSON}
    if format_ not in fitting:
        names = " or ".join(sorted(f"errors.{one.value}" for one in fitting))
        raise NotFound(
            "errors_other_format",
            f"the upload was {batch.format}: there is no errors.{format_.value}",
            hint=f"Get {names}.",
        )
    if batch.forgotten_at is not None:
        raise NotFound(
            "errors_forgotten", "the rows of this batch were deleted after their time", hint="Upload the file again."
        )
    if batch.status == BatchStatus.REFUSED:
        raise Conflict(
            "batch_refused", "the file was refused as a whole, so there is no list of rows", hint="See its findings."
        )
    if batch.status == BatchStatus.CANCELLED:
        raise Conflict(
            "batch_cancelled", "the batch was cancelled: its rows are deleted", hint="Upload the file again."
        )
    if batch.status not in CHECKED or not Layout.of_json(batch.layout):
        raise Conflict(
            "batch_not_checked",
            f"the batch is still {batch.status}",
            hint="Ask again when its status is past checking.",
        )


async def _pages(flow: FlowContext, batch_id: str) -> AsyncIterator[Sequence[BatchLine]]:
    after = 0
    while True:
        async with flow.db.read() as session:
            lines = await batch_reads.bad_lines(session, batch_id, after=after, limit=_AT_ONCE)
        if not lines:
            return
        yield lines
        after = lines[-1].number


async def _csv(layout: Layout, pages: AsyncIterator[Sequence[BatchLine]]) -> AsyncIterator[bytes]:
    errors = CsvErrors(layout)
    yield errors.head()
    async for lines in pages:
        yield b"".join(
            errors.row(as_sent_back(json.loads(line.cells), layout), *_problem_cells(line)) for line in lines
        )


async def _ndjson(pages: AsyncIterator[Sequence[BatchLine]]) -> AsyncIterator[bytes]:
    async for lines in pages:
        yield b"".join(error_line(json.loads(line.cells)[0], *_problem_cells(line)) for line in lines)


async def _xlsx(layout: Layout, pages: AsyncIterator[Sequence[BatchLine]]) -> AsyncIterator[bytes]:
    from writeback.batches.books.xlsx_files import XlsxErrors  # with openpyxl, which few processes need

    errors = XlsxErrors(layout)
    async for lines in pages:
        for line in lines:
            errors.row(as_sent_back(json.loads(line.cells), layout), *_problem_cells(line))
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        await asyncio.to_thread(errors.save, cast(BinaryIO, file))
        file.seek(0)
        while piece := file.read(_PIECE):
            yield piece


def _problem_cells(line: BatchLine) -> tuple[str, str]:
    """Return what is wrong with a row, and what to do about it."""
    found = json.loads(line.findings) if line.findings else []
    errors = [one for one in found if one["severity"] == Severity.ERROR] or found
    problems = dict.fromkeys(one["message"].rstrip(".") for one in errors)
    hints = dict.fromkeys(one["hint"].rstrip() for one in errors)
    return ". ".join(problems), " ".join(hint for hint in hints if hint)
