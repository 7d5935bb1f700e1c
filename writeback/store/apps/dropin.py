"""Queries of drop-in requests. Their rows are written with their writebacks, by the committer."""

from collections.abc import Sequence

from sqlalchemy import delete, func
from sqlmodel import Session, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.domain.access import Caller
from writeback.domain.mode import Mode, mode_of
from writeback.domain.school import HoldReason
from writeback.store.reads.filters import in_mode
from writeback.store.tables import App, DropInMemberRow, DropInRow, SchoolRow, WebhookRow, WritebackRow


async def find(session: AsyncSession, ref: str) -> DropInRow | None:
    return await session.get(DropInRow, ref)


def of_writeback(session: Session, writeback_id: str) -> DropInRow | None:
    """Return the drop-in request that a writeback is part of; None where it came otherwise."""
    query = select(DropInRow).join(DropInMemberRow, col(DropInMemberRow.ref) == col(DropInRow.ref))
    return session.exec(query.where(DropInMemberRow.writeback_id == writeback_id)).one_or_none()


def members(session: Session, ref: str) -> Sequence[tuple[DropInMemberRow, WritebackRow]]:
    """Return the writebacks of a drop-in request, in its order."""
    query = (
        select(DropInMemberRow, WritebackRow)
        .join(WritebackRow, col(WritebackRow.id) == col(DropInMemberRow.writeback_id))
        .where(DropInMemberRow.ref == ref)
        .order_by(col(DropInMemberRow.position))
    )
    return session.exec(query).all()


def forget(session: Session, refs: Sequence[str]) -> None:
    """Delete requests; their writebacks stay."""
    session.exec(delete(DropInMemberRow).where(col(DropInMemberRow.ref).in_(refs)))
    session.exec(delete(DropInRow).where(col(DropInRow.ref).in_(refs)))


async def school_candidates(session: AsyncSession, provider: str, given: str, mode: Mode | None) -> Sequence[str]:
    """Return the ids of the schools that may be meant: the one with this id, else those of the provider's id.

    Of that mode alone, None: of either. Two at most: more say no more than that it is not clear which.
    """
    own = await session.get(SchoolRow, given)
    if own is not None and own.provider == provider and mode in (None, mode_of(own.id)):
        return [own.id]
    query = select(SchoolRow.id).where(SchoolRow.provider == provider, SchoolRow.provider_school_id == given)
    query = query.where(*in_mode(mode, SchoolRow.id)).order_by(col(SchoolRow.id)).limit(2)
    return (await session.exec(query)).all()


async def schools_of(session: AsyncSession, provider: str, caller: Caller) -> Sequence[str]:
    """Return the ids of the provider's schools that the caller may touch, by id, without those being removed."""
    query = select(SchoolRow.id).where(SchoolRow.provider == provider)
    query = query.where(func.coalesce(SchoolRow.hold_reason, "") != HoldReason.LEAVING.value)
    found = (await session.exec(query.order_by(col(SchoolRow.id)))).all()
    return [one for one in found if caller.may_touch(one)]


async def callback_webhook(session: AsyncSession, app: str, format_: str, origin: str) -> WebhookRow | None:
    """Return the webhook that carries the app's callbacks to a host."""
    query = select(WebhookRow).where(WebhookRow.app_id == app, WebhookRow.format == format_, WebhookRow.url == origin)
    return (await session.exec(query.limit(1))).one_or_none()


async def count_callback_webhooks(session: AsyncSession, app: str, format_: str) -> int:
    """Return how many the app has, so that nobody adds one for it before the transaction ends."""
    await session.exec(select(App.id).where(App.id == app).with_for_update())
    query = select(func.count()).select_from(WebhookRow)
    return (await session.exec(query.where(WebhookRow.app_id == app, WebhookRow.format == format_))).one()
