"""Bulk jobs as rows: one worker at a time works on each, under a lease.

Called by `flow/correct/bulk_jobs.py` for people and by `flow/correct/bulk_runner.py` for workers.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import NamedTuple

from sqlalchemy import ColumnElement, Integer, bindparam, exists, func, not_, or_, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.domain.staff import Person
from writeback.store.batches.batches import LeaseLost
from writeback.store.sql.prepared import Prepared
from writeback.store.sql.types import UtcDateTime
from writeback.store.tables import BulkRow, EpochRow, StaffRow


class BulkState(StrEnum):
    """How far it is."""

    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    """Somebody has stopped it, or its author has lost the permission; people may resume it where it was."""


class Listed(NamedTuple):
    """A bulk job with the names of who began it and in whose name it runs."""

    row: BulkRow
    author: str
    acting: str


# --- for workers


def due(session: Session, now: datetime, limit: int) -> Sequence[str]:
    """Return those that nobody goes on with, the oldest first."""
    return [bulk_id for (bulk_id,) in _due().rows(session, now=now, at_most=limit)]


@cache
def _due() -> Prepared:
    free = select(BulkRow.id).where(*_is_free(bindparam("now", type_=UtcDateTime())))
    return Prepared(free.order_by(col(BulkRow.id)).limit(bindparam("at_most", type_=Integer())))


def take(session: Session, bulk_id: str, *, owner: str, now: datetime, until: datetime) -> int | None:
    """Take its lease and return the fencing token; None where it is at its end, or another has it."""
    taken = update(BulkRow).where(col(BulkRow.id) == bulk_id, *_is_free(now))
    taken = taken.values(fence=BulkRow.fence + 1, lease_owner=owner, lease_until=until)
    if session.exec(taken).rowcount != 1:
        return None
    return session.exec(select(BulkRow.fence).where(BulkRow.id == bulk_id)).one()


def lock(session: Session, bulk_id: str, fence: int) -> BulkRow:
    """Return it, locked, for whoever holds it with this number; raise LeaseLost."""
    query = select(BulkRow).where(*_is_held(bulk_id, fence)).with_for_update()
    row = session.exec(query.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise LeaseLost
    return row


async def held(session: AsyncSession, bulk_id: str, fence: int) -> tuple[BulkRow, StaffRow]:
    """Return it, and the account in whose name it goes on, to be read; raise LeaseLost."""
    query = select(BulkRow, StaffRow).join(StaffRow, col(StaffRow.id) == _acting())
    found = (await session.exec(query.where(*_is_held(bulk_id, fence)))).first()
    if found is None:
        raise LeaseLost
    return found


def release(session: Session, bulk_id: str, fence: int) -> None:
    """Leave it to others."""
    free = update(BulkRow).where(*_is_held(bulk_id, fence))
    session.exec(free.values(lease_owner=None, lease_until=None))


def release_all(session: Session, owner: str) -> None:
    """End every lease of a worker that stops."""
    free = update(BulkRow).where(col(BulkRow.lease_owner) == owner)
    session.exec(free.values(lease_owner=None, lease_until=None))


# --- for people


def lock_seen(session: Session, person: Person, bulk_id: str) -> BulkRow | None:
    """Return it, locked; None where there is none that the person may see."""
    query = select(BulkRow).where(BulkRow.id == bulk_id, *_visible(person)).with_for_update()
    return session.exec(query).one_or_none()


def stop(session: Session, row: BulkRow, trouble: str, now: datetime) -> None:
    """Have nobody go on with it: whoever holds it commits nothing more."""
    row.state, row.trouble, row.finished_at = BulkState.STOPPED, trouble, now
    row.fence, row.lease_owner, row.lease_until = row.fence + 1, None, None
    session.add(row)


def stop_all(session: Session, trouble: str, now: datetime) -> int:
    """Stop all that are under way; return how many."""
    running = session.exec(select(BulkRow).where(BulkRow.state == BulkState.RUNNING).with_for_update()).all()
    for row in running:
        stop(session, row, trouble, now)
    return len(running)


async def page(
    session: AsyncSession, person: Person, *, before: str | None, limit: int, bulk_id: str | None = None
) -> Sequence[Listed]:
    """Return those that the person may see, the latest first; with `bulk_id` that one alone."""
    author, acting = aliased(StaffRow), aliased(StaffRow)
    query = select(BulkRow, author.name, acting.name).where(*_visible(person))
    query = query.join(author, col(author.id) == BulkRow.staff_id).join(acting, col(acting.id) == _acting())
    if before is not None:
        query = query.where(col(BulkRow.id) < before)
    if bulk_id is not None:
        query = query.where(BulkRow.id == bulk_id)
    found = (await session.exec(query.order_by(col(BulkRow.id).desc()).limit(limit))).all()
    return [Listed(*one) for one in found]


# --- conditions


def _acting() -> ColumnElement[str]:
    return func.coalesce(BulkRow.as_staff_id, BulkRow.staff_id)


def _is_free(now: datetime | ColumnElement[datetime]) -> tuple[ColumnElement[bool], ...]:
    is_unheld = or_(col(BulkRow.lease_until).is_(None), col(BulkRow.lease_until) <= now)
    return *_goes_on(), is_unheld


def _is_held(bulk_id: str, fence: int) -> tuple[ColumnElement[bool], ...]:
    return col(BulkRow.id) == bulk_id, col(BulkRow.fence) == fence, *_goes_on()


def _goes_on() -> tuple[ColumnElement[bool], ...]:
    """Nothing is done while a restore is suspected: what has been sent may look as if it had not."""
    is_suspected = exists().where(col(EpochRow.suspected_at).is_not(None))
    return col(BulkRow.state) == BulkState.RUNNING, not_(is_suspected)


def _visible(person: Person) -> Sequence[ColumnElement[bool]]:
    """Who sees some schools sees what is about these alone, and their own."""
    if person.schools is None:
        return ()
    return (or_(col(BulkRow.school_id).in_(person.schools), col(BulkRow.staff_id) == person.id),)
