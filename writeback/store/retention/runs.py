"""Runs of retention as rows: one at a time, under a lease; each says how much was deleted of what."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, or_
from sqlmodel import Session, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.store.tables import RetentionRunRow

_LOCK = 0x77726574  # "wret"
"""Of those who begin a run at the same moment one waits for the other."""


class RunLost(Exception):
    """Another process goes on with the run: nothing of this piece may be committed."""


def take(session: Session, *, owner: str, now: datetime, until: datetime) -> RetentionRunRow | None:
    """Return a run of ours: one that was left behind, else a new one; None while somebody else has one."""
    if session.get_bind().dialect.name == "postgresql":  # SQLite has but one writer anyway
        session.exec(select(func.pg_advisory_xact_lock(_LOCK)))
    query = select(RetentionRunRow).where(col(RetentionRunRow.ended_at).is_(None))
    row = session.exec(query.order_by(col(RetentionRunRow.id)).limit(1).with_for_update()).first()
    if row is None:
        row = RetentionRunRow(began_at=now)
    elif row.lease_until is not None and row.lease_until > now:
        return None
    row.fence, row.lease_owner, row.lease_until = row.fence + 1, owner, until
    session.add(row)
    session.flush()
    return row


def lock(session: Session, run: int, fence: int) -> RetentionRunRow:
    """Return it, locked, for whoever has it with this number; raise RunLost."""
    query = select(RetentionRunRow).where(RetentionRunRow.id == run, RetentionRunRow.fence == fence)
    row = session.exec(query.with_for_update().execution_options(populate_existing=True)).first()
    if row is None or row.ended_at is not None:
        raise RunLost
    return row


def release_all(session: Session, owner: str) -> None:
    """Leave a run to others: this process stops."""
    query = select(RetentionRunRow).where(RetentionRunRow.lease_owner == owner).with_for_update()
    for row in session.exec(query).all():
        row.lease_owner = row.lease_until = None
        session.add(row)


def is_due(session: Session, since: datetime, now: datetime) -> bool:
    """Whether none has ended since then, and nobody is at one."""
    has_it = or_(col(RetentionRunRow.ended_at) >= since, col(RetentionRunRow.lease_until) > now)
    return session.exec(select(RetentionRunRow.id).where(has_it).limit(1)).first() is None


async def latest(session: AsyncSession, limit: int) -> Sequence[RetentionRunRow]:
    """Return the latest runs, the last begun first."""
    return (await session.exec(select(RetentionRunRow).order_by(col(RetentionRunRow.id).desc()).limit(limit))).all()
