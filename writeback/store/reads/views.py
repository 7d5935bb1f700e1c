"""Writebacks as people read them: rows and their JSON texts put together. `reads.py` makes these."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from writeback.domain.states import Status
from writeback.domain.writeback import RecordProgress, RecordStatus, unpack_progress
from writeback.store.tables import AttemptRow, BreakerRow, EventRow, MendingRow, RequestRow, WritebackRow

_BATCH_PRIORITY = 10


@dataclass(frozen=True)
class WritebackView:
    """One writeback in a list. `counts`: records by status."""

    id: str
    school: str
    kind: str
    status: str
    ref: str | None
    app: str
    priority: str
    attempts: int
    next_attempt_at: datetime | None
    hold_reason: str | None
    left_alone: str | None
    evidence: str | None
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None
    batch_id: str | None
    counts: Mapping[str, int]


@dataclass(frozen=True)
class Comparison:
    """What a record says and what the MIS holds, for the person who is to decide."""

    ours: str | None
    """The mark's code; None for what has none."""
    in_mis: str | None
    """None: nobody could read it."""
    near: Sequence[Mapping[str, Any]] = ()
    """What is nearly the record in the MIS, field by field (`domain/likeness.py`)."""


@dataclass(frozen=True)
class RecordView:
    """One record: as accepted (None where it never was), and how far it is."""

    index: int
    ref: str | None
    status: str
    record: Mapping[str, Any] | None
    findings: Sequence[Mapping[str, Any]]
    evidence: str | None
    mis_ids: Sequence[str]
    comparison: Comparison | None = None
    """Only while it needs attention."""


@dataclass(frozen=True)
class MendedRecord:
    """One record that a person did something to; `before` and `after` are what it says, where that was edited."""

    index: int
    status_before: str
    status_after: str
    findings_before: Sequence[Mapping[str, Any]]
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


@dataclass(frozen=True)
class MendingView:
    """One thing that a person did to the writeback."""

    id: int
    at: datetime
    actor: str
    action: str
    reason: str
    records: Sequence[MendedRecord]


@dataclass(frozen=True)
class EventView:
    """One change of a writeback."""

    id: int
    at: datetime
    actor: str
    event: str
    status: str
    detail: str | None


@dataclass(frozen=True)
class AttemptView:
    """One try of a request."""

    number: int
    started_at: datetime
    finished_at: datetime | None
    outcome: str | None
    detail: str | None


@dataclass(frozen=True)
class RequestView:
    """One request that carried records of the writeback: `records` are their indexes."""

    id: str
    state: str
    provider: str
    provider_ref: str | None
    records: Sequence[int]
    created_at: datetime
    sent_at: datetime | None
    settled_at: datetime | None
    result: str | None
    evidence: str | None
    attempts: Sequence[AttemptView]
    answer_kept: bool = False
    """Whether what the provider last answered is kept."""


@dataclass(frozen=True)
class WritebackDetail(WritebackView):
    """One writeback, whole."""

    records: Sequence[RecordView]
    timeline: Sequence[EventView]
    requests: Sequence[RequestView]
    mendings: Sequence[MendingView] = ()


def raw_records(row: WritebackRow) -> list[dict[str, Any] | None]:
    """Return the records as they were accepted, as JSON objects; None in the place of one that never was."""
    records: list[dict[str, Any] | None] = json.loads(row.records)
    return records


def view_of(row: WritebackRow, records: int, breaker: BreakerRow | None) -> WritebackView:
    """Return the row as a list shows it; `records` is how many it has, `breaker` the school's own where it is open."""
    return WritebackView(**_common(row, unpack_progress(row.progress, records), breaker))


def detail_of(
    row: WritebackRow,
    breaker: BreakerRow | None,
    events: Iterable[EventRow],
    requests: Iterable[RequestRow],
    attempts: Iterable[AttemptRow],
    mendings: Iterable[MendingRow] = (),
    kept_answers: Collection[str] = (),
) -> WritebackDetail:
    """Return the writeback with all that belongs to it."""
    records = raw_records(row)
    progress = unpack_progress(row.progress, len(records))
    tries = list(attempts)
    return WritebackDetail(
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
        mendings=[_mending(mending) for mending in mendings],
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
        "counts": {status.value: counts[status] for status in RecordStatus if counts[status]},
    }


def _record(index: int, record: Mapping[str, Any] | None, progress: RecordProgress) -> RecordView:
    return RecordView(
        index=index,
        ref=record.get("ref") if record else None,
        status=progress.status.value,
        record=record,
        findings=progress.findings,
        evidence=progress.evidence,
        mis_ids=progress.mis_ids,
        comparison=_comparison(record, progress),
    )


def _comparison(record: Mapping[str, Any] | None, progress: RecordProgress) -> Comparison | None:
    if progress.status is not RecordStatus.NEEDS_ATTENTION:
        return None
    return Comparison((record or {}).get("code"), progress.mis_holds, progress.near)


def _mending(row: MendingRow) -> MendingView:
    records = [MendedRecord(**record) for record in json.loads(row.records)]
    return MendingView(row.id or 0, row.at, row.actor, row.action, row.reason, records)


def _event(row: EventRow) -> EventView:
    return EventView(row.id or 0, row.at, row.actor, row.event, row.status, row.detail)


def _request(writeback_id: str, row: RequestRow, attempts: Sequence[AttemptRow], *, answer_kept: bool) -> RequestView:
    members = {str(member): indexes for member, indexes in row.members}
    return RequestView(
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
        attempts=[
            AttemptView(one.number, one.started_at, one.finished_at, one.outcome, one.detail) for one in attempts
        ],
        answer_kept=answer_kept,
    )
