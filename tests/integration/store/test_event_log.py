"""The log of events is read to the end and nothing is skipped, whatever the order of the commits."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession as Session

from writeback.store.sql.database import Database
from writeback.store.tables import EventRow, WritebackRow
from writeback.store.writebacks.event_log import EventFilter, Horizon, LoggedEvent, events_between, id_before

AT = datetime(2026, 1, 12, 9, 0, tzinfo=UTC)
PATIENCE_S = 5.0


def writeback(name: str, app: str = "app", school: str = "hillside", kind: str = "attendance.session") -> WritebackRow:
    return WritebackRow(
        id=name,
        app_id=app,
        school_id=school,
        lane_id="l",
        kind=kind,
        status="queued",
        records="[{}]",
        created_at=AT,
        updated_at=AT,
    )


async def add_event(
    session: Any, writeback_id: str, app: str = "app", status: str = "queued", at: datetime = AT
) -> int:
    row = EventRow(writeback_id=writeback_id, app_id=app, at=at, actor="worker", event="accepted", status=status)
    session.add(row)
    await session.flush()
    assert row.id is not None
    return row.id


async def prepare(db: Database) -> None:
    async with db.write() as session:
        session.add_all(
            [
                writeback("wb_1"),
                writeback("wb_2", app="other"),
                writeback("wb_3", school="riverbank", kind="attendance.lesson"),
            ]
        )


async def read_all(db: Database, horizon: Horizon, after: int) -> tuple[list[int], int]:
    upto = await horizon.settled()
    async with db.read() as session:
        return [event.id for event in await events_between(session, after, upto, EventFilter(), 100)], upto


async def test_an_event_that_commits_late_is_not_skipped(postgres_url: str) -> None:
    db = Database.open(postgres_url)
    await prepare(db)
    horizon, seen, position = Horizon(db), list[int](), 0

    async def read() -> None:
        nonlocal position
        found, position = await read_all(db, horizon, position)
        seen.extend(found)

    async with db.write() as early:
        first = await add_event(early, "wb_1")
        async with db.write() as late:
            second = await add_event(late, "wb_1")
        # The higher id is visible, the lower one is not yet.
        await read()
        await read()
        assert (seen, horizon.is_waiting) == ([], True)
    await read()
    await read()
    await db.dispose()

    assert first < second
    assert seen == [first, second]


async def test_an_id_that_is_rolled_back_holds_nobody_up(postgres_url: str) -> None:
    db = Database.open(postgres_url)
    await prepare(db)
    horizon = Horizon(db)
    async with db.write() as rolled_back:
        lost = await add_event(rolled_back, "wb_1")
        async with db.write() as session:
            kept = await add_event(session, "wb_1")
        assert await horizon.settled() < kept
        await rolled_back.rollback()
    found, _ = await read_all(db, horizon, 0)
    await db.dispose()

    assert lost < kept
    assert found == [kept]


async def test_writers_of_other_tables_hold_nobody_up(postgres_url: str) -> None:
    db = Database.open(postgres_url)
    await prepare(db)
    async with db.write() as session:
        last = await add_event(session, "wb_1")
    async with db.write() as busy:
        busy.add(writeback("wb_9"))
        await busy.flush()
        settled = await Horizon(db).settled()
    await db.dispose()

    assert settled == last


async def test_readers_beside_many_writers_see_each_event_once_and_in_order(database: Database) -> None:
    await prepare(database)
    written: list[int] = []

    async def write(session: Session) -> None:
        written.append(await add_event(session, "wb_1"))
        await asyncio.sleep(0)
        written.append(await add_event(session, "wb_1"))

    async def write_many() -> None:
        for _ in range(15):
            async with database.write() as session:
                await write(session)

    writing = asyncio.gather(*(write_many() for _ in range(5)))
    horizon, seen, position = Horizon(database), list[int](), 0
    async with asyncio.timeout(30):
        while not writing.done() or len(seen) < len(written):
            found, position = await read_all(database, horizon, position)
            seen += found
            await asyncio.sleep(0.001)
    await writing

    assert seen == sorted(written)
    assert len(seen) == 150


async def test_the_start_of_an_instant_is_found(database: Database) -> None:
    await prepare(database)
    async with database.write() as session:
        ids = [await add_event(session, "wb_1", at=AT + timedelta(minutes=minute)) for minute in range(20)]

    async with database.read() as session:
        found = [await id_before(session, AT + timedelta(minutes=minute)) for minute in (-5, 0, 7, 19, 30)]

    assert found == [0, 0, ids[6], ids[18], ids[19]]


async def test_filters_mean_the_same_in_sql_and_in_memory(database: Database) -> None:
    await prepare(database)
    async with database.write() as session:
        for app, name in (("app", "wb_1"), ("other", "wb_2"), ("app", "wb_3")):
            for status in ("queued", "confirmed"):
                await add_event(session, name, app, status, AT + timedelta(minutes=status == "confirmed"))
    filters = [
        EventFilter(),
        EventFilter(app="app"),
        EventFilter(app="nobody"),
        EventFilter(schools=frozenset({"riverbank"})),
        EventFilter(schools=frozenset()),
        EventFilter(writeback_id="wb_2"),
        EventFilter(kinds={"attendance.lesson"}),
        EventFilter(statuses={"confirmed"}, app="app"),
        EventFilter(since=AT + timedelta(seconds=30)),
    ]

    async with database.read() as session:
        everything = await events_between(session, 0, 1_000, EventFilter(), 100)
        found = [await events_between(session, 0, 1_000, one, 100) for one in filters]

    assert len(everything) == 6
    assert [len(events) for events in found] == [6, 4, 0, 2, 0, 2, 2, 2, 3]
    for wanted, events in zip(filters, found, strict=True):
        assert [event for event in everything if wanted.matches(event)] == events
        assert all(isinstance(event, LoggedEvent) for event in events)
