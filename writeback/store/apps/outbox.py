"""The outbox: deliveries to webhooks, claimed one attempt at a time. Called by the worker's side of notify.

Whoever changes deliveries holds the lock of their webhook, so two workers cannot take the same one.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Integer, and_, bindparam, exists, func, or_, update
from sqlmodel import Session, col, select

from writeback.store.sql.prepared import Prepared
from writeback.store.sql.types import UtcDateTime
from writeback.store.tables import DeliveryRow, EventRow, WebhookRow, WritebackRow


class DeliveryState(StrEnum):
    """Where a delivery is."""

    PENDING = "pending"
    """Waits for its first attempt, or its next."""
    SENDING = "sending"
    """An attempt is under way; when no word of it comes in time it goes again."""
    DELIVERED = "delivered"
    """The receiver answered 2xx."""
    FAILED = "failed"
    """Given up; it can be asked for again."""


UNFINISHED = (DeliveryState.PENDING, DeliveryState.SENDING)


def _due() -> Prepared:
    now = bindparam("now", type_=UtcDateTime())
    has_due = exists().where(
        col(DeliveryRow.webhook_id) == col(WebhookRow.id),
        col(DeliveryRow.state).in_(UNFINISHED),
        col(DeliveryRow.next_attempt_at) <= now,
    )
    is_free = or_(col(WebhookRow.not_before).is_(None), col(WebhookRow.not_before) <= now)
    newest = select(func.coalesce(func.max(EventRow.id), 0)).scalar_subquery()
    return Prepared(
        select(WebhookRow.id)
        .where(col(WebhookRow.disabled_at).is_(None), or_(col(WebhookRow.cursor) < newest, and_(is_free, has_due)))
        .order_by(col(WebhookRow.id))
        .limit(bindparam("at_most", type_=Integer()))
    )


_DUE = _due()


def due(session: Session, now: datetime, limit: int) -> Sequence[str]:
    """Return webhooks with deliveries that are due, or with events that nobody has looked at for them."""
    return [webhook_id for (webhook_id,) in _DUE.rows(session, now=now, at_most=limit)]


def lock(session: Session, webhook_id: str) -> WebhookRow | None:
    """Return the webhook, locked until the transaction ends."""
    query = select(WebhookRow).where(WebhookRow.id == webhook_id).with_for_update()
    return session.exec(query.execution_options(populate_existing=True)).one_or_none()


def writebacks_of(session: Session, ids: Sequence[str]) -> dict[str, WritebackRow]:
    """Return the writebacks by id, for their payloads."""
    rows = session.exec(select(WritebackRow).where(col(WritebackRow.id).in_(ids))).all()
    return {row.id: row for row in rows}


def under_way(session: Session, webhook_id: str, now: datetime) -> int:
    """Return how many attempts at the webhook have not ended, by whatever worker."""
    query = select(func.count()).where(
        col(DeliveryRow.webhook_id) == webhook_id,
        col(DeliveryRow.state) == DeliveryState.SENDING,
        col(DeliveryRow.next_attempt_at) > now,
    )
    return session.exec(query).one()


def due_deliveries(session: Session, webhook_id: str, now: datetime, limit: int) -> Sequence[DeliveryRow]:
    """Return the webhook's deliveries that are due, by number; those of a worker that died among them."""
    query = (
        select(DeliveryRow)
        .where(
            DeliveryRow.webhook_id == webhook_id,
            col(DeliveryRow.state).in_(UNFINISHED),
            col(DeliveryRow.next_attempt_at) <= now,
        )
        .order_by(col(DeliveryRow.sequence))
        .limit(limit)
    )
    return session.exec(query).all()


def find_attempt(session: Session, delivery_id: str, attempt: int) -> DeliveryRow | None:
    """Return the delivery if this attempt is still the one that counts."""
    query = select(DeliveryRow).where(
        DeliveryRow.id == delivery_id,
        DeliveryRow.attempts == attempt,
        DeliveryRow.state == DeliveryState.SENDING,
    )
    return session.exec(query.execution_options(populate_existing=True)).one_or_none()


def bring_forward(session: Session, webhook_id: str, now: datetime) -> None:
    """Have everything that waits for another attempt go now: the receiver is back."""
    session.exec(
        update(DeliveryRow)
        .where(col(DeliveryRow.webhook_id) == webhook_id, col(DeliveryRow.state) == DeliveryState.PENDING)
        .values(next_attempt_at=now)
    )
