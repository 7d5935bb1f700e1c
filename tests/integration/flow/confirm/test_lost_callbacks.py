"""A callback that does not come costs minutes, and the MIS is not asked more than it must be."""

from datetime import timedelta

import pytest

from tests.integration.flow.conftest import LANE, World, mark
from writeback.domain.outcome import Evidenced, NotReached, Pending, ReadBack, SlotReadBack
from writeback.flow.confirm.overdue_callbacks import next_read_back

pytestmark = pytest.mark.sqlite_first

PATIENCE = timedelta(seconds=120)
THERE, NOTHING, ANOTHER = SlotReadBack("/", True), SlotReadBack(None, False), SlotReadBack("N", False)


class CallsBack:
    """The scripted provider as one that calls back and cannot be asked, and goes on trying for 75 minutes."""

    def __init__(self, world: World) -> None:
        self.world, self.in_mis, self.asked = world, {}, []
        self.as_of = None
        world.provider.tries_for = timedelta(minutes=75)
        world.provider.check = self.check
        world.provider.read_back = self.read_back

    async def check(self, account, sent, now):
        return Evidenced("callback") if sent.hints else Pending(awaits_callback=True)

    async def read_back(self, account, sent, lookups):
        self.asked.append([record.student_id for record in sent.records])
        if isinstance(self.in_mis, NotReached):
            return self.in_mis
        return ReadBack(
            {place: self.in_mis.get(record.student_id, NOTHING) for place, record in enumerate(sent.records)},
            self.as_of,
        )


@pytest.fixture
def calls_back(world: World) -> CallsBack:
    return CallsBack(world)


async def sent(world: World, *marks) -> str:
    writeback_id = await world.submit(*marks)
    await world.serve()
    return writeback_id


async def pass_time(world: World, minutes: float) -> None:
    """Let the time pass; the lane is confirmed whenever the sweeper would wake it."""
    end = world.clock.now() + timedelta(minutes=minutes)
    while world.clock.now() < end:
        due = [row.check_at for row in await world.requests() if row.state in ("taken", "in_doubt")]
        world.clock.advance(max(min([*due, end]) - world.clock.now(), timedelta(seconds=1)))
        await world.confirmer.confirm(LANE)


async def test_marks_whose_callback_is_lost_are_confirmed_within_three_minutes(world: World, calls_back: CallsBack):
    writeback_id = await sent(world, mark("A1"), mark("A2"))
    calls_back.in_mis = {"A1": THERE, "A2": THERE}
    await pass_time(world, 1.9)
    assert calls_back.asked == []
    await pass_time(world, 1.2)
    row = await world.writeback(writeback_id)
    assert (row.status, row.evidence) == ("confirmed", "read-back")
    assert len(calls_back.asked) == 1


@pytest.mark.parametrize("stands", [NOTHING, ANOTHER])
async def test_what_a_slow_provider_has_not_written_yet_is_neither_sent_again_nor_failed(
    world: World, calls_back: CallsBack, stands
):
    writeback_id = await sent(world, mark("A1"))
    calls_back.in_mis = {"A1": stands}
    await pass_time(world, 70)
    assert await world.status(writeback_id) == "sent"
    assert len(world.provider.sent) == 1
    assert len(calls_back.asked) <= 6  # after 2, 4, 8, 16, 32 and 64 minutes
    calls_back.in_mis = {"A1": THERE}
    await pass_time(world, 7)
    assert await world.status(writeback_id) == "confirmed"


async def test_when_the_provider_has_stopped_trying_what_is_not_there_goes_again(world: World, calls_back: CallsBack):
    writeback_id = await sent(world, mark("A1"))
    await pass_time(world, 77)
    assert await world.status(writeback_id) == "queued"
    assert [one["student_id"] for marks in world.provider.sent for one in marks] == ["A1"]


async def test_a_copy_of_the_mis_that_is_older_than_the_request_is_read_again(world: World, calls_back: CallsBack):
    writeback_id = await sent(world, mark("A1"))
    calls_back.in_mis, calls_back.as_of = {"A1": THERE}, world.clock.now() - timedelta(minutes=1)
    await pass_time(world, 10)
    assert await world.status(writeback_id) == "sent"
    assert len(calls_back.asked) == 2
    calls_back.as_of = world.clock.now()
    await pass_time(world, 10)
    assert await world.status(writeback_id) == "confirmed"


async def test_a_callback_that_is_only_late_settles_it_without_more_readings(world: World, calls_back: CallsBack):
    writeback_id = await sent(world, mark("A1"))
    await pass_time(world, 5)
    before = len(calls_back.asked)
    await call_back(world)
    await world.confirmer.confirm(LANE)
    row = await world.writeback(writeback_id)
    assert (row.status, row.evidence) == ("confirmed", "callback")
    assert len(calls_back.asked) == before


async def test_a_callback_after_the_reading_changes_nothing(world: World, calls_back: CallsBack):
    writeback_id = await sent(world, mark("A1"))
    calls_back.in_mis = {"A1": THERE}
    await pass_time(world, 4)
    before = await world.events(writeback_id)
    await call_back(world)
    await pass_time(world, 1)
    assert await world.events(writeback_id) == before
    assert await world.status(writeback_id) == "confirmed"


async def test_the_requests_of_a_lane_are_read_together(world: World, calls_back: CallsBack):
    for student in ("A1", "A2", "A3"):
        await sent(world, mark(student))
        world.clock.advance(timedelta(seconds=1))
    calls_back.in_mis = dict.fromkeys(("A1", "A2", "A3"), THERE)
    await pass_time(world, 4)
    assert {row.result for row in await world.requests()} == {"read_back"}
    assert sorted(map(len, calls_back.asked))[-1] > 1
    assert len(calls_back.asked) <= 2  # three would be one a request


async def test_what_one_of_them_lacks_keeps_none_of_the_others_waiting(world: World, calls_back: CallsBack):
    ids = [await sent(world, mark(student)) for student in ("A1", "A2")]
    calls_back.in_mis = {"A2": THERE}
    await pass_time(world, 4)
    assert [await world.status(one) for one in ids] == ["sent", "confirmed"]


async def test_a_reading_that_is_not_answered_is_tried_again_later_and_later(world: World, calls_back: CallsBack):
    writeback_id = await sent(world, mark("A1"))
    calls_back.in_mis = NotReached("Xporter is away")
    await pass_time(world, 30)
    assert await world.status(writeback_id) == "sent"
    assert len(calls_back.asked) == 4


async def test_a_newer_mark_after_an_early_reading_is_looked_at_once_the_older_cannot_come_any_more(
    world: World, calls_back: CallsBack
):
    await sent(world, mark("A1", code="N"))
    calls_back.in_mis = {"A1": SlotReadBack("N", True)}  # it may have stood there before
    await pass_time(world, 4)
    newer = await sent(world, mark("A1", code="/"))
    await call_back(world)
    await pass_time(world, 1)
    assert await world.status(newer) == "sent"  # the N may still be written, over it

    calls_back.in_mis = {"A1": SlotReadBack("N", False)}
    await pass_time(world, 75)
    assert await world.status(newer) == "queued"  # it was: ours goes again
    await world.serve()
    assert world.provider.sent[-1][0]["code"] == "/"


async def call_back(world: World) -> None:
    async with world.flow.db.write() as session:
        request = (await world.requests())[-1]
        request.hints = [{"XodCompleted": "True"}]
        if request.state == "taken":
            request.check_at = world.clock.now()
        await session.merge(request)


def test_each_lane_has_moments_of_its_own_and_reads_no_more_often(fake_clock):
    sent_at = fake_clock.now()
    until = sent_at + timedelta(minutes=75)

    def first(lane: str, seconds: float = 0):
        at = sent_at + timedelta(seconds=seconds)
        return next_read_back(lane, at, at, PATIENCE, until)

    moments = [first(f"school-{number}:session-marks") for number in range(200)]
    assert all(PATIENCE <= at - sent_at < PATIENCE * 1.5 for at in moments)
    in_quarters = [int((at - sent_at - PATIENCE) / timedelta(seconds=15)) for at in moments]
    assert all(in_quarters.count(quarter) > 25 for quarter in range(4))
    assert len({first("hillside:session-marks", seconds) for seconds in range(60)}) <= 2
