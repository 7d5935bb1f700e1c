"""A person settles what only a person can decide."""

import asyncio

import pytest

from tests.integration.flow.conftest import CALLER, Evidenced, ReadBack, World, mark
from writeback.core.errors import Conflict, Forbidden, NotFound
from writeback.domain.access import Caller, Scope
from writeback.domain.actor import staff
from writeback.domain.corrections import EVIDENCE, Outcome
from writeback.domain.outcome import SlotReadBack, Unclear
from writeback.store.reads.writebacks_read import Reads

pytestmark = pytest.mark.sqlite_first

EVE = staff("eve", "the office says so")


async def _undecided(world: World, *marks) -> str:
    """Submit marks in whose place the MIS shows another value."""
    writeback_id = await world.submit(*marks)
    await world.serve()
    world.provider.verdicts.append(Unclear("404"))
    count = max(1, len(marks))
    world.provider.readings.append(ReadBack({place: SlotReadBack("I", matches=False) for place in range(count)}))
    await world.confirm()
    assert await world.status(writeback_id) == "needs_attention"
    return writeback_id


async def _resolve(world: World, writeback_id: str, outcome: Outcome, **options):
    return await world.corrections.resolves.one(CALLER, writeback_id, outcome, EVE, **options)


@pytest.mark.both_databases
async def test_ours_and_what_the_mis_holds_are_shown_side_by_side(world: World) -> None:
    undecided = await _undecided(world, mark("A1", code="N"))
    reads = Reads(world.flow.db)

    (record,) = (await reads.show(CALLER, undecided)).records
    await _resolve(world, undecided, Outcome.CONFIRMED)
    (settled,) = (await reads.show(CALLER, undecided)).records

    assert record.comparison is not None
    assert (record.comparison.ours, record.comparison.in_mis) == ("N", "I")
    assert (settled.comparison, settled.evidence) == (None, EVIDENCE)


async def test_a_record_that_is_found_is_confirmed_on_a_persons_word(world: World) -> None:
    undecided = await _undecided(world)

    view = await _resolve(world, undecided, Outcome.CONFIRMED)

    row = await world.writeback(undecided)
    assert (view.status, row.status, row.evidence) == ("confirmed", "confirmed", EVIDENCE)
    (kept,) = await world.corrected(undecided)
    assert kept["records"][0]["findings_before"][0]["code"] == "other_value_in_mis"
    assert (await world.audited())[-1].changed["outcome"] == "confirmed"


@pytest.mark.both_databases
async def test_each_record_is_settled_by_itself(world: World) -> None:
    undecided = await _undecided(world, mark("A1"), mark("A2"), mark("A3"))

    first = await _resolve(world, undecided, Outcome.CONFIRMED, records=[1])
    second = await _resolve(world, undecided, Outcome.FAILED, records=[0])
    third = await _resolve(world, undecided, Outcome.RESEND)

    assert [first.status, second.status, third.status] == ["needs_attention", "needs_attention", "queued"]
    await world.serve()
    world.provider.verdicts.append(Evidenced("webhook"))
    await world.confirm()
    assert [one["student_id"] for one in world.provider.sent[-1]] == ["A3"]
    assert [record["status"] for record in await world.records(undecided)] == ["failed", "confirmed", "confirmed"]
    assert await world.status(undecided) == "partial"


async def test_what_goes_again_is_superseded_by_a_later_mark_and_the_answer_says_so(world: World) -> None:
    undecided = await _undecided(world, mark("A1"))
    later = await world.submit(mark("A1", code="N"))

    view = await _resolve(world, undecided, Outcome.RESEND)
    await world.serve()

    assert view.records[0].superseded_by == later
    assert await world.status(undecided) == "superseded"


@pytest.mark.both_databases
async def test_of_two_who_settle_it_at_once_one_does(world: World) -> None:
    undecided = await _undecided(world)

    came = await asyncio.gather(
        _resolve(world, undecided, Outcome.CONFIRMED),
        _resolve(world, undecided, Outcome.RESEND),
        return_exceptions=True,
    )

    conflicts = [one for one in came if isinstance(one, Conflict)]
    assert [conflict.code for conflict in conflicts] == ["nothing_to_resolve"]
    assert len(await world.corrected(undecided)) == 1


async def test_only_what_needs_attention_can_be_settled(world: World) -> None:
    undecided = await _undecided(world, mark("A1"), mark("A2"))
    await _resolve(world, undecided, Outcome.CONFIRMED, records=[0])

    for records in ([0], [7]):
        with pytest.raises(Conflict, match="does not need attention"):
            await _resolve(world, undecided, Outcome.FAILED, records=records)
    with pytest.raises(Conflict, match="no record"):
        await _resolve(world, await world.submit(mark("A5")), Outcome.FAILED)


async def test_settling_is_for_support(world: World) -> None:
    undecided = await _undecided(world)
    resolves = world.corrections.resolves
    own = Caller("key_1", "app", frozenset({Scope.SUBMIT, Scope.READ}))
    elsewhere = Caller("key_2", "support", frozenset({Scope.SUPPORT}), frozenset({"riverbank"}))

    with pytest.raises(Forbidden):
        await resolves.one(own, undecided, Outcome.FAILED, EVE)
    with pytest.raises(NotFound):
        await resolves.one(elsewhere, undecided, Outcome.FAILED, EVE)
    assert await world.status(undecided) == "needs_attention"
