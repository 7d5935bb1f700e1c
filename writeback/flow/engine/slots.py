"""Slots: which place in the MIS a record writes, and which later record of the lane writes the same one."""

from collections.abc import Sequence

from sqlmodel import Session

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
    indexes = [index for index, progress in enumerate(opened.progress) if progress.status in statuses]
    slots = (kind.slot(opened.record(index)) for index in indexes if not is_conditional(opened.record(index)))
    return [slot for slot in slots if slot is not None]


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
