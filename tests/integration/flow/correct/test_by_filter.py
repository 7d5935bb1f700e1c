"""Resubmitting and cancelling by filter: counted first, in pieces, and twice does no harm."""

import asyncio
from datetime import timedelta

import pytest

from tests.integration.flow.conftest import CALLER, Evidenced, World, mark
from writeback.core.errors import Forbidden
from writeback.domain.access import Caller, Scope
from writeback.domain.actor import staff
from writeback.domain.corrections import Action
from writeback.domain.lookups import ListName
from writeback.flow.correct import by_filter
from writeback.flow.correct.by_filter import Work
from writeback.store.reads.filters import Filter
from writeback.store.reads.selection import Selection

KIM = staff("kim", "the school has reopened")
FAILED = Selection(Filter(school="hillside", code="school_closed"))


async def _resubmit(world: World, wanted: Selection = FAILED, **options):
    return await world.corrections.many.run(CALLER, Work(Action.RESUBMIT, wanted, KIM), **options)


@pytest.mark.sqlite_first
async def test_it_is_counted_first_and_nothing_is_done(world: World) -> None:
    one, two = await world.fail(mark("A1"), mark("A2")), await world.fail(mark("A3"))
    await world.submit(mark("A4"))

    count = await world.corrections.many.count(CALLER, Action.RESUBMIT, FAILED)
    first = await world.corrections.many.count(CALLER, Action.RESUBMIT, FAILED, limit=1)

    assert (count.writebacks, count.records, count.more) == (2, 2, 0)
    assert (first.writebacks, first.more) == (2, 1)
    assert [await world.status(each) for each in (one, two)] == ["partial", "failed"]


@pytest.mark.sqlite_first
async def test_all_that_match_go_again_and_the_log_ties_them_together(world: World) -> None:
    failed = [await world.fail(mark(f"A{number}")) for number in range(1, 6)]
    other = await world.submit(mark("A9"))
    await world.serve()

    report = await _resubmit(world)

    assert [done.id for done in report.done] == failed
    assert (report.matched, report.not_done, report.unchanged, report.next_cursor) == (5, (), 0, None)
    assert {await world.status(each) for each in failed} == {"queued"}
    assert await world.status(other) == "sent"
    entries = [entry for entry in await world.audited() if entry.action == "writeback.resubmit"]
    assert [entry.subject for entry in entries] == failed
    assert {entry.changed["bulk"] for entry in entries} == {report.id}


async def test_called_twice_or_by_two_at_once_it_does_nothing_twice(world: World) -> None:
    failed = [await world.fail(mark(f"A{number}")) for number in range(1, 6)]

    at_once = await asyncio.gather(_resubmit(world), _resubmit(world))
    again = await _resubmit(world)

    assert sorted(done.id for report in at_once for done in report.done) == sorted(failed)
    assert (again.matched, again.done) == (0, ())
    for each in failed:
        assert len(await world.corrected(each)) == 1


async def test_what_cannot_go_is_named_with_the_reason_and_stays(world: World) -> None:
    good, bad = await world.fail(mark("A1")), await world.fail(mark("A2"))
    world.clock.advance(timedelta(minutes=5))
    del world.provider.rows[ListName.STUDENTS]["A2"]
    world.provider.fetched.clear()

    report = await _resubmit(world)

    assert [done.id for done in report.done] == [good]
    (left,) = report.not_done
    assert (left.id, left.code, left.findings[0].code) == (bad, "submission_invalid", "student_not_on_roll")
    assert await world.status(bad) == "failed"
    assert world.provider.fetched.count(ListName.STUDENTS) == 1


@pytest.mark.sqlite_first
async def test_it_goes_on_where_a_call_has_reached_its_limit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_filter, "_CHUNK", 2)
    failed = [await world.fail(mark(f"A{number}")) for number in range(1, 8)]

    first = await _resubmit(world, limit=5)
    second = await _resubmit(world, limit=5, cursor=first.next_cursor)

    assert [done.id for done in (*first.done, *second.done)] == failed
    assert second.next_cursor is None


async def test_what_somebody_has_cancelled_is_meant_only_where_it_is_named(world: World) -> None:
    cancelled = await world.submit()
    await world.corrections.cancels.one(CALLER, cancelled, KIM)
    here = Filter(school="hillside")

    assert (await _resubmit(world, Selection(here))).matched == 0
    assert (await _resubmit(world, Selection(Filter(statuses=["cancelled"])))).done[0].id == cancelled


async def test_what_waits_is_cancelled_by_filter_and_the_rest_left_alone(world: World) -> None:
    sent = await world.submit(mark("A9"))
    await world.serve()
    waiting = [await world.submit(mark(f"A{number}")) for number in range(1, 4)]
    wanted = Selection(Filter(app="app"))

    count = await world.corrections.many.count(CALLER, Action.CANCEL, wanted)
    report = await world.corrections.many.run(CALLER, Work(Action.CANCEL, wanted, KIM))
    again = await world.corrections.many.run(CALLER, Work(Action.CANCEL, wanted, KIM))

    assert (count.writebacks, count.records) == (3, 3)
    assert [done.id for done in report.done] == waiting
    assert {await world.status(each) for each in waiting} == {"cancelled"}
    assert await world.status(sent) == "sent"
    assert (again.matched, again.done) == (0, ())


async def test_a_cancel_by_filter_against_workers_cancels_or_leaves_each_whole(world: World) -> None:
    world.provider.max_records = 1
    waiting = [await world.submit(mark(f"A{number}")) for number in range(1, 6)]

    await asyncio.gather(
        world.serve(),
        world.corrections.many.run(CALLER, Work(Action.CANCEL, Selection(ids=waiting), KIM)),
        world.serve(),
        world.serve(),
    )

    statuses = [await world.status(each) for each in waiting]
    assert set(statuses) <= {"sent", "cancelled"}
    assert statuses.count("sent") == len(world.provider.sent)


@pytest.mark.parametrize(
    ("caller", "seen"),
    [
        (Caller("key_1", "app", frozenset({Scope.SUBMIT})), 1),
        (Caller("key_2", "another", frozenset({Scope.SUBMIT})), 0),
        (Caller("key_3", "support", frozenset({Scope.SUPPORT}), frozenset({"hillside"})), 1),
        (Caller("key_4", "support", frozenset({Scope.SUPPORT}), frozenset({"riverbank"})), 0),
        (Caller("key_5", "ops", frozenset({Scope.ADMIN})), 1),
    ],
    ids=["own app", "another app", "support here", "support elsewhere", "admin"],
)
async def test_nobody_reaches_beyond_their_app_and_schools(world: World, caller: Caller, seen: int) -> None:
    failed = await world.fail()
    wanted = Selection(FAILED.filter, [failed])

    assert (await world.corrections.many.count(caller, Action.RESUBMIT, wanted)).writebacks == seen
    report = await world.corrections.many.run(caller, Work(Action.RESUBMIT, wanted, KIM))
    assert len(report.done) == seen


@pytest.mark.sqlite_first
async def test_a_key_that_only_reads_may_not_even_count(world: World) -> None:
    with pytest.raises(Forbidden):
        await world.corrections.many.count(Caller("key", "app", frozenset({Scope.READ})), Action.CANCEL, FAILED)


async def test_what_is_confirmed_meanwhile_is_left(world: World) -> None:
    failed = await world.fail()
    await _resubmit(world)
    await world.serve()
    world.provider.verdicts.append(Evidenced("webhook"))
    await world.confirm()

    report = await _resubmit(world, Selection(ids=[failed]))

    assert (report.matched, await world.status(failed)) == (0, "confirmed")
