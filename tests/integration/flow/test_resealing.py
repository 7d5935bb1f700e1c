"""The secret key turns: what older keys sealed is sealed again, and nothing that is written meanwhile is lost."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlmodel import Session, SQLModel, select

from writeback.core.clock import FakeClock
from writeback.core.secrets import SecretBox
from writeback.domain.actor import COMMAND_LINE
from writeback.flow.upkeep import resealing
from writeback.flow.upkeep.resealing import Resealing, Seals
from writeback.store.sql.database import Database
from writeback.store.sql.sealed import sealed_columns
from writeback.store.tables import (
    AlertReceiverRow,
    App,
    AuditRow,
    DirectoryRow,
    ErasureKeyRow,
    ProviderAnswerRow,
    RequestRow,
    SchoolRow,
    StaffRow,
    WebhookRow,
)

NOW = datetime(2026, 1, 12, 9, tzinfo=UTC)
OLD, NEW, LOST = SecretBox("old"), SecretBox("new", "old"), SecretBox("lost")
NO_SECRETS_OF_OURS = {"staff.password_hash", "staff.recovery_codes", "delivery.url", "door.callback"}
"""Hashes, and addresses that apps gave, which may hold a secret of theirs and go when their time comes."""


def _school(number: int, box: SecretBox | None) -> SchoolRow:
    return SchoolRow(
        id=f"school-{number:04}",
        name="A school",
        provider="wonde",
        mis="SIMS",
        provider_school_id=f"A{number}",
        credentials=box.seal({"token": f"token {number}"}) if box else "",
        created_at=NOW,
        updated_at=NOW,
    )


def _everything(session: Session) -> None:
    session.add_all([_school(1, OLD), _school(2, NEW), _school(3, LOST), _school(4, None)])
    session.add(App(id="app", name="App", created_at=NOW))
    session.flush()
    webhook = {"id": "wh_1", "app_id": "app", "url": "https://app.example", "statuses": []}
    session.add(WebhookRow(**webhook, secrets=OLD.seal({"secrets": []}), created_at=NOW, updated_at=NOW))
    request = {"id": "req_1", "lane_id": "school-0001:conduct", "school_id": "school-0001", "provider": "wonde"}
    session.add(RequestRow(**request, kind="x", state="done", fence=1, members=[], created_at=NOW))
    staff = {"id": "staff_1", "name": "sam", "role": "support", "created_at": NOW, "updated_at": NOW}
    people = {"id": "school-0001:students", "school_id": "school-0001", "list": "students", "mode": "named"}
    session.add(
        DirectoryRow(**people, made_with="", filled_at=NOW, people="{}", details=OLD.seal({"A1": {"upn": "A1"}}))
    )
    told = {"id": "alr_1", "name": "duty", "kind": "slack", "created_at": NOW}
    session.add(AlertReceiverRow(**told, sealed=OLD.seal({"address": "https://hooks.example.org/x"})))
    session.add(ErasureKeyRow(id="erasures", sealed=OLD.seal({"key": "a key"})))
    session.add(StaffRow(**staff, totp_secret=OLD.seal({"totp": "secret"})))
    session.flush()
    session.add(ProviderAnswerRow(request_id="req_1", kept_at=NOW, sealed=OLD.seal({"body": "no"})))


async def _counts(db: Database, box: SecretBox = NEW) -> dict[str, tuple[int, int, int]]:
    found = await Resealing(db, box, FakeClock()).counted()
    return {one.column: (one.newest, one.older, one.unreadable) for one in found}


async def _reseal(db: Database, on_progress: Callable[[str, int], None] = lambda name, seen: None) -> int:
    return await Resealing(db, NEW, FakeClock()).run(COMMAND_LINE, on_progress)


async def test_everything_is_sealed_again_with_the_newest_key_and_the_old_one_may_go(database: Database) -> None:
    await database.transact(_everything)
    assert await _counts(database) == {
        "alert_receiver.sealed": (0, 1, 0),
        "directory.details": (0, 1, 0),
        "erasure_key.sealed": (0, 1, 0),
        "provider_answer.sealed": (0, 1, 0),
        "school.credentials": (1, 1, 1),
        "staff.totp_secret": (0, 1, 0),
        "webhook.secrets": (0, 1, 0),
    }

    assert await _reseal(database) == 7

    assert await _counts(database, SecretBox("new")) == {
        "alert_receiver.sealed": (1, 0, 0),
        "directory.details": (1, 0, 0),
        "erasure_key.sealed": (1, 0, 0),
        "provider_answer.sealed": (1, 0, 0),
        "school.credentials": (2, 0, 1),
        "staff.totp_secret": (1, 0, 0),
        "webhook.secrets": (1, 0, 0),
    }
    async with database.read() as session:
        schools = {row.id: row.credentials for row in (await session.exec(select(SchoolRow))).all()}
        noted = (await session.exec(select(AuditRow))).one()
    assert SecretBox("new").open(schools["school-0001"]) == {"token": "token 1"}
    assert LOST.open(schools["school-0003"]) == {"token": "token 3"}, "what cannot be read stays as it is"
    assert schools["school-0004"] == ""
    assert (noted.action, noted.changed) == ("secrets.reseal", {"resealed": 7})


async def test_a_second_run_has_nothing_to_do_and_says_nothing(database: Database) -> None:
    await database.transact(_everything)
    await _reseal(database)

    assert await _reseal(database) == 0

    async with database.read() as session:
        assert len((await session.exec(select(AuditRow))).all()) == 1


async def test_what_is_written_while_it_is_sealed_again_stays(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await database.transact(_everything)
    put = resealing.sealed.put

    def overtaken(connection: Any, of: Any, changed: Any) -> int:
        if of.name == "school.credentials":  # it was read, and is not written yet
            newer = of.table.update().where(of.key == "school-0001")
            connection.execute(newer.values(credentials=NEW.seal({"token": "given meanwhile"})))
        return put(connection, of, changed)

    monkeypatch.setattr(resealing.sealed, "put", overtaken)

    assert await _reseal(database) == 6

    async with database.read() as session:
        row = await session.get(SchoolRow, "school-0001")
    assert row is not None
    assert NEW.open(row.credentials) == {"token": "given meanwhile"}


async def test_what_was_cut_off_resumes_with_what_is_left(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resealing, "_AT_ONCE", 10)
    await database.transact(lambda session: session.add_all(_school(number, OLD) for number in range(45)))

    def stop(name: str, seen: int) -> None:
        if seen == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await _reseal(database, stop)
    assert (await _counts(database))["school.credentials"] == (20, 25, 0)

    assert await _reseal(database) == 25
    assert (await _counts(database))["school.credentials"] == (45, 0, 0)


async def test_counting_ends_in_time_and_says_that_it_has_not_seen_everything(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resealing, "_AT_ONCE", 10)
    await database.transact(lambda session: session.add_all(_school(number, OLD) for number in range(45)))
    clock = FakeClock()
    look = partial(resealing.sealed.some)

    async def slow(*args: Any) -> Any:
        clock.advance(timedelta(seconds=1))
        return await look(*args)

    monkeypatch.setattr(resealing.sealed, "some", slow)
    found = {one.column: one for one in await Resealing(database, NEW, clock).counted(within_s=9)}

    schools = found["school.credentials"]
    assert not schools.is_whole
    assert 0 < schools.seen < 45


async def test_the_rows_that_cannot_be_read_are_named_up_to_a_number(database: Database) -> None:
    await database.transact(lambda session: session.add_all(_school(number, LOST) for number in range(45)))

    found: list[Seals] = [one for one in await Resealing(database, NEW, FakeClock()).counted() if one.unreadable]

    assert found[0].unreadable == 45
    assert found[0].unreadable_rows == [f"school-{number:04}" for number in range(20)]


def test_no_column_that_is_kept_from_logs_is_forgotten() -> None:
    hidden = {
        f"{mapper.local_table.name}.{name}"
        for mapper in SQLModel._sa_registry.mappers
        for name, field in mapper.class_.model_fields.items()
        if not field.repr
    }

    assert hidden - {column.name for column in sealed_columns()} == NO_SECRETS_OF_OURS
