"""From a request that the provider has taken to evidence."""

import json
from datetime import timedelta

import pytest

from tests.integration.flow.conftest import World, hook_token, mark
from writeback.core.errors import NotFound
from writeback.domain.actor import Actor
from writeback.domain.outcome import Evidenced, GaveUp, NotReached, Pending, ReadBack, Rejected, SlotReadBack, Unclear
from writeback.domain.school import HoldReason

pytestmark = pytest.mark.sqlite_first


async def sent(world: World, *marks) -> str:
    writeback_id = await world.submit(*marks)
    await world.serve()
    return writeback_id


@pytest.mark.both_databases
async def test_evidence_confirms_every_record(world: World):
    writeback_id = await sent(world, mark("A1"), mark("A2"))
    world.provider.verdicts = [Evidenced("poll")]
    await world.confirm()
    row = await world.writeback(writeback_id)
    assert (row.status, row.evidence) == ("confirmed", "poll")
    assert [one["evidence"] for one in await world.records(writeback_id)] == ["poll", "poll"]


async def test_without_a_verdict_it_asks_again_ever_less_often(world: World):
    await sent(world)
    waits = []
    for _ in range(4):
        request = (await world.requests())[0]
        await world.confirm((request.check_at - world.clock.now()).total_seconds())
        waits.append(((await world.requests())[0].check_at - world.clock.now()).total_seconds())
    assert waits == [2, 4, 8, 16]


async def test_a_provider_that_retries_by_itself_is_left_alone(world: World):
    await sent(world)
    later = world.clock.now() + timedelta(minutes=30)
    world.provider.verdicts = [Pending(check_at=later)]
    await world.confirm()
    assert (await world.requests())[0].check_at == later


@pytest.mark.both_databases
async def test_a_webhook_has_it_asked_at_once(world: World):
    writeback_id = await sent(world)
    token = hook_token(world.flow.secrets, "wonde", "hillside")
    await world.hooks.receive("wonde", token, {}, json.dumps({"writeback_id": "A1", "status": "SUCCESS"}).encode())
    world.provider.verdicts = [Evidenced("webhook+poll")]
    await world.confirm(after_s=0)
    assert await world.status(writeback_id) == "confirmed"


async def test_a_webhook_with_a_wrong_token_is_refused(world: World):
    with pytest.raises(NotFound):
        await world.hooks.receive("wonde", "hillside~forged", {}, b"{}")


@pytest.mark.both_databases
async def test_a_verdict_that_comes_twice_changes_nothing_the_second_time(world: World):
    writeback_id = await sent(world)
    world.provider.verdicts = [Evidenced("poll")]
    await world.confirm()
    before = await world.events(writeback_id)
    token = hook_token(world.flow.secrets, "wonde", "hillside")
    await world.hooks.receive("wonde", token, {}, b'{"writeback_id": "A1"}')
    await world.confirm()
    assert await world.events(writeback_id) == before


async def test_a_single_record_that_the_provider_could_not_write_fails(world: World):
    writeback_id = await sent(world)
    world.provider.verdicts = [Rejected("FAILED")]
    await world.confirm()
    await world.serve()
    assert (await world.writeback(writeback_id)).hold_reason == "lists_doubted"  # it goes once more, with fresh lists
    world.clock.advance(timedelta(seconds=6))
    await world.syncer.sync_school("hillside")
    world.clock.advance(timedelta(seconds=6))
    await world.serve()
    world.provider.verdicts = [Rejected("FAILED")]
    await world.confirm()
    assert await world.status(writeback_id) == "failed"
    assert (await world.records(writeback_id))[0]["findings"][0]["code"] == "provider_refused"
    assert len(world.provider.sent) == 2


async def test_a_correction_leaves_when_the_mark_before_it_has_settled(world: World):
    await sent(world, mark("A1", code="N"))
    correction = await world.submit(mark("A1", code="/"))
    await world.serve()
    world.provider.verdicts = [Evidenced("poll")]
    await world.confirm()
    await world.serve()
    assert await world.status(correction) == "sent"
    assert [marks[0]["code"] for marks in world.provider.sent] == ["N", "/"]


@pytest.mark.both_databases
async def test_a_callback_that_never_comes_is_replaced_by_reading_the_mis(world: World):
    writeback_id = await sent(world, mark("A1"), mark("A2"))
    world.provider.verdicts = [Pending(awaits_callback=True)]
    world.provider.readings = [ReadBack({0: SlotReadBack("/", True), 1: SlotReadBack("/", True)})]
    await world.confirm(after_s=world.flow.settings.confirm.callback_patience_s + 1)
    row = await world.writeback(writeback_id)
    assert (row.status, row.evidence) == ("confirmed", "read-back")


async def test_a_reading_older_than_the_request_proves_nothing(world: World):
    writeback_id = await sent(world)
    sent_at = world.clock.now()
    world.provider.verdicts = [Unclear("404"), Unclear("404")]
    old = sent_at - timedelta(minutes=5)
    world.provider.readings = [ReadBack({0: SlotReadBack("/", True)}, as_of=old), ReadBack({}, as_of=old)]
    for _ in range(2):
        await world.confirm(after_s=60)
        assert await world.status(writeback_id) == "sent"


async def test_what_is_not_in_the_mis_goes_again_and_what_is_different_needs_a_person(world: World):
    writeback_id = await sent(world, mark("A1"), mark("A2"), mark("A3"))
    world.provider.verdicts = [Unclear("404")]
    world.provider.readings = [ReadBack({0: SlotReadBack("/", True), 1: SlotReadBack("I", False)})]
    await world.confirm()
    assert [one["status"] for one in await world.records(writeback_id)] == ["confirmed", "needs_attention", "queued"]
    await world.serve()
    world.provider.verdicts = [Evidenced("poll")]
    await world.confirm()
    assert await world.status(writeback_id) == "needs_attention"


async def test_a_mark_that_would_not_have_replaced_what_stands_there_is_left_and_says_so(world: World):
    writeback_id = await sent(world, mark("A1"), mark("A2"))
    world.provider.verdicts = [Unclear("404")]
    world.provider.readings = [ReadBack({0: SlotReadBack("L", True, is_kept=True), 1: SlotReadBack("N", True)})]
    await world.confirm()

    left, there = await world.records(writeback_id)
    assert (left["status"], there["status"]) == ("confirmed", "confirmed")
    assert (left["evidence"], there["evidence"]) == ("left as it was", "read-back")
    assert [finding["code"] for finding in left["findings"]] == ["left_as_it_was"]
    assert "The MIS has L there already" in left["findings"][0]["message"]


async def test_a_reading_that_cannot_be_had_is_tried_again(world: World):
    writeback_id = await sent(world)
    world.provider.verdicts = [Unclear("404")]
    world.provider.readings = [NotReached("connection refused")]
    await world.confirm()
    assert await world.status(writeback_id) == "sent"
    assert (await world.requests())[0].check_at > world.clock.now()


@pytest.mark.both_databases
async def test_when_the_provider_gave_up_on_an_agent_the_school_is_held_and_nothing_is_lost(world: World):
    writeback_id = await sent(world)
    world.provider.verdicts = [GaveUp(HoldReason.OFFLINE, "Unable to connect to the school agent")]
    await world.confirm()
    assert await world.status(writeback_id) == "held"
    await world.holds.resume("hillside", Actor("worker"))
    await world.serve()
    assert await world.status(writeback_id) == "sent"


async def test_after_a_day_without_evidence_a_person_is_asked(world: World):
    writeback_id = await sent(world)
    world.provider.verdicts = [NotReached("connection refused")]
    await world.confirm(after_s=world.flow.settings.confirm.give_up_s + 1)
    assert await world.status(writeback_id) == "needs_attention"


async def test_what_the_provider_still_has_in_hand_is_never_read_back_and_sent_again(world: World):
    writeback_id = await sent(world)
    for _ in range(10):
        world.provider.verdicts = [Pending()]
        await world.confirm(after_s=3_600)
    assert await world.status(writeback_id) == "sent"
    assert len(world.provider.sent) == 1


async def test_a_check_that_fails_is_tried_again_and_a_person_asked_in_the_end(world: World):
    writeback_id = await sent(world)
    for _ in range(30):
        world.provider.verdicts = [ValueError("a bug")]
        await world.confirm(after_s=3_600)
    assert await world.status(writeback_id) == "needs_attention"


@pytest.mark.both_databases
async def test_a_webhook_that_comes_while_the_provider_is_asked_is_not_forgotten(world: World):
    await sent(world)
    token = hook_token(world.flow.secrets, "wonde", "hillside")

    async def webhook_meanwhile(account, request, now):
        await world.hooks.receive("wonde", token, {}, b'{"writeback_id": "A1"}')
        return Pending(check_at=now + timedelta(minutes=30))

    world.provider.check = webhook_meanwhile
    await world.confirm()
    assert (await world.requests())[0].check_at <= world.clock.now()
    assert ("confirm_lane", "hillside:session-marks") in world.waker.wakes


@pytest.mark.both_databases
async def test_a_mark_that_is_never_found_in_the_mis_is_not_sent_for_ever(world: World):
    writeback_id = await sent(world)
    for _ in range(40):
        world.provider.verdicts, world.provider.readings = [Unclear("404")], [ReadBack({0: SlotReadBack(None, False)})]
        await world.confirm()
        await world.serve()
    assert await world.status(writeback_id) == "needs_attention"
    assert len(world.provider.sent) == world.flow.settings.dispatch.max_attempts
