"""One turn of a lane: what `dispatch` has taken from SQL to send, and the values that pass between its steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from writeback.domain.kinds import KINDS, Record
from writeback.domain.lookups import LookupView
from writeback.domain.plan import Waiting
from writeback.domain.school import Account
from writeback.domain.writeback import RecordStatus
from writeback.flow.changes import OpenWriteback
from writeback.providers.base import Provider, ProviderRequest
from writeback.store.writebacks import WAITS_FOR_RING


@dataclass(frozen=True)
class Turn:
    """A request that is committed as `sending` and may now go out."""

    lane_id: str
    fence: int
    request_id: str
    account: Account
    provider: Provider
    request: ProviderRequest
    rechecks: int
    """How often in a row the school was let go in vain."""


@dataclass(frozen=True)
class Member:
    """One record of a request."""

    opened: OpenWriteback
    index: int

    @property
    def record(self) -> Record:
        return self.opened.record(self.index)


def waiting_records(opened: OpenWriteback, *, is_due: bool, lookups: LookupView) -> list[Waiting]:
    """Return the queued records of one writeback, as `domain.plan` takes them."""
    row, kind = opened.row, KINDS[opened.row.kind]
    return [
        Waiting(
            writeback_id=row.id,
            seq=row.seq or 0,
            index=index,
            kind=row.kind,
            slot=kind.slot(opened.record(index)),
            date=_date_of(opened.record(index), lookups),
            is_due=is_due or row.hold_reason in WAITS_FOR_RING,
            group=progress.group,
            priority=row.priority,
        )
        for index, progress in enumerate(opened.progress)
        if progress.status is RecordStatus.QUEUED
    ]


def slots_of(opened: OpenWriteback, statuses: Sequence[RecordStatus]) -> list[str]:
    """Return the slots of the records that are in one of `statuses`."""
    kind = KINDS[opened.row.kind]
    slots = (
        kind.slot(opened.record(index)) for index, progress in enumerate(opened.progress) if progress.status in statuses
    )
    return [slot for slot in slots if slot is not None]


def _date_of(record: Record, lookups: LookupView) -> date | None:
    """Return the day that a mark is for: its own, else that of its lesson."""
    given: date | None = getattr(record, "date", None)
    lesson_id = getattr(record, "lesson_id", None)
    if given is not None or lesson_id is None or lookups.lessons is None:
        return given
    lesson = lookups.lessons.rows.get(lesson_id)
    return date.fromisoformat(lesson["date"]) if lesson and lesson.get("date") else None


def members_json(members: Sequence[Waiting]) -> list[list[object]]:
    """Return what a request row keeps of its members: `[writeback id, [indexes]]`, in order."""
    grouped: dict[str, list[int]] = {}
    for member in members:
        grouped.setdefault(member.writeback_id, []).append(member.index)
    return [[writeback_id, indexes] for writeback_id, indexes in grouped.items()]
