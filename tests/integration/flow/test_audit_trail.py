"""The audit log's chain: what is changed, put in or taken out is found; what is rightly taken away breaks nothing."""

import asyncio
import json
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import Session, select
from structlog.testing import capture_logs

from writeback.core.clock import FakeClock
from writeback.core.secrets import SecretBox
from writeback.domain.actor import Actor
from writeback.domain.audit_chain import Head
from writeback.flow.people.audit_trail import AuditTrail, Verdict
from writeback.store.people import audit
from writeback.store.retention.old import Scope
from writeback.store.retention.old_rows import audit_entries
from writeback.store.sql.database import Database
from writeback.store.tables import AuditRow

ANN, BEN = Actor("staff:ann@example.org", "she asked for it"), Actor("staff:ben@example.org")


class Log:
    """An audit log with its chain."""

    def __init__(self, db: Database, url: str) -> None:
        self.db, self.url, self.clock = db, url, FakeClock()
        self.trail = AuditTrail(db, SecretBox("a key"), self.clock)

    async def write(self, actor: Actor, subject: str, changed: Mapping[str, Any] | None = None) -> None:
        self.clock.advance(timedelta(minutes=1))
        noted = {"fields": ["comment"], "records": 2} if changed is None else changed
        async with self.db.write() as session:
            audit.note(session, actor, self.clock.now(), "writeback.resubmit", subject, app="app", changed=noted)

    async def faults(self, *heads: Head, **options: Any) -> list[tuple[int, str]]:
        return [(one.position, one.says) for one in (await self.verify(*heads, **options)).faults]

    async def verify(self, *heads: Head, **options: Any) -> Verdict:
        return await self.trail.verify(heads, **options)

    async def run(self, statement: str) -> None:
        """What somebody does who can write to the database."""
        async with self.db.write() as session:
            await (await session.connection()).execute(text(statement))


@pytest.fixture
async def log(database: Database, database_url: str) -> Log:
    log = Log(database, database_url)
    for number in range(1, 6):
        await log.write(ANN if number % 2 else BEN, f"wb_{number}")
    await log.trail.link()
    return log


async def test_a_chain_of_what_people_do_holds(log: Log) -> None:
    verdict = await log.verify()

    assert verdict.holds
    assert (verdict.lines, verdict.forgotten, verdict.in_part) == (5, 0, 0)
    assert verdict.head == await log.trail.head()
    assert verdict.head.position == 5


async def test_the_chain_holds_while_old_lines_are_deleted_though_their_numbers_are_in_another_order(log: Log) -> None:
    """Of two processes that write on PostgreSQL the one with the lower number may be done, and linked, last."""
    for number, subject in ((100, "wb_6"), (50, "wb_7"), (101, "wb_8")):
        log.clock.advance(timedelta(minutes=1))
        said = {"actor": "staff:ann", "action": "writeback.resubmit", "subject": subject, "changed": {}}
        async with log.db.write() as session:
            session.add(AuditRow(id=number, at=log.clock.now(), **said))
        await log.trail.link()
    log.clock.advance(timedelta(minutes=1))
    old = audit_entries(Scope(log.clock.now(), log.clock.now()))

    for gone in range(1, 8):
        assert await log.db.transact(partial(old.piece, limit=1)) == 1
        assert await log.faults() == []
        assert (await log.verify()).forgotten == gone


async def test_lines_that_were_there_before_the_chain_are_linked_in_their_order(database: Database) -> None:
    log = Log(database, "")
    for number in range(450):
        async with log.db.write() as session:
            audit.note(session, ANN, log.clock.now(), "school.hold", f"school-{number}")

    assert await log.trail.link(at_most=100) == 200
    assert await log.trail.link() == 250

    assert (await log.verify()).holds
    async with database.read() as session:
        lines = (await session.exec(select(AuditRow).order_by(AuditRow.id))).all()  # type: ignore[arg-type]
    assert [line.position for line in lines] == list(range(1, 451))


async def test_several_processes_that_link_at_once_make_one_chain(log: Log) -> None:
    others = [AuditTrail(Database.open(log.url), SecretBox("a key"), log.clock) for _ in range(3)]

    async def write_and_link(trail: AuditTrail, number: int) -> None:
        for piece in range(10):
            async with trail.db.write() as session:
                audit.note(session, BEN, log.clock.now(), "school.hold", f"school-{number}-{piece}")
            await trail.link()

    await asyncio.gather(*(write_and_link(trail, number) for number, trail in enumerate(others)))
    await log.trail.link()

    verdict = await log.verify()
    assert (verdict.faults, verdict.lines) == ([], 35)
    for trail in others:
        await trail.db.dispose()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ("actor = 'staff:somebody.else'", "actor"),
        ("action = 'writeback.show'", "action"),
        ("subject = 'wb_9'", "subject"),
        ("reason = 'because'", "reason"),
        ("reason = ''", "reason"),
        ("app = 'another'", "app"),
        ("school = 'hillside'", "school"),
        ("who = 'nobody'", "who"),
        ("at = '2026-01-01 00:00:00'", "at"),
        ("""changed = '{"fields": ["comment"], "records": 1}'""", "changed.records"),
        ("""changed = '{"fields": ["comment"]}'""", "changed.records"),
        ("""changed = '{"fields": ["comment"], "records": 2, "more": 1}'""", "changed.more"),
    ],
)
async def test_a_line_that_was_changed_is_named_with_its_field(log: Log, change: str, field: str) -> None:
    await log.run(f"UPDATE audit SET {change} WHERE position = 3")

    assert await log.faults() == [(3, f"the line says something else: {field}")]


async def test_a_proof_made_anew_for_a_changed_line_does_not_fit_its_link(log: Log) -> None:
    await log.run("UPDATE audit SET subject = 'wb_9', position = NULL, proof = NULL WHERE position = 3")
    await log.trail.link()

    assert await log.faults() == [(3, "the line is not the one that was linked")]


async def test_a_salt_that_was_taken_away_does_not_let_another_content_in(log: Log) -> None:
    async with log.db.read() as session:
        line = (await session.exec(select(AuditRow).where(AuditRow.position == 3))).one()
    assert line.proof is not None
    forged = json.dumps({**line.proof, "subject": [None, line.proof["subject"][1]]})
    await log.run(f"UPDATE audit SET subject = 'wb_9', proof = '{forged}' WHERE position = 3")

    assert await log.faults() == [(3, "the line says something else: subject")]


async def test_a_line_taken_out_of_the_middle_is_a_gap(log: Log) -> None:
    await log.run("DELETE FROM audit WHERE position = 3")

    assert await log.faults() == [(3, "the line is gone, and an older one is not")]


async def test_a_line_taken_out_with_its_link_is_a_gap(log: Log) -> None:
    await log.run("DELETE FROM audit WHERE position = 3")
    await log.run("DELETE FROM audit_link WHERE position = 3")

    assert await log.faults() == [(3, "links are missing up to 3")]


async def test_links_that_are_renumbered_do_not_follow_from_each_other(log: Log) -> None:
    await log.run("DELETE FROM audit_link WHERE position = 3")
    for position in (4, 5):
        await log.run(f"UPDATE audit_link SET position = {position - 1} WHERE position = {position}")
        await log.run(f"UPDATE audit SET position = {position - 1} WHERE position = {position}")

    faults = await log.faults()

    assert (3, "the link does not follow from the one before it") in faults


async def test_links_cut_off_at_the_end_are_missed_by_their_lines(log: Log) -> None:
    await log.run("DELETE FROM audit_link WHERE position > 3")

    missing = "a line says that it is here, and no link leads to it"
    assert await log.faults() == [(4, missing), (5, missing)]


@pytest.mark.parametrize("position", [-1, 0, 3])
async def test_a_line_put_in_with_a_place_that_another_has_is_named(log: Log, position: int) -> None:
    columns = "at, actor, action, subject, reason, changed, who, proof"
    await log.run(f"INSERT INTO audit ({columns}, position) SELECT {columns}, {position} FROM audit WHERE position = 3")
    await log.trail.link()

    assert await log.faults() == [(position, "a line says that it is here, and no link leads to it")]


async def test_a_line_put_in_before_the_first_with_a_link_of_its_own_is_named(log: Log) -> None:
    await test_a_line_put_in_with_a_place_that_another_has_is_named(log, 0)
    await log.run(
        "INSERT INTO audit_link (position, audit_id, at, digest, hash)"
        " SELECT 0, audit.id, audit_link.at, digest, hash FROM audit, audit_link"
        " WHERE audit.position = 0 AND audit_link.position = 1"
    )

    assert await log.faults() == [(0, "a line says that it is here, and no link leads to it")]


async def test_lines_that_are_linked_while_the_chain_is_verified_are_no_fault(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = log.trail._piece

    async def look_and_link(after: int) -> Any:
        piece = await look(after)
        if not piece:
            await log.write(BEN, "wb_6")
            await log.trail.link()
        return piece

    monkeypatch.setattr(log.trail, "_piece", look_and_link)

    assert await log.faults() == []


async def test_the_head_of_an_empty_log_fits_whatever_follows(log: Log) -> None:
    assert await log.faults(Head()) == []
    assert await log.faults(Head(0, "1" * 64)) == [(0, "the link is another one than the head that was noted")]


async def test_of_two_heads_of_one_place_both_are_compared(log: Log) -> None:
    head = await log.trail.head()

    assert await log.faults(head._replace(hash="1" * 64), head) == [
        (5, "the link is another one than the head that was noted")
    ]


async def test_an_end_that_was_cut_off_wholly_is_told_by_the_head_that_was_noted(log: Log) -> None:
    noted = await log.trail.head()
    for table in ("audit", "audit_link"):
        await log.run(f"DELETE FROM {table} WHERE position > 3")

    assert await log.faults() == []
    assert await log.faults(noted) == [(5, "a head was noted here, and the chain ends at 3")]


async def test_a_chain_written_anew_is_told_by_the_head_that_was_noted(log: Log) -> None:
    noted = await log.trail.head()
    await log.run("DELETE FROM audit_link")
    await log.run("UPDATE audit SET actor = 'staff:somebody.else', position = NULL, proof = NULL")
    await log.trail.link()

    assert await log.faults() == []
    assert await log.faults(noted) == [(5, "the link is another one than the head that was noted")]


async def test_a_head_that_was_noted_goes_on_to_fit_while_the_log_grows(log: Log) -> None:
    noted = await log.trail.head()
    await log.write(BEN, "wb_6")
    await log.trail.link()

    assert Head.read(str(noted)) == noted
    assert await log.faults(noted, await log.trail.head()) == []


async def test_what_retention_deletes_from_the_beginning_breaks_nothing(log: Log) -> None:
    await log.run("DELETE FROM audit WHERE position <= 2")

    verdict = await log.verify()

    assert verdict.holds
    assert verdict.forgotten == 2
    assert verdict.forgotten_until == log.clock.now() - timedelta(minutes=3)
    since = log.clock.now() - timedelta(minutes=3)
    assert [position for position, _ in await log.faults(kept_since=since)] == [2]


async def test_the_chain_goes_on_when_retention_has_deleted_all_lines(log: Log) -> None:
    await log.run("DELETE FROM audit")
    await log.write(ANN, "wb_6")
    await log.trail.link()

    verdict = await log.verify()

    assert (verdict.faults, verdict.lines, verdict.forgotten) == ([], 6, 5)


async def test_a_name_that_is_taken_away_leaves_a_pseudonym_and_the_chain_whole(log: Log) -> None:
    def take_names_away(session: Session) -> None:
        for line in session.exec(select(AuditRow).where(AuditRow.actor == ANN.name)).all():
            line.sqlmodel_update(audit.columns_without(line, {"actor", "reason"}))
            session.add(line)

    await log.db.transact(take_names_away)

    verdict = await log.verify()

    assert (verdict.faults, verdict.in_part) == ([], 3)
    async with log.db.read() as session:
        lines = (await session.exec(select(AuditRow).order_by(AuditRow.id))).all()  # type: ignore[arg-type]
    assert len({line.actor for line in lines if "ben" not in line.actor}) == 1, "it was the same person each time"
    assert "ann" not in repr([line.model_dump() for line in lines])
    assert ANN.reason not in repr([line.model_dump() for line in lines])


async def test_one_thing_that_is_taken_out_of_a_line_breaks_nothing(log: Log) -> None:
    await log.write(BEN, "bat_1", {"file_name": "Year 9 Smith.csv", "rows": 30})
    await log.trail.link()

    def forget(session: Session) -> None:
        audit.forget(session, "bat_1", "file_name")

    await log.db.transact(forget)

    assert await log.faults() == []
    await log.run("""UPDATE audit SET changed = '{"rows": 31}' WHERE subject = 'bat_1'""")
    assert await log.faults() == [(6, "the line says something else: changed.rows")]


async def test_what_is_taken_out_before_the_line_is_linked_is_not_in_its_proof(log: Log) -> None:
    await log.write(BEN, "bat_1", {"file_name": "Year 9 Smith.csv", "rows": 30})
    await log.db.transact(lambda session: audit.forget(session, "bat_1", "file_name"))

    await log.trail.link()

    assert await log.faults() == []


async def test_the_head_is_logged_each_time_when_there_is_another_one(log: Log) -> None:
    with capture_logs() as logged:
        await log.trail.say_head(3_600)
        await log.trail.say_head(3_600)
        log.clock.advance(timedelta(hours=1))
        await log.trail.say_head(3_600)
        await log.write(BEN, "wb_6")
        await log.trail.link()
        log.clock.advance(timedelta(hours=1))
        await log.trail.say_head(3_600)

    head = await log.trail.head()
    assert [(one["event"], one["position"]) for one in logged] == [("audit_head", 5), ("audit_head", 6)]
    assert logged[-1]["hash"] == head.hash


async def test_no_head_is_logged_where_the_setting_says_never(log: Log) -> None:
    with capture_logs() as logged:
        await log.trail.say_head(0)

    assert logged == []


@pytest.mark.parametrize("text", ["", "5", "5:", "5:abc", "x:" + "0" * 64, "-1:" + "0" * 64, "5:" + "g" * 64])
def test_what_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"head|invalid literal"):
        Head.read(text)
