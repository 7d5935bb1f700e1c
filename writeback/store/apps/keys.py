"""Queries of apps and their API keys. Called by `flow/people/keys.py`."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import case, or_, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.domain.mode import Mode, mode_of
from writeback.store.tables import ApiKey, App, SchoolRow


async def by_hash(session: AsyncSession, key_hash: str) -> ApiKey | None:
    """Return the key with this hash, or with it until it was rotated; revoked ones too."""
    same = or_(col(ApiKey.hash) == key_hash, col(ApiKey.old_hash) == key_hash)
    return (await session.exec(select(ApiKey).where(same))).one_or_none()


async def lock(session: AsyncSession, key_id: str) -> ApiKey | None:
    """Return the key, locked until the transaction ends."""
    return (await session.exec(select(ApiKey).where(ApiKey.id == key_id).with_for_update())).one_or_none()


async def page(session: AsyncSession, *, before: str | None, limit: int) -> Sequence[ApiKey]:
    """Return keys made before the one whose id is `before`, the newest first."""
    query = select(ApiKey).order_by(col(ApiKey.id).desc()).limit(limit)
    if before is not None:
        query = query.where(col(ApiKey.id) < before)
    return (await session.exec(query)).all()


async def apps(session: AsyncSession, *, besides: str) -> Sequence[str]:
    """Return the ids of all apps but those that begin so."""
    query = select(App.id).where(~col(App.id).startswith(besides, autoescape=True)).order_by(col(App.id))
    return (await session.exec(query)).all()


async def of_app(session: AsyncSession, app: str) -> Sequence[ApiKey]:
    """Return the app's keys, the newest first, revoked ones too."""
    return (await session.exec(select(ApiKey).where(ApiKey.app_id == app).order_by(col(ApiKey.id).desc()))).all()


async def find_app(session: AsyncSession, app: str) -> App | None:
    return await session.get(App, app)


async def mark_used(session: AsyncSession, key_id: str, at: datetime) -> None:
    await session.exec(update(ApiKey).where(col(ApiKey.id) == key_id).values(last_used_at=at))


async def ensure_app(session: AsyncSession, app: App) -> str:
    """Return the id of the app that has this id or else this name, adding `app` where there is none.

    One of the other mode is another app, whatever it is called: then the new one is called as its id.
    """
    same = or_(col(App.id) == app.id, col(App.name) == app.name)
    query = select(App.id).where(same).order_by(case((col(App.id) == app.id, 0), else_=1))
    found = (await session.exec(query)).first()
    if found is not None and mode_of(found) is mode_of(app.id):
        return found
    if found is not None:
        app.name = app.id
    session.add(app)
    await session.flush()  # the key refers to it
    return app.id


async def unknown_schools(session: AsyncSession, school_ids: Sequence[str], mode: Mode | None = None) -> list[str]:
    """Return those of `school_ids` that no school has, or none of this mode, in the order given."""
    known = set((await session.exec(select(SchoolRow.id).where(col(SchoolRow.id).in_(school_ids)))).all())
    return [one for one in school_ids if one not in known or mode not in (None, mode_of(one))]
