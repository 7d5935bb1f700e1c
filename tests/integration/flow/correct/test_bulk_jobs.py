"""Bulk jobs: begun by a person, done by any worker, in pieces that say how far they are; stopped and gone on with."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session

from tests.integration.flow.conftest import World, mark
from writeback.core.background_pace import Pace
from writeback.core.errors import NotFound
from writeback.domain.actor import SERVICE
from writeback.domain.corrections import Action
from writeback.domain.finding import Finding
from writeback.domain.lookups import ListName
from writeback.domain.outcome import Refused
from writeback.domain.staff import Person, Role
from writeback.flow.correct import bulk_runner
from writeback.flow.correct.bulk_jobs import Bulks, BulkView
from writeback.flow.correct.bulk_runner import BulkRunner
from writeback.flow.correct.by_filter import BulkCorrections, Work
from writeback.flow.correct.resubmit import Resubmits
from writeback.flow.people.sessions import person_of
from writeback.flow.people.staff_accounts import Staff
from writeback.flow.registry.entries import NewSchool
from writeback.flow.upkeep.restores import Restores, RestoreWatch
from writeback.flow.upkeep.sweeper import Sweeper
from writeback.store.batches.bulk_jobs import BulkState
from writeback.store.people import staff as accounts
from writeback.store.reads.filters import Filter
from writeback.store.reads.selection import Selection

FAILED = Selection(Filter(school="hillside", code="school_closed"))


@dataclass
class House:
    """A world with people in it, and the two sides of bulk jobs: the console's and the workers'."""

    world: World
    ann: Person
    workers: list[BulkRunner] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.bulks = Bulks(self.world.flow)
        self.staff = Staff(self.world.flow.db, self.world.clock)

    def worker(self) -> BulkRunner:
        flow = self.world.flow
        owner = f"worker-{len(self.workers)}"
        self.workers.append(BulkRunner(flow, self.world.corrections.many, Pace(flow.clock, 1.0), owner))
        return self.workers[-1]

    async def person(self, name: str, role: Role = Role.SUPPORT, schools: list[str] | None = None) -> Person:
        return await _person(self.world, name, role, schools)

    async def begin(self, wanted: Selection = FAILED, action: Action = Action.RESUBMIT) -> str:
        count = await self.world.corrections.many.count(self.ann.caller, action, wanted)
        return await self.bulks.begin(self.ann, action, wanted, "it has reopened", matched=count.writebacks)

    async def view(self, bulk_id: str) -> BulkView:
        return await self.bulks.view(self.ann, bulk_id)

    async def audited(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Return what the audit log has of bulk jobs: what, who, and what is told."""
        entries = [one for one in await self.world.audited() if one.action.startswith("bulk.")]
        return [(one.action, one.actor, dict(one.changed)) for one in entries]


async def _person(world: World, name: str, role: Role, schools: list[str] | None = None) -> Person:
    await Staff(world.flow.db, world.clock).add(name, role, schools=schools)
    async with world.flow.db.read() as session:
        row = await accounts.find(session, name)
    assert row is not None
    return person_of(row)


@pytest.fixture
async def house(world: World) -> AsyncIterator[House]:
    made = House(world, await _person(world, "ann", Role.SUPPORT))
    yield made
    for worker in made.workers:
        await worker.aclose()


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_runner, "PIECE", 2)


async def _fail(world: World, count: int) -> list[str]:
    return [await world.fail(mark(f"A{number}")) for number in range(1, count + 1)]


def _fails_once(monkeypatch: pytest.MonkeyPatch, place: str, nth: int, error: BaseException) -> None:
    """Have the process be cut off when a failpoint is reached for the n-th time."""
    hits = 0

    def hit(point: str) -> bool:
        nonlocal hits
        hits += point == place
        if point == place and hits == nth:
            raise error
        return False

    monkeypatch.setattr("writeback.core.failpoints.hit", hit)


@pytest.mark.sqlite_first
async def test_a_worker_does_what_was_begun_and_the_log_says_who_and_how_much(house: House, small_pieces: None) -> None:
    failed = await _fail(house.world, 5)

    bulk = await house.begin()
    assert ("run_bulk", bulk) in house.world.waker.wakes
    begun = await house.view(bulk)
    await house.worker().run(bulk)

    view = await house.view(bulk)
    assert (begun.state, begun.looked_at, view.state) == (BulkState.RUNNING, 0, BulkState.DONE)
    assert (view.matched, view.looked_at, view.done, view.records, view.not_done) == (5, 5, 5, 5, 0)
    assert (view.author, view.acting, view.reason) == ("ann", "ann", "it has reopened")
    assert {await house.world.status(one) for one in failed} == {"queued"}
    assert [len(await house.world.corrected(one)) for one in failed] == [1] * 5
    answer = {"action": "resubmit", "matched": 5}
    assert await house.audited() == [
        ("bulk.begin", "staff:ann", answer),
        ("bulk.done", "staff:ann", {**answer, "done": 5, "not_done": 0, "unchanged": 0}),
    ]


@pytest.mark.sqlite_first
async def test_nobody_need_look_the_sweeper_wakes_until_a_worker_has_it(house: House) -> None:
    await _fail(house.world, 1)
    bulk = await house.begin()
    house.world.waker.wakes.clear()

    await Sweeper(house.world.flow).sweep()
    assert ("run_bulk", bulk) in house.world.waker.wakes
    await house.worker().run(bulk)
    house.world.waker.wakes.clear()
    await Sweeper(house.world.flow).sweep()

    assert "run_bulk" not in [job for job, _ in house.world.waker.wakes]


@pytest.mark.parametrize("place", ["bulk.before_piece", "bulk.piece_uncommitted", "bulk.after_piece"])
@pytest.mark.parametrize("nth", [1, 2, 3])
async def test_another_worker_goes_on_where_one_was_cut_off_and_nothing_is_done_twice(
    house: House, small_pieces: None, monkeypatch: pytest.MonkeyPatch, place: str, nth: int
) -> None:
    failed = await _fail(house.world, 5)
    bulk = await house.begin()
    _fails_once(monkeypatch, place, nth, asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        await house.worker().run(bulk)
    left_at = await house.view(bulk)

    await house.worker().run(bulk)
    assert await house.view(bulk) == left_at, "while the lease lasts nobody takes it"
    house.world.clock.advance(timedelta(minutes=2))
    await house.worker().run(bulk)

    view = await house.view(bulk)
    assert (view.state, view.looked_at, view.done, view.records) == (BulkState.DONE, 5, 5, 5)
    assert [len(await house.world.corrected(one)) for one in failed] == [1] * 5
    assert [what for what, _, _ in await house.audited()] == ["bulk.begin", "bulk.done"]


async def test_what_has_failed_again_meanwhile_is_not_sent_a_second_time(
    house: House, small_pieces: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = await _fail(house.world, 4)
    bulk = await house.begin()
    _fails_once(monkeypatch, "bulk.before_piece", 2, asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        await house.worker().run(bulk)
    closed = [Finding("school_closed", "The school is closed.", "Choose another day.")]
    house.world.provider.outcomes.append(Refused("closed", {0: closed, 1: closed}))
    await house.world.serve()
    assert {await house.world.status(one) for one in failed} == {"failed"}, "all of them match the filter again"
    house.world.clock.advance(timedelta(minutes=2))

    await house.worker().run(bulk)

    assert [await house.world.status(one) for one in failed] == ["failed"] * 2 + ["queued"] * 2
    assert (await house.view(bulk)).done == 4


async def test_several_workers_and_bulk_jobs_at_once_do_nothing_twice(house: House, small_pieces: None) -> None:
    failed = await _fail(house.world, 6)
    jobs = [await house.begin(), await house.begin()]
    workers = [house.worker(), house.worker()]

    for worker in workers:
        for bulk in jobs:
            await worker.wake(bulk)
    await asyncio.gather(*(worker.settled() for worker in workers))

    views = [await house.view(bulk) for bulk in jobs]
    assert {view.state for view in views} == {BulkState.DONE}
    assert sum(view.done for view in views) == 6
    assert [len(await house.world.corrected(one)) for one in failed] == [1] * 6


async def test_what_cannot_be_is_named_with_the_reason_and_the_rest_goes(house: House, small_pieces: None) -> None:
    failed = await _fail(house.world, 3)
    house.world.clock.advance(timedelta(minutes=5))
    del house.world.provider.rows[ListName.STUDENTS]["A2"]

    bulk = await house.begin()
    await house.worker().run(bulk)

    view = await house.view(bulk)
    assert (view.done, view.not_done) == (2, 1)
    assert [one["id"] for one in view.refusals] == [failed[1]]
    assert "A2" in view.refusals[0]["detail"]


@pytest.mark.sqlite_first
async def test_what_there_was_no_time_to_look_at_is_of_the_next_piece(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_runner, "_LOOK_S", 0.0)
    failed = await _fail(house.world, 4)

    bulk = await house.begin()
    _fails_once(monkeypatch, "bulk.before_piece", 3, asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        await house.worker().run(bulk)

    assert (await house.view(bulk)).looked_at == 2, "one at a time"
    assert [await house.world.status(one) for one in failed] == ["queued"] * 2 + ["failed"] * 2


async def test_one_that_makes_us_stumble_is_passed_over_and_costs_itself_alone(
    house: House, small_pieces: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_runner, "_TRY_AGAIN_S", (0.0,))
    failed = await _fail(house.world, 5)
    apply = Resubmits.apply

    def stumble(self: Resubmits, session: Session, opened: Any, *rest: Any, **more: Any) -> Any:
        if opened.row.id == failed[2]:
            raise ZeroDivisionError
        return apply(self, session, opened, *rest, **more)

    monkeypatch.setattr(Resubmits, "apply", stumble)
    bulk = await house.begin()
    await house.worker().run(bulk)

    view = await house.view(bulk)
    assert (view.state, view.looked_at, view.done, view.not_done) == (BulkState.DONE, 5, 4, 1)
    assert [(one["id"], one["detail"]) for one in view.refusals] == [(failed[2], bulk_runner._FAILS_HERE.detail)]
    assert await house.world.status(failed[2]) == "failed"
    assert [len(await house.world.corrected(one)) for one in failed] == [1, 1, 0, 1, 1]


async def test_a_database_that_is_away_is_waited_for_and_blames_no_writeback(
    house: House, small_pieces: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_runner, "_AWAY_S", 0.0)
    await _fail(house.world, 3)
    bulk = await house.begin()
    _fails_once(monkeypatch, "bulk.piece_uncommitted", 2, ConnectionRefusedError())

    await house.worker().run(bulk)

    view = await house.view(bulk)
    assert (view.state, view.done, view.not_done) == (BulkState.DONE, 3, 0)


async def test_whoever_may_stops_it_and_has_it_go_on_in_their_name(
    house: House, small_pieces: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = await _fail(house.world, 4)
    bulk = await house.begin()
    _fails_once(monkeypatch, "bulk.before_piece", 2, asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        await house.worker().run(bulk)
    bob = await house.person("bob", schools=["hillside"])

    assert await house.bulks.stop(bob, bulk)
    stopped = await house.view(bulk)
    await house.worker().run(bulk)
    assert (await house.view(bulk)) == stopped
    assert not await house.bulks.stop(bob, bulk), "it had stopped"
    assert await house.bulks.go_on(bob, bulk)
    assert not await house.bulks.go_on(bob, bulk), "it goes on"
    await house.worker().run(bulk)

    view = await house.view(bulk)
    assert (stopped.state, stopped.looked_at, stopped.trouble) == (BulkState.STOPPED, 2, "bob stopped it")
    assert (view.state, view.done, view.author, view.acting, view.trouble) == (BulkState.DONE, 4, "ann", "bob", "")
    actors = [(await house.world.corrected(one))[0]["actor"] for one in failed]
    assert actors == ["staff:ann"] * 2 + ["staff:bob"] * 2
    assert [(what, who) for what, who, _ in await house.audited()] == [
        ("bulk.begin", "staff:ann"),
        ("bulk.stop", "staff:bob"),
        ("bulk.go_on", "staff:bob"),
        ("bulk.done", "staff:bob"),
    ]


async def test_a_stop_in_the_middle_of_a_piece_leaves_nothing_of_it(house: House, small_pieces: None) -> None:
    failed = await _fail(house.world, 2)
    bulk = await house.begin()
    many, bulks = house.world.corrections.many, house.bulks

    class Slow(BulkCorrections):
        async def _ready(self, *given: Any, **more: Any) -> Any:
            ready = await super()._ready(*given, **more)
            await bulks.stop(house.ann, bulk)
            return ready

    worker = house.worker()
    worker.many = Slow(many.flow, many.resubmits, many.cancels, many.checks, many.resolves)
    await worker.wake(bulk)
    await worker.settled()

    view = await house.view(bulk)
    assert (view.state, view.looked_at, view.done) == (BulkState.STOPPED, 0, 0)
    assert {await house.world.status(one) for one in failed} == {"failed"}


async def test_it_ends_with_the_rights_of_whoever_answers_for_it(house: House, small_pieces: None) -> None:
    await _fail(house.world, 2)
    bulk = await house.begin()
    await house.staff.disable("ann")
    boss = await house.person("boss", Role.ADMIN)

    await house.worker().run(bulk)

    view = await house.bulks.view(boss, bulk)
    assert (view.state, view.done) == (BulkState.STOPPED, 0)
    assert "may not do this any more" in view.trouble
    assert [(what, who) for what, who, _ in await house.audited()][1:] == [("bulk.stop", "writeback")]
    assert await house.bulks.go_on(boss, bulk)
    await house.worker().run(bulk)
    assert (await house.bulks.view(boss, bulk)).done == 2


async def test_who_sees_other_schools_neither_sees_nor_stops_it(house: House) -> None:
    everywhere = await house.begin(Selection(Filter(code="school_closed")))
    house.world.clock.advance(timedelta(seconds=1))
    here = await house.begin()
    near = await house.person("near", schools=["hillside"])
    await house.world.flow.registry.add(_another_school())
    far = await house.person("far", schools=["riverbank"])

    assert [one.id for one in (await house.bulks.list(house.ann, limit=10)).items] == [here, everywhere]
    assert [one.id for one in (await house.bulks.list(near, limit=10)).items] == [here]
    assert (await house.bulks.list(far, limit=10)).items == ()
    for change in (house.bulks.stop, house.bulks.go_on, house.bulks.view):
        with pytest.raises(NotFound):
            await change(far, here)


def _another_school() -> NewSchool:
    return NewSchool(
        id="riverbank",
        name="Riverbank",
        provider="wonde",
        mis="Bromcom",
        provider_school_id="A2",
        credentials={"token": "t2"},
    )


async def test_pages_of_the_list_follow_each_other(house: House) -> None:
    jobs = []
    for _ in range(3):
        jobs.append(await house.begin())
        house.world.clock.advance(timedelta(seconds=1))

    first = await house.bulks.list(house.ann, limit=2)
    second = await house.bulks.list(house.ann, limit=2, cursor=first.next_cursor)

    assert [one.id for one in (*first.items, *second.items)] == jobs[::-1]
    assert second.next_cursor is None


async def test_a_worker_that_stops_ends_its_piece_and_gives_it_back(house: House, small_pieces: None) -> None:
    failed = await _fail(house.world, 6)
    bulk = await house.begin()
    worker = house.worker()
    at_work = asyncio.Event()
    house.world.clock.advance(timedelta(minutes=5))  # the lists are fetched again, so the piece takes a while
    fetch = house.world.provider.fetch

    async def fetched(*given: Any) -> Any:
        at_work.set()
        return await fetch(*given)

    house.world.provider.fetch = fetched  # type: ignore[method-assign]
    await worker.wake(bulk)
    await at_work.wait()
    await worker.aclose()
    await worker.wake(bulk)

    left = await house.view(bulk)
    assert (left.state, left.looked_at, left.done) == (BulkState.RUNNING, 2, 2)
    await house.worker().run(bulk)
    assert (await house.view(bulk)).done == 6, "no lease had to run out"
    assert [len(await house.world.corrected(one)) for one in failed] == [1] * 6


@pytest.mark.parametrize("action", [Action.CANCEL, Action.CHECK])
async def test_the_other_kinds_are_done_alike(house: House, small_pieces: None, action: Action) -> None:
    waiting = [await house.world.submit(mark(f"A{number}")) for number in range(1, 4)]
    if action is Action.CHECK:
        await house.world.serve()

    bulk = await house.begin(Selection(Filter(school="hillside")), action)
    await house.worker().run(bulk)

    view = await house.view(bulk)
    assert (view.state, view.matched, view.looked_at) == (BulkState.DONE, 3, 3)
    entries = [one.subject for one in await house.world.audited() if one.action == f"writeback.{action}"]
    assert len(entries) == view.done >= 1
    if action is Action.CANCEL:
        assert {await house.world.status(one) for one in waiting} == {"cancelled"}


async def test_a_restore_stops_what_was_under_way(house: House) -> None:
    await _fail(house.world, 2)
    bulk = await house.begin()
    world = house.world
    await RestoreWatch(world.flow.db, world.clock, ()).look()

    await Restores(world.flow.db, world.clock, world.flow.settings.restore).announce(world.clock.now(), SERVICE)
    await house.worker().run(bulk)

    view = await house.view(bulk)
    assert (view.state, view.done) == (BulkState.STOPPED, 0)
    assert "restored" in view.trouble


@pytest.mark.sqlite_first
async def test_a_call_by_filter_that_finds_nothing_is_audited_too(house: House) -> None:
    work = Work(Action.RESUBMIT, FAILED, SERVICE.because("just looking"))
    report = await house.world.corrections.many.run(house.ann.caller, work)

    assert report.matched == 0
    answer = {"action": "resubmit", "matched": 0, "done": 0, "not_done": 0, "unchanged": 0}
    assert await house.audited() == [("bulk.done", "writeback", answer)]
