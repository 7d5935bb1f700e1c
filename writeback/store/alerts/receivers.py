"""Who is told, and the messages to them."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func
from sqlmodel import Session, col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.store.tables import AlertMessageRow, AlertReceiverRow


class MessageState(StrEnum):
    """How far a message is."""

    PENDING = "pending"
    SENDING = "sending"
    """An attempt is under way; when no word of it comes in time it goes again."""
    SENT = "sent"
    FAILED = "failed"
    """Given up."""
    DROPPED = "dropped"
    """It was all over before it could be sent, e.g. in the night."""


UNFINISHED = (MessageState.PENDING, MessageState.SENDING)


def all_of(session: Session) -> Sequence[AlertReceiverRow]:
    """Return them by name."""
    return session.exec(select(AlertReceiverRow).order_by(col(AlertReceiverRow.name))).all()


async def find(session: AsyncSession, receiver_id: str) -> AlertReceiverRow | None:
    """Return one, locked until the transaction ends."""
    return await session.get(AlertReceiverRow, receiver_id, with_for_update=True)


async def by_name(session: AsyncSession, name: str) -> AlertReceiverRow | None:
    """Return the one that is called so."""
    return (await session.exec(select(AlertReceiverRow).where(AlertReceiverRow.name == name))).one_or_none()


async def remove(session: AsyncSession, row: AlertReceiverRow) -> None:
    """Delete one with its messages."""
    await session.exec(delete(AlertMessageRow).where(col(AlertMessageRow.receiver_id) == row.id))
    await session.delete(row)


def due(session: Session, now: datetime, limit: int) -> Sequence[AlertMessageRow]:
    """Return messages that may be sent, the oldest first, locked; those of a worker that died among them."""
    query = (
        select(AlertMessageRow)
        .where(col(AlertMessageRow.state).in_(UNFINISHED), col(AlertMessageRow.next_attempt_at) <= now)
        .order_by(col(AlertMessageRow.created_at), col(AlertMessageRow.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return session.exec(query).all()


async def has_due(session: AsyncSession, now: datetime) -> bool:
    """Whether any message may be sent."""
    query = select(AlertMessageRow.id).where(
        col(AlertMessageRow.state).in_(UNFINISHED), col(AlertMessageRow.next_attempt_at) <= now
    )
    return (await session.exec(query.limit(1))).first() is not None


def attempt(session: Session, message_id: str, number: int) -> AlertMessageRow | None:
    """Return the message if this attempt is still the one that counts, locked."""
    row = session.get(AlertMessageRow, message_id, with_for_update=True, populate_existing=True)
    return row if row is not None and row.attempts == number and row.state == MessageState.SENDING else None


def last_about(session: Session, incident_id: str) -> dict[str, AlertMessageRow]:
    """Return the last message about an incident to each receiver that was told of it, or is about to be."""
    query = select(AlertMessageRow).where(
        col(AlertMessageRow.incident_id) == incident_id, col(AlertMessageRow.state) != MessageState.DROPPED
    )
    rows = session.exec(query.order_by(col(AlertMessageRow.id)).with_for_update()).all()
    return {row.receiver_id: row for row in rows}


async def last_of_each(session: AsyncSession) -> dict[str, AlertMessageRow]:
    """Return the last message to each receiver that has one."""
    last = select(func.max(AlertMessageRow.id)).group_by(col(AlertMessageRow.receiver_id))
    found = (await session.exec(select(AlertMessageRow).where(col(AlertMessageRow.id).in_(last)))).all()
    return {row.receiver_id: row for row in found}


def wanting_reports(session: Session) -> Sequence[AlertReceiverRow]:
    """Return those that are told how sessions went, locked."""
    return session.exec(select(AlertReceiverRow).where(col(AlertReceiverRow.reports)).with_for_update()).all()
