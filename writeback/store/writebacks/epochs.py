"""Epochs: what a restore of the database has left in doubt, and how much of it is still to be looked for."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, not_, update
from sqlmodel import Session, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.domain.restore_epoch import Epoch
from writeback.domain.states import Status
from writeback.store.sql.upsert import insert_new
from writeback.store.tables import EpochRow, EventRow, RequestRow, WritebackRow, table_of
from writeback.store.writebacks.requests import RESTORED, RequestState

_WAITS = (Status.QUEUED, Status.HELD)


COLUMNS = tuple(
    table_of(EpochRow).c[name] for name in ("id", "began_at", "taken_at", "last_seq", "compare_until", "suspected_at")
)
"""What `as_epoch` takes."""


def as_epoch(
    number: int,
    began_at: datetime,
    taken_at: datetime | None,
    last_seq: int,
    compare_until: datetime | None,
    suspected_at: datetime | None,
) -> Epoch:
    return Epoch(number, began_at, taken_at, last_seq, compare_until, is_suspected=suspected_at is not None)


def newest(session: Session) -> EpochRow | None:
    """Return the epoch that counts; None where no process has ever worked with the database."""
    return session.exec(select(EpochRow).order_by(col(EpochRow.id).desc()).limit(1)).first()


def lock_newest(session: Session) -> EpochRow | None:
    """Return it, locked until the transaction ends."""
    query = select(EpochRow).order_by(col(EpochRow.id).desc()).limit(1).with_for_update()
    return session.exec(query.execution_options(populate_existing=True)).first()


def begin(session: Session, number: int, lineage: str, now: datetime) -> None:
    """Write down the first epoch, unless another process just has."""
    insert_new(session, EpochRow, id=number, lineage=lineage, began_at=now)


def newest_and_last_event(session: Session) -> tuple[EpochRow | None, int]:
    """Return the epoch that counts, and the number of the last event: none is ever deleted, so that only grows."""
    last = select(func.max(EventRow.id)).scalar_subquery()
    found = session.exec(select(EpochRow, last).order_by(col(EpochRow.id).desc()).limit(1)).first()
    return (found[0], found[1] or 0) if found is not None else (None, 0)


def last_seq(session: Session) -> int:
    """Return the sequence of the writeback accepted last."""
    return session.exec(select(func.max(WritebackRow.seq))).one() or 0


def put_requests_in_doubt(session: Session, now: datetime) -> int:
    """Note that what is in doubt, or was about to be sent, may have been sent again up to now; return how much."""
    states = (RequestState.SENDING, RequestState.IN_DOUBT)
    in_doubt = update(RequestRow).where(col(RequestRow.state).in_(states))
    since = func.coalesce(RequestRow.sent_from, RequestRow.sent_at, RequestRow.created_at)
    return session.exec(in_doubt.values(sent_from=since, sent_at=now)).rowcount


class Waiting(NamedTuple):
    """Writebacks that came with the backup: how many are still to be looked for, and what is being looked for now."""

    waiting: int
    being_looked_for: int
    """Requests' worth, of creates posted since as well."""


async def waiting_for(session: AsyncSession, row: EpochRow) -> Waiting:
    """Return what waits for an epoch. It looks through what is queued or held, and no further."""
    looked_for = col(WritebackRow.progress).contains(f'"looked_for":{row.id}}}', autoescape=True)
    waiting = select(func.count()).where(col(WritebackRow.status).in_(_WAITS), col(WritebackRow.seq) <= row.last_seq)
    looking = select(func.count()).where(RequestRow.state == RequestState.IN_DOUBT, RequestRow.result == RESTORED)
    return Waiting((await session.exec(waiting.where(not_(looked_for)))).one(), (await session.exec(looking)).one())
