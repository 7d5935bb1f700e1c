"""Queries of staff accounts, their sessions, and sign-ins that failed. Called by `flow/people`."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, or_, update
from sqlmodel import Session, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.store.sql.upsert import insert_new
from writeback.store.tables import SignInTriesRow, StaffRow, StaffSessionRow


def by_name(session: Session, name: str) -> StaffRow | None:
    """Return the account, locked until the transaction ends."""
    return session.exec(select(StaffRow).where(StaffRow.name == name).with_for_update()).one_or_none()


def by_subject(session: Session, subject: str) -> StaffRow | None:
    """Return the account of somebody at the OpenID Connect provider, locked until the transaction ends."""
    return session.exec(select(StaffRow).where(StaffRow.subject == subject).with_for_update()).one_or_none()


async def find(session: AsyncSession, name: str) -> StaffRow | None:
    return (await session.exec(select(StaffRow).where(StaffRow.name == name))).one_or_none()


async def every(session: AsyncSession) -> Sequence[StaffRow]:
    """Return all accounts by name, disabled ones too."""
    return (await session.exec(select(StaffRow).order_by(col(StaffRow.name)))).all()


async def of_session(session: AsyncSession, session_hash: str) -> tuple[StaffSessionRow, StaffRow] | None:
    """Return the session and its account."""
    query = (
        select(StaffSessionRow, StaffRow)
        .join(StaffRow, col(StaffRow.id) == col(StaffSessionRow.staff_id))
        .where(StaffSessionRow.hash == session_hash)
    )
    return (await session.exec(query)).one_or_none()


async def count_sessions(session: AsyncSession, staff_id: str, now: datetime, idle_since: datetime) -> int:
    """Return in how many browsers somebody is signed in."""
    query = select(func.count()).where(
        StaffSessionRow.staff_id == staff_id,
        col(StaffSessionRow.expires_at) > now,
        col(StaffSessionRow.seen_at) > idle_since,
    )
    return (await session.exec(query)).one()


def note_seen(session: Session, session_hash: str, now: datetime) -> None:
    session.exec(update(StaffSessionRow).where(col(StaffSessionRow.hash) == session_hash).values(seen_at=now))


def end_session(session: Session, session_hash: str) -> None:
    session.exec(delete(StaffSessionRow).where(col(StaffSessionRow.hash) == session_hash))


def end_other_sessions(session: Session, staff_id: str, kept: str) -> int:
    """End somebody's sessions but the one of this hash; return how many there were."""
    query = delete(StaffSessionRow).where(col(StaffSessionRow.staff_id) == staff_id, col(StaffSessionRow.hash) != kept)
    return session.exec(query).rowcount


def end_sessions(session: Session, staff_id: str) -> int:
    """End all of somebody's sessions; return how many there were."""
    return session.exec(delete(StaffSessionRow).where(col(StaffSessionRow.staff_id) == staff_id)).rowcount


def forget_ended(session: Session, now: datetime, idle_since: datetime) -> None:
    """Delete sessions and tries that have run out."""
    ended = or_(col(StaffSessionRow.expires_at) <= now, col(StaffSessionRow.seen_at) <= idle_since)
    session.exec(delete(StaffSessionRow).where(ended))
    session.exec(delete(SignInTriesRow).where(col(SignInTriesRow.until) <= now))


def count_try(session: Session, key: str, now: datetime, until: datetime) -> SignInTriesRow:
    """Return the tries of `key`, this one counted, locked until the transaction ends; tries that have run out start
    again."""
    insert_new(session, SignInTriesRow, key=key, tries=0, until=until)
    query = select(SignInTriesRow).where(SignInTriesRow.key == key).with_for_update()
    row = session.exec(query.execution_options(populate_existing=True)).one()
    if row.until <= now:
        row.tries, row.until = 0, until
    row.tries += 1
    session.add(row)
    return row


def forget_tries(session: Session, key: str) -> None:
    session.exec(delete(SignInTriesRow).where(col(SignInTriesRow.key) == key))


def take_back_try(session: Session, key: str) -> None:
    """Count one try less: it did not fail."""
    query = update(SignInTriesRow).where(col(SignInTriesRow.key) == key, col(SignInTriesRow.tries) > 0)
    session.exec(query.values(tries=col(SignInTriesRow.tries) - 1))
