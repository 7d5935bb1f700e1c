"""Writebacks as people read them: rows and their JSON texts put together. `writebacks_read.py` makes these."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from writeback.domain.kept import Kept
from writeback.domain.states import Status
from writeback.domain.writeback import RecordProgress, RecordStatus, unpack_progress
from writeback.store.tables import AttemptRow, BreakerRow, CorrectionRow, EventRow, RequestRow, WritebackRow
from writeback_client.models.writebacks import (
    Attempt,
    Comparison,
    Correction,
    ProviderRequest,
    Record,
    TimelineEntry,
    Writeback,
    WritebackSummary,
)

_BATCH_PRIORITY = 10


def raw_records(row: WritebackRow) -> list[dict[str, Any] | None]:
    """Return the records as they were accepted, as JSON objects; None in the place of one that never was."""
    records: list[dict[str, Any] | None] = json.loads(row.records)
    return records


def view_of(row: WritebackRow, records: int, breaker: BreakerRow | None) -> WritebackSummary:
    """Return the row as a list shows it; `records` is how many it has, `breaker` the school's own where it is open."""
    return WritebackSummary(**_common(row, unpack_progress(row.progress, records), breaker))


def detail_of(
    row: WritebackRow,
    breaker: BreakerRow | None,
    events: Iterable[EventRow],
    requests: Iterable[RequestRow],
    attempts: Iterable[AttemptRow],
    mendings: Iterable[CorrectionRow] = (),
    kept_answers: Collection[str] = (),
) -> Writeback:
    """Return the writeback with all that belongs to it."""
    records = raw_records(row)
    progress = unpack_progress(row.progress, len(records))
    tries = list(attempts)
    return Writeback(
        **_common(row, progress, breaker),
        records=[_record(index, *pair) for index, pair in enumerate(zip(records, progress, strict=True))],
        timeline=[_event(event) for event in events],
        requests=[
            _request(
                row.id,
                request,
                [one for one in tries if one.request_id == request.id],
                answer_kept=request.id in kept_answers,
            )
            for request in requests
        ],
        mendings=[_correction(correction) for correction in mendings],
    )


def _common(row: WritebackRow, progress: Sequence[RecordProgress], breaker: BreakerRow | None) -> dict[str, Any]:
    counts = Counter(entry.status for entry in progress)
    return {
        "id": row.id,
        "school": row.school_id,
        "kind": row.kind,
        "status": row.status,
        "ref": row.ref,
        "app": row.app_id,
        "priority": "batch" if row.priority >= _BATCH_PRIORITY else "interactive",
        "attempts": row.attempts,
        "next_attempt_at": row.next_attempt_at,
        "hold_reason": row.hold_reason,
        "left_alone": breaker.reason if breaker and row.status == Status.QUEUED else None,
        "evidence": row.evidence,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "expires_at": row.expires_at,
        "batch_id": row.batch_id,
        "texts_forgotten": row.kept >= Kept.TEXTS_GONE,
        "forgotten_at": row.forgotten_at,
        "counts": {status.value: counts[status] for status in RecordStatus if counts[status]},
    }


def _record(index: int, record: Mapping[str, Any] | None, progress: RecordProgress) -> Record:
    return Record(
        index=index,
        ref=record.get("ref") if record else None,
        status=progress.status,
        record=record,
        erased=progress.erased,
        findings=progress.findings,
        evidence=progress.evidence,
        mis_ids=progress.mis_ids,
        comparison=_comparison(record, progress),
    )


def _comparison(record: Mapping[str, Any] | None, progress: RecordProgress) -> Comparison | None:
    if progress.status is not RecordStatus.NEEDS_ATTENTION:
        return None
    return Comparison(ours=(record or {}).get("code"), in_mis=progress.mis_holds, near=progress.near)


def _correction(row: CorrectionRow) -> Correction:
    return Correction(
        id=row.id, at=row.at, actor=row.actor, action=row.action, reason=row.reason, records=json.loads(row.records)
    )


def _event(row: EventRow) -> TimelineEntry:
    return TimelineEntry(id=row.id, at=row.at, actor=row.actor, event=row.event, status=row.status, detail=row.detail)


def _request(
    writeback_id: str, row: RequestRow, attempts: Sequence[AttemptRow], *, answer_kept: bool
) -> ProviderRequest:
    members = {str(member): indexes for member, indexes in row.members}
    return ProviderRequest(
        id=row.id,
        state=row.state,
        provider=row.provider,
        provider_ref=row.provider_ref,
        records=members[writeback_id],
        created_at=row.created_at,
        sent_at=row.sent_at,
        settled_at=row.settled_at,
        result=row.result,
        evidence=row.evidence,
        attempts=[_attempt(one) for one in attempts],
        answer_kept=answer_kept,
    )


def _attempt(row: AttemptRow) -> Attempt:
    return Attempt(
        number=row.number,
        started_at=row.started_at,
        finished_at=row.finished_at,
        outcome=row.outcome,
        detail=row.detail,
    )
