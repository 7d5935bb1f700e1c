"""Deadlines: what has not been sent by then is not sent any more, also where a school is held."""

from datetime import datetime

from sqlmodel import Session

from writeback.domain.finding import Finding
from writeback.domain.states import Event
from writeback.domain.writeback import RecordStatus
from writeback.flow.engine.last_look import fail_waiting, may_be_there
from writeback.flow.engine.status_changes import Changes, OpenWriteback
from writeback.store.tables import WritebackRow
from writeback.store.writebacks import writebacks

_WAITING = (RecordStatus.QUEUED, RecordStatus.REFUSED)


def expire_overdue(session: Session, now: datetime, limit: int) -> int:
    """Expire writebacks whose deadline has passed; return how many."""
    rows = writebacks.overdue(session, now, limit)
    for row in rows:
        expire(Changes(session, now, "worker"), row)
    return len(rows)


def expire(changes: Changes, row: WritebackRow) -> None:
    """Expire one; where a part of it has been sent, only the rest fails."""
    opened = OpenWriteback(row)
    row.hold_reason = None
    if all(progress.status in _WAITING for progress in opened.progress) and not may_be_there(opened):
        changes.event(row, Event.EXPIRED)
        return
    message = "The deadline passed before this record was sent."
    if may_be_there(opened):
        message = "The deadline passed before this record could be sent again; a request before got no answer."
    finding = Finding("expired", message, "Send it again as a new writeback if it still matters.")
    waiting = [index for index, progress in enumerate(opened.progress) if progress.status is RecordStatus.QUEUED]
    fail_waiting(changes, opened, {index: [finding] for index in waiting}, detail="its deadline passed")
