"""Records that name somebody or something by an id from before their school's ids changed, and nobody knows whom.

`flow/moves/` finds them; `flow/dispatch/revalidation.py` stops those that were on their way then and come back, and
`flow/correct/draft.py` lets them go only as an edit.
"""

from collections.abc import Iterable

from writeback.domain.finding import Finding, Severity
from writeback.domain.writeback import RecordProgress, RecordStatus
from writeback.flow.engine.status_changes import Changes, OpenWriteback

CODE = "id_of_former_mis"
"""The finding of such a record."""


def is_stopped(entry: RecordProgress) -> bool:
    """Whether a record that waits is not to be sent as it is."""
    return entry.status is RecordStatus.QUEUED and any(one["code"] == CODE for one in entry.findings)


def said_of_ids(entry: RecordProgress) -> list[Finding]:
    """Return what is said of the ids of a record, whatever became of it since."""
    found = (one for one in entry.findings if one["code"] == CODE)
    return [Finding(**{**one, "severity": Severity(one["severity"])}) for one in found]


def stop(changes: Changes, opened: OpenWriteback, indexes: Iterable[int]) -> None:
    """End records that wait, or leave to a person what may have been sent: it cannot be looked for by such an id."""
    status = RecordStatus.NEEDS_ATTENTION if opened.row.attempts else RecordStatus.FAILED
    for index in indexes:
        opened.progress[index] = opened.progress[index].moved(status)
    changes.settle(opened, detail="an id is from before the school's ids changed")
