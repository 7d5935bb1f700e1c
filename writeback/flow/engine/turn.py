"""One turn of a lane: what `dispatch` has taken from SQL to send, and the values that pass between its steps."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from writeback.domain.kinds import KINDS, Kind, Record, field_of
from writeback.domain.lookups import LookupView
from writeback.domain.school import Account, OfficeMarks
from writeback.domain.superseding import Waiting
from writeback.domain.writeback import RecordStatus
from writeback.flow.engine.slots import is_conditional, seen_at
from writeback.flow.engine.status_changes import OpenWriteback
from writeback.providers.base import Provider, ProviderRequest
from writeback.store.writebacks.writebacks import WAITS_FOR_WAKE

Answered = Callable[[], Awaitable[None]]
"""What is called as soon as a provider has answered, before the answer is written down: others may ask it now."""


async def nobody_waits() -> None:
    """Tell nobody that a provider has answered."""


@dataclass(frozen=True)
class Turn:
    """A request that is committed as `sending` and may now go out."""

    lane_id: str
    fence: int
    request_id: str
    account: Account
    provider: Provider
    request: ProviderRequest
    kind: Kind
    records: Sequence[Record]
    """In the order of the request."""
    to_look_at: Sequence[int] = ()
    """Positions of records of which the MIS is read before they are written: those that may be written only where it
    has nothing, which the provider does not see to; those that leave it to the school what becomes of what it has; and
    those in `seen_before`."""
    office_marks: OfficeMarks = OfficeMarks.OVERWRITE
    """What becomes of a mark there where the record leaves that to the school."""
    seen_before: Mapping[int, "SeenBefore"] = field(default_factory=dict)
    """By position: records seen so long ago that something else may have been entered since."""
    begun_at: datetime | None = None
    """When the lease was taken."""
    rechecks: int = 0
    """How often in a row the school was resumed and held again."""
    lane_rechecks: int = 0
    """How often in a row its family was."""
    had_failures: bool = False
    """Whether school or provider has failed to answer recently."""
    attempt: int = 1
    """Its number among those of the writebacks that it carries."""
    writeback_ids: Sequence[str] = ()
    """What it carries records of."""
    traces: Sequence[str] = ()
    """The traces of those that are traced."""


@dataclass(frozen=True, slots=True)
class SeenBefore:
    """When a record was seen, in the words of its school's clock, and the codes that its slot may have from us."""

    at: str
    ours: Collection[str]


@dataclass(slots=True)
class Member:
    """One record of a request."""

    opened: OpenWriteback
    index: int

    @property
    def record(self) -> Record:
        return self.opened.record(self.index)

    @property
    def kind(self) -> Kind:
        return KINDS[self.opened.row.kind]


def waiting_records(opened: OpenWriteback, *, is_due: bool, lookups: LookupView, heeds_seen_at: bool) -> list[Waiting]:
    """Return the queued records of one writeback, as `domain.sending.next_request` takes them."""
    row, kind = opened.row, KINDS[opened.row.kind]
    # An attribute of a row takes its time: what all records of a writeback share is read once.
    writeback_id, seq, accepted_at, priority, app_id = row.id, row.seq or 0, row.created_at, row.priority, row.app_id
    is_due = is_due or row.hold_reason in WAITS_FOR_WAKE
    return [
        Waiting(
            writeback_id,
            seq,
            index,
            kind.name,
            kind.slot(record),
            date=_date_of(record, lookups),
            is_due=is_due,
            group=progress.group,
            priority=priority,
            overwrites=kind.overwrites,
            size=_size_of(record),
            is_conditional=is_conditional(record),
            accepted_at=accepted_at,
            seen_at=seen_at(record, accepted_at) if heeds_seen_at else None,
            code=field_of(record, "code"),
            app_id=app_id,
        )
        for index, progress in enumerate(opened.progress)
        if progress.status is RecordStatus.QUEUED
        for record in [opened.record(index)]
    ]


def _size_of(record: Record) -> int:
    """Return how many characters the files attached to a record have."""
    media = field_of(record, "media")
    return sum(len(medium.content) for medium in media) if media else 0


def _date_of(record: Record, lookups: LookupView) -> date | None:
    """Return the day that a mark is for: its own, else that of its lesson."""
    given: date | None = field_of(record, "date")
    lesson_id = field_of(record, "lesson_id")
    if given is not None or lesson_id is None or lookups.lessons is None:
        return given
    lesson = lookups.lessons.rows.get(lesson_id)
    return date.fromisoformat(lesson["date"]) if lesson and lesson.get("date") else None


def members_json(members: Iterable[tuple[str, int]]) -> list[list[object]]:
    """Return what a request row keeps of its members, given as writeback ids and indexes, in order."""
    grouped: dict[str, list[int]] = {}
    for writeback_id, index in members:
        grouped.setdefault(writeback_id, []).append(index)
    return [[writeback_id, indexes] for writeback_id, indexes in grouped.items()]
