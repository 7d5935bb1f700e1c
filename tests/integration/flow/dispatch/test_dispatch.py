"""A lane's turn: what leaves, in which request, and what every answer of the provider does."""

import contextlib
from datetime import timedelta

import pytest

from tests.integration.flow.conftest import LANE, World, mark
from writeback.domain.actor import Actor
from writeback.domain.finding import Finding
from writeback.domain.lookups import ListName
from writeback.domain.outcome import Applied, Blocked, NotReached, Refused, Taken, Uncertain
from writeback.domain.school import HoldReason
from writeback.flow.dispatch.dispatcher import Dispatcher


async def test_a_register_leaves_as_one_request_and_is_sent(world: World):
    writeback_id = await world.submit(mark("A1"), mark("A2"))
    await world.serve()
    assert await world.status(writeback_id) == "sent"
    assert [len(marks) for marks in world.provider.sent] == [2]
    assert await world.events(writeback_id) == ["accepted", "sending", "sent"]


async def test_registers_that_gathered_share_a_request(world: World):
    ids = [await world.submit(mark(f"A{n}")) for n in range(1, 4)]
    await world.serve()
    assert [len(marks) for marks in world.provider.sent] == [3]
    assert [await world.status(one) for one in ids] == ["sent"] * 3


async def test_the_attempt_is_written_before_the_request_goes_out(world: World):
    async def look() -> None:
        seen.extend((one.outcome, one.finished_at) for one in await world.attempts())

    seen: list[tuple[object, object]] = []
    world.provider.before_answer = look
    await world.submit()
    await world.serve()
    assert seen == [(None, None)]
    assert [one.outcome for one in await world.attempts()] == ["taken"]


async def test_a_second_worker_does_not_serve_a_lane_that_is_served(world: World):
    async def serve_too() -> None:
        await world.submit(mark("A9"))
        await world.serve()

    world.provider.before_answer = serve_too
    await world.submit()
    await world.serve()
    assert len(world.provider.sent) == 1
    assert ("serve_lane", LANE) in world.waker.wakes  # for what came meanwhile


async def test_a_correction_supersedes_the_mark_that_still_waits(world: World):
    first = await world.submit(mark("A1", code="N"))
    second = await world.submit(mark("A1", code="/"))
    await world.serve()
    assert await world.status(first) == "superseded"
    assert await world.status(second) == "sent"
    assert [marks[0]["code"] for marks in world.provider.sent] == ["/"]


async def test_a_correction_waits_until_the_mark_that_was_sent_has_settled(world: World):
    await world.submit(mark("A1", code="N"))
    await world.serve()
    correction = await world.submit(mark("A1", code="/"))
    await world.serve()
    waiting = await world.writeback(correction)
    assert (waiting.status, waiting.hold_reason) == ("queued", "slot_in_flight")
    assert len(world.provider.sent) == 1


async def test_a_big_writeback_goes_in_several_requests(world: World):
    world.provider.max_records = 2
    writeback_id = await world.submit(*(mark(f"A{n}") for n in range(1, 6)))
    for _ in range(3):
        await world.serve()
    assert [len(marks) for marks in world.provider.sent] == [2, 2, 1]
    assert await world.status(writeback_id) == "sent"


async def test_two_days_go_in_two_requests_where_the_provider_takes_one_date(world: World):
    world.provider.one_date = True
    await world.submit(mark("A1"), mark("A2", date="2026-01-09"))
    await world.serve()
    await world.serve()
    assert [{one["date"] for one in marks} for marks in world.provider.sent] == [{"2026-01-12"}, {"2026-01-09"}]


async def test_a_synchronous_answer_confirms(world: World):
    world.provider.outcomes = [Applied("answer")]
    writeback_id = await world.submit()
    await world.serve()
    assert await world.status(writeback_id) == "confirmed"
    assert (await world.records(writeback_id))[0]["evidence"] == "answer"


async def test_records_that_a_refusal_names_fail_and_the_rest_go_again(world: World):
    said = Finding("student_not_on_roll", "Not on roll.", "Ask the office.", provider_message="Invalid StudentId: A2")
    world.provider.outcomes = [Refused("Invalid StudentId: A2", {1: [said]})]
    writeback_id = await world.submit(mark("A1"), mark("A2"), mark("A3"))
    await world.serve()
    await world.serve()
    assert [[one["student_id"] for one in marks] for marks in world.provider.sent] == [["A1", "A2", "A3"], ["A1", "A3"]]
    await _fetch_lists(world)
    world.provider.outcomes = [Refused("Invalid StudentId: A2", {0: [said]})]
    await world.serve()
    records = await world.records(writeback_id)
    assert [one["status"] for one in records] == ["sent", "failed", "sent"]
    assert records[1]["findings"][0]["pointer"] == "/records/1"


async def test_a_refusal_without_words_has_none_of_ours_in_their_place(world: World):
    world.provider.outcomes = [Refused("Wonde answered 422: it gives no reason")] * 2
    writeback_id = await world.submit(mark("A1"))
    await world.serve()
    await _fetch_lists(world)
    await world.serve()
    (record,) = await world.records(writeback_id)
    (finding,) = record["findings"]
    assert finding["message"] == "The provider refused this record and gave no reason."
    assert (finding["provider_message"], finding["provider_answered"]) == (None, False)


async def test_a_refusal_that_names_nothing_is_halved_until_the_bad_record_stands_alone(world: World):
    bad = "A3"

    def answer(marks):
        refused = Refused("Wonde answered 422: SIMS said no", said="SIMS said no")
        return refused if any(one["student_id"] == bad for one in marks) else Taken(f"ok{len(marks)}")

    writeback_id = await world.submit(*(mark(f"A{n}") for n in range(1, 9)))
    for _ in range(2):
        world.provider.before_answer = _answering(world, answer)
        for _ in range(12):
            await world.serve()
        await _fetch_lists(world)
    records = await world.records(writeback_id)
    assert [one["status"] for one in records] == ["sent", "sent", "failed", *["sent"] * 5]
    (finding,) = records[2]["findings"]
    assert (finding["provider_message"], finding["provider_answered"]) == ("SIMS said no", True)
    assert len(world.provider.sent) <= 9


async def _fetch_lists(world: World) -> None:
    """Let a lane look at what waits for fresh lists, and fetch them."""
    world.provider.before_answer = None
    await world.serve()
    world.clock.advance(timedelta(seconds=6))
    await world.syncer.sync_school("hillside")
    world.clock.advance(timedelta(seconds=6))


def _answering(world: World, answer):
    async def put() -> None:
        world.provider.outcomes = [answer(world.provider.sent[-1])]

    return put


@pytest.mark.parametrize("outcome", [NotReached("connection refused"), Uncertain("no answer in 25 s")])
async def test_a_mark_that_may_be_repeated_goes_again_later(world: World, outcome):
    world.provider.outcomes = [outcome]
    writeback_id = await world.submit()
    await world.serve()
    waiting = await world.writeback(writeback_id)
    assert waiting.status == "queued"
    assert waiting.next_attempt_at is not None
    await world.serve()
    assert len(world.provider.sent) == 1  # not before its time
    world.clock.advance(timedelta(seconds=10))
    await world.serve()
    assert await world.status(writeback_id) == "sent"
    assert len(await world.attempts()) == 2


async def test_retry_after_is_honoured(world: World):
    world.provider.outcomes = [NotReached("429", retry_after_s=120)]
    writeback_id = await world.submit()
    await world.serve()
    due = (await world.writeback(writeback_id)).next_attempt_at
    assert due is not None
    assert due >= world.clock.now() + timedelta(seconds=120)


async def test_after_too_many_unclear_answers_the_mis_is_read(world: World):
    tries = world.flow.settings.dispatch.max_attempts
    world.provider.outcomes = [Uncertain("500")] * tries
    writeback_id = await world.submit()
    for _ in range(tries):
        await world.serve()
        world.clock.advance(timedelta(seconds=600))
    assert await world.status(writeback_id) == "unknown"
    assert (await world.requests())[-1].state == "in_doubt"


async def test_a_refused_token_holds_the_school_and_a_resume_lets_it_go_on(world: World):
    world.provider.outcomes = [Blocked(HoldReason.TOKEN_REFUSED, "401 from the provider")]
    first = await world.submit()
    await world.serve()
    later = await world.submit(mark("A2"))
    await world.serve()
    assert [await world.status(one) for one in (first, later)] == ["held", "held"]
    assert len(world.provider.sent) == 1
    await world.holds.resume("hillside", Actor("staff:ann"))
    await world.serve()
    assert [await world.status(one) for one in (first, later)] == ["sent", "sent"]


async def test_a_held_school_is_asked_again_and_goes_on_by_itself(world: World):
    await world.holds.hold("hillside", HoldReason.OFFLINE, "agent silent", Actor("worker"))
    writeback_id = await world.submit()
    await world.serve()
    assert await world.status(writeback_id) == "held"
    await world.watch.recheck("hillside")
    assert await world.status(writeback_id) == "queued"


async def test_a_writeback_whose_deadline_has_passed_expires_unsent(world: World):
    deadline = (world.clock.now() + timedelta(hours=1)).isoformat()
    writeback_id = await world.submit(expires_at=deadline)
    world.clock.advance(timedelta(hours=2))
    await world.serve()
    assert await world.status(writeback_id) == "expired"
    assert not world.provider.sent


async def test_a_request_whose_sender_died_goes_again_when_its_lease_has_run_out(world: World):
    world.provider.outcomes = [KeyboardInterrupt()]
    writeback_id = await world.submit()
    with pytest.raises(KeyboardInterrupt):
        await world.serve()
    assert await world.status(writeback_id) == "sending"
    await world.serve()
    assert len(world.provider.sent) == 1  # the lease still holds
    world.clock.advance(timedelta(seconds=world.flow.settings.dispatch.lease_s + 1))
    await world.serve()
    assert await world.status(writeback_id) == "sent"
    assert [one.outcome for one in await world.attempts()] == ["lost", "taken"]


async def test_an_answer_that_comes_after_the_lease_was_lost_changes_nothing(world: World):
    async def lose_the_lease() -> None:
        world.provider.before_answer = None
        world.clock.advance(timedelta(seconds=world.flow.settings.dispatch.lease_s + 1))
        await world.serve()

    world.provider.before_answer = lose_the_lease
    world.provider.outcomes = []
    writeback_id = await world.submit()
    await world.serve()
    requests = await world.requests()
    assert [one.result for one in requests] == ["lost", None]
    assert await world.status(writeback_id) == "sent"
    assert requests[1].state == "taken"


async def test_the_sweeper_wakes_what_nobody_woke(world: World):
    await world.submit()
    world.waker.wakes.clear()
    await world.sweeper.sweep()
    assert ("serve_lane", LANE) in world.waker.wakes


async def test_retry_after_binds_the_whole_lane(world: World):
    world.provider.outcomes = [NotReached("429", retry_after_s=120)]
    await world.submit(mark("A1"))
    await world.serve()
    await world.submit(mark("A2"))
    await world.serve()
    assert len(world.provider.sent) == 1
    world.clock.advance(timedelta(seconds=130))
    await world.serve()
    assert len(world.provider.sent) == 2


async def test_an_adapter_that_fails_is_an_answer_that_never_came(world: World):
    world.provider.outcomes = [ValueError("a bug")]
    writeback_id = await world.submit()
    await world.serve()
    assert await world.status(writeback_id) == "queued"
    assert [one.outcome for one in await world.attempts()] == ["uncertain"]


async def test_a_record_that_the_adapter_breaks_on_fails_alone(world: World, monkeypatch):
    build = world.provider.build

    def break_on_no_reason(kind, records, *more, **options):
        assert all(record.code != "N" for record in records)
        return build(kind, records, *more, **options)

    monkeypatch.setattr(world.provider, "build", break_on_no_reason)
    writeback_id = await world.submit(mark("A1"), mark("A2", code="N"), mark("A3"))
    await world.serve()
    first, broken, last = await world.records(writeback_id)
    assert [first["status"], broken["status"], last["status"]] == ["sent", "failed", "sent"]
    assert broken["findings"][0]["code"] == "internal_error"
    assert [one["student_id"] for one in world.provider.sent[0]] == ["A1", "A3"]


async def test_a_request_that_is_lost_again_and_again_is_not_sent_for_ever(world: World):
    tries = world.flow.settings.dispatch.max_attempts
    world.provider.outcomes = [KeyboardInterrupt() for _ in range(tries + 5)]
    writeback_id = await world.submit()
    for _ in range(tries + 5):
        with contextlib.suppress(KeyboardInterrupt):
            await world.serve()
        world.clock.advance(timedelta(seconds=world.flow.settings.dispatch.lease_s + 1))
    assert await world.status(writeback_id) == "unknown"
    assert len(world.provider.sent) == tries


async def test_a_held_writeback_expires_too(world: World):
    await world.holds.hold("hillside", HoldReason.BY_STAFF, "inset day", Actor("staff:ann"))
    deadline = (world.clock.now() + timedelta(hours=1)).isoformat()
    writeback_id = await world.submit(expires_at=deadline)
    await world.serve()
    assert await world.status(writeback_id) == "held"
    world.clock.advance(timedelta(hours=2))
    await world.sweeper.sweep()
    assert await world.status(writeback_id) == "expired"


async def test_a_hold_by_staff_outlasts_what_the_provider_says(world: World):
    async def staff_hold() -> None:
        await world.holds.hold("hillside", HoldReason.BY_STAFF, "inset day", Actor("staff:ann"))

    world.provider.before_answer = staff_hold
    world.provider.outcomes = [Blocked(HoldReason.TOKEN_REFUSED, "401")]
    writeback_id = await world.submit()
    await world.serve()
    await world.watch.recheck("hillside")
    row = await world.writeback(writeback_id)
    assert (row.status, row.hold_reason) == ("held", "held_by_staff")


@pytest.mark.sqlite_first
async def test_a_school_that_is_blocked_again_at_once_is_left_alone_for_longer(world: World):
    world.provider.outcomes = [Blocked(HoldReason.SCOPE_MISSING, "403") for _ in range(20)]
    await world.submit()
    for _minute in range(4 * 60):
        await world.serve()
        world.clock.advance(timedelta(minutes=1))
        await world.sweeper.sweep()
        if ("recheck_school", "hillside") in world.waker.wakes:
            world.waker.wakes.clear()
            await world.watch.recheck("hillside")
    assert 10 <= len(world.provider.sent) <= 20


async def test_what_needs_a_list_that_was_never_fetched_waits_for_it(world: World):
    world.provider.missing = frozenset({ListName.ATTENDANCE_CODES})
    writeback_id = await world.submit()
    await world.serve()
    waiting = await world.writeback(writeback_id)
    assert (waiting.status, waiting.hold_reason) == ("queued", "lists_missing")
    await world.sweeper.sweep()
    assert ("sync_school", "hillside") in world.waker.wakes
    world.provider.missing = frozenset()
    await world.syncer.sync_school("hillside")
    await world.serve()
    assert await world.status(writeback_id) == "sent"


async def test_a_retry_that_is_not_due_does_not_hide_what_is(world: World, monkeypatch):
    monkeypatch.setattr("writeback.flow.dispatch.begin.MOST_QUEUED", 1)
    world.provider.outcomes = [NotReached("connection refused")]
    await world.submit(mark("A1"))
    await world.serve()
    due = await world.submit(mark("A2"))
    await world.serve()
    assert await world.status(due) == "sent"


async def test_a_worker_that_stood_still_after_it_had_begun_sends_nothing(world: World, monkeypatch):
    writeback_id = await world.submit()
    begin = Dispatcher.begin

    async def begin_and_stand_still(self, lane_ids):
        turns = await begin(self, lane_ids)
        monkeypatch.setattr(Dispatcher, "begin", begin)
        world.clock.advance(timedelta(hours=1))
        await Dispatcher(world.flow, "worker-2").serve(*lane_ids)
        return turns

    monkeypatch.setattr(Dispatcher, "begin", begin_and_stand_still)
    await world.serve()
    await world.serve()
    assert len(world.provider.sent) == 1
    assert await world.status(writeback_id) == "sent"


async def test_a_worker_that_was_slow_but_still_has_the_lane_sends(world: World, monkeypatch):
    writeback_id = await world.submit()
    begin = Dispatcher.begin

    async def begin_slowly(self, lane_ids):
        turns = await begin(self, lane_ids)
        world.clock.advance(timedelta(hours=1))
        return turns

    monkeypatch.setattr(Dispatcher, "begin", begin_slowly)
    await world.serve()
    assert await world.status(writeback_id) == "sent"
