"""Statements that are made once and run on the driver, in the transaction of a session, on both databases."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from sqlalchemy import BigInteger, bindparam, tuple_
from sqlmodel import Session, col, select

from writeback.store.sql.database import Database
from writeback.store.sql.prepared import Prepared, PreparedSelect, run
from writeback.store.sql.types import UtcDateTime
from writeback.store.sql.write_out import insert_many
from writeback.store.tables import RequestRow

AT = datetime(2026, 1, 12, 9, 0, tzinfo=UTC)
OF_IDS = PreparedSelect(
    RequestRow,
    select(RequestRow).where(col(RequestRow.id).in_(bindparam("ids", expanding=True))).order_by(col(RequestRow.id)),
)
SINCE = Prepared(
    select(RequestRow.id, RequestRow.members, RequestRow.created_at)
    .where(col(RequestRow.created_at) >= bindparam("since", type_=UtcDateTime()), RequestRow.state == "sending")
    .order_by(col(RequestRow.id))
    .limit(bindparam("at_most", type_=BigInteger()))
)
PAIRS = Prepared(
    select(RequestRow.id).where(
        tuple_(col(RequestRow.id), col(RequestRow.fence)).in_(bindparam("pairs", expanding=True))
    )
)


def request(number: int) -> dict:
    return {
        "id": f"req_{number}",
        "lane_id": "hillside:conduct",
        "school_id": "hillside",
        "provider": "wonde",
        "kind": "behaviour.create",
        "state": "sending",
        "fence": number,
        "members": [[f"wb_{number}", [0, 1]]],
        "created_at": AT + timedelta(minutes=number),
    }


@pytest.fixture
async def filled(database: Database) -> Database:
    await database.transact(lambda session: insert_many(session, RequestRow, [request(number) for number in range(9)]))
    return database


async def test_lists_may_have_any_length(filled: Database):
    def work(session: Session, count: int) -> list[str]:
        return [row.id for row in OF_IDS.objects(session, ids={f"req_{number}" for number in range(count)})]

    for count in (1, 2, 3, 5, 8, 9, 3):
        found = await filled.transact(lambda session, count=count: work(session, count))
        assert found == [f"req_{number}" for number in range(count)]


async def test_values_come_as_python_has_them(filled: Database):
    rows = await filled.transact(lambda session: SINCE.rows(session, since=AT + timedelta(minutes=7), at_most=1))
    assert [tuple(row) for row in rows] == [("req_7", [["wb_7", [0, 1]]], AT + timedelta(minutes=7))]


async def test_a_list_may_be_of_pairs(filled: Database):
    pairs = [("req_1", 1), ("req_2", 2), ("req_3", 1)]
    rows = await filled.transact(lambda session: PAIRS.rows(session, pairs=pairs))
    assert {row[0] for row in rows} == {"req_1", "req_2"}


async def test_they_see_what_the_session_has_changed(filled: Database):
    def work(session: Session) -> int:
        (row,) = OF_IDS.objects(session, ids=["req_4"])
        row.state = "taken"
        session.add(row)
        return len(SINCE.rows(session, since=AT, at_most=20))

    assert await filled.transact(work) == 8


async def test_objects_are_those_of_the_session_and_become_as_their_rows_are(filled: Database):
    def work(session: Session) -> None:
        known = session.exec(select(RequestRow).where(RequestRow.id == "req_1")).one()
        run(session, "UPDATE request SET state = 'settled' WHERE id = 'req_1'", ())
        found, other = OF_IDS.objects(session, ids=["req_1", "req_2"])
        assert found is known
        assert found.state == "settled"
        assert session.exec(select(RequestRow).where(RequestRow.id == "req_2")).one() is other
        other.hints = [{"note": "kept"}]

    await filled.transact(work)
    async with filled.read() as session:
        assert (await session.exec(select(RequestRow).where(RequestRow.id == "req_2"))).one().hints == [
            {"note": "kept"}
        ]


async def test_they_run_in_a_session_that_reads(filled: Database):
    async with filled.read() as session:
        rows = await session.run_sync(lambda plain: SINCE.rows(plain, since=AT, at_most=3))
    assert [row[0] for row in rows] == ["req_0", "req_1", "req_2"]


async def test_a_plain_error_leaves_the_connection_of_use(filled: Database):
    with pytest.raises(Exception, match="no_such_table"):
        await filled.transact(lambda session: run(session, "SELECT 1 FROM no_such_table", ()))
    assert len(await filled.transact(lambda session: SINCE.rows(session, since=AT, at_most=20))) == 9


async def test_what_was_begun_on_a_connection_that_is_lost_is_done_once_more(postgres_filled: Database):
    tries = []

    def work(session: Session) -> int:
        tries.append(session.connection().exec_driver_sql("SELECT pg_backend_pid()").scalar_one())
        if len(tries) == 1:
            run(session, "SELECT pg_terminate_backend(pg_backend_pid())", ())
        return len(SINCE.rows(session, since=AT, at_most=20))

    assert await postgres_filled.transact(work) == 9
    assert len(set(tries)) == 2


async def test_a_deadlock_of_the_drivers_is_tried_again(postgres_filled: Database):
    tries = []

    def work(session: Session) -> str:
        tries.append(1)
        if len(tries) == 1:
            raise asyncpg.DeadlockDetectedError("deadlock detected")
        return "done"

    assert await postgres_filled.transact(work) == "done"


@pytest.fixture
async def postgres_filled(filled: Database) -> Database:
    if filled.dialect != "postgresql":
        pytest.skip("SQLite has no connection to lose, and no deadlocks")
    return filled
