"""Files of many rows, and how far they are."""

from datetime import datetime
from typing import Any

from writeback_client.models.base import AS_ITS_ID, AnyMode, Finding, Model

FINISHED = frozenset({"done", "refused", "cancelled"})
"""Nothing is left to do with the file, and its writebacks have ended; only those of a cancelled one may go on."""


IN_REVIEW = "reviewing"


class RowCounts(Model):
    """Rows of the file: how far they are."""

    read: int = 0
    good: int = 0
    bad: int = 0
    left_out: int = 0
    """Rows that somebody has said are not to be sent."""
    queued: int = 0
    """Good rows that are in a writeback."""


class WritebackCounts(Model):
    """Writebacks that came of the file: how far they are. `by_status` has the statuses themselves."""

    total: int = 0
    waiting: int = 0
    """Queued, held, being sent, or sent and waiting for evidence."""
    confirmed: int = 0
    failed: int = 0
    """Failed, partly confirmed, or expired."""
    needs_attention: int = 0
    by_status: dict[str, int] = {}


class RowProblem(Model):
    """One sort of finding."""

    code: str
    severity: str
    count: int
    """In how many rows it was found."""
    row: int
    """The first of them; message and hint are that row's."""
    message: str
    hint: str = ""


class Uploaded(Model):
    """What an upload is answered with."""

    id: str
    status: str
    """uploading, reading, checking, reviewing, queueing, delivering, done, refused or cancelled."""
    school: str
    mode: AnyMode = AS_ITS_ID
    """`test`: of a test school, whose requests go to the sandbox alone; else `live`."""
    kind: str | None = None
    """Null where the file is to say."""
    dry_run: bool = False
    """Everything is checked and nothing queued."""
    review: bool = False
    """Somebody looks at it before anything of it is queued: `reviewing` is when that can be done."""
    file_name: str = ""
    size: int = 0
    """Bytes."""
    format: str = ""
    """csv, ndjson or xlsx."""
    findings: tuple[Finding, ...] = ()
    """Warnings, e.g. that the same file was uploaded before."""
    created_at: datetime

    @property
    def is_finished(self) -> bool:
        return self.status in FINISHED

    @property
    def waits_for_somebody(self) -> bool:
        """Whether it goes no further before somebody has looked at it and sent it."""
        return self.status == IN_REVIEW


class Batch(Uploaded):
    """A batch: a file of many rows."""

    app: str = ""
    file: dict[str, Any] = {}
    """How the file is laid out, once it has been opened: encoding, delimiter, header row, which column is what, and
    whether the day or the month comes first in its days."""
    rows: RowCounts = RowCounts()
    writebacks: WritebackCounts = WritebackCounts()
    problems: tuple[RowProblem, ...] = ()
    """What was found in rows, sort by sort."""
    findings: tuple[Finding, ...] = ()
    """About the file as a whole; where it is refused, why."""
    errors: str | None = None
    """Where the bad rows are; null: there are none, or they are not known yet."""
    version: int | None = None
    """Of a file in review: it grows with each change."""
    review_until: datetime | None = None
    """Of a file in review: it is cancelled then, unless it has been sent."""
    updated_at: datetime
    finished_at: datetime | None = None
    """When the file was worked through; its writebacks may be under way."""
