"""Batches as the API shows them; the services' own values are in `flow.batches.views`."""

from collections.abc import Mapping, Sequence
from typing import Any

from writeback.api.models import FindingOut, Instant, Shown


class RowCountsOut(Shown):
    """Rows of the file: how far they are."""

    read: int
    good: int
    bad: int
    queued: int
    """Good rows that are in a writeback."""


class WritebackCountsOut(Shown):
    """Writebacks that came of the file: how far they are. `by_status` has the statuses themselves."""

    total: int
    waiting: int
    """Queued, held, being sent, or sent and waiting for evidence."""
    confirmed: int
    failed: int
    """Failed, partly confirmed, or expired."""
    needs_attention: int
    by_status: Mapping[str, int]


class ProblemCountOut(Shown):
    """One sort of finding."""

    code: str
    severity: str
    count: int
    """In how many rows it was found."""
    row: int
    """The first of them; message and hint are that row's."""
    message: str
    hint: str


class BatchAnswer(Shown):
    """What an upload is answered with."""

    id: str
    status: str
    school: str
    kind: str | None
    """Null where the file is to say."""
    dry_run: bool
    format: str
    file_name: str
    size: int
    findings: Sequence[FindingOut]
    """Warnings, e.g. that the same file was uploaded before."""
    created_at: Instant


class BatchOut(Shown):
    """A batch: a file of many rows."""

    id: str
    status: str
    """uploading, reading, checking, queueing, delivering, done, refused or cancelled."""
    app: str
    school: str
    kind: str | None
    dry_run: bool
    """Everything is checked and nothing queued."""
    file_name: str
    size: int
    """Bytes."""
    format: str
    """csv, ndjson or xlsx."""
    file: Mapping[str, Any]
    """How the file is laid out, once it has been opened: encoding, delimiter, header row, which column is what, and
    whether the day or the month comes first in its days."""
    rows: RowCountsOut
    writebacks: WritebackCountsOut
    problems: Sequence[ProblemCountOut]
    """What was found in rows, sort by sort."""
    findings: Sequence[FindingOut]
    """About the file as a whole; where it is refused, why."""
    errors: str | None
    """Where the bad rows are; null: there are none, or they are not known yet."""
    created_at: Instant
    updated_at: Instant
    finished_at: Instant | None
    """When the file was worked through; its writebacks may be under way."""


_FINDING = {
    "code": "file_uploaded_before",
    "severity": "warning",
    "pointer": "",
    "record": None,
    "message": "The same file was uploaded at 2026-01-12T08:55:00Z as bat_01kbn5h2…",
    "hint": "If that was not meant, look at what became of the first.",
    "provider_message": None,
}
ANSWER_EXAMPLE = {
    "id": "bat_01kbn5h2m0000000000000000",
    "status": "reading",
    "school": "hillside",
    "kind": "attendance.session",
    "dry_run": False,
    "format": "csv",
    "file_name": "marks.csv",
    "size": 214_311,
    "findings": [_FINDING],
    "created_at": "2026-01-12T09:00:00Z",
}
BATCH_EXAMPLE = {
    "id": "bat_01kbn5h2m0000000000000000",
    "status": "delivering",
    "app": "app_registers",
    "school": "hillside",
    "kind": "attendance.session",
    "dry_run": False,
    "file_name": "marks.csv",
    "size": 214_311,
    "format": "csv",
    "file": {
        "format": "csv",
        "encoding": "windows-1252",
        "delimiter": ";",
        "header_row": 1,
        "columns": {"Pupil ID": "student_id", "Date": "date", "Session": "session", "Mark": "code"},
        "date_order": "dmy",
    },
    "rows": {"read": 5_000, "good": 4_960, "bad": 40, "queued": 4_960},
    "writebacks": {
        "total": 6,
        "waiting": 2,
        "confirmed": 4,
        "failed": 0,
        "needs_attention": 0,
        "by_status": {"confirmed": 4, "sent": 1, "queued": 1},
    },
    "problems": [
        {
            "code": "student_not_on_roll",
            "severity": "error",
            "count": 40,
            "row": 17,
            "message": "Pupil A1921160062: not on roll at Hillside",
            "hint": "Leave the record out, or ask the school to check its roll.",
        }
    ],
    "findings": [],
    "errors": "/v1/batches/bat_01kbn5h2m0000000000000000/errors.csv",
    "created_at": "2026-01-12T09:00:00Z",
    "updated_at": "2026-01-12T09:00:04Z",
    "finished_at": "2026-01-12T09:00:04Z",
}
