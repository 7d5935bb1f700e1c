"""Queries of apps' webhooks and of what was delivered to them, for people; the worker's are in `outbox.py`."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, or_, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.core.ids import id_floor
from writeback.store.apps.outbox import UNFINISHED, DeliveryState
from writeback.store.tables import App, DeliveryRow, WebhookRow


async def find(session: AsyncSession, webhook_id: str) -> WebhookRow | None:
    return await session.get(WebhookRow, webhook_id)


async def lock(session: AsyncSession, webhook_id: str) -> WebhookRow | None:
    """Return the webhook, locked until the transaction ends."""
    query = select(WebhookRow).where(WebhookRow.id == webhook_id).with_for_update()
    return (await session.exec(query.execution_options(populate_existing=True))).one_or_none()


async def page(session: AsyncSession, *, app: str | None, before: str | None, limit: int) -> Sequence[WebhookRow]:
    """Return webhooks made before the one whose id is `before`, the newest first; `app` None: every app's."""
    query = select(WebhookRow).order_by(col(WebhookRow.id).desc()).limit(limit)
    if app is not None:
        query = query.where(WebhookRow.app_id == app)
    if before is not None:
        query = query.where(col(WebhookRow.id) < before)
    return (await session.exec(query)).all()


async def count_of_app(session: AsyncSession, app: str, *, besides: str) -> int:
    """Return how many webhooks the app has besides those of a format; nobody adds one before the transaction ends."""
    await session.exec(select(App.id).where(App.id == app).with_for_update())
    query = select(func.count()).select_from(WebhookRow)
    return (await session.exec(query.where(WebhookRow.app_id == app, WebhookRow.format != besides))).one()


async def has_app(session: AsyncSession, app: str) -> bool:
    return await session.get(App, app) is not None


async def waiting_counts(session: AsyncSession, webhook_ids: Collection[str]) -> dict[str, int]:
    """Return how many deliveries of each webhook have not ended; webhooks without any are left out."""
    query = (
        select(DeliveryRow.webhook_id, func.count())
        .where(col(DeliveryRow.webhook_id).in_(webhook_ids), col(DeliveryRow.state).in_(UNFINISHED))
        .group_by(col(DeliveryRow.webhook_id))
    )
    return dict((await session.exec(query)).all())


async def not_working(session: AsyncSession, *, switched_off: tuple[str, ...]) -> Sequence[WebhookRow]:
    """Return those to which nothing gets through, or which are disabled, but for those that were switched off so."""
    query = select(WebhookRow).where(
        or_(col(WebhookRow.failing_since).is_not(None), col(WebhookRow.disabled_at).is_not(None)),
        func.coalesce(WebhookRow.disabled_reason, "").not_in(switched_off),
    )
    return (await session.exec(query)).all()


async def remove(session: AsyncSession, webhook: WebhookRow) -> None:
    """Delete the webhook and all its deliveries."""
    await session.exec(delete(DeliveryRow).where(col(DeliveryRow.webhook_id) == webhook.id))
    await session.delete(webhook)


async def deliveries(
    session: AsyncSession, webhook_id: str, *, states: Collection[DeliveryState], before: int | None, limit: int
) -> Sequence[DeliveryRow]:
    """Return deliveries with a lower number than `before`, the latest first."""
    conditions: list[ColumnElement[bool]] = [col(DeliveryRow.webhook_id) == webhook_id]
    if states:
        conditions.append(col(DeliveryRow.state).in_(states))
    if before is not None:
        conditions.append(col(DeliveryRow.sequence) < before)
    query = select(DeliveryRow).where(*conditions).order_by(col(DeliveryRow.sequence).desc()).limit(limit)
    return (await session.exec(query)).all()


async def lock_delivery(session: AsyncSession, webhook_id: str, delivery_id: str) -> DeliveryRow | None:
    """Return the delivery where it is one of this webhook, locked until the transaction ends."""
    query = select(DeliveryRow).where(DeliveryRow.id == delivery_id, DeliveryRow.webhook_id == webhook_id)
    return (await session.exec(query.with_for_update())).one_or_none()


async def recover(session: AsyncSession, webhook_id: str, since: datetime, now: datetime, most: int) -> tuple[int, int]:
    """Have the deliveries that were given up and made since then sent again, the earliest first; return how many, and
    how many more there are. Whoever calls holds the webhook's lock."""
    # Ids begin with the instant at which a delivery was made, and the index by webhook and state leads to them.
    given_up = (
        col(DeliveryRow.webhook_id) == webhook_id,
        col(DeliveryRow.state) == DeliveryState.FAILED,
        col(DeliveryRow.id) >= id_floor("msg", since),
    )
    there = (await session.exec(select(func.count()).select_from(DeliveryRow).where(*given_up))).one()
    chosen = select(DeliveryRow.id).where(*given_up).order_by(col(DeliveryRow.sequence)).limit(most)
    again = {"state": DeliveryState.PENDING, "next_attempt_at": now, "tries": 0}
    await session.exec(update(DeliveryRow).where(col(DeliveryRow.id).in_(chosen)).values(**again))
    return min(there, most), max(0, there - most)
