"""Slots: which place in the MIS a record writes, and which later record of the lane writes the same one."""

from collections.abc import Sequence

from sqlmodel import Session

from writeback.core.errors import Conflict
from writeback.domain.kinds import KINDS, Record
from writeback.domain.writeback import RecordStatus
from writeback.flow.engine.status_changes import OpenWriteback
from writeback.store.tables import WritebackRow
from writeback.store.writebacks import writebacks

ONCE_SENT = (
    RecordStatus.SENDING,
    RecordStatus.SENT,
    RecordStatus.UNKNOWN,
    RecordStatus.NEEDS_ATTENTION,
    RecordStatus.CONFIRMED,
)
_STANDS = (RecordStatus.QUEUED, *ONCE_SENT)
"""A later record in one of these wins over an earlier one of its slot."""


def is_conditional(record: Record) -> bool:
    """Whether a record is to be written only where the MIS has nothing."""
    return bool(getattr(record, "only_if_blank", None))


def slots_of(opened: OpenWriteback, statuses: Sequence[RecordStatus]) -> list[str]:
    """Return the slots of the records that are in one of `statuses` and written whatever the MIS has there."""
    kind = KINDS[opened.row.kind]
    indexes = [
        index
        for index, progress in enumerate(opened.progress)
        if progress.status in statuses and not progress.erased  # nobody knows any more which slot that was
    ]
    records = (opened.records[index] for index in indexes)  # one whose content has been deleted has none
    slots = (kind.slot(record) for record in records if record is not None and not is_conditional(record))
    return [slot for slot in slots if slot is not None]


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
    latest: dict[str, str] = {}
    for later in writebacks.accepted_after(session, row.lane_id, row.seq or 0):
        latest |= dict.fromkeys(slots_of(OpenWriteback(later), _STANDS), later.id)
    return {index: latest[slot] for index, slot in slots.items() if slot in latest}
