"""The figures that only the database knows: right on both databases, read once in a few seconds, by one process."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis
from sqlmodel import Session

from tests.console.scenes import add_school, add_writeback
from writeback.core.clock import FakeClock
from writeback.core.ids import new_id
from writeback.core.meters import Meters
from writeback.core.settings import Settings
from writeback.flow.metrics.exposition import registry_of
from writeback.flow.metrics.figures import FIGURES
from writeback.flow.metrics.reading import FigureReader, SharedFigures
from writeback.flow.projections.rollups import Rollup
from writeback.flow.schools.removals_held_back import Removals
from writeback.flow.upkeep.restores import Restores
from writeback.flow.upkeep.retention import Retention
from writeback.store.sql.database import Database
from writeback.store.tables import App, BreakerRow, DeliveryRow, Lane, LookupRow, SchoolRow, WebhookRow

Samples = Mapping[tuple[str, tuple[tuple[str, str], ...]], float]


def _reader(database: Database, clock: FakeClock, redis: Redis | None = None, **metrics: Any) -> FigureReader:
    settings = Settings(metrics=metrics)
    return FigureReader(
        database,
        clock,
        settings,
        Removals(database, clock),
        Restores(database, clock, settings.restore),
        Retention(database, clock, settings),
        redis,
    )


def _samples(figures: SharedFigures, meters: Meters | None = None) -> Samples:
    """Return what Prometheus would read, by name and labels."""
    text = generate_latest(registry_of(meters or Meters(), figures)).decode()
    families = list(text_string_to_metric_families(text))
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for family in families for one in family.samples}


def _ours(samples: Samples) -> Samples:
    """Return those of the service, without what says when a counter was made."""
    is_ours = {key: key[0].startswith("writeback_") and not key[0].endswith("_created") for key in samples}
    return {key: number for key, number in samples.items() if is_ours[key]}


def _key(name: str, **labels: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    return name, tuple(sorted(labels.items()))


def _morning(now: datetime, session: Session) -> None:
    """Two schools of Wonde and one of Xporter, of which something waits; much has ended."""
    for school, provider in (("oakfield", "wonde"), ("riverside", "wonde"), ("hillside", "xporter")):
        row = add_school(session, now, school, school.title(), provider, "SIMS")
        row.sync_at = now + timedelta(minutes=5)
        session.add(LookupRow(school_id=school, list="students", fetched_at=now))
    session.flush()
    for _ in range(4):
        add_writeback(
            session, now - timedelta(minutes=30), "oakfield", "confirmed", ended_at=now - timedelta(minutes=29)
        )
    add_writeback(session, now - timedelta(minutes=20), "hillside", "held", hold_reason="school_offline")
    add_writeback(session, now - timedelta(minutes=9), "oakfield", "queued")
    add_writeback(session, now - timedelta(minutes=8), "oakfield", "queued")
    add_writeback(session, now - timedelta(minutes=7), "riverside", "sent", kind="attendance.lesson")
    add_writeback(session, now - timedelta(minutes=6), "hillside", "failed", ended_at=now)


async def test_test_schools_are_in_no_figure(database: Database, fake_clock: FakeClock) -> None:
    """Nobody is to be woken for what somebody tries out."""
    now = fake_clock.now()

    def add_a_test(session: Session) -> None:
        row = add_school(session, now, "test_oakfield", "Oakfield (test)", "wonde", "SIMS")
        row.sync_at, row.hold_reason = now - timedelta(hours=1), "school_offline"
        session.add(LookupRow(school_id="test_oakfield", list="students", fetched_at=now - timedelta(days=9)))
        session.flush()
        add_writeback(session, now - timedelta(hours=2), "test_oakfield", "queued")
        session.add(BreakerRow(key="school:test_oakfield", failures=9, trips=1, open_until=now, since=now, reason="x"))

    await database.transact(lambda session: _morning(now, session))
    before, after = SharedFigures(_reader(database, fake_clock)), SharedFigures(_reader(database, fake_clock))
    await before.refresh()
    await database.transact(add_a_test)
    await after.refresh()
    meters = Meters()
    await Rollup(database, fake_clock, meters).count()

    assert _ours(_samples(after)) == _ours(_samples(before))
    accepted = [number for (name, _), number in _samples(after, meters).items() if name == "writeback_accepted_total"]
    assert sum(accepted) == 9


async def test_what_waits_is_counted_by_provider_family_and_status(database: Database, fake_clock: FakeClock) -> None:
    await database.transact(lambda session: _morning(fake_clock.now(), session))
    figures = SharedFigures(_reader(database, fake_clock, schools=2))

    await figures.refresh()
    seen = _samples(figures)

    queued = {"provider": "wonde", "family": "session-marks", "status": "queued"}
    assert seen[_key("writeback_waiting", **queued)] == 2
    assert seen[_key("writeback_oldest_waiting_seconds", **queued)] == 9 * 60
    assert seen[_key("writeback_waiting", provider="wonde", family="lesson-marks", status="sent")] == 1
    assert seen[_key("writeback_waiting", provider="xporter", family="session-marks", status="held")] == 1
    assert sum(value for (name, _), value in seen.items() if name == "writeback_waiting") == 4


async def test_numbers_by_school_are_of_those_alone_that_have_waited_longest(
    database: Database, fake_clock: FakeClock
) -> None:
    await database.transact(lambda session: _morning(fake_clock.now(), session))
    figures, none = (SharedFigures(_reader(database, fake_clock, schools=most)) for most in (2, 0))

    await figures.refresh()
    await none.refresh()

    seen = _samples(figures)
    of_schools = {labels: value for (name, labels), value in seen.items() if name == "writeback_school_waiting"}
    assert {dict(labels)["school"]: value for labels, value in of_schools.items()} == {"hillside": 1, "oakfield": 2}
    assert seen[_key("writeback_school_oldest_waiting_seconds", provider="xporter", school="hillside")] == 20 * 60
    assert not any(name == "writeback_school_waiting" for name, _ in _samples(none))


async def test_how_providers_schools_lanes_and_lists_do(database: Database, fake_clock: FakeClock) -> None:
    now = fake_clock.now()

    def trouble(session: Session) -> None:
        _morning(now, session)
        hillside, oakfield = session.get_one(SchoolRow, "hillside"), session.get_one(SchoolRow, "oakfield")
        hillside.hold_reason, hillside.held_at = "school_offline", now
        oakfield.sync_at = now - timedelta(minutes=2)
        lane, other = session.get_one(Lane, "oakfield:session-marks"), session.get_one(Lane, "hillside:session-marks")
        lane.lease_owner, lane.lease_until = "one", now + timedelta(seconds=30)
        other.lease_owner, other.lease_until = "gone", now - timedelta(seconds=30)
        session.get_one(LookupRow, ("riverside", "students")).changed_at = now - timedelta(days=3)
        for key in ("provider:wonde@api.wonde.com", "school:oakfield", "school:riverside"):
            session.add(BreakerRow(key=key, failures=9, open_until=now, since=now))
        session.add(BreakerRow(key="school:hillside", failures=1, since=now))

    await database.transact(trouble)
    figures = SharedFigures(_reader(database, fake_clock))
    await figures.refresh()
    seen = _samples(figures)

    assert seen[_key("writeback_schools", provider="wonde")] == 2
    assert seen[_key("writeback_schools_held", provider="xporter", reason="school_offline")] == 1
    assert seen[_key("writeback_breakers_open", provider="wonde", of="provider")] == 1
    assert seen[_key("writeback_breakers_open", provider="wonde", of="school")] == 2
    assert _key("writeback_breakers_open", provider="xporter", of="school") not in seen
    assert (seen[_key("writeback_leases_held")], seen[_key("writeback_leases_expired")]) == (1, 1)
    assert seen[_key("writeback_sync_due_schools", provider="wonde")] == 1
    assert seen[_key("writeback_sync_late_seconds", provider="wonde")] == 120
    assert seen[_key("writeback_lists_stale", provider="wonde")] == 1
    assert seen[_key("writeback_oldest_list_seconds", provider="wonde")] == 3 * 86_400


async def test_how_far_readers_of_events_and_webhooks_are_behind(database: Database, fake_clock: FakeClock) -> None:
    now = fake_clock.now()

    def hooks(session: Session) -> None:
        _morning(now, session)
        session.add(App(id="app", name="Registers", created_at=now))
        session.flush()
        disabled = now - timedelta(hours=1)
        for name, changes in {
            "one": {"failing_since": now, "cursor": 2},
            "two": {"disabled_at": disabled, "cursor": 0},
        }.items():
            webhook = WebhookRow(id=name, app_id="app", url="https://a.example", statuses=[], secrets="", **changes)
            webhook.created_at = webhook.updated_at = now
            session.add(webhook)
            session.flush()
            for number, state in enumerate(("pending", "sending", "delivered")):
                due = now - timedelta(minutes=3) if state == "pending" else now + timedelta(minutes=1)
                session.add(_delivery(name, number, state, due, now))

    await database.transact(hooks)
    await Rollup(database, fake_clock).count()
    await database.transact(
        lambda session: add_writeback(session, now - timedelta(seconds=40), "oakfield", "queued") and None
    )
    figures = SharedFigures(_reader(database, fake_clock))
    await figures.refresh()
    seen = _samples(figures)

    assert seen[_key("writeback_projection_lag_events", projection="rollup")] == 1
    assert seen[_key("writeback_projection_lag_seconds", projection="rollup")] == 40
    assert seen[_key("writeback_projection_lag_events", projection="webhooks")] > 1
    assert _key("writeback_projection_lag_events", projection="search") not in seen  # nobody has begun
    assert seen[_key("writeback_deliveries_waiting")] == 2
    assert seen[_key("writeback_deliveries_late_seconds")] == 180
    assert (seen[_key("writeback_webhooks_failing")], seen[_key("writeback_webhooks_disabled")]) == (1, 1)


def _delivery(webhook: str, number: int, state: str, due: datetime, now: datetime) -> DeliveryRow:
    return DeliveryRow(
        id=new_id("msg", now), webhook_id=webhook, sequence=number, type="writeback.updated", payload="{}", state=state,
        next_attempt_at=due, created_at=now,
    )  # fmt: skip


async def test_whoever_counts_an_event_counts_it_for_prometheus_once(database: Database, fake_clock: FakeClock) -> None:
    await database.transact(lambda session: _morning(fake_clock.now(), session))
    meters = [Meters(), Meters()]
    rollups = [Rollup(database, fake_clock, one) for one in meters]

    await asyncio.gather(*(one.count() for one in rollups))
    for one in rollups:
        await one.count()

    figures = SharedFigures(_reader(database, fake_clock))
    seen = [_samples(figures, one) for one in meters]
    marks = {"provider": "wonde", "family": "session-marks"}

    def summed(name: str, **labels: str) -> float:
        return sum(one.get(_key(name, **labels), 0) for one in seen)

    assert summed("writeback_accepted_total", **marks) == 6
    assert summed("writeback_ended_total", **marks, status="confirmed") == 4
    assert summed("writeback_ended_total", provider="xporter", family="session-marks", status="failed") == 1
    assert summed("writeback_time_to_evidence_seconds_count", **marks) == 4
    assert summed("writeback_time_to_evidence_seconds_sum", **marks) == 4 * 60


async def test_of_several_processes_one_reads_in_a_few_seconds(
    sqlite_url: str, redis_url: str, fake_clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = 0
    read = FigureReader.read

    async def counting(reader: FigureReader) -> Any:
        nonlocal reads
        reads += 1
        return await read(reader)

    monkeypatch.setattr(FigureReader, "read", counting)
    database = Database.open(sqlite_url)
    async with Redis.from_url(redis_url) as redis:
        await redis.flushdb()
        await database.transact(lambda session: _morning(fake_clock.now(), session))
        processes = [SharedFigures(_reader(database, fake_clock, redis)) for _ in range(3)]
        for one in processes:
            for _ in range(3):
                await one.refresh()

        assert reads == 1
        assert processes[2].last == processes[0].last
        assert processes[0].last is not None
        assert processes[0].last.workers == {"working": 0, "silent": 0}
        assert FIGURES.validate_json(FIGURES.dump_json(processes[0].last)) == processes[0].last
    await database.dispose()


async def test_without_redis_or_database_the_last_figures_are_shown_with_their_age(
    sqlite_url: str, fake_clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database.open(sqlite_url)
    await database.transact(lambda session: _morning(fake_clock.now(), session))
    async with Redis.from_url("redis://127.0.0.1:1", socket_connect_timeout=1) as nowhere:
        figures = SharedFigures(_reader(database, fake_clock, nowhere))
        await figures.refresh()
        before, read_at = _samples(figures), fake_clock.now().timestamp()
        fake_clock.advance(timedelta(minutes=10))
        monkeypatch.setattr(FigureReader, "read", _raise)
        await figures.refresh()
        after = _samples(figures)

    assert before[_key("writeback_redis_up")] == after[_key("writeback_redis_up")] == 0
    assert sum(value for (name, _), value in after.items() if name == "writeback_waiting") == 4
    assert after[_key("writeback_figures_timestamp_seconds")] == read_at
    await database.dispose()


async def _raise(_: FigureReader) -> None:
    raise ConnectionError
