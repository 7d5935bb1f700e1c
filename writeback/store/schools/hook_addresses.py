"""Which addresses of our accounts' hooks count; a school's stand in its own row."""

from collections.abc import Sequence
from typing import cast

from sqlmodel import Session, select
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.store.sql.upsert import insert_new
from writeback.store.tables import AccountHookRow


async def of_accounts(session: AsyncSession) -> Sequence[AccountHookRow]:
    """Return those that were renewed."""
    return (await session.exec(select(AccountHookRow))).all()


async def lock_of_account(session: AsyncSession, provider: str) -> AccountHookRow:
    """Return the provider's, locked until the transaction ends; a new one where it was never renewed."""
    await session.run_sync(lambda plain: insert_new(cast(Session, plain), AccountHookRow, provider=provider, number=0))
    query = select(AccountHookRow).where(AccountHookRow.provider == provider).with_for_update()
    return (await session.exec(query.execution_options(populate_existing=True))).one()
