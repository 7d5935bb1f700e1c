"""Files that are made to keep a worker busy: patterns that look for marks in them stay linear."""

import io
import time
import tracemalloc
from datetime import date
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from writeback.batches.books.workbooks import sheet_marks
from writeback.batches.cells import plain_text
from writeback.batches.days import BRITISH, NoDay, moment_of, readings_of
from writeback.batches.files import look_at
from writeback.batches.foreign_files import refuse_foreign
from writeback.batches.layout import Format

_PATIENCE_S = 5.0
"""Of one core; each of these takes milliseconds, and took minutes in a form that goes back and forth."""


def _spent(began_at: float) -> float:
    return time.process_time() - began_at


@pytest.mark.parametrize("head", ["<!---->" * 585, "<!--" * 1_000, "<?xml>" * 600 + "<", " <!-- -->" * 400 + "<x"])
def test_a_head_full_of_comments_is_soon_looked_through(head: str) -> None:
    began_at = time.process_time()

    refuse_foreign(io.BytesIO(head.encode()))

    assert _spent(began_at) < _PATIENCE_S


@pytest.mark.parametrize("tag", ["<row ", '<row hidden="0" ', "<x:col hidden=", '<mergeCell ref="A1:'])
def test_a_sheet_full_of_tags_that_never_end_is_soon_looked_through(tag: str) -> None:
    content = io.BytesIO()
    with ZipFile(content, "w", ZIP_DEFLATED) as archive:
        archive.writestr("sheet.xml", tag * 200_000 + 'hidden="2">')
    began_at = time.process_time()

    marks = sheet_marks(content, "sheet.xml")

    assert _spent(began_at) < _PATIENCE_S
    assert (list(marks.merged), list(marks.hidden_rows)) == ([], [])


@pytest.mark.parametrize("cell", ['="' + '""' * 500_000, "1/" * 500_000, "mon " * 250_000, "\u200b" * 1_000_000])
def test_a_huge_cell_is_soon_read_and_not_remembered(cell: str) -> None:
    began_at = time.process_time()
    tracemalloc.start()
    try:
        for number in range(5):
            text = plain_text(f"{cell}{number}")
            assert readings_of(text) == {}
            with pytest.raises(NoDay):
                moment_of(text or "x", BRITISH)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert _spent(began_at) < _PATIENCE_S
    assert kept < 5_000_000


@pytest.mark.parametrize("name", ["mon ", "1/", "am pm ", "23rd of november ", "a", "class: 7b "])
def test_huge_names_of_columns_and_titles_are_soon_looked_at(name: str) -> None:
    title, header = (
        ",".join([name * 5_000] * 20),
        ",".join([*(f"{name * 2_000}{place}" for place in range(150)), "UPN"]),
    )
    data = f"{title}\n{title}\n{header}\n{','.join(['/' * 500] * 151)}\n".encode()
    began_at = time.process_time()

    proposal = look_at(io.BytesIO(data), Format.CSV, "attendance.session", max_unpacked=1, today=date(2026, 11, 30))

    assert _spent(began_at) < _PATIENCE_S
    assert proposal is not None
    assert len(str(proposal.as_json())) < 1_000_000
