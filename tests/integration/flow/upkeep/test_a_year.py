"""A year of use, two weeks at a time: afterwards no table has anything that is older than its rule says.

Whatever is planted says under which rule it falls and in which of the steps it was planted; the walk reads every column
of every table, those that are added later as well.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlmodel import Session, SQLModel

from tests.integration.flow.conftest import CALLER, LANE, World, mark
from writeback.core.clock import FakeClock
from writeback.core.ids import new_id
from writeback.domain.actor import Actor
from writeback.domain.finding import Finding
from writeback.domain.outcome import Evidenced, RawAnswer, Refused
from writeback.flow.correct.draft import Edit, Order
from writeback.flow.projections.search import SearchIndex
from writeback.flow.upkeep.retention_rules import RULES, TABLES
from writeback.store.tables import (
    AlertMessageRow,
    AlertReceiverRow,
    App,
    AuditRow,
    BatchChunkRow,
    BatchLine,
    BatchMappingRow,
    BatchPersonRow,
    BatchReviewRow,
    BatchRow,
    BulkRow,
    ClaimRow,
    DeliveryRow,
    DirectoryRow,
    DriftCheckRow,
    DropInMemberRow,
    DropInRow,
    IdempotencyRow,
    IncidentRow,
    MarkInDoubtRow,
    ProviderAnswerRow,
    RecentCreateRow,
    RequestRow,
    RetentionRunRow,
    RollupRow,
    RollupTimeRow,
    SignInTriesRow,
    StaffRow,
    StaffSessionRow,
    UnknownWordRow,
    UsageRow,
    WebhookRow,
    WritebackRow,
    table_of,
)

STEPS, STEP = 30, timedelta(days=14)
_PLANTED = re.compile(r"(\w+)~(\d+)~")
BY_NAME = {rule.name: rule for rule in RULES}


def test_every_table_has_its_rule_and_every_rule_its_table() -> None:
    assert set(TABLES) == set(SQLModel.metadata.tables)
    named = {name for rules in TABLES.values() if isinstance(rules, tuple) for name in rules}
    assert named == set(BY_NAME)
    assert all(reason for reason in TABLES.values())


async def test_after_a_year_nothing_is_older_than_its_rule_says(world: World) -> None:
    await world.flow.db.transact(lambda session: _begin(session, world))
    index = SearchIndex(world.flow.db)
    for step in range(1, STEPS + 1):
        await _live(world, step)
        await index.index()
        await world.forget()
        await world.flow.db.transact(lambda session, step=step: _sign_run(session, step))
        world.clock.advance(STEP)
    await world.forget()

    found = await _found(world)

    settings, now = world.flow.settings, world.clock.now()
    planted_at = {step: now - STEP * (STEPS + 1 - step) for step in range(1, STEPS + 1)}
    late = timedelta(days=1)  # what takes a moment to end, and the sessions that are still open
    too_old = [
        f"{table}: {rule} of step {step}"
        for table, rule, step in found
        if now - planted_at[step] > BY_NAME[rule].age(settings) + late
    ]
    assert too_old == []
    young = {rule.name for rule in RULES if rule.age(settings) > STEP + late}
    assert {rule for _, rule, _ in found} >= young, "it deletes what is not too old"


async def test_after_eight_more_years_hardly_anything_is_left(world: World) -> None:
    await world.flow.db.transact(lambda session: _begin(session, world))
    for step in (1, 2):
        await _live(world, step)
        await SearchIndex(world.flow.db).index()
        await world.forget()
        await world.flow.db.transact(lambda session, step=step: _sign_run(session, step))
        assert {rule for _, rule, _ in await _found(world)} >= {rule.name for rule in RULES} - {
            "uploads",
            "upload_pieces",
        }
    world.clock.advance(timedelta(days=3_000))

    await world.forget()

    # The last entry of the log stays, and the last writeback and event, for their numbers are not to be given twice.
    assert [(table, rule) for table, rule, _ in await _found(world)] == [("audit", "audit")]
    async with world.flow.db.read() as session:
        assert len((await session.exec(select(WritebackRow.id))).all()) == 1


async def _found(world: World) -> list[tuple[str, str, int]]:
    """Return what of all that was planted is anywhere: table, rule, step."""
    found = set()
    async with world.flow.db.read() as session:
        for name, table in SQLModel.metadata.tables.items():
            for row in (await session.exec(select(*table.columns))).all():
                text = " ".join(one.decode() if isinstance(one, bytes) else str(one) for one in row)
                found |= {(name, rule, int(step)) for rule, step in _PLANTED.findall(text)}
    return sorted(found)


def _begin(session: Session, world: World) -> None:
    now = world.clock.now()
    session.add(App(id="app", name="app", created_at=now))
    session.add(StaffRow(id="stf_1", name="ann", role="support", created_at=now, updated_at=now))
    session.add(AlertReceiverRow(id="alr_1", name="duty", kind="email", sealed="", created_at=now))
    session.flush()
    for name, disabled_at in (("whk_on", None), ("whk_off", now)):
        session.add(
            WebhookRow(
                id=name,
                app_id="app",
                url="https://app.example.org",
                statuses=[],
                secrets="",
                disabled_at=disabled_at,
                created_at=now,
                updated_at=now,
            )
        )


async def _live(world: World, step: int) -> None:
    """Let the work of one step happen, and plant the rest."""
    said = {"comment": f"texts~{step}~"}
    done = await world.submit(mark("A1", **said), ref=f"content~{step}~")
    await world.serve()
    world.provider.verdicts.append(Evidenced("webhook"))
    await world.confirm()
    bad = await world.submit(mark("A2", **said), ref=f"content~{step}~")
    finding = Finding("school_closed", f"content~{step}~", f"content~{step}~")
    raw = RawAnswer(403, "text/plain", b"no", 2)
    world.provider.outcomes.append(Refused(f"content~{step}~", {0: [finding]}, raw=raw))
    await world.serve()
    ann = Actor("staff:ann", f"audit~{step}~")
    await world.corrections.resubmits.one(CALLER, bad, Order([Edit(0, mark("A3", **said))]), ann)
    await world.serve()
    world.provider.verdicts.append(Evidenced("webhook"))
    await world.confirm()
    await world.flow.db.transact(lambda session: _plant(session, world, step, done))


def _plant(session: Session, world: World, step: int, writeback_id: str) -> None:
    now = world.clock.now()
    is_new = table_of(WritebackRow).c.id == writeback_id
    session.execute(update(table_of(WritebackRow)).where(is_new).values(evidence=f"writebacks~{step}~"))
    requests = update(table_of(RequestRow)).where(table_of(RequestRow).c.created_at > now - timedelta(days=1))
    session.execute(requests.values(hints=[{"said": f"content~{step}~"}], slots=[f"content~{step}~"]))
    answers = update(table_of(ProviderAnswerRow)).where(table_of(ProviderAnswerRow).c.kept_at > now - timedelta(days=1))
    session.execute(answers.values(sealed=f"provider_answers~{step}~"))
    for table, values in _rows(now, step, writeback_id):
        session.execute(insert(table_of(table)).values(**values))


def _sign_run(session: Session, step: int) -> None:
    table = table_of(RetentionRunRow)
    last = select(table.c.id).order_by(table.c.id.desc()).limit(1).scalar_subquery()
    session.execute(update(table).where(table.c.id == last).values(deleted={f"runs~{step}~": 1}))


def _rows(now: Any, step: int, writeback_id: str) -> Iterator[tuple[type[SQLModel], Mapping[str, Any]]]:
    """Yield what happens in a step besides, under every rule."""

    def of(rule: str) -> str:
        return f"{rule}~{step}~"

    yield (
        ClaimRow,
        {
            "school_id": "hillside",
            "family": "conduct",
            "mis_id": of("history"),
            "writeback_id": writeback_id,
            "record": 0,
            "claimed_at": now,
        },
    )
    yield DriftCheckRow, {"writeback_id": writeback_id, "school_id": of("content"), "due_at": now, "tries": 0}
    for number, (webhook, state) in enumerate((("whk_on", "delivered"), ("whk_on", "failed"), ("whk_off", "pending"))):
        yield (
            DeliveryRow,
            {
                "id": new_id("msg", now),
                "webhook_id": webhook,
                "sequence": 10 * step + number,
                "type": "t",
                "payload": of("deliveries"),
                "state": state,
                "attempts": 1,
                "tries": 1,
                "created_at": now,
            },
        )
    yield (
        DropInRow,
        {
            "ref": f"ref-{step}",
            "door": "wonde",
            "app_id": "app",
            "school_id": "hillside",
            "type": "t",
            "callback": of("drop_ins"),
            "created_at": now,
        },
    )
    yield DropInMemberRow, {"writeback_id": writeback_id, "ref": f"ref-{step}", "position": 0, "ids": [of("drop_ins")]}
    yield from _batches(now, step, of)
    kept = {"mode": "hashed", "made_with": "", "filled_at": now, "people": of("directories"), "details": ""}
    yield DirectoryRow, {"id": f"hillside:{step}", "school_id": "hillside", "list": "students", "version": 1, **kept}
    yield (
        BulkRow,
        {
            "id": f"blk-{step}",
            "staff_id": "stf_1",
            "action": "cancel",
            "reason": of("bulk_jobs"),
            "wanted": "{}",
            "state": "done",
            "matched": 0,
            "looked_at": 0,
            "done": 0,
            "records": 0,
            "unchanged": 0,
            "not_done": 0,
            "refusals": [],
            "fence": 0,
            "created_at": now,
            "finished_at": now,
        },
    )
    yield (
        IdempotencyRow,
        {"app_id": "app", "key": str(step), "body_hash": "", "answer": of("idempotency_keys"), "created_at": now},
    )
    yield (
        RecentCreateRow,
        {"school_id": "hillside", "same": of("recent_creates"), "writeback_id": writeback_id, "created_at": now},
    )
    yield (
        MarkInDoubtRow,
        {"lane_id": LANE, "slot": str(step), "writeback_id": "wb_x", "code": of("marks_in_doubt"), "until": now},
    )
    yield (
        StaffSessionRow,
        {
            "hash": of("sessions"),
            "staff_id": "stf_1",
            "created_at": now,
            "seen_at": now,
            "expires_at": now + timedelta(hours=12),
        },
    )
    yield SignInTriesRow, {"key": of("sign_in_tries"), "tries": 1, "until": now + timedelta(minutes=15)}
    yield (
        IncidentRow,
        {
            "id": f"inc-{step}",
            "kind": "school_held",
            "about": of("incidents"),
            "since": now,
            "opened_at": now,
            "schools": ["hillside"],
            "writebacks": 0,
            "ended_at": now,
        },
    )
    yield (
        AlertMessageRow,
        {
            "id": f"alm-{step}",
            "receiver_id": "alr_1",
            "told": "opened",
            "content": {"about": of("alert_messages")},
            "state": "sent",
            "attempts": 1,
            "created_at": now,
        },
    )
    yield (
        RollupRow,
        {
            "school_id": "hillside",
            "bucket_at": now,
            "provider": of("counts"),
            "is_register": True,
            "accepted": 1,
            "confirmed": 0,
            "failed": 0,
            "dropped": 0,
            "went_out": 0,
        },
    )
    yield (
        UsageRow,
        {"app_id": "app", "hour_at": now, "what": "call", "route": "", "code": of("usage"), "number": 1},
    )
    yield (
        RollupTimeRow,
        {"school_id": "hillside", "bucket_at": now, "provider": of("count_times"), "bin": 1, "writebacks": 1},
    )


def _batches(now: Any, step: int, of: Any) -> Iterator[tuple[type[SQLModel], Mapping[str, Any]]]:
    usual = {
        "app_id": "app",
        "school_id": "hillside",
        "format": "csv",
        "size": 1,
        "sha256": "",
        "dry_run": False,
        "cursor": 0,
        "rows_read": 1,
        "rows_good": 0,
        "rows_bad": 1,
        "rows_queued": 0,
        "layout": "",
        "problems": {},
        "refreshed": [],
        "failures": 0,
        "fence": 0,
        "created_at": now,
        "updated_at": now,
    }
    quote = of("batch_quotes")
    yield (
        BatchRow,
        {
            **usual,
            "id": f"bat-{step}",
            "status": "done",
            "kind": of("batches"),
            "file_name": quote,
            "findings": [{"message": quote}],
        },
    )
    named = {"list_name": "students", "match": "unknown", "person_id": "", "rows": 1, "first_row": 2}
    yield BatchPersonRow, {**named, "batch_id": f"bat-{step}", "key": "k", "reference": of("batch_people")}
    understood = {"understood": of("batch_reviews"), "counts": {}, "until": now}
    yield BatchReviewRow, {**understood, "batch_id": f"bat-{step}"}
    mapping = {"kind": "k", "header": [of("batch_mappings")], "mapping": "", "confirmed_by": "", "confirmed_at": now}
    yield BatchMappingRow, {**mapping, "id": f"m-{step}", "app_id": "app", "school_id": "s", "fingerprint": str(step)}
    word = {"school_id": "hillside", "app_id": "app", "field": "attendance.code", "times": 1}
    yield UnknownWordRow, {**word, "word": of("unknown_words"), "last_at": now}
    yield (
        AuditRow,
        {
            "at": now,
            "actor": "app:app",
            "action": "batch.upload",
            "subject": f"bat-{step}",
            "school": "hillside",
            "reason": of("audit"),
            "changed": {"file_name": quote},
        },
    )
    yield (
        BatchLine,
        {
            "batch_id": f"bat-{step}",
            "number": 2,
            "unit": 2,
            "state": "bad",
            "part": 0,
            "size": 1,
            "cells": json.dumps([of("batch_rows")]),
            "record": "",
            "findings": "",
            "same": "",
            "group_key": "",
        },
    )
    yield (
        BatchRow,
        {**usual, "id": f"upl-{step}", "status": "uploading", "kind": of("uploads"), "file_name": "", "findings": []},
    )
    yield BatchChunkRow, {"batch_id": f"upl-{step}", "number": 0, "data": of("upload_pieces").encode()}


@pytest.mark.parametrize("rule", RULES, ids=[rule.name for rule in RULES])
def test_a_step_has_something_under_every_rule(rule: Any) -> None:
    planted = {name for _, values in _rows(FakeClock().now(), 1, "wb_1") for name, _ in _PLANTED.findall(str(values))}

    assert rule.name in planted | {"texts", "content", "writebacks", "provider_answers", "runs"}
