"""Counting: each event once, on both databases, whoever counts; resubmitting takes a failure back."""

import asyncio
from datetime import datetime, timedelta

import pytest

from tests.console.scenes import add_school, add_writeback
from tests.secret_key import SECRET_KEY
from writeback.core.clock import FakeClock
from writeback.core.settings import Settings
from writeback.flow.projections.overview import Overview, Overviews
from writeback.flow.projections.overview_schools import Need
from writeback.flow.projections.rollups import Rollup, bin_of, quantile, seconds_of
from writeback.flow.upkeep.retention import Retention
from writeback.store.sql.database import Database
from writeback.store.tables import BreakerRow, EventRow, SchoolRow

pytestmark = pytest.mark.sqlite_first

NOT_ON_ROLL = {"code": "student_not_on_roll", "severity": "error"}


async def _schools(database: Database, now: datetime, *names: str) -> None:
    def work(session):  # type: ignore[no-untyped-def]
        for name in names:
            add_school(session, now, name, name.title(), "xporter" if name == "hillside" else "wonde", "SIMS")

    await database.transact(work)


async def _add(database: Database, at: datetime, school: str, status: str, **changes: object) -> str:
    return await database.transact(lambda session: add_writeback(session, at, school, status, **changes).id)  # type: ignore[arg-type]


async def _overview(database: Database, clock: FakeClock, schools: frozenset[str] | None = None) -> Overview:
    await Rollup(database, clock).count()
    midnight = clock.now().replace(hour=0, minute=0)
    return await Overviews(database, clock).of(schools, midnight)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


async def test_what_came_in_and_what_became_of_it_is_counted_by_provider(database: Database, clock: FakeClock) -> None:
    now = clock.now()
    await _schools(database, now, "hillside", "oakfield")
    for _ in range(3):
        await _add(database, now - timedelta(minutes=9), "oakfield", "confirmed", ended_at=now - timedelta(minutes=8))
    await _add(database, now - timedelta(minutes=9), "oakfield", "superseded")
    await _add(database, now - timedelta(minutes=2), "oakfield", "failed")
    await _add(database, now - timedelta(minutes=2), "hillside", "queued")

    wonde, xporter = (await _overview(database, clock)).providers

    assert (wonde.provider, wonde.accepted, wonde.confirmed, wonde.failed, wonde.waiting) == ("wonde", 4, 3, 1, 0)
    assert wonde.last_evidence_at == now - timedelta(minutes=8)
    assert wonde.median_s == pytest.approx(60, rel=0.1)
    assert (xporter.accepted, xporter.confirmed, xporter.waiting) == (1, 0, 1)


@pytest.mark.both_databases
async def test_each_event_is_counted_once_whoever_counts(database: Database, clock: FakeClock) -> None:
    now = clock.now()
    await _schools(database, now, "oakfield")
    for _ in range(5):
        await _add(database, now - timedelta(minutes=2), "oakfield", "confirmed")
    one, other = Rollup(database, clock), Rollup(database, clock)

    await asyncio.gather(one.count(), other.count())
    await one.count()
    await other.count()

    assert (await _overview(database, clock)).providers[0].confirmed == 5


@pytest.mark.both_databases
async def test_sending_again_takes_the_failure_back(database: Database, clock: FakeClock) -> None:
    now = clock.now()
    await _schools(database, now, "oakfield")
    writeback = await _add(database, now - timedelta(minutes=5), "oakfield", "failed")
    before = (await _overview(database, clock)).providers[0]

    def resubmit(session):  # type: ignore[no-untyped-def]
        for event, status in (("resubmitted", "queued"), ("confirmed", "confirmed")):
            session.add(
                EventRow(writeback_id=writeback, app_id="registers", at=now, actor="a", event=event, status=status)
            )

    await database.transact(resubmit)
    clock.advance(timedelta(seconds=30))
    after = (await _overview(database, clock)).providers[0]

    assert (before.accepted, before.confirmed, before.failed) == (1, 0, 1)
    assert (after.accepted, after.confirmed, after.failed) == (1, 1, 0)


@pytest.mark.both_databases
async def test_an_account_with_some_schools_has_their_counts_alone(database: Database, clock: FakeClock) -> None:
    now = clock.now()
    await _schools(database, now, "oakfield", "riverside")
    await _add(database, now - timedelta(minutes=2), "oakfield", "confirmed")
    for _ in range(2):
        await _add(database, now - timedelta(minutes=2), "riverside", "confirmed")

    own = await _overview(database, clock, frozenset({"oakfield"}))

    assert own.providers[0].confirmed == 1
    assert sum(bucket.accepted for bucket in own.buckets) == 1
    assert len(own.grid) == own.measured == 1


@pytest.mark.both_databases
async def test_what_is_held_is_not_held_against_the_provider(database: Database, clock: FakeClock) -> None:
    now = clock.now()
    await _schools(database, now, "oakfield", "riverside")
    await _add(database, now - timedelta(hours=3), "riverside", "held")
    await _add(database, now - timedelta(minutes=2), "oakfield", "confirmed")
    await _add(database, now - timedelta(minutes=2), "riverside", "held")

    wonde = (await _overview(database, clock)).providers[0]

    assert (wonde.accepted, wonde.confirmed, wonde.waiting, wonde.held, wonde.held_schools) == (1, 1, 0, 2, 1)


async def test_schools_that_need_someone_come_with_cause_and_since_a_decision_last(
    database: Database, clock: FakeClock
) -> None:
    now = clock.now()
    await _schools(database, now, "hillside", "oakfield", "riverside", "fine", "fresh", "stuck")
    await _add(database, now - timedelta(minutes=20), "oakfield", "needs_attention")
    await _add(database, now - timedelta(minutes=40), "riverside", "sent")
    await _add(database, now - timedelta(minutes=15), "stuck", "queued")
    await _add(database, now - timedelta(minutes=1), "fresh", "queued")
    await _add(database, now - timedelta(minutes=30), "fine", "confirmed")

    def hold(session):  # type: ignore[no-untyped-def]
        school = session.get(SchoolRow, "hillside")
        school.hold_reason, school.held_at = "school_offline", now - timedelta(minutes=29)
        session.add(school)

    await database.transact(hold)

    schools = (await _overview(database, clock)).schools

    assert [(one.id, one.need) for one in schools] == [
        ("riverside", Need.NO_EVIDENCE),
        ("stuck", Need.STUCK),
        ("hillside", Need.HELD),
        ("oakfield", Need.DECIDE),
    ]
    by_id = {one.id: one for one in schools}
    assert by_id["hillside"].since == now - timedelta(minutes=29)
    assert by_id["riverside"].waiting == 1


@pytest.mark.both_databases
async def test_a_school_and_a_provider_that_do_not_answer_are_shown_with_since(
    database: Database, clock: FakeClock
) -> None:
    now = clock.now()
    await _schools(database, now, "oakfield")
    since = now - timedelta(minutes=4)

    def open_breakers(session):  # type: ignore[no-untyped-def]
        for key in ("school:oakfield", "provider:wonde@api.wonde.com"):
            session.add(BreakerRow(key=key, failures=5, trips=1, open_until=now, since=since, reason="timeout"))

    await database.transact(open_breakers)

    overview = await _overview(database, clock)

    assert overview.providers[0].unanswered_since == since
    assert (overview.schools[0].need, overview.schools[0].since) == (Need.UNANSWERED, since)


async def test_a_provider_and_mis_that_take_long_are_given_that_long(database: Database, clock: FakeClock) -> None:
    now = clock.now()
    await _schools(database, now, "oakfield", "hillside")
    for _ in range(20):
        at = now - timedelta(hours=2)
        await _add(database, at, "hillside", "confirmed", ended_at=at + timedelta(minutes=25))
        await _add(database, at, "oakfield", "confirmed", ended_at=at + timedelta(seconds=3))
    for school in ("hillside", "oakfield"):
        for _ in range(3):
            await _add(database, now - timedelta(minutes=15), school, "sent")

    overview = await _overview(database, clock)

    assert [one.id for one in overview.schools] == ["oakfield"]
    assert overview.usual["wonde"] == timedelta(minutes=2)
    assert overview.usual["xporter"].total_seconds() == pytest.approx(1_500, rel=0.1)


@pytest.mark.both_databases
async def test_the_chart_says_what_became_of_what_came_in_each_minute(database: Database, clock: FakeClock) -> None:
    now = clock.now()
    await _schools(database, now, "oakfield")
    at = now - timedelta(minutes=7)
    for status in ("confirmed", "confirmed", "failed", "held", "superseded", "sent"):
        await _add(database, at, "oakfield", status)

    buckets = (await _overview(database, clock)).buckets

    (one,) = [bucket for bucket in buckets if bucket.accepted]
    assert one.start <= at < one.start + timedelta(minutes=1)
    assert (one.accepted, one.confirmed, one.failed, one.held, one.on_their_way) == (5, 2, 1, 1, 1)


async def test_causes_count_records_and_writebacks_the_most_frequent_first(
    database: Database, clock: FakeClock
) -> None:
    now = clock.now()
    await _schools(database, now, "oakfield")
    failed = {"status": "failed", "findings": [NOT_ON_ROLL]}
    warned = {"status": "confirmed", "findings": [{"code": "minutes_missing", "severity": "warning"}]}
    await _add(database, now - timedelta(minutes=2), "oakfield", "failed", progress=[failed, failed])
    await _add(database, now - timedelta(minutes=2), "oakfield", "partial", progress=[failed, warned])
    await _add(database, now - timedelta(minutes=2), "oakfield", "expired")
    await _add(database, now - timedelta(days=1), "oakfield", "failed", progress=[failed])

    causes = (await _overview(database, clock)).causes.found

    assert [(one.code, one.records, one.writebacks) for one in causes] == [
        ("student_not_on_roll", 3, 2),
        ("expired", 1, 1),
    ]


async def test_causes_of_one_code_are_told_apart_by_the_providers_words(database: Database, clock: FakeClock) -> None:
    now = clock.now()
    await _schools(database, now, "oakfield")
    for words in ("Register 1 is locked", "Register 2 is locked", "No such teacher"):
        said = {"code": "provider_refused", "provider_message": words, "provider_answered": True}
        refused = {"status": "failed", "findings": [{**NOT_ON_ROLL, **said}]}
        await _add(database, now - timedelta(minutes=2), "oakfield", "failed", progress=[refused, refused])

    causes = (await _overview(database, clock)).causes.found

    assert [(one.code, one.records, one.writebacks) for one in causes] == [
        ("provider_refused", 4, 2),
        ("provider_refused", 2, 1),
    ]
    assert [one.words.endswith(("locked", "teacher")) for one in causes] == [True, True]
    assert len({one.said for one in causes}) == 2


async def test_old_counts_are_forgotten(database: Database, clock: FakeClock) -> None:
    now = clock.now()
    await _schools(database, now, "oakfield")
    await _add(database, now, "oakfield", "confirmed")
    rollup = Rollup(database, clock)
    await rollup.count()

    clock.advance(timedelta(days=8))
    await Retention(database, clock, Settings(secret_key=SECRET_KEY)).run()
    clock.advance(-timedelta(days=8))

    assert (await _overview(database, clock)).providers[0].accepted == 0


@pytest.mark.parametrize("seconds", [0.06, 0.5, 1.0, 4.2, 60.0, 3_600.0])
def test_a_length_of_time_is_kept_to_a_tenth(seconds: float) -> None:
    assert seconds_of(bin_of(seconds)) == pytest.approx(seconds, rel=0.05)


def test_quantiles_are_of_all_that_was_measured() -> None:
    bins = {bin_of(1.0): 50, bin_of(4.0): 45, bin_of(60.0): 5}

    assert quantile(bins, 0.5) == pytest.approx(1.0)
    assert quantile(bins, 0.95) == pytest.approx(4.0)
    assert quantile(bins, 0.96) == pytest.approx(60.0, rel=0.05)
    assert quantile({}, 0.5) is None
