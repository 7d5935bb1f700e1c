"""Files of many rows, and how far they are."""

from datetime import datetime
from typing import Any

from writeback_client.models.base import Finding, Model

FINISHED = frozenset({"done", "refused", "cancelled"})
"""Nothing is left to do with the file, and its writebacks have ended; only those of a cancelled one may go on."""


class RowCounts(Model):
    """Rows of the file."""

    read: int = 0
    good: int = 0
    bad: int = 0
    queued: int = 0


class WritebackCounts(Model):
    """Writebacks that were made of it."""

    total: int = 0
    waiting: int = 0
    confirmed: int = 0
    failed: int = 0
    needs_attention: int = 0
    by_status: dict[str, int] = {}


class RowProblem(Model):
    """One sort of finding: in how many rows, and the first of them."""

    code: str
    severity: str
    count: int
    row: int
    message: str
    hint: str = ""


class Batch(Model):
    """A file of many rows. What `upload` answers has no counts yet."""

    id: str
    status: str
    """`reading`, `checking`, `queueing`, `delivering`, `done`, `refused` or `cancelled`."""
    app: str = ""
    school: str
    kind: str | None = None
    dry_run: bool = False
    file_name: str = ""
    size: int = 0
    format: str = ""
    file: dict[str, Any] = {}
    """How the file is laid out."""
    rows: RowCounts = RowCounts()
    writebacks: WritebackCounts = WritebackCounts()
    problems: tuple[RowProblem, ...] = ()
    findings: tuple[Finding, ...] = ()
    """About the file as a whole."""
    errors: str | None = None
    """Where the bad rows are; `batches.errors` fetches them."""
    created_at: datetime
    updated_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def is_finished(self) -> bool:
        return self.status in FINISHED
