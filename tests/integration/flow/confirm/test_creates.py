"""What creates something is never made twice, whatever answer is lost."""

import json
from datetime import timedelta

import pytest

from tests.integration.flow.conftest import CALLER, TODAY, World
from writeback.domain.lookups import ListName, Lookup, attribute_key
from writeback.domain.outcome import (
    Evidenced,
    Found,
    NotReached,
    ReadBack,
    Refused,
    Rejected,
    SlotReadBack,
    Taken,
    Uncertain,
    Unclear,
)
from writeback.providers.base import ListsMissing
from writeback.store.schools import lists

pytestmark = pytest.mark.sqlite_first

LANE = "hillside:conduct"
ABSENT = SlotReadBack(None, matches=False)


def there(*ids: str) -> SlotReadBack:
    return SlotReadBack(None, matches=True, found=tuple(Found(one) for one in ids))


def incident(student: str = "A1", **changes):
    return {
        "students": [{"student_id": student, "points": 1}],
        "employee_id": "E1",
        "date": str(TODAY),
        "type": "BULL",
        "status": "OPEN",
        **changes,
    }


async def submit(world: World, *records, kind: str = "behaviour.create", **envelope) -> str:
    await _lists(world)
    body = json.dumps({"kind": kind, "records": list(records) or [incident()], **envelope}).encode()
    answer = await world.acceptor.submit(CALLER, "hillside", body)
    return answer.writeback_id


async def _lists(world: World) -> None:
    rows = {
        attribute_key(kind, code): {"id": code, "code": code, "type": kind, "active": True}
        for kind, code in (("type", "BULL"), ("status", "OPEN"))
    }
    world.provider.rows[ListName.BEHAVIOUR_ATTRIBUTES] = rows
    async with world.flow.db.write() as session:
        if await lists.load(session, "hillside", ListName.BEHAVIOUR_ATTRIBUTES) is None:
            made = Lookup(ListName.BEHAVIOUR_ATTRIBUTES, 1, world.clock.now(), rows)
            await lists.save(session, "hillside", made)


async def serve(world: World) -> None:
    await world.dispatcher.serve(LANE)


async def confirm(world: World, after_s: float = 3.0) -> None:
    world.clock.advance(timedelta(seconds=after_s))
    await world.confirmer.confirm(LANE)


def patience(world: World) -> float:
    return world.flow.settings.confirm.absence_patience_s + 1


async def in_doubt(world: World, *records) -> str:
    """Submit, and lose the answer."""
    world.provider.outcomes = [Uncertain("no answer in 25 s")]
    writeback_id = await submit(world, *records)
    await serve(world)
    assert await world.status(writeback_id) == "unknown"
    return writeback_id


@pytest.mark.both_databases
async def test_an_incident_without_an_answer_is_read_back_and_found(world: World):
    writeback_id = await in_doubt(world)
    world.provider.readings = [ReadBack({0: there("B7")})]
    await confirm(world)
    (record,) = await world.records(writeback_id)
    assert (record["status"], record["evidence"], record["mis_ids"]) == ("confirmed", "read-back", ["B7"])
    assert len(world.provider.sent) == 1


async def test_what_does_not_show_yet_is_waited_for_and_not_sent_again(world: World):
    writeback_id = await in_doubt(world)
    for _ in range(5):
        world.provider.readings = [ReadBack({0: ABSENT})]
        await confirm(world, after_s=200)
        await serve(world)
    assert await world.status(writeback_id) == "unknown"
    world.provider.readings = [ReadBack({0: there("B7")})]
    await confirm(world, after_s=200)
    assert await world.status(writeback_id) == "confirmed"
    assert len(world.provider.sent) == 1


@pytest.mark.both_databases
async def test_what_never_shows_goes_again_once_it_should_have(world: World):
    writeback_id = await in_doubt(world)
    world.provider.readings = [ReadBack({0: ABSENT})]
    await confirm(world, after_s=patience(world))
    assert await world.status(writeback_id) == "queued"
    await serve(world)
    assert await world.status(writeback_id) == "sent"
    assert len(world.provider.sent) == 2


async def test_a_reading_that_is_fresh_enough_need_not_be_waited_for(world: World):
    writeback_id = await in_doubt(world)
    world.clock.advance(timedelta(seconds=200))
    world.provider.readings = [ReadBack({0: ABSENT}, as_of=world.clock.now())]
    await confirm(world)
    assert await world.status(writeback_id) == "queued"


@pytest.mark.parametrize("is_fresh", [True, False])
async def test_what_a_provider_may_still_be_trying_to_write_is_not_sent_again(world: World, is_fresh: bool):
    world.provider.tries_for = timedelta(seconds=patience(world))
    writeback_id = await in_doubt(world)
    for after_s, status in ((-10, "unknown"), (100, "queued")):
        world.clock.advance(timedelta(seconds=patience(world) + after_s))
        world.provider.readings = [ReadBack({0: ABSENT}, as_of=world.clock.now() if is_fresh else None)]
        await confirm(world)
        assert await world.status(writeback_id) == status


async def test_what_the_provider_acknowledged_is_never_sent_again_without_a_person(world: World):
    world.provider.outcomes = [Taken(None)]
    writeback_id = await submit(world)
    await serve(world)
    for _ in range(3):
        world.provider.verdicts = [_without_reference()]
        world.provider.readings = [ReadBack({0: ABSENT})]
        await confirm(world, after_s=patience(world))
        await serve(world)
    assert await world.status(writeback_id) == "needs_attention"
    assert (await world.records(writeback_id))[0]["findings"][0]["code"] == "cannot_be_read_back"
    assert len(world.provider.sent) == 1


async def test_an_answer_without_a_reference_is_settled_by_reading_at_once(world: World):
    world.provider.outcomes = [Taken(None)]
    writeback_id = await submit(world)
    await serve(world)
    world.provider.verdicts = [_without_reference()]
    world.provider.readings = [ReadBack({0: there("B7")})]
    await confirm(world)
    assert await world.status(writeback_id) == "confirmed"


@pytest.mark.both_databases
async def test_two_incidents_that_look_the_same_are_not_taken_for_one(world: World):
    first = await in_doubt(world)
    world.provider.readings = [ReadBack({0: there("B7")})]
    await confirm(world)
    second = await in_doubt(world)
    world.provider.readings = [ReadBack({0: there("B7")})]
    await confirm(world, after_s=patience(world))
    assert await world.status(first) == "confirmed"
    assert await world.status(second) == "queued"  # what is there was made by the first


@pytest.mark.both_databases
async def test_the_ids_of_a_callback_are_claimed_too(world: World):
    first = await submit(world)
    await serve(world)
    world.provider.verdicts = [Evidenced("callback", mis_ids={0: ["B7"]})]
    await confirm(world)
    assert await world.status(first) == "confirmed"
    second = await in_doubt(world)
    world.provider.readings = [ReadBack({0: there("B7", "B8")})]
    await confirm(world)
    assert (await world.records(second))[0]["mis_ids"] == ["B8"]


async def test_an_incident_from_before_the_request_is_not_ours(world: World):
    long_ago = world.clock.now() - timedelta(hours=3)
    writeback_id = await in_doubt(world)
    found = SlotReadBack(None, matches=True, found=(Found("B1", created_at=long_ago),))
    world.provider.readings = [ReadBack({0: found})]
    await confirm(world, after_s=patience(world))
    assert await world.status(writeback_id) == "queued"


async def test_a_kind_that_cannot_be_read_back_needs_a_person(world: World):
    writeback_id = await in_doubt(world)
    world.provider.readings = [ReadBack({})]
    await confirm(world, after_s=patience(world))
    assert await world.status(writeback_id) == "needs_attention"
    assert len(world.provider.sent) == 1


async def test_a_reading_that_cannot_be_had_is_tried_again(world: World):
    writeback_id = await in_doubt(world)
    world.provider.readings = [NotReached("refused")]
    await confirm(world, after_s=patience(world))
    assert await world.status(writeback_id) == "unknown"


@pytest.mark.both_databases
async def test_a_worker_that_dies_while_it_sends_leaves_the_incident_in_doubt(world: World):
    async def die() -> None:
        raise KeyboardInterrupt

    world.provider.before_answer = die
    writeback_id = await submit(world)
    with pytest.raises(KeyboardInterrupt):
        await serve(world)
    world.provider.before_answer = None
    world.clock.advance(timedelta(seconds=world.flow.settings.dispatch.lease_s + 1))
    await serve(world)
    assert await world.status(writeback_id) == "unknown"
    assert len(world.provider.sent) == 1


@pytest.mark.both_databases
async def test_an_acknowledgement_that_comes_after_the_lease_was_lost_is_not_forgotten(world: World):
    async def lose_the_lease() -> None:
        world.provider.before_answer = None
        world.clock.advance(timedelta(seconds=world.flow.settings.dispatch.lease_s + 1))
        await serve(world)

    world.provider.before_answer = lose_the_lease
    writeback_id = await submit(world)
    await serve(world)
    assert await world.status(writeback_id) == "sent"
    (request,) = await world.requests()
    assert (request.state, request.provider_ref) == ("taken", "A1")
    world.provider.verdicts = [Unclear("it knows of nothing")]
    world.provider.readings = [ReadBack({0: ABSENT})]
    await confirm(world, after_s=patience(world))
    await serve(world)
    assert await world.status(writeback_id) == "needs_attention"
    assert len(world.provider.sent) == 1


async def test_a_failure_without_a_reason_is_looked_up_before_it_is_believed(world: World):
    writeback_id = await submit(world)
    await serve(world)
    world.provider.verdicts = [Rejected("FAILED")]
    world.provider.readings = [ReadBack({0: there("B7")})]
    await confirm(world)
    assert await world.status(writeback_id) == "confirmed"


async def test_a_failure_that_is_true_fails_it_and_it_is_not_sent_again(world: World):
    writeback_id = await submit(world)
    await serve(world)
    world.provider.verdicts, world.provider.readings = [Rejected("FAILED")], [ReadBack({0: ABSENT})]
    await confirm(world)
    await serve(world)
    assert await world.status(writeback_id) == "failed"
    assert len(world.provider.sent) == 1


async def test_a_definite_refusal_of_several_is_halved(world: World):
    world.provider.outcomes = [Refused("no")]
    writeback_id = await submit(world, incident("A1"), incident("A2"))
    for _ in range(3):
        await serve(world)
    assert [len(one) for one in world.provider.sent] == [2, 1, 1]
    assert await world.status(writeback_id) == "sent"


async def test_a_change_waits_for_the_one_before_it(world: World):
    first = await submit(world, {"behaviour_id": "B7"}, kind="behaviour.delete")
    second = await submit(world, {"behaviour_id": "B7"}, kind="behaviour.delete")
    await serve(world)
    await serve(world)
    assert [await world.status(one) for one in (first, second)] == ["sent", "queued"]
    assert (await world.writeback(second)).hold_reason == "slot_in_flight"


@pytest.mark.both_databases
async def test_a_change_waits_for_the_one_before_it_however_much_is_between_them(world: World):
    many = [{"behaviour_id": f"C{number}"} for number in range(250)]
    await submit(world, *many, kind="behaviour.delete", priority="batch")
    first = await submit(world, {"behaviour_id": "B7"}, kind="behaviour.delete", priority="batch")
    second = await submit(world, {"behaviour_id": "B7"}, kind="behaviour.delete")
    for _ in range(4):
        await serve(world)
    assert [await world.status(one) for one in (first, second)] == ["sent", "queued"]
    world.provider.verdicts = [Evidenced("poll")] * 4
    await confirm(world)
    await serve(world)
    assert await world.status(second) == "sent"


@pytest.mark.both_databases
async def test_what_waits_for_a_list_does_not_keep_the_rest_of_the_lane_waiting(world: World):
    def build(kind, *rest, **more):
        if kind.name == "behaviour.create":
            raise ListsMissing(frozenset({ListName.BEHAVIOUR_ATTRIBUTES}))
        return plain(kind, *rest, **more)

    plain, world.provider.build = world.provider.build, build
    waits = await submit(world)
    goes = await submit(world, {"behaviour_id": "B7"}, kind="behaviour.delete")
    await serve(world)
    assert [await world.status(one) for one in (waits, goes)] == ["queued", "sent"]
    assert (await world.writeback(waits)).hold_reason == "lists_missing"


def _without_reference() -> Unclear:
    return Unclear("no writeback_id is known")


async def taken_and_confirmed(world: World, *records) -> str:
    """Submit, and have the provider confirm without an id, as Wonde does."""
    writeback_id = await submit(world, *records)
    await serve(world)
    world.provider.verdicts = [Evidenced("poll")]
    await confirm(world)
    assert await world.status(writeback_id) == "confirmed"
    return writeback_id


@pytest.mark.both_databases
async def test_what_another_has_made_that_looks_the_same_is_not_taken_for_ones_own(world: World):
    await taken_and_confirmed(world, incident(comment="first"))
    lost = await in_doubt(world, incident(comment="second"))
    for _ in range(3):
        world.provider.readings = [ReadBack({0: there("B1"), 1: there("B1")})]
        await confirm(world, after_s=130)
    assert await world.status(lost) == "unknown"
    world.provider.readings = [ReadBack({0: there("B1"), 1: there("B1")})]
    await confirm(world, after_s=patience(world))
    await serve(world)
    assert [sent[0]["comment"] for sent in world.provider.sent] == ["first", "second", "second"]


async def test_ones_own_is_found_beside_what_another_has_made(world: World):
    await taken_and_confirmed(world, incident(comment="first"))
    lost = await in_doubt(world, incident(comment="second"))
    world.provider.readings = [ReadBack({0: there("B1", "B2"), 1: there("B1", "B2")})]
    await confirm(world)
    assert await world.status(lost) == "confirmed"
    assert len(world.provider.sent) == 2


def made(world: World, **ago_s: float) -> SlotReadBack:
    """Things that look the same, and how long ago each was made."""
    now = world.clock.now()
    found = (Found(mis_id, now - timedelta(seconds=ago)) for mis_id, ago in ago_s.items())
    return SlotReadBack(None, matches=True, found=tuple(found))


async def test_what_another_made_long_before_leaves_the_later_ones_to_whoever_looks_for_them(world: World):
    await taken_and_confirmed(world, incident(comment="first"))
    world.clock.advance(timedelta(seconds=600))
    lost = await in_doubt(world, incident(comment="second"))
    world.provider.readings = [ReadBack(dict.fromkeys(range(2), made(world, B1=600, B2=0)))]
    await confirm(world)
    (record,) = await world.records(lost)
    assert (record["status"], record["mis_ids"]) == ("confirmed", ["B2"])
    assert len(world.provider.sent) == 2


async def test_what_may_be_ones_own_as_well_as_anothers_is_for_a_person(world: World):
    await taken_and_confirmed(world, incident(comment="first"))
    world.clock.advance(timedelta(seconds=200))
    before = await in_doubt(world, incident(comment="second"))
    world.provider.readings = [ReadBack(dict.fromkeys(range(2), made(world, B1=130, B2=100)))]
    await confirm(world, after_s=patience(world))
    await serve(world)
    assert await world.status(before) == "needs_attention"
    assert len(world.provider.sent) == 2


async def test_ones_own_that_shows_before_anothers_is_not_sent_again(world: World):
    lost = await in_doubt(world, incident(comment="first"))
    await taken_and_confirmed(world, incident(comment="second"))
    for _ in range(4):
        world.provider.readings = [ReadBack({0: there("B1"), 1: there("B1")})]
        await confirm(world, after_s=400)
        await serve(world)
    assert len(world.provider.sent) == 2
    world.provider.readings = [ReadBack({0: there("B1", "B2"), 1: there("B1", "B2")})]
    await confirm(world, after_s=300)
    assert await world.status(lost) == "confirmed"


@pytest.mark.both_databases
async def test_what_is_claimed_by_another_is_waited_out_before_it_goes_again(world: World):
    first = await in_doubt(world, incident(comment="first"))
    world.provider.readings = [ReadBack({0: there("B1")})]
    await confirm(world)
    assert await world.status(first) == "confirmed"
    second = await in_doubt(world, incident(comment="second"))
    world.provider.readings = [ReadBack({0: there("B1")})]
    await confirm(world)
    await serve(world)
    assert await world.status(second) == "unknown"
    assert len(world.provider.sent) == 2


async def test_what_spoils_a_request_is_found_and_nothing_is_sent_again_without_a_look(world: World):
    async def answer() -> None:
        pupils = [one["student_id"] for record in world.provider.sent[-1] for one in record.get("students", ())]
        world.provider.outcomes = [Uncertain("Xporter answered 500")] if "A2" in pupils else [Taken("T")]

    world.provider.before_answer = answer
    writeback_id = await submit(world, incident("A1"), incident("A2"))
    for turn in range(4):
        await serve(world)
        await submit(world, incident(f"A{10 + turn}"))  # another, which gets through
        await serve(world)
        world.provider.readings = [ReadBack({0: ABSENT, 1: ABSENT}) for _ in range(6)]
        await confirm(world, patience(world))
        await serve(world)

    records = await world.records(writeback_id)

    assert [one["status"] for one in records] == ["sent", "failed"]
    (finding,) = records[1]["findings"]
    assert finding["code"] == "provider_refused"
    assert "(Xporter answered 500)" in finding["message"]
    assert finding["provider_message"] is None
    sent = [[one["student_id"] for record in request for one in record["students"]] for request in world.provider.sent]
    assert sent.count(["A1"]) == 1
    assert sum("A2" in pupils for pupils in sent) <= 4
