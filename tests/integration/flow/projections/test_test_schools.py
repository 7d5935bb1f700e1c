"""What is tried out says nothing of the live morning: counts, health, times and alerts leave test schools out."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from tests.console.scenes import add_school, add_writeback
from writeback.core.clock import FakeClock
from writeback.core.settings import AlertSettings
from writeback.domain.mode import Mode
from writeback.domain.school import Account
from writeback.flow.alerts.conditions import Facts, conditions_of
from writeback.flow.alerts.session_reports import _day, facts
from writeback.flow.engine.breakers import keys_of
from writeback.flow.projections.overview import Overview, Overviews
from writeback.flow.projections.overview_schools import Need
from writeback.flow.projections.rollups import Rollup
from writeback.store.sql.database import Database
from writeback.store.tables import BreakerRow, Lane, RemovalsRow, SchoolRow

SANDBOX = "http://sandbox.example:8401"


@pytest.fixture
async def morning(database: Database) -> FakeClock:
    """A live school that does well, and a test school with all that there is to be told of one."""
    clock = FakeClock()
    now = clock.now()

    def work(session: Any) -> None:
        add_school(session, now, "oakfield", "Oakfield", "wonde", "SIMS")
        add_school(session, now, "test_oakfield", "Oakfield", "wonde", "SIMS")
        add_writeback(session, now - timedelta(minutes=2), "oakfield", "confirmed")
        for status in ("failed", "failed", "needs_attention", "sent", "held", "queued"):
            add_writeback(session, now - timedelta(minutes=50), "test_oakfield", status)
        account = Account("test_oakfield", "wonde", "A1", "SIMS", SANDBOX, {})
        for key in keys_of(account):
            session.add(BreakerRow(key=key, failures=9, trips=1, open_until=now, since=now, reason="timeout"))
        session.add(RemovalsRow(school_id="test_oakfield", list="students", since=now, entries=400, ids="[]"))
        school = session.get(SchoolRow, "test_oakfield")
        school.hold_reason, school.held_at = "school_offline", now - timedelta(hours=1)
        session.add(school)
        for lane in session.exec(select(Lane).where(Lane.school_id == "test_oakfield")).all():
            lane.hold_reason, lane.held_at = "scope_missing", now - timedelta(hours=1)
            session.add(lane)

    await database.transact(work)
    await Rollup(database, clock).count()
    return clock


async def _overview(database: Database, clock: FakeClock, schools: Any = None, mode: Mode = Mode.LIVE) -> Overview:
    return await Overviews(database, clock).of(schools, clock.now().replace(hour=0, minute=0), mode)


@pytest.mark.parametrize("schools", [None, frozenset({"oakfield", "test_oakfield"})], ids=["all", "some"])
async def test_now_is_about_live_schools(database: Database, morning: FakeClock, schools: Any) -> None:
    overview = await _overview(database, morning, schools)

    (wonde,) = overview.providers
    assert (wonde.accepted, wonde.confirmed, wonde.failed, wonde.waiting, wonde.held) == (1, 1, 0, 0, 0)
    assert wonde.unanswered_since is None
    assert [cell.id for cell in overview.grid] == ["oakfield"]
    assert (overview.schools, overview.quiet, overview.causes.looked_into) == ([], [], 0)
    assert sum(bucket.accepted for bucket in overview.buckets) == overview.measured == 1
    assert sum(bucket.held for bucket in overview.buckets) == 0


@pytest.mark.parametrize("schools", [None, frozenset({"oakfield", "test_oakfield"})], ids=["all", "some"])
async def test_tests_can_be_looked_at_by_themselves(database: Database, morning: FakeClock, schools: Any) -> None:
    overview = await _overview(database, morning, schools, Mode.TEST)

    (wonde,) = overview.providers
    assert (wonde.failed, wonde.held) == (2, 1)
    assert wonde.unanswered_since is not None
    assert [(need.id, need.need) for need in overview.schools] == [("test_oakfield", Need.HELD)]


async def test_nobody_is_woken_for_a_test(database: Database, morning: FakeClock) -> None:
    overview = await _overview(database, morning)

    assert conditions_of(Facts(overview), AlertSettings()) == []


async def test_the_sessions_report_is_of_live_schools(world: Any, database: Database, morning: FakeClock) -> None:
    flow = replace(world.flow, db=database, clock=morning)
    day = await _day(flow, morning.now())

    assert set(day.sent) == {"oakfield"}
    assert facts(day, None, morning.now())["not_in_mis"] == 0


def test_the_sandbox_and_a_provider_have_breakers_of_their_own() -> None:
    """Even at one address: what does not answer tests must not stop registers."""
    live, test = (Account(one, "wonde", "A1", "SIMS", SANDBOX, {}) for one in ("oakfield", "test_oakfield"))

    assert not set(keys_of(live)) & set(keys_of(test))
