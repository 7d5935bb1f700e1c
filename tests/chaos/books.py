"""Our own books at the end of a run: every writeback, record by record, and every attempt, read from SQL."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.domain.lookups import ListName
from writeback.domain.states import FINAL, Status
from writeback.domain.writeback import RecordStatus, unpack_progress
from writeback.store.sql.database import Database
from writeback.store.tables import (
    AttemptRow,
    BreakerRow,
    EventRow,
    Lane,
    LookupRow,
    RemovalsRow,
    RequestRow,
    SchoolRow,
    WritebackRow,
)

_NO_CLEAR_ANSWER = "The provider gave no clear answer each time"
_INVALID_BY_NOW = "no longer passes validation;%"
"""How the detail begins of an event that says that our own check has failed a writeback that was accepted."""
IdsByList = Mapping[tuple[str, str], frozenset[str]]
"""The ids in each cached list, by school and list."""
UNSETTLED = (Status.QUEUED, Status.SENDING, Status.SENT, Status.UNKNOWN, Status.HELD)
_HELD = select(SchoolRow).where(col(SchoolRow.hold_reason).is_not(None))
_FAILED_BY_US = select(EventRow.writeback_id).where(col(EventRow.detail).like(_INVALID_BY_NOW))


@dataclass(frozen=True)
class BookedRecord:
    """One record of a writeback, and how far it is."""

    seq: int
    writeback_id: str
    index: int
    school: str
    kind: str
    says: Mapping[str, Any]
    status: RecordStatus
    evidence: str | None
    findings: Sequence[str]
    """Their codes."""
    is_given_up: bool = False
    """Its provider has failed on it each time."""

    @property
    def name(self) -> str:
        return f"{self.school} {self.writeback_id}[{self.index}] seq {self.seq} {self.kind} {self.status}"


@dataclass(frozen=True)
class Books:
    """What we have written down."""

    rows: Sequence[WritebackRow]
    records: Sequence[BookedRecord]
    attempts: Counter[str]
    """By school."""
    outcomes: Counter[str]
    """Of attempts."""
    lists: IdsByList = field(default_factory=dict)
    held_back: Sequence[str] = ()
    """Lists from which something waits to be taken, as school and list."""
    held: Sequence[str] = ()
    """Schools that are held, with the reason."""
    not_sent: Sequence[str] = ()
    """Ids of writebacks that our own check has failed after they were accepted."""


async def read_books(db: Database) -> Books:
    """Return everything, in the order of acceptance."""
    async with db.read() as session:
        rows = (await session.exec(select(WritebackRow).order_by(col(WritebackRow.seq)))).all()
        by_school = (
            select(RequestRow.school_id, func.count(col(AttemptRow.id)))
            .join(AttemptRow, col(AttemptRow.request_id) == RequestRow.id)
            .group_by(RequestRow.school_id)
        )
        attempts = Counter(dict((await session.exec(by_school)).all()))
        by_outcome = select(AttemptRow.outcome, func.count(col(AttemptRow.id))).group_by(col(AttemptRow.outcome))
        outcomes = Counter({str(name): count for name, count in (await session.exec(by_outcome)).all()})
        records = [record for row in rows for record in _records_of(row)]
        return Books(
            rows,
            records,
            attempts,
            outcomes,
            await read_lists(session),
            [f"{row.school_id} {row.list}: {row.entries}" for row in (await session.exec(select(RemovalsRow))).all()],
            [f"{one.id}: {one.hold_reason}" for one in (await session.exec(_HELD)).all()],
            (await session.exec(_FAILED_BY_US)).all(),
        )


async def read_lists(session: AsyncSession) -> IdsByList:
    """Return what is in the cached lists, but for lessons: those go by the day."""
    query = select(LookupRow).where(col(LookupRow.list) != ListName.LESSONS.value)
    found = (await session.exec(query)).all()
    return {(row.school_id, row.list): frozenset(json.loads(row.rows)) for row in found}


async def longest_wait_s(db: Database, now: datetime) -> float:
    """Return for how many seconds from now on a school, a provider or a lane is left alone at the longest."""
    async with db.read() as session:
        rows = [
            (await session.exec(select(func.max(col(BreakerRow.open_until))))).one(),
            (await session.exec(select(func.max(col(Lane.not_before))))).one(),
        ]
    return max([0.0, *((until.replace(tzinfo=until.tzinfo or UTC) - now).total_seconds() for until in rows if until)])


async def count_unsettled(db: Database) -> int:
    """Return how many writebacks still wait for something, a person apart."""
    query = select(func.count(col(WritebackRow.seq))).where(col(WritebackRow.status).in_(UNSETTLED))
    async with db.read() as session:
        return (await session.exec(query)).one()


async def count_settled(db: Database) -> int:
    """Return how many have ended, or wait for a person."""
    query = select(func.count(col(WritebackRow.seq))).where(
        col(WritebackRow.status).in_((*FINAL, Status.NEEDS_ATTENTION))
    )
    async with db.read() as session:
        return (await session.exec(query)).one()


def _records_of(row: WritebackRow) -> list[BookedRecord]:
    says: list[Mapping[str, Any]] = json.loads(row.records)
    return [
        BookedRecord(
            seq=row.seq or 0,
            writeback_id=row.id,
            index=index,
            school=row.school_id,
            kind=row.kind,
            says=says[index],
            status=progress.status,
            evidence=progress.evidence,
            findings=[finding["code"] for finding in progress.findings],
            is_given_up=any(finding["message"].startswith(_NO_CLEAR_ANSWER) for finding in progress.findings),
        )
        for index, progress in enumerate(unpack_progress(row.progress, len(says)))
    ]
