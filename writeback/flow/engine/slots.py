"""Slots: which place in the MIS a record writes, and which later record of the lane writes the same one."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from sqlmodel import Session, select

from writeback.core.errors import Conflict
from writeback.domain.kinds import KINDS, Record, field_of
from writeback.domain.school import LateRegisters
from writeback.domain.superseding import SentMark, is_later
from writeback.domain.writeback import RecordStatus
from writeback.flow.engine.status_changes import OpenWriteback
from writeback.store.tables import SchoolRow, WritebackRow
from writeback.store.writebacks import writebacks

ONCE_SENT = (
    RecordStatus.SENDING,
    RecordStatus.SENT,
    RecordStatus.UNKNOWN,
    RecordStatus.NEEDS_ATTENTION,
    RecordStatus.CONFIRMED,
)
LEFT = "left as it was"
"""The evidence of a mark that was not written because another is there."""
_STANDS = (RecordStatus.QUEUED, *ONCE_SENT)
"""A later record in one of these wins over an earlier one of its slot."""


def is_conditional(record: Record) -> bool:
    """Whether a record is to be written only where the MIS has nothing."""
    return bool(field_of(record, "only_if_blank"))


def seen_at(record: Record, accepted_at: datetime) -> datetime | None:
    """Return when what a record says was seen, where it says so; a clock that is ahead is not believed."""
    observed: datetime | None = field_of(record, "observed_at")
    if observed is None:
        return None
    return min(accepted_at, observed if observed.tzinfo is not None else observed.replace(tzinfo=UTC))


def marks_of(
    opened: OpenWriteback,
    statuses: Sequence[RecordStatus],
    *,
    heeds_seen_at: bool,
    conditional_too: bool = False,
) -> Iterator[tuple[str, SentMark]]:
    """Yield the records that are in one of `statuses` and written whatever the MIS has there, with their slots;
    `conditional_too`: those as well that are written only where it has nothing."""
    row, kind = opened.row, KINDS[opened.row.kind]
    for index, progress in enumerate(opened.progress):
        if progress.status not in statuses or progress.erased:  # nobody knows any more which slot that was
            continue
        record = opened.records[index]  # one whose content has been deleted has none
        if record is None or (is_conditional(record) and not conditional_too):
            continue
        if (slot := kind.slot(record)) is not None:
            seen = seen_at(record, row.created_at) if heeds_seen_at else None
            code = field_of(record, "code") if progress.evidence != LEFT else None
            yield slot, SentMark(row.id, row.seq or 0, code, row.created_at, seen, row.app_id)


def keep_latest(latest: dict[str, SentMark], slot: str, mark: SentMark) -> None:
    """Note the mark for its slot, where that has no later one."""
    known = latest.get(slot)
    if known is None or is_later(mark, known):
        latest[slot] = mark


def check_later_are_known(session: Session, row: WritebackRow) -> None:
    """Raise Conflict where a mark may not go again: one accepted after it may be of its slot, and has been deleted for
    its age, so that nobody knows which of the two is to stand."""
    if KINDS[row.kind].overwrites and writebacks.has_later_without_content(session, row.lane_id, row.seq or 0):
        raise Conflict(
            "later_marks_forgotten",
            f"what was accepted after {row.id} has been deleted for its age: nobody can say whether it is still the "
            "latest mark for its pupils",
            hint="Look in the MIS. If it is still to be written, submit it as a new writeback.",
        )


def later_ones(
    session: Session, row: WritebackRow, records: Sequence[Record | None], indexes: Sequence[int]
) -> dict[int, str]:
    """Return which of the records have a later mark for their slot, and the writeback of that, which will win."""
    kind = KINDS[row.kind]
    slots = {index: kind.slot(records[index]) for index in indexes} if kind.overwrites else {}
    if not any(slots.values()):
        return {}
    after = writebacks.accepted_after(session, row.lane_id, row.seq or 0)
    heeds = any('"observed_at"' in one.records for one in (row, *after)) and _heeds_seen_at(session, row.school_id)
    latest: dict[str, SentMark] = {}
    for one in after:
        for slot, mark in marks_of(OpenWriteback(one), _STANDS, heeds_seen_at=heeds):
            keep_latest(latest, slot, mark)
    found: dict[int, str] = {}
    for index, own in slots.items():
        record, later = records[index], latest.get(own or "")
        seen = seen_at(record, row.created_at) if record is not None and heeds else None
        if later is not None and is_later(later, SentMark(row.id, row.seq or 0, None, row.created_at, seen)):
            found[index] = later.writeback_id
    return found


def _heeds_seen_at(session: Session, school_id: str) -> bool:
    """Whether the school leaves what was entered after a mark was seen."""
    return session.exec(select(SchoolRow.late_registers).where(SchoolRow.id == school_id)).first() != LateRegisters.SEND
