"""What people tried of which nothing could go is part of the history: in the audit log, by codes alone."""

from datetime import timedelta

import pytest

from tests.integration.flow.conftest import CALLER, World, mark
from writeback.core.errors import Conflict, InvalidSubmission
from writeback.domain.actor import Actor
from writeback.domain.corrections import Action, Outcome
from writeback.domain.lookups import ListName
from writeback.flow.correct.by_filter import Work
from writeback.flow.correct.draft import Edit, Order
from writeback.store.reads.filters import Filter
from writeback.store.reads.selection import Selection
from writeback.store.tables import AuditRow

pytestmark = pytest.mark.sqlite_first
ANN = Actor("staff:ann", "the office asked")


async def _tries(world: World) -> list[AuditRow]:
    return [one for one in await world.audited() if one.action.startswith(("writeback.", "bulk."))]


def _edited(**changes: object) -> Order:
    return Order(edits=[Edit(0, mark("A1", **changes))])


@pytest.mark.both_databases
async def test_a_try_of_which_nothing_can_go_is_written_down(world: World) -> None:
    made = await world.fail(mark("A1"))

    with pytest.raises(InvalidSubmission):
        await world.corrections.resubmits.one(CALLER, made, _edited(student_id="A999"), ANN)

    (noted,) = await _tries(world)
    assert (noted.action, noted.subject, noted.actor) == ("writeback.resubmit_refused", made, "staff:ann")
    assert (noted.school, noted.reason) == ("hillside", "the office asked")
    assert noted.changed == {"code": "submission_invalid", "findings": {"student_not_on_roll": 1}}
    assert await world.status(made) == "failed"


async def test_a_dry_run_is_no_try(world: World) -> None:
    made = await world.fail(mark("A1"))

    await world.corrections.resubmits.one(CALLER, made, _edited(student_id="A999"), ANN, dry_run=True)

    assert await _tries(world) == []


async def test_the_same_try_is_written_down_once_in_a_while(world: World) -> None:
    made = await world.submit(mark("A1"))

    for after in (0, 60, 700):
        world.clock.advance(timedelta(seconds=after))
        with pytest.raises(Conflict):
            await world.corrections.resubmits.one(CALLER, made, Order(), ANN)

    assert [one.changed["code"] for one in await _tries(world)] == ["not_resubmittable"] * 2


async def test_what_cannot_be_cancelled_or_settled_was_tried_too(world: World) -> None:
    made = await world.fail(mark("A1"))

    with pytest.raises(Conflict):
        await world.corrections.cancels.one(CALLER, made, ANN)
    with pytest.raises(Conflict):
        await world.corrections.resolves.one(CALLER, made, Outcome.FAILED, ANN)

    assert [one.action for one in await _tries(world)] == ["writeback.cancel_refused", "writeback.resolve_refused"]


async def test_each_that_a_call_by_filter_could_not_send_has_it_in_its_history(world: World) -> None:
    made = await world.fail(mark("A1"))
    del world.provider.rows[ListName.STUDENTS]["A1"]
    world.clock.advance(timedelta(minutes=5))  # so that the lists are fetched again
    work = Work(Action.RESUBMIT, Selection(Filter(school="hillside")), ANN)

    report = await world.corrections.many.run(CALLER, work)

    assert [one.id for one in report.not_done] == [made]
    noted, whole = await _tries(world)
    assert (noted.action, noted.subject) == ("writeback.resubmit_refused", made)
    assert noted.changed["bulk"] == whole.subject == report.id
