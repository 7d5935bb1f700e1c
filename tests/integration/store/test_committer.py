"""The group committer: durable, in order, fair to keys, and never leaving a submission waiting."""

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import func, text
from sqlmodel import select
from structlog.testing import capture_logs

from writeback.core.clock import FakeClock
from writeback.core.errors import Overloaded
from writeback.core.ids import new_id
from writeback.store.sql.database import Database
from writeback.store.tables import EventRow, IdempotencyRow, Lane, SchoolRow, WritebackRow
from writeback.store.writebacks.committer import (
    CommitResult,
    Committed,
    Committer,
    Idempotency,
    KeyReused,
    NewWriteback,
    Replayed,
)

_CLOCK = FakeClock()
_LANE = "sch_1:session-marks"
_REFUSED = (sqlite3.IntegrityError, asyncpg.IntegrityConstraintViolationError)
"""What the drivers raise for a row that breaks a constraint."""


def _new(*, key: str | None = None, body: str = "body", lane: str = _LANE, **columns: Any) -> NewWriteback:
    now = _CLOCK.now()
    writeback = {
        "id": new_id("wb", now),
        "app_id": "app_1",
        "school_id": lane.partition(":")[0],
        "lane_id": lane,
        "kind": "attendance.session",
        "status": "queued",
        "records": "[]",
        "created_at": now,
        "updated_at": now,
        **columns,
    }
    event = {
        "writeback_id": writeback["id"],
        "app_id": "app_1",
        "at": now,
        "actor": "app:app_1",
        "event": "accepted",
        "status": "queued",
    }
    return NewWriteback(writeback, event, str(writeback["id"]), Idempotency(key, body) if key else None)


async def _add_schools(db: Database) -> None:
    now = _CLOCK.now()
    async with db.write() as session:
        for number in (1, 2):
            session.add(
                SchoolRow(
                    id=f"sch_{number}",
                    name=f"School {number}",
                    provider="wonde",
                    mis="SIMS",
                    provider_school_id=f"A{number}",
                    created_at=now,
                    updated_at=now,
                )
            )


class RecordedCommits:
    """Notes what `on_commit` is called with."""

    def __init__(self) -> None:
        self.calls: list[Sequence[str]] = []

    async def __call__(self, lanes: Sequence[str]) -> None:
        self.calls.append(lanes)


@pytest.fixture
def commits() -> RecordedCommits:
    return RecordedCommits()


@pytest.fixture
async def committer(database: Database, commits: RecordedCommits) -> AsyncIterator[Committer]:
    await _add_schools(database)
    async with Committer(database, _CLOCK, max_waiting=1_000, on_commit=commits) as committer:
        yield committer


async def _ids(db: Database) -> list[str]:
    async with db.read() as session:
        return list((await session.exec(select(WritebackRow.id).order_by(text("seq")))).all())


async def _commit_all(committer: Committer, new: Sequence[NewWriteback]) -> list[CommitResult]:
    async with asyncio.timeout(30):
        return await asyncio.gather(*(committer.commit(one) for one in new))


async def test_writeback_its_event_and_its_lane_are_kept(committer: Committer, database: Database) -> None:
    new = _new(records='[{"code": "/"}]', ref="r1")

    result = await committer.commit(new)

    async with database.read() as session:
        row = (await session.exec(select(WritebackRow))).one()
        event = (await session.exec(select(EventRow))).one()
        lane = (await session.exec(select(Lane))).one()
    assert result == Committed()
    assert (row.id, row.records, row.ref, row.priority, row.progress) == (new.answer, '[{"code": "/"}]', "r1", 0, "")
    assert (event.writeback_id, event.event, event.at) == (new.answer, "accepted", _CLOCK.now())
    assert (lane.id, lane.school_id, lane.family, lane.fence) == (_LANE, "sch_1", "session-marks", 0)


async def test_order_of_acceptance_is_the_order_of_seq(committer: Committer, database: Database) -> None:
    new = [_new() for _ in range(300)]

    await _commit_all(committer, new)

    assert await _ids(database) == [one.answer for one in new]


async def test_waiting_submissions_share_commits(committer: Committer, commits: RecordedCommits) -> None:
    await _commit_all(committer, [_new(lane=f"sch_{1 + number % 2}:conduct") for number in range(200)])
    await committer.aclose()

    assert len(commits.calls) <= 5
    assert set(commits.calls[-1]) == {"sch_1:conduct", "sch_2:conduct"}


async def test_failing_waker_fails_no_submission(database: Database) -> None:
    async def broken(lanes: Sequence[str]) -> None:
        raise RuntimeError

    await _add_schools(database)
    with capture_logs() as logs:
        async with Committer(database, _CLOCK, max_waiting=10, on_commit=broken) as committer:
            results = [await committer.commit(_new()), await committer.commit(_new())]

    assert results == [Committed(), Committed()]
    assert [entry["event"] for entry in logs] == ["on_commit_failed"]


async def test_slow_waker_delays_no_commit(database: Database) -> None:
    may_wake = asyncio.Event()

    async def slow(lanes: Sequence[str]) -> None:
        await may_wake.wait()

    await _add_schools(database)
    async with Committer(database, _CLOCK, max_waiting=10, on_commit=slow) as committer, asyncio.timeout(10):
        results = [await committer.commit(_new()), await committer.commit(_new())]
        may_wake.set()

    assert results == [Committed(), Committed()]


async def test_same_key_and_body_replays_the_answer(committer: Committer, database: Database) -> None:
    first = _new(key="k")

    results = [await committer.commit(first), await committer.commit(_new(key="k"))]

    assert results == [Committed(), Replayed(first.answer)]
    assert await _ids(database) == [first.answer]


async def test_same_key_and_other_body_is_refused(committer: Committer, database: Database) -> None:
    first = _new(key="k")

    results = [await committer.commit(first), await committer.commit(_new(key="k", body="other"))]

    assert results == [Committed(), KeyReused()]
    assert await _ids(database) == [first.answer]


async def test_key_of_another_app_is_another_key(committer: Committer, database: Database) -> None:
    results = await _commit_all(committer, [_new(key="k"), _new(key="k", app_id="app_2")])

    assert results == [Committed(), Committed()]


async def test_fifty_submissions_with_one_key_in_one_gathering_make_one_writeback(
    committer: Committer, database: Database
) -> None:
    new = [_new(key="k", body="other" if number % 10 == 9 else "body") for number in range(50)]

    results = await _commit_all(committer, new)

    assert await _ids(database) == [new[0].answer]
    assert results[0] == Committed()
    assert results[1:9] == [Replayed(new[0].answer)] * 8
    assert [result for result in results if isinstance(result, KeyReused)] == [KeyReused()] * 5


async def test_loser_of_a_key_leaves_no_event(committer: Committer, database: Database) -> None:
    await _commit_all(committer, [_new(key="k") for _ in range(10)])

    async with database.read() as session:
        assert (await session.exec(select(func.count()).select_from(EventRow))).one() == 1
        assert (await session.exec(select(func.count()).select_from(IdempotencyRow))).one() == 1


async def test_key_is_remembered_across_a_restart(database_url: str) -> None:
    first, again = _new(key="k"), _new(key="k")
    results = []
    for new in (first, again):
        db = Database.open(database_url)
        if new is first:
            await _add_schools(db)
        async with Committer(db, _CLOCK, max_waiting=10, on_commit=RecordedCommits()) as committer:
            results.append(await committer.commit(new))
        await db.dispose()

    assert results == [Committed(), Replayed(first.answer)]


async def test_two_committers_agree_on_who_has_each_key(database_url: str) -> None:
    databases = [Database.open(database_url) for _ in range(2)]
    await _add_schools(databases[0])
    keys = [f"k{number}" for number in range(200)]
    submissions = [
        [_new(key=key, lane=f"sch_{1 + len(key) % 2}:conduct") for key in order] for order in (keys, keys[::-1])
    ]

    async with (
        Committer(databases[0], _CLOCK, max_waiting=1_000, on_commit=RecordedCommits()) as one,
        Committer(databases[1], _CLOCK, max_waiting=1_000, on_commit=RecordedCommits()) as other,
    ):
        results = await asyncio.gather(_commit_all(one, submissions[0]), _commit_all(other, submissions[1]))
    stored = set(await _ids(databases[0]))
    for db in databases:
        await db.dispose()

    by_one, by_other = results[0], results[1][::-1]
    assert len(stored) == 200
    for key, left, right in zip(keys, by_one, by_other, strict=True):
        assert {type(left), type(right)} == {Committed, Replayed}, key
        replayed = left if isinstance(left, Replayed) else right
        assert isinstance(replayed, Replayed)
        assert replayed.answer in stored


async def test_refused_row_fails_alone(committer: Committer, database: Database) -> None:
    twice = _new()
    new = [_new(), twice, _new(), replace(_new(), writeback=twice.writeback), _new(lane="sch_unknown:conduct"), _new()]

    async with asyncio.timeout(30):
        results = await asyncio.gather(*(committer.commit(one) for one in new), return_exceptions=True)

    assert results[:3] == [Committed()] * 3
    assert isinstance(results[3], _REFUSED)
    assert isinstance(results[4], _REFUSED)
    assert results[5] == Committed()
    assert await _ids(database) == [new[index].answer for index in (0, 1, 2, 5)]


async def test_every_column_is_stored_as_it_was_given(committer: Committer, database: Database) -> None:
    at = _CLOCK.now().replace(microsecond=7)
    given = {"ref": "r", "records": '["é"]', "priority": 10, "attempts": 3, "expires_at": at, "next_attempt_at": None}

    await asyncio.gather(*(committer.commit(_new(**given)) for _ in range(40)))

    async with database.read() as session:
        rows = (await session.exec(select(WritebackRow))).all()
    assert len(rows) == 40
    assert all(getattr(row, name) == value for row in rows for name, value in given.items())
    assert {(row.progress, row.failures, row.evidence, row.created_at) for row in rows} == {("", 0, None, _CLOCK.now())}


async def test_refused_row_does_not_use_up_its_key(committer: Committer) -> None:
    with pytest.raises(_REFUSED):
        await committer.commit(_new(key="k", lane="sch_unknown:conduct"))

    assert await committer.commit(_new(key="k")) == Committed()


async def test_cancelled_submission_breaks_no_other(committer: Committer, database: Database) -> None:
    new = [_new() for _ in range(20)]
    tasks = [asyncio.create_task(committer.commit(one)) for one in new]
    await asyncio.sleep(0)  # each has gathered

    for task in tasks[::2]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)

    assert results[1::2] == [Committed()] * 10
    assert {one.answer for one in new[1::2]} <= set(await _ids(database))
    assert committer.waiting == 0


async def test_too_many_waiting_are_turned_away_at_once(database: Database) -> None:
    await _add_schools(database)
    async with Committer(database, _CLOCK, max_waiting=5, on_commit=RecordedCommits()) as committer:
        tasks = [asyncio.create_task(committer.commit(_new())) for _ in range(8)]
        results = await asyncio.gather(*tasks, return_exceptions=True)

    assert results[:5] == [Committed()] * 5
    assert [type(result) for result in results[5:]] == [Overloaded] * 3


async def test_close_settles_what_has_gathered(database: Database) -> None:
    await _add_schools(database)
    committer = Committer(database, _CLOCK, max_waiting=100, on_commit=RecordedCommits())
    await committer.start()
    tasks = [asyncio.create_task(committer.commit(_new())) for _ in range(50)]
    await asyncio.sleep(0)  # each has gathered

    await committer.aclose()

    assert [task.result() for task in tasks] == [Committed()] * 50


async def test_closed_committer_takes_nothing(committer: Committer) -> None:
    await committer.aclose()

    with pytest.raises(Overloaded):
        await committer.commit(_new())


async def test_lane_added_by_another_process_is_no_obstacle(committer: Committer, database: Database) -> None:
    async with database.write() as session:
        session.add(Lane(id=_LANE, school_id="sch_1", family="session-marks", fence=7))

    result = await committer.commit(_new())

    async with database.read() as session:
        assert (await session.exec(select(Lane.fence))).one() == 7
    assert result == Committed()


async def test_unreachable_database_turns_every_submission_away(tmp_path: Path) -> None:
    db = Database.open(f"postgresql://user@/writeback?host={tmp_path}")
    async with Committer(db, _CLOCK, max_waiting=100, on_commit=RecordedCommits()) as committer, asyncio.timeout(30):
        results = await asyncio.gather(*(committer.commit(_new()) for _ in range(20)), return_exceptions=True)
    await db.dispose()

    assert [type(result) for result in results] == [Overloaded] * 20


async def test_full_disk_turns_every_submission_away(sqlite_url: str) -> None:
    db = Database.open(sqlite_url)
    await _add_schools(db)
    pages = await db.write_core(lambda connection: connection.scalar(text("PRAGMA page_count")))
    await db.write_core(lambda connection: connection.execute(text(f"PRAGMA max_page_count={pages + 1}")))

    async with Committer(db, _CLOCK, max_waiting=100, on_commit=RecordedCommits()) as committer, asyncio.timeout(30):
        new = [_new(records="x" * 50_000) for _ in range(20)]
        results = await asyncio.gather(*(committer.commit(one) for one in new), return_exceptions=True)
    stored = await _ids(db)
    await db.dispose()

    assert [type(result) for result in results] == [Overloaded] * 20
    assert stored == []


async def test_database_that_goes_and_comes_back_is_used_again(postgres_url: str) -> None:
    db = Database.open(postgres_url)
    await _add_schools(db)
    kill = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    async with Committer(db, _CLOCK, max_waiting=100, on_commit=RecordedCommits()) as committer:
        before = await committer.commit(_new())
        async with db.read() as session:
            await (await session.connection()).execute(kill)
        after = await committer.commit(_new())
    await db.dispose()

    assert (before, after) == (Committed(), Committed())


async def test_commit_that_hangs_is_given_up_and_the_next_one_succeeds(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("writeback.store.writebacks.committer._COMMIT_TIMEOUT_S", 0.3)
    db = Database.open(postgres_url)
    await _add_schools(db)
    async with Committer(db, _CLOCK, max_waiting=100, on_commit=RecordedCommits()) as committer:
        before = await committer.commit(_new())
        async with db.write() as session:
            await (await session.connection()).execute(text("LOCK TABLE event IN ACCESS EXCLUSIVE MODE"))
            with pytest.raises(Overloaded):
                await committer.commit(_new())
        after = await committer.commit(_new())
    stored = await _ids(db)
    await db.dispose()

    assert (before, after, len(stored)) == (Committed(), Committed(), 2)


_SUBMIT_FOR_EVER = """
import asyncio, sys
from writeback.core.clock import SystemClock
from writeback.core.ids import new_id
from writeback.store.writebacks.committer import Committer, Idempotency, NewWriteback
from writeback.store.sql.database import Database

CLOCK = SystemClock()

async def ring(lanes):
    pass

async def submit_for_ever(committer):
    while True:
        now, id = CLOCK.now(), new_id("wb", CLOCK.now())
        row = dict(id=id, app_id="app_1", school_id="sch_1", lane_id="sch_1:conduct", kind="behaviour.create",
                   status="queued", records="x" * 4000, created_at=now, updated_at=now)
        event = dict(writeback_id=id, app_id="app_1", at=now, actor="app:app_1", event="accepted", status="queued")
        await committer.commit(NewWriteback(row, event, id, Idempotency(id, "hash")))
        sys.stdout.write(id + "\\n")
        sys.stdout.flush()

async def main():
    db = Database.open(sys.argv[1])
    async with Committer(db, CLOCK, max_waiting=100, on_commit=ring) as committer:
        await asyncio.gather(*(submit_for_ever(committer) for _ in range(32)))

asyncio.run(main())
"""


async def test_process_killed_under_load_loses_no_acknowledged_id(database: Database, database_url: str) -> None:
    await _add_schools(database)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _SUBMIT_FOR_EVER, database_url, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None

    async with asyncio.timeout(30):
        acknowledged = [await process.stdout.readline() for _ in range(1_000)]
        process.kill()
        acknowledged += (await process.stdout.read()).splitlines(keepends=True)
        await process.wait()

    whole = {line.decode().strip() for line in acknowledged if line.endswith(b"\n")}
    assert len(whole) >= 1_000
    assert whole <= set(await _ids(database))
