"""Reading: the first step. The file, put together from its chunks, becomes rows in SQL; then its bytes are deleted,
unless somebody is to look at it, who may want it to be read in another way.

What if the process dies? The next turn reads the file from its beginning and passes over the rows that are there.
"""

import asyncio
import json
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, BinaryIO, cast

from sqlmodel import Session

from validators import validate
from writeback.batches.columns import is_grouped
from writeback.batches.files import open_file, open_table
from writeback.batches.findings import FileRefused, refuse
from writeback.batches.layout import Format, Layout, Row, Stated
from writeback.batches.records import incident_of
from writeback.batches.whole_file_findings import OpenFile
from writeback.domain.kinds import KINDS
from writeback.flow.batches.lease import Turn
from writeback.flow.batches.mappings import Confirmed, remembered_for
from writeback.store.batches import batches, mappings, reviews
from writeback.store.batches.batches import BatchStatus, LineState
from writeback.store.tables import BatchRow

_ROWS, _CHARACTERS = 1_000, 1_000_000
"""Most of one transaction."""
_IN_MEMORY = 2_000_000
"""Larger files wait on the disk, in a file without a name."""


async def read_file(turn: Turn) -> None:
    """Keep every row of the file; raise FileRefused where it is of no use as a whole."""
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as spooled:
        file = cast(BinaryIO, spooled)
        await _fetch(turn, file)
        if turn.batch.review and not turn.batch.cursor:
            await _drop_lines(turn)  # they were read in another way
        opened, confirmed = await _open(turn, file)
        await _check_kind(turn, opened.layout)
        if Layout.of_json(turn.batch.layout) is None:
            await _keep_layout(turn, opened.layout, confirmed)
        await _Reading(turn, opened).run()


async def _drop_lines(turn: Turn) -> None:
    while await turn.commit(partial(batches.drop_lines, batch_id=turn.batch.id)):
        pass


async def _fetch(turn: Turn, file: BinaryIO) -> None:
    number = 0
    while (data := await turn.read(partial(batches.chunk, batch_id=turn.batch.id, number=number))) is not None:
        await asyncio.to_thread(file.write, data)
        number += 1


async def _open(turn: Turn, file: BinaryIO) -> tuple[OpenFile, Confirmed | None]:
    """Return the file as its columns say themselves, or as somebody has confirmed that they are read."""
    batch, flow = turn.batch, turn.flow
    school = await flow.registry.school(batch.school_id)
    about: dict[str, Any] = {
        "max_unpacked": flow.settings.batches.max_unpacked_bytes,
        "today": school.today(batch.created_at),  # whoever goes on after a crash, tomorrow, reads the same
        "stated": Stated.of_json(batch.layout),
    }
    if batch.format == Format.NDJSON:
        return await asyncio.to_thread(partial(open_file, file, Format.NDJSON, batch.kind, **about)), None
    table = await asyncio.to_thread(partial(open_table, file, Format(batch.format), batch.kind, **about))
    proposal, confirmed = table.proposal, Confirmed.of_json(batch.mapping)
    if batch.review:
        await turn.commit(partial(reviews.change, batch_id=batch.id, understood=json.dumps(proposal.as_json())))
    if confirmed is None and Layout.of_json(batch.layout) is None:
        confirmed = await turn.read(partial(remembered_for, batch=batch, proposal=proposal))
    return await asyncio.to_thread(table.open, confirmed.mapping if confirmed is not None else None), confirmed


async def _keep_layout(turn: Turn, layout: Layout, confirmed: Confirmed | None) -> None:
    """Write down how the file is read."""
    warnings = [*turn.batch.findings, *layout.warnings]
    saved_id = confirmed.saved_id if confirmed is not None else None
    if confirmed is not None and saved_id is not None:
        warnings.append(confirmed.finding.as_json())
    now = turn.flow.clock.now()
    await turn.commit(
        partial(mappings.note_use, mapping_id=saved_id or "", now=now),
        layout=layout.as_json(),
        kind=layout.kind,
        findings=warnings,
        mapping=confirmed.as_json() if confirmed is not None else "",
    )


async def _check_kind(turn: Turn, layout: Layout) -> None:
    """Raise FileRefused where the school takes nothing of this kind, or the key that uploaded it may not send it."""
    allowed = turn.batch.kinds
    if allowed is not None and layout.kind not in allowed:
        raise refuse("kind_not_allowed", kind=layout.kind, known=", ".join(allowed))
    school = await turn.flow.registry.school(turn.batch.school_id)
    view = await turn.flow.lookups.view(turn.batch.school_id)
    errors = [one for one in validate(KINDS[layout.kind], (), school, view) if one.is_error]
    if errors:
        raise FileRefused(errors)


def unread(batch: BatchRow) -> dict[str, Any]:
    """Return the changes after which nothing of a batch's file has been read."""
    nothing: dict[str, Any] = dict.fromkeys(("cursor", "failures", "rows_read", "rows_good", "rows_bad"), 0)
    return {**nothing, "layout": Stated.of_json(batch.layout).as_json(), "problems": {}, "refreshed": []}


class _Reading:
    """Goes through the rows of an open file."""

    def __init__(self, turn: Turn, opened: OpenFile) -> None:
        self._turn, self._opened, self._layout = turn, opened, opened.layout
        self._rows = opened.rows
        self._incidents: dict[str, int] = {}
        """The first row of each incident."""

    async def run(self) -> None:
        batch = self._turn.batch
        await self._remember_incidents()
        await asyncio.to_thread(self._skip, batch.cursor)
        while piece := await asyncio.to_thread(self._piece):
            await self._keep(piece)
        if not batch.rows_read:
            raise refuse("file_empty")
        await self._settle()

    async def _settle(self) -> None:
        """Write down what all rows together say of the file, and go on to checking them; raise FileRefused."""
        batch, flow = self._turn.batch, self._turn.flow
        school = await flow.registry.school(batch.school_id)
        layout, warnings = self._opened.settle(school.today(flow.clock.now()))
        await self._turn.commit(
            None if batch.review else partial(batches.drop_chunks, batch_id=batch.id),
            layout=layout.as_json(),
            findings=[*batch.findings, *(one.as_json() for one in warnings)],
            status=BatchStatus.CHECKING,
            cursor=0,
            failures=0,
        )

    async def _keep(self, piece: Sequence[Row]) -> None:
        batch = self._turn.batch
        rows_read = batch.rows_read + len(piece)
        limit = self._turn.flow.settings.batches.max_rows
        if rows_read > limit:
            raise refuse("file_too_many_rows", limit=limit)
        lines = await asyncio.to_thread(self._lines, piece)

        def keep(session: Session) -> None:
            batches.add_lines(session, lines)

        await self._turn.commit(keep, rows_read=rows_read, cursor=piece[-1].number)

    def _lines(self, piece: Sequence[Row]) -> list[dict[str, Any]]:
        return [self._line(row) for row in piece]

    def _line(self, row: Row) -> dict[str, Any]:
        cells = json.dumps(list(row.cells))
        found = json.dumps([one.as_json() for one in row.findings]) if row.findings else ""
        return {
            "batch_id": self._turn.batch.id,
            "number": row.number,
            "unit": self._unit_of(row.number, row.cells),
            "state": LineState.NEW,
            "part": 0,
            "size": len(cells),
            "cells": cells,
            "record": "",
            "findings": found,
            "same": "",
            "group_key": "",
        }

    def _unit_of(self, number: int, cells: Sequence[str]) -> int:
        incident = incident_of(cells, self._layout)
        return self._incidents.setdefault(incident, number) if incident else number

    async def _remember_incidents(self) -> None:
        """Learn again, after a crash, which incidents the rows that are there have."""
        batch = self._turn.batch
        after = 0
        while is_grouped(self._layout.kind) and after < batch.cursor:
            rows = await self._turn.read(
                partial(batches.cells_upto, batch_id=batch.id, after=after, upto=batch.cursor, limit=_ROWS)
            )
            for number, cells in rows:
                self._unit_of(number, json.loads(cells))
            after = rows[-1][0] if rows else batch.cursor

    def _skip(self, upto: int) -> None:
        """Pass over the rows that have been kept."""
        if not upto:
            return
        for row in self._rows:
            if row.number > upto:
                self._rows = _after(row, self._rows)
                return

    def _piece(self) -> list[Row]:
        """Return the next rows, at least one while there are any."""
        piece: list[Row] = []
        size = 0
        for row in islice(self._rows, _ROWS):
            piece.append(row)
            size += sum(map(len, row.cells))
            if size >= _CHARACTERS:
                break
        return piece


def _after(row: Row, rows: Iterator[Row]) -> Iterator[Row]:
    yield row
    yield from rows
