"""Many that need a person and are alike, settled in one bulk job; what has to be seen one by one is left."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from sqlmodel import select

from tests.integration.flow.conftest import World, mark
from writeback.core.background_pace import Pace
from writeback.domain.corrections import Action, Outcome
from writeback.domain.staff import Person, Role
from writeback.flow.correct.bulk_jobs import Bulks, BulkView
from writeback.flow.correct.bulk_runner import BulkRunner
from writeback.flow.people.sessions import person_of
from writeback.flow.people.staff_accounts import Staff
from writeback.store.people import staff as accounts
from writeback.store.reads.filters import Filter
from writeback.store.reads.selection import Selection
from writeback.store.tables import Lane, WritebackRow

OTHER, UNREAD = "other_value_in_mis", "cannot_be_read_back"
INCIDENT = {"students": [{"student_id": "A1", "points": 1}], "type": "T", "date": "2026-01-12", "employee_id": "E1"}


def _finding(code: str) -> dict[str, Any]:
    return {"code": code, "severity": "error", "pointer": "", "record": 0, "message": "m", "hint": "h"}


async def _person(world: World) -> Person:
    await Staff(world.flow.db, world.clock).add("ann", Role.SUPPORT)
    async with world.flow.db.write() as session:
        account = await session.run_sync(lambda plain: accounts.by_name(plain, "ann"))  # type: ignore[arg-type]
    assert account is not None
    return person_of(account)


async def _undecided(world: World, writeback_id: str, codes: Sequence[str], near: int = 0, kind: str = "") -> None:
    """Have each record of it need a person, each for one of these findings."""
    found = [{"mis_id": f"M{number}", "fields": []} for number in range(near)]
    progress = [{"status": "needs_attention", "findings": [_finding(code)], "near": found} for code in codes]
    async with world.flow.db.write() as session:
        if kind and await session.get(Lane, "hillside:conduct") is None:
            session.add(Lane(id="hillside:conduct", school_id="hillside", family="conduct"))
            await session.flush()
        row = (await session.exec(select(WritebackRow).where(WritebackRow.id == writeback_id))).one()
        row.status, row.progress = "needs_attention", json.dumps(progress, separators=(",", ":"))
        if kind:
            row.kind, row.lane_id, row.records = kind, "hillside:conduct", json.dumps([INCIDENT])
        session.add(row)


async def _settle(world: World, wanted: Filter, outcome: Outcome) -> BulkView:
    ann, bulks = await _person(world), Bulks(world.flow)
    selection = Selection(wanted)
    count = await world.corrections.many.count(ann.caller, Action.RESOLVE, selection)
    bulk = await bulks.begin(
        ann, Action.RESOLVE, selection, "looked in the MIS", matched=count.writebacks, outcome=outcome
    )
    worker = BulkRunner(world.flow, world.corrections.many, Pace(world.flow.clock, 1.0), "worker-0")
    await worker.run(bulk)
    await worker.aclose()
    return await bulks.view(ann, bulk)


@pytest.mark.parametrize(
    ("outcome", "status"), [(Outcome.CONFIRMED, "confirmed"), (Outcome.FAILED, "failed"), (Outcome.RESEND, "queued")]
)
async def test_marks_that_are_alike_are_settled_at_once(world: World, outcome: Outcome, status: str) -> None:
    ids = [await world.submit(mark(f"A{number}")) for number in range(1, 4)]
    for one in ids:
        await _undecided(world, one, [OTHER])
    untouched = await world.submit(mark("A9"))

    view = await _settle(world, Filter(school="hillside", code=OTHER), outcome)

    assert (view.state, view.matched, view.done, view.records, view.not_done) == ("done", 3, 3, 3, 0)
    assert {await world.status(one) for one in ids} == {status}
    assert await world.events(untouched) == ["accepted"]
    audited = [one for one in await world.audited() if one.action == "writeback.resolve"]
    assert {(one.actor, one.reason, one.changed["bulk"]) for one in audited} == {
        ("staff:ann", "looked in the MIS", view.id)
    }
    assert len(audited) == 3


async def test_what_would_be_created_is_never_sent_again_by_many(world: World) -> None:
    ids = [await world.submit(mark(f"A{number}")) for number in range(1, 3)]
    for one in ids:
        await _undecided(world, one, [UNREAD], kind="behaviour.create")

    view = await _settle(world, Filter(code=UNREAD), Outcome.RESEND)

    assert (view.done, view.not_done) == (0, 2)
    assert all("would be there twice" in one["detail"] for one in view.refusals)
    assert {await world.status(one) for one in ids} == {"needs_attention"}


async def test_what_is_nearly_the_same_is_left_to_be_compared(world: World) -> None:
    near, alone = await world.submit(mark("A1")), await world.submit(mark("A2"))
    await _undecided(world, near, [UNREAD], near=1, kind="behaviour.create")
    await _undecided(world, alone, [UNREAD], kind="behaviour.create")

    view = await _settle(world, Filter(code=UNREAD), Outcome.CONFIRMED)

    assert [await world.status(one) for one in (near, alone)] == ["needs_attention", "confirmed"]
    assert [one["id"] for one in view.refusals] == [near]
    assert "nearly what the MIS has" in view.refusals[0]["detail"]


async def test_records_that_need_a_person_for_something_else_stay(world: World) -> None:
    both = await world.submit(mark("A1"), mark("A2"))
    await _undecided(world, both, [OTHER, UNREAD])

    await _settle(world, Filter(code=OTHER), Outcome.FAILED)

    assert await world.status(both) == "needs_attention"
    assert [one["status"] for one in await world.records(both)] == ["failed", "needs_attention"]


async def test_what_is_alike_is_of_one_kind_with_one_finding(world: World) -> None:
    ids = [await world.submit(mark(f"A{number}")) for number in range(1, 4)]
    await _undecided(world, ids[0], [OTHER])
    await _undecided(world, ids[1], [OTHER])
    await _undecided(world, ids[2], [UNREAD], kind="behaviour.create")

    ann = await _person(world)
    alike = await world.corrections.many.alike(ann.caller, Selection(), limit=100)

    assert alike == {("attendance.session", OTHER): 2, ("behaviour.create", UNREAD): 1}
