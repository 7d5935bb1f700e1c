"""The events of all writebacks in the order of their ids, as streams and webhooks read them, and how far it is safe.

On PostgreSQL ids are given out before the commit, so a lower id may become visible after a higher one; whoever reads
"all above the last that I saw" would skip it. `Horizon` says up to which id nothing can appear any more.
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, func, select, text
from sqlmodel import Session, col
from sqlmodel import select as select_row
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.domain.mode import Mode, mode_of
from writeback.store.reads.filters import in_mode
from writeback.store.sql.database import Database
from writeback.store.tables import EventRow, WritebackRow, table_of

SPAN = 20_000
"""Ids that one read goes through at most, whoever's they are: filters have no index, so this bounds it."""

# A transaction takes this lock before the id of its first event and keeps it until its commit is visible to others.
_WRITERS = text(
    "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation' AND relation = 'event'::regclass "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND mode = 'RowExclusiveLock' AND granted"
)


class LoggedEvent(NamedTuple):
    """One event, with what its writeback is about."""

    id: int
    writeback_id: str
    app: str
    school: str
    kind: str
    ref: str | None
    at: datetime
    actor: str
    event: str
    status: str
    detail: str | None


@dataclass(frozen=True)
class EventFilter:
    """Which events; None: all, and no statuses: all. `matches` and `conditions` say the same."""

    app: str | None = None
    schools: frozenset[str] | None = None
    mode: Mode | None = None
    writeback_id: str | None = None
    kinds: Collection[str] | None = None
    statuses: Collection[str] = ()
    since: datetime | None = None

    def matches(self, event: LoggedEvent) -> bool:
        return (
            (self.app is None or event.app == self.app)
            and (self.schools is None or event.school in self.schools)
            and self.mode in (None, mode_of(event.school))
            and (self.writeback_id is None or event.writeback_id == self.writeback_id)
            and (self.kinds is None or event.kind in self.kinds)
            and (not self.statuses or event.status in self.statuses)
            and (self.since is None or event.at >= self.since)
        )

    def conditions(self) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if self.app is not None:
            found.append(col(EventRow.app_id) == self.app)
        if self.schools is not None:
            found.append(col(WritebackRow.school_id).in_(self.schools))
        found += in_mode(self.mode, WritebackRow.school_id)
        if self.writeback_id is not None:
            found.append(col(EventRow.writeback_id) == self.writeback_id)
        if self.kinds is not None:
            found.append(col(WritebackRow.kind).in_(self.kinds))
        if self.statuses:
            found.append(col(EventRow.status).in_(self.statuses))
        if self.since is not None:
            found.append(col(EventRow.at) >= self.since)
        return found


@dataclass
class Horizon:
    """How far the log is complete, as one process knows it. Ask again and again; it never goes back."""

    db: Database
    _settled: int = 0
    _pending: tuple[int, frozenset[str]] | None = None
    """The newest id once seen, and who was writing then: when all of them have ended it is settled."""
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def is_waiting(self) -> bool:
        """Whether there are newer events, which may be settled in a moment."""
        return self._pending is not None

    async def settled(self) -> int:
        """Return the highest id of which is known that no event up to it can still appear."""
        async with self._turn, self.db.read() as session:
            if self._pending is None:
                newest = await newest_id(session)
                if newest <= self._settled:
                    return self._settled
                # In this order: who has been given an id below `newest` by now is writing still, or has ended.
                self._pending = newest, await self._writers(session)
            newest, writers = self._pending
            if not writers or not writers & await self._writers(session):
                self._settled, self._pending = newest, None
            return self._settled

    async def _writers(self, session: AsyncSession) -> frozenset[str]:
        if self.db.dialect == "sqlite":  # one writer at a time: ids are committed in their order
            return frozenset()
        return frozenset((await (await session.connection()).execute(_WRITERS)).scalars())


async def newest_id(session: AsyncSession) -> int:
    """Return the highest id that is visible; 0 where there is none."""
    return (await session.exec(select_row(func.max(EventRow.id)))).one() or 0


async def events_between(
    session: AsyncSession, after: int, upto: int, wanted: EventFilter, limit: int
) -> Sequence[LoggedEvent]:
    """Return events with `after` < id ≤ `upto`, by id; keep the two no more than `SPAN` apart."""
    found = await (await session.connection()).execute(_query(after, upto, wanted, limit))
    return [LoggedEvent(*row) for row in found]


def events_to_tell(session: Session, after: int, upto: int, wanted: EventFilter, limit: int) -> Sequence[LoggedEvent]:
    """As `events_between`, in a transaction of the flow."""
    return [LoggedEvent(*row) for row in session.connection().execute(_query(after, upto, wanted, limit))]


_EVENT, _WRITEBACK = table_of(EventRow).c, table_of(WritebackRow).c
_COLUMNS = select(
    _EVENT.id,
    _EVENT.writeback_id,
    _EVENT.app_id,
    _WRITEBACK.school_id,
    _WRITEBACK.kind,
    _WRITEBACK.ref,
    _EVENT.at,
    _EVENT.actor,
    _EVENT.event,
    _EVENT.status,
    _EVENT.detail,
).join(table_of(WritebackRow), _WRITEBACK.id == _EVENT.writeback_id)
"""Columns and no rows: a writeback's records are not looked at, and may be large."""


def _query(after: int, upto: int, wanted: EventFilter, limit: int) -> Select[Any]:
    is_between = (_EVENT.id > after, _EVENT.id <= upto)
    return _COLUMNS.where(*is_between, *wanted.conditions()).order_by(_EVENT.id).limit(limit)


async def id_before(session: AsyncSession, since: datetime) -> int:
    """Return an id after which the events since that instant are; halving the ids, for instants have no index.

    Clocks of machines differ a little, so give an instant that is a minute earlier, and filter.
    """
    low, high = 0, await newest_id(session)
    while low < high:
        middle = (low + high) // 2
        query = select_row(EventRow.id, EventRow.at).where(col(EventRow.id) > middle).order_by(col(EventRow.id))
        found = (await session.exec(query.limit(1))).first()
        if found is None or found[1] >= since:
            high = middle
        else:
            low = found[0] or high
    return low
