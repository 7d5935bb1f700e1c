"""Retention beside somebody who needs an old row again."""

import asyncio
from datetime import timedelta
from functools import partial

import pytest
from sqlmodel import Session

from writeback.core.clock import FakeClock
from writeback.core.ids import new_id
from writeback.store.retention.old import Scope
from writeback.store.retention.old_rows import deliveries
from writeback.store.sql.database import Database
from writeback.store.tables import App, DeliveryRow, WebhookRow


async def test_a_delivery_that_is_asked_for_again_at_this_moment_stays(
    database: Database, database_url: str, fake_clock: FakeClock
) -> None:
    if database_url.startswith("sqlite"):
        pytest.skip("SQLite has one writer: nobody is in the middle of something beside it")
    now = fake_clock.now()
    old = new_id("msg", now - timedelta(days=40))

    def plant(session: Session) -> None:
        session.add(App(id="app", name="App", created_at=now))
        session.flush()
        said = {"app_id": "app", "url": "https://app.example.dev", "statuses": [], "secrets": "x"}
        session.add(WebhookRow(id="whk_1", created_at=now, updated_at=now, **said))
        session.flush()
        said = {"webhook_id": "whk_1", "sequence": 1, "writeback_id": "wb_1", "type": "x", "payload": "{}"}
        session.add(DeliveryRow(id=old, state="delivered", next_attempt_at=None, created_at=now, **said))

    await database.transact(plant)
    piece = partial(deliveries(Scope(now - timedelta(days=30), now)).piece, limit=10)

    async with database.write() as session:
        row = await session.get_one(DeliveryRow, old, with_for_update=True)
        row.state = "pending"
        session.add(row)
        await session.flush()
        retention = asyncio.create_task(database.transact(piece))
        await asyncio.wait([retention], timeout=1)

    assert await retention == 0
    async with database.read() as session:
        assert await session.get(DeliveryRow, old) is not None
