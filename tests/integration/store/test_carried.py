"""The database links each request to the writebacks that it carries, whoever wrote it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, event, text
from sqlmodel import Session, select

from writeback.store.reads import timeline
from writeback.store.sql import migrate
from writeback.store.sql.bulk_insert import BulkInsert
from writeback.store.sql.database import Database
from writeback.store.sql.drivers import Statements
from writeback.store.tables import CarriedRow, RequestRow, WritebackRow
from writeback.store.writebacks import requests

_AT = datetime(2026, 11, 30, 9, tzinfo=UTC)


def _request(id_: str, *members: list[Any], state: str = "taken") -> dict[str, Any]:
    return {
        "id": id_,
        "lane_id": "s1:session-marks",
        "school_id": "s1",
        "provider": "wonde",
        "kind": "attendance.session",
        "state": state,
        "fence": 1,
        "members": list(members),
        "slots": [],
        "hints": [],
        "checks": 0,
        "created_at": _AT,
    }


def _links(session: Session) -> set[tuple[str, str]]:
    return {(one.writeback_id, one.request_id) for one in session.exec(select(CarriedRow)).all()}


async def _requests_of(database: Database, writeback_id: str) -> Sequence[str]:
    async with database.read() as session:
        return [one.id for one in await timeline.requests_of(session, writeback_id)]


async def test_a_request_that_is_written_down_is_linked_to_what_it_carries(database: Database) -> None:
    carried = _request("req_1", ["wb_1", [0, 1]], ["wb_2", [0]])

    await database.transact(lambda session: requests.add(session, **carried))
    await database.transact(lambda session: requests.add_in_doubt(session, **_request("req_2", ["wb_2", [1]])))

    assert await database.transact(_links) == {("wb_1", "req_1"), ("wb_2", "req_1"), ("wb_2", "req_2")}
    assert await _requests_of(database, "wb_2") == ["req_1", "req_2"]


async def test_many_that_the_driver_inserts_at_once_are_linked_too(database: Database) -> None:
    bulk = BulkInsert(database.sql_dialect, RequestRow)
    rows = [bulk.values(_request(f"req_{number}", [f"wb_{number}", [0]])) for number in range(200)]

    def write(statements: Statements) -> None:
        bulk.run(statements, rows)

    await database.write_by_driver(write)

    assert await database.transact(_links) == {(f"wb_{number}", f"req_{number}") for number in range(200)}


async def test_a_request_that_let_go_of_a_writeback_is_none_of_its_requests(database: Database) -> None:
    await database.transact(lambda session: requests.add(session, **_request("req_1", ["wb_1", [0]], ["wb_2", [0]])))

    def let_go(session: Session) -> None:
        session.get_one(RequestRow, "req_1").members = [["wb_2", [0]]]

    await database.transact(let_go)

    assert (await _requests_of(database, "wb_1"), await _requests_of(database, "wb_2")) == ([], ["req_1"])


async def test_only_requests_that_await_evidence_are_awaited(database: Database) -> None:
    row = WritebackRow(id="wb_1", app_id="a", school_id="s1", lane_id="s1:session-marks", kind="k", status="sent",
                       records="[]", created_at=_AT, updated_at=_AT)  # fmt: skip

    def add_three(session: Session) -> list[str]:
        for number, state in enumerate(("taken", "settled", "in_doubt")):
            requests.add(session, **_request(f"req_{number}", ["wb_1", [0]], state=state))
        return [one.id for one in requests.awaiting_of(session, row)]

    assert await database.transact(add_three) == ["req_0", "req_2"]


async def test_requests_of_a_writeback_are_found_by_their_keys(database: Database) -> None:
    if database.dialect != "sqlite":
        pytest.skip("PostgreSQL chooses by what the tables hold")
    compiled = requests.carrying("wb_1").compile(dialect=database.sql_dialect, compile_kwargs={"literal_binds": True})
    async with database.read() as session:
        plan = (await (await session.connection()).execute(text(f"EXPLAIN QUERY PLAN {compiled}"))).all()

    assert not [row for row in plan if str(row[3]).startswith("SCAN")]


async def test_what_may_have_made_it_too_is_sought_since_then_alone(database: Database) -> None:
    if database.dialect != "sqlite":
        pytest.skip("PostgreSQL chooses by what the tables hold")
    ran: list[Any] = []
    but = RequestRow(**_request("req_1"))

    def seek(session: Session) -> list[str]:
        event.listen(session.connection(), "before_cursor_execute", lambda *given: ran.append(given[2:4]))
        found = requests.may_have_made_it_too(session, but, since=_AT, limit=10)
        statement, parameters = ran[0]
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
        assert not found
        return [str(row[3]) for row in plan]

    steps = await database.transact(seek)

    assert any("ix_request_lane (lane_id=? AND state=? AND created_at>?)" in step for step in steps), steps


@pytest.mark.parametrize(
    ("state", "result", "expected"),
    [
        ("sending", None, 1),
        ("taken", None, 1),
        ("settled", "confirmed", 1),
        ("settled", "refused", 0),
        ("in_doubt", None, 1),
    ],
)
async def test_what_was_refused_has_not_made_it_and_what_is_in_doubt_may_have(
    database: Database, state: str, result: str | None, expected: int
) -> None:
    other = {**_request("req_2", ["wb_2", [0]], state=state), "result": result}
    await database.transact(lambda session: requests.add(session, **other))
    but = RequestRow(**_request("req_1"))

    found = await database.transact(lambda session: requests.may_have_made_it_too(session, but, since=_AT, limit=10))

    assert len(found) == expected


async def test_what_was_stored_before_there_were_links_is_linked(database: Database) -> None:
    def before(connection: Connection) -> None:
        command.downgrade(_alembic(connection), "0018")
        connection.execute(
            text(
                "INSERT INTO request (id, lane_id, school_id, provider, kind, state, fence, members, slots, hints,"
                " checks, must_read, created_at) VALUES ('req_1', 'l', 's1', 'wonde', 'k', 'settled', 1,"
                """ '[["wb_1", [0, 1]], ["wb_2", [0]]]', '[]', '[]', 0, false, '2026-11-30 09:00:00')"""
            )
        )

    await database.write_core(before)
    await database.write_core(lambda connection: command.upgrade(_alembic(connection), "head"))

    assert await database.transact(_links) == {("wb_1", "req_1"), ("wb_2", "req_1")}


def _alembic(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrate._MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
