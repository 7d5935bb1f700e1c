"""The one place where a writeback's records, status and timeline change, always together in one transaction."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from sqlmodel import Session

from writeback.domain.kinds import Record, parse_records
from writeback.domain.states import TRANSITIONS, Event, Status, advance
from writeback.domain.writeback import (
    RecordProgress,
    event_towards,
    overall_status,
    pack_progress,
    unpack_progress,
)
from writeback.store.tables import WritebackRow
from writeback.store.writebacks.writebacks import add_event, touch


@dataclass
class OpenWriteback:
    """A writeback that is being changed: its row, locked, and the progress of its records."""

    row: WritebackRow

    @cached_property
    def records(self) -> Sequence[Record | None]:
        return parse_records(self.row.kind, self.row.records)

    @cached_property
    def progress(self) -> list[RecordProgress]:
        stored = self.row.progress
        return unpack_progress(stored, 0 if stored else len(self.records))  # what is stored says of how many it is

    def keep(self, index: int, progress: RecordProgress) -> None:
        """Store what is known of a record whose status stays."""
        self.progress[index] = progress
        self.row.progress = pack_progress(self.progress)

    def record(self, index: int) -> Record:
        record = self.records[index]
        if record is None:
            raise LookupError(f"record {index} of {self.row.id} was never accepted")
        return record


@dataclass(frozen=True)
class Changes:
    """Writes changes with one actor and one instant."""

    session: Session
    now: datetime
    actor: str
    lanes_without_doubt: Collection[str] = ()
    """Lanes of which it is known that no mark that was sent may still arrive."""

    def event(self, row: WritebackRow, event: Event, *, detail: str | None = None) -> None:
        """Move the writeback by `event` and write it down."""
        row.status = advance(Status(row.status), event)
        self.session.add(row)
        add_event(self.session, row, event, now=self.now, actor=self.actor, detail=detail)

    def settle(self, opened: OpenWriteback, *, queued_by: Event = Event.RETRY, detail: str | None = None) -> Status:
        """Store the records' progress and move the writeback to the status that follows from it.

        `queued_by` says why, where that status is `queued`. Return the status.
        """
        row = opened.row
        row.progress = pack_progress(opened.progress)
        touch(row, self.now)
        target = overall_status(opened.progress)
        event = event_towards(target, queued_by=queued_by)
        if row.status == Status.HELD and Status.HELD not in TRANSITIONS[event].sources and target is not Status.QUEUED:
            self.event(row, Event.RELEASED)
        if target != row.status and not (row.status == Status.HELD and target is Status.QUEUED):
            self.event(row, event, detail=detail)
        self.session.add(row)
        return Status(row.status)


def open_all(rows: Mapping[str, WritebackRow]) -> dict[str, OpenWriteback]:
    """Return the rows, opened, by writeback id."""
    return {writeback_id: OpenWriteback(row) for writeback_id, row in rows.items()}
