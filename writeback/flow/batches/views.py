"""A batch as people see it: what its file is, how far its rows are, and how far its writebacks."""

import json
from collections.abc import Collection, Mapping, Sequence

from writeback.batches.columns import letters
from writeback.batches.layout import Layout
from writeback.domain.lookups import ListName
from writeback.domain.states import NOT_LEFT, WENT_WRONG, WITH_PROVIDER, Status
from writeback.flow.batches.readings import columns_of_rows, reading_of
from writeback.store.batches.batches import CHECKED, BatchStatus
from writeback.store.batches.reviews import KeptLine
from writeback.store.tables import BatchPersonRow, BatchReviewRow, BatchRow
from writeback_client.models.batches import Batch, RowCounts, RowProblem, WritebackCounts
from writeback_client.models.reviews import Candidate, PeopleCount, Review, ReviewPerson, ReviewRow

DELIVERING = "delivering"
"""Shown in place of `done` while writebacks of the batch are not final."""
_WAITING = (*NOT_LEFT, *WITH_PROVIDER)


def view_of(row: BatchRow, counts: Mapping[str, int], review: BatchReviewRow | None = None) -> Batch:
    """Return the batch; `counts` are its writebacks by status, `review` is there while somebody may look at it."""
    writebacks = _writebacks(counts)
    is_delivering = row.status == BatchStatus.DONE and writebacks.waiting + writebacks.needs_attention > 0
    is_in_review = row.status == BatchStatus.REVIEWING and review is not None
    layout = Layout.of_json(row.layout)
    has_errors = row.status in CHECKED and row.rows_bad > 0 and row.forgotten_at is None
    return Batch(
        id=row.id,
        status=DELIVERING if is_delivering else row.status,
        app=row.app_id,
        school=row.school_id,
        kind=row.kind,
        dry_run=row.dry_run,
        review=row.review,
        file_name=row.file_name,
        size=row.size,
        format=row.format,
        file=layout.shown() if layout is not None else {},
        rows=_rows(row, is_in_review=is_in_review),
        writebacks=writebacks,
        problems=[
            RowProblem(code=code, **{**entry, "row": layout.row_in_file(entry["row"]) if layout else entry["row"]})
            for code, entry in row.problems.items()
        ],
        findings=row.findings,
        errors=f"/v1/batches/{row.id}/errors.{row.format}" if has_errors else None,
        version=row.fence if is_in_review else None,
        review_until=review.until if is_in_review and review is not None else None,
        created_at=row.created_at,
        updated_at=row.updated_at,
        finished_at=row.finished_at,
    )


def _rows(row: BatchRow, *, is_in_review: bool) -> RowCounts:
    left_out = row.rows_read - row.rows_good - row.rows_bad if is_in_review else 0
    return RowCounts(
        read=row.rows_read, good=row.rows_good, bad=row.rows_bad, left_out=left_out, queued=row.rows_queued
    )


def _writebacks(counts: Mapping[str, int]) -> WritebackCounts:
    def of(statuses: Collection[Status]) -> int:
        return sum(number for status, number in counts.items() if status in statuses)

    return WritebackCounts(
        total=sum(counts.values()),
        waiting=of(_WAITING),
        confirmed=counts.get(Status.CONFIRMED, 0),
        failed=of(WENT_WRONG),
        needs_attention=counts.get(Status.NEEDS_ATTENTION, 0),
        by_status=dict(counts),
    )


def review_view(batch: BatchRow, review: BatchReviewRow, people: Sequence[tuple[str, str, bool, int]]) -> Review:
    """Return how a batch in review was understood; `people`: list, outcome, whether chosen, how many."""
    layout = Layout.of_json(batch.layout)
    return Review(
        batch=batch.id,
        version=batch.fence,
        until=review.until,
        is_read=layout is not None,
        header_row=layout.header_row if layout is not None else None,
        columns=columns_of_rows(layout) if layout is not None else (),
        reading=reading_of(batch, review),
        students=_people(people, ListName.STUDENTS),
        employees=_people(people, ListName.EMPLOYEES),
        **review.counts,
    )


def _people(counted: Sequence[tuple[str, str, bool, int]], list_name: ListName) -> PeopleCount:
    """Return how many people of one list are named."""
    numbers: dict[str, int] = {}
    for of, match, is_chosen, number in counted:
        name = "chosen" if is_chosen else match
        numbers[name] = numbers.get(name, 0) + (number if of == list_name.value else 0)
    return PeopleCount(**numbers)


def person_view(row: BatchPersonRow, candidates: Sequence[Candidate]) -> ReviewPerson:
    """Return somebody whom rows name."""
    return ReviewPerson(
        key=row.key,
        list=row.list_name,
        reference=json.loads(row.reference),
        match=row.match,
        person_id=row.person_id or None,
        chosen_by=row.chosen_by,
        rows=row.rows,
        row=row.first_row,
        candidates=tuple(candidates),
    )


def row_views(lines: Sequence[KeptLine], batch: BatchRow) -> tuple[ReviewRow, ...]:
    """Return rows as they are now."""
    layout = Layout.of_json(batch.layout)
    return tuple(_row(line, layout) for line in lines)


def _row(line: KeptLine, layout: Layout | None) -> ReviewRow:
    mended = json.loads(line.mended) if line.mended else None
    return ReviewRow(
        number=line.number,
        shown=layout.row_name(line.number) if layout is not None else str(line.number),
        record_row=line.unit,
        state=line.state,
        cells=tuple(json.loads(line.cells)) if line.cells else (),
        before={letters(int(place)): text for place, text in mended["cells"].items()} if mended else {},
        mended_by=mended["by"] if mended else None,
        record=json.loads(line.record) if line.record else None,
        findings=json.loads(line.findings) if line.findings else (),
        people=tuple(line.people.split()),
    )
