"""A batch as people see it: what its file is, how far its rows are, and how far its writebacks."""

from collections.abc import Collection, Mapping

from writeback.batches.layout import Layout
from writeback.domain.states import NOT_LEFT, WENT_WRONG, WITH_PROVIDER, Status
from writeback.store.batches.batches import CHECKED, BatchStatus
from writeback.store.tables import BatchReviewRow, BatchRow
from writeback_client.models.batches import Batch, RowCounts, RowProblem, WritebackCounts

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
        problems=[RowProblem(code=code, **entry) for code, entry in row.problems.items()],
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
