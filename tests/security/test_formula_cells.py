"""No cell of any file that we hand out is taken for a formula by a spreadsheet: some of it comes from strangers."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

import openpyxl
import pytest

from tests.security.test_key_kinds import World, world  # noqa: F401 - a fixture
from writeback.domain.lookups import ListName, Lookup
from writeback.flow.batches.runner import BatchRunner
from writeback.flow.schools.sync import Syncer
from writeback.store.schools import lists

_EVIL = ("=cmd|'/c calc'!A1", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", '=HYPERLINK("https://evil.example")')
_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def _file(rows: Sequence[Sequence[str]], delimiter: str = ",") -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue().encode()


def _csv_cells(content: bytes) -> Iterator[Any]:
    for row in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")):
        yield from row


def _xlsx_cells(content: bytes) -> Iterator[Any]:
    for sheet in openpyxl.load_workbook(io.BytesIO(content)).worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f", f"{cell.coordinate} is a formula"
                assert cell.hyperlink is None
                yield cell.value


def _check(cells: Iterator[Any]) -> int:
    """Return how many cells there are, once none of them begins as a formula does."""
    number = 0
    for cell in cells:
        assert not (isinstance(cell, str) and cell.startswith(_STARTS)), repr(cell)
        number += cell is not None
    return number


def _workbook(rows: Sequence[Sequence[str]]) -> bytes:
    book, content = openpyxl.Workbook(), io.BytesIO()
    for number, row in enumerate(rows, 1):
        for place, text in enumerate(row, 1):
            cell = book.active.cell(number, place, text.replace("\r", ""))
            cell.data_type = "s"  # as a text, which is no formula yet
    book.save(content)
    return content.getvalue()


async def _errors(world: World, content: bytes, media_type: str, format_: str) -> bytes:  # noqa: F811
    """Upload a file of bad rows, and return it as it comes back."""
    sent = await world.call(
        "POST",
        "/v1/schools/hillside/batches?kind=attendance.session",
        world.whole,
        content=content,
        headers={"Content-Type": media_type, "X-Filename": f"=evil.{format_}"},
    )
    assert sent.status_code == 202, sent.text
    flow = world.services.accept.flow
    await BatchRunner(flow, Syncer(flow), "worker").run(sent.json()["id"])
    answer = await world.call("GET", f"/v1/batches/{sent.json()['id']}/errors.{format_}", world.whole)
    assert answer.status_code == 200, answer.text
    return answer.content


_ROWS = [
    ["student_id", "date", "session", "code", "comment"],
    *([evil, "never", "AM", evil, evil] for evil in _EVIL),
]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
async def test_bad_rows_of_a_csv_come_back_without_a_formula(world: World, delimiter: str) -> None:  # noqa: F811
    content = await _errors(world, _file(_ROWS, delimiter), "text/csv", "csv")

    rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=delimiter)
    assert _check(cell for row in rows for cell in row) > 40


async def test_bad_rows_of_a_workbook_come_back_without_a_formula(world: World) -> None:  # noqa: F811
    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

    content = await _errors(world, _workbook(_ROWS), media_type, "xlsx")

    assert _check(_xlsx_cells(content)) > 40


async def test_a_template_says_no_formula_whatever_the_mis_calls_its_codes(world: World) -> None:  # noqa: F811
    codes = {
        str(number): {"id": str(number), "code": evil, "description": evil, "type": "PRESENT", "active": True}
        for number, evil in enumerate(_EVIL)
    }
    async with world.services.reads.db.write() as session:
        known = Lookup(ListName.ATTENDANCE_CODES, 2, world.services.clock.now(), codes)
        await lists.save(session, "hillside", known)

    for format_ in ("csv", "xlsx"):
        path = f"/v1/schools/hillside/templates/attendance.session.{format_}"
        answer = await world.call("GET", path, world.whole)
        assert answer.status_code == 200, answer.text
        cells = _csv_cells(answer.content) if format_ == "csv" else _xlsx_cells(answer.content)
        assert _check(cells) > 5
