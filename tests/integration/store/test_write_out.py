"""Rows of a transaction that are written in few statements, on both databases."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlmodel import Session, col, select

from writeback.store.sql.database import Database
from writeback.store.sql.prepared import run
from writeback.store.sql.write_out import Updates, flush, insert_later, update_many, write_out
from writeback.store.tables import AttemptRow, RequestRow

AT = datetime(2026, 1, 12, 9, 0, tzinfo=UTC)


def request(number: int) -> dict:
    return {
        "id": f"req_{number}",
        "lane_id": "hillside:conduct",
        "school_id": "hillside",
        "provider": "wonde",
        "kind": "behaviour.create",
        "state": "sending",
        "fence": 1,
        "members": [[f"wb_{number}", [0, 1]]],
        "created_at": AT,
    }


def attempt(number: int) -> dict:
    return {"request_id": f"req_{number}", "number": 1, "started_at": AT}


def add(session: Session, first: int = 0) -> None:
    """The attempts come before the requests that they are of."""
    for number in range(first, first + 3):
        insert_later(session, AttemptRow, **attempt(number))
        insert_later(session, RequestRow, **request(number))


async def all_requests(database: Database) -> list[RequestRow]:
    async with database.read() as session:
        return list((await session.exec(select(RequestRow).order_by(col(RequestRow.id)))).all())


async def test_what_is_inserted_later_is_there_after_the_commit(database: Database):
    await database.transact(add)
    rows = await all_requests(database)
    assert [row.members for row in rows] == [[[f"wb_{number}", [0, 1]]] for number in range(3)]
    assert [(row.hints, row.checks, row.created_at) for row in rows] == [([], 0, AT)] * 3


async def test_a_query_sees_it_after_a_flush(database: Database):
    def work(session: Session) -> int:
        add(session)
        flush(session)
        return len(session.exec(select(AttemptRow)).all())

    assert await database.transact(work) == 3


async def test_rows_that_changed_alike_are_one_statement_where_the_database_can(
    database: Database, monkeypatch: pytest.MonkeyPatch
):
    await database.transact(add)
    updates: list[str] = []

    def counted(session: Session, statement: str, parameters: Sequence[Any]) -> Sequence[Sequence[Any]]:
        updates.append(statement)
        return run(session, statement, parameters)

    def work(session: Session) -> None:
        rows = session.exec(select(RequestRow).order_by(col(RequestRow.id))).all()
        for number, row in enumerate(rows):
            row.hints, row.check_at = [{"number": number}], AT
        rows[0].state = "taken"
        monkeypatch.setattr("writeback.store.sql.write_out.run", counted)
        write_out(session)
        assert not session.dirty

    await database.transact(work)
    rows = await all_requests(database)
    assert [row.hints for row in rows] == [[{"number": number}] for number in range(3)]
    assert [row.state for row in rows] == ["taken", "sending", "sending"]
    assert [row.check_at for row in rows] == [AT] * 3
    assert sum(statement.count("UPDATE request") for statement in updates) == (3 if database.dialect == "sqlite" else 2)
    assert len(updates) == (3 if database.dialect == "sqlite" else 1)


async def test_the_end_of_a_transaction_is_one_statement_where_the_database_can(
    database: Database, monkeypatch: pytest.MonkeyPatch
):
    """New rows that refer to each other, rows that changed, and updates by a condition."""
    await database.transact(add)
    statements: list[str] = []

    def counted(session: Session, statement: str, parameters: Sequence[Any]) -> Sequence[Sequence[Any]]:
        statements.append(statement)
        return run(session, statement, parameters)

    def work(session: Session) -> None:
        rows = session.exec(select(RequestRow).order_by(col(RequestRow.id))).all()
        rows[0].state, rows[1].check_at = "taken", AT
        add(session, first=3)
        monkeypatch.setattr("writeback.store.sql.write_out.run", counted)
        write_out(session, ends([{"request_id": "req_1", "finished_at": AT, "outcome": "taken"}]))

    await database.transact(work)
    rows = await all_requests(database)
    async with database.read() as session:
        attempts = (await session.exec(select(AttemptRow).order_by(col(AttemptRow.request_id)))).all()
    assert [(row.state, row.check_at) for row in rows[:3]] == [("taken", None), ("sending", AT), ("sending", None)]
    assert [row.id for row in rows] == [f"req_{number}" for number in range(6)]
    assert [row.outcome for row in attempts] == [None, "taken", None, None, None, None]
    assert database.dialect == "sqlite" or len(statements) == 1


def ends(rows: Sequence[Mapping[str, Any]]) -> Updates:
    names = ("finished_at", "outcome")
    return Updates(AttemptRow, names, rows, key="request_id", only="attempt.finished_at IS NULL")


async def test_only_what_the_condition_holds_for_is_updated(database: Database):
    await database.transact(add)
    ended = [{"request_id": f"req_{number}", "finished_at": AT, "outcome": "taken"} for number in range(2)]

    def end(outcome: str, session: Session) -> None:
        rows = [{**one, "outcome": outcome} for one in ended]
        update_many(session, ends(rows))

    await database.transact(lambda session: end("taken", session))
    await database.transact(lambda session: end("lost", session))
    async with database.read() as session:
        rows = (await session.exec(select(AttemptRow).order_by(col(AttemptRow.request_id)))).all()
    assert [row.outcome for row in rows] == ["taken", "taken", None]


async def test_nothing_stays_of_a_transaction_that_fails(database: Database):
    def work(session: Session) -> None:
        add(session)
        raise LookupError

    with pytest.raises(LookupError):
        await database.transact(work)
    assert await all_requests(database) == []
