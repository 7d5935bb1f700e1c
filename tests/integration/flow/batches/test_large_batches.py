"""A file of the largest size: worked through in reasonable time, in little memory, on a loop that stays free."""

import asyncio
import gc
import io
import time
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from sqlmodel import func, select

from tests.integration.flow.conftest import CALLER, World
from writeback.batches.files import open_file
from writeback.batches.layout import Format
from writeback.core.clock import SystemClock
from writeback.domain.lookups import ListName, Lookup
from writeback.flow.batches.batches import Batches
from writeback.flow.batches.runner import BatchRunner
from writeback.flow.batches.uploads import NewBatch
from writeback.store.schools import lists
from writeback.store.sql.database import Database
from writeback.store.tables import App, WritebackRow

_ROWS_PER_CPU_S = 1_700
"""100,000 in a minute of one core. Other processes may want it too, so the wall's clock would say little."""
_MEMORY = 60_000_000
_STALL_S = 3.0


@pytest.fixture
async def database(sqlite_url: str) -> AsyncIterator[Database]:
    """SQLite alone: the others run on both, and this one takes its time."""
    db = Database.open(sqlite_url)
    yield db
    await db.dispose()


def _lines(rows: int) -> Iterator[bytes]:
    """Yield marks of 500 pupils a day; every thousandth is of a pupil who is not there."""
    yield b"Pupil ID,Date,Session,Mark,Staff ID,Comment\n"
    for number in range(rows):
        day, pupil = divmod(number, 500)
        student = "X1" if number % 1_000 == 999 else f"A{pupil}"
        yield f"{student},{1 + day % 28:02}/{1 + day // 28:02}/2026,AM,N,E1,seen in the corridor\n".encode()


async def _fill(world: World) -> None:
    now = world.clock.now()
    pupils = {f"A{number}": {"id": f"A{number}"} for number in range(500)}
    world.provider.rows[ListName.STUDENTS] = pupils
    async with world.flow.db.write() as session:
        session.add(App(id=CALLER.app_id, name="Registers", created_at=now))
        await lists.save(session, "hillside", Lookup(ListName.STUDENTS, 2, now, pupils))
    await world.flow.lookups.view("hillside", fresh=True)


async def _longest_stall(done: asyncio.Event) -> float:
    """Return the longest time for which the loop served nobody else."""
    clock, longest = SystemClock(), 0.0
    while not done.is_set():
        before = clock.monotonic()
        await asyncio.sleep(0.01)
        longest = max(longest, clock.monotonic() - before - 0.01)
    return longest


@pytest.mark.slow
@pytest.mark.parametrize("rows", [20_000, pytest.param(100_000, marks=pytest.mark.long)])
async def test_100000_rows_would_take_less_than_a_minute_of_one_core_while_others_are_served(
    world: World, rows: int
) -> None:
    await _fill(world)
    batches, runner = Batches(world.flow), BatchRunner(world.flow, world.syncer, "worker")
    done = asyncio.Event()
    watching = asyncio.create_task(_longest_stall(done))
    began_at = time.process_time()

    upload = await batches.begin(CALLER, NewBatch("hillside", "attendance.session", "text/csv", "year.csv"))
    for line in _lines(rows):
        await upload.add(line)
    answer = await upload.finish()
    await runner.run(answer.batch_id)
    took_s = time.process_time() - began_at
    done.set()

    batch = await batches.get(CALLER, answer.batch_id)
    assert (batch.rows.read, batch.rows.good, batch.rows.bad) == (rows, rows - rows // 1_000, rows // 1_000)
    assert batch.rows.queued == batch.rows.good
    async with world.flow.db.read() as session:
        made = (await session.exec(select(func.count()).select_from(WritebackRow))).one()
    assert made == batch.writebacks.total == rows // 500  # days
    assert took_s < rows / _ROWS_PER_CPU_S
    assert await watching < _STALL_S


@pytest.mark.slow
async def test_a_file_is_worked_through_in_little_memory(world: World) -> None:
    """Six thousand rows under tracemalloc, which slows everything down: what they need does not grow with more."""
    await _fill(world)
    batches, runner = Batches(world.flow), BatchRunner(world.flow, world.syncer, "worker")
    upload = await batches.begin(CALLER, NewBatch("hillside", "attendance.session", "text/csv"))
    for line in _lines(6_000):
        await upload.add(line)
    answer = await upload.finish()

    peak = await _peak_of(runner.run(answer.batch_id))

    assert (await batches.get(CALLER, answer.batch_id)).rows.read == 6_000
    assert peak < 20_000_000


@pytest.mark.slow
@pytest.mark.parametrize("format_", [Format.CSV, Format.XLSX])
def test_reading_a_large_file_takes_no_more_memory_than_a_small_one(format_: Format, tmp_path: Path) -> None:
    small, large = (_peak_of_reading(tmp_path, format_, rows) for rows in (500, 3_000))

    assert large < small + 2_000_000
    assert large < _MEMORY


async def _peak_of(work: Any) -> int:
    gc.collect()
    tracemalloc.start()
    try:
        await work
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _peak_of_reading(folder: Path, format_: Format, rows: int) -> int:
    path = folder / f"{rows}.{format_.value}"
    path.write_bytes(_workbook(rows) if format_ is Format.XLSX else b"".join(_lines(rows)))
    gc.collect()
    tracemalloc.start()
    try:
        with path.open("rb") as file:
            found = open_file(file, format_, "attendance.session", max_unpacked=500_000_000)
            assert sum(1 for _ in found.rows) == rows
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _workbook(rows: int) -> bytes:
    book, content = Workbook(write_only=True), io.BytesIO()
    sheet: Any = book.create_sheet("Marks")
    for line in _lines(rows):
        sheet.append(line.decode().strip().split(","))
    book.save(content)
    return content.getvalue()
