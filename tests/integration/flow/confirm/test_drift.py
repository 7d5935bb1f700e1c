"""Drift: a sample of confirmed marks is read once more; what the office has changed is reported, never overwritten."""

from datetime import timedelta

import pytest
from sqlmodel import func, select

from tests.integration.flow.conftest import World, mark
from writeback.domain.actor import SERVICE
from writeback.domain.outcome import Applied, Evidenced, NotReached, ReadBack, SlotReadBack
from writeback.domain.school import HoldReason
from writeback.flow.confirm.drift import Drift
from writeback.store.tables import DriftCheckRow, EventRow

pytestmark = pytest.mark.sqlite_first

HOUR = timedelta(hours=1)
CHANGED = ReadBack({0: SlotReadBack("I", matches=False)})


@pytest.fixture
async def drift(world: World) -> Drift:
    """Looks at everything, not only at a sample; it has begun before anything was confirmed."""
    world.flow.settings.confirm.drift_sample = 1.0
    made = Drift(world.flow)
    await made.look()
    return made


async def confirmed(world: World, *marks, **changes) -> str:
    writeback_id = await world.submit(*marks, **changes)
    await world.serve()
    world.provider.verdicts = [Evidenced("poll")]
    await world.confirm()
    assert await world.status(writeback_id) == "confirmed"
    return writeback_id


async def codes(world: World, writeback_id: str) -> list[list[str]]:
    return [[one["code"] for one in record.get("findings", [])] for record in await world.records(writeback_id)]


async def left_to_read(world: World) -> int:
    async with world.flow.db.read() as session:
        return (await session.exec(select(func.count()).select_from(DriftCheckRow))).one()


async def look_later(world: World, drift: Drift, after: timedelta = HOUR) -> int:
    await drift.look()
    world.clock.advance(after)
    return await drift.look()


async def test_a_mark_that_the_office_has_changed_is_reported_and_its_status_stays(world: World, drift: Drift):
    writeback_id = await confirmed(world, mark("A1"))
    world.provider.readings = [CHANGED]
    assert await look_later(world, drift) == 1
    assert await world.status(writeback_id) == "confirmed"
    (record,) = await world.records(writeback_id)
    (finding,) = record["findings"]
    assert (finding["code"], finding["severity"]) == ("changed_in_mis", "warning")
    assert "holds I" in finding["message"]
    assert await world.events(writeback_id) == ["accepted", "sending", "sent", "confirmed", "changed_in_mis"]


async def test_its_line_in_the_timeline_says_that_the_provider_showed_it(world: World, drift: Drift):
    writeback_id = await confirmed(world, mark("A1"))
    world.provider.readings = [CHANGED]
    await look_later(world, drift)
    async with world.flow.db.read() as session:
        query = select(EventRow).where(EventRow.writeback_id == writeback_id, EventRow.event == "changed_in_mis")
        event = (await session.exec(query)).one()
    assert (event.actor, event.status, event.detail) == ("provider:wonde", "confirmed", "1 of 1 that were read")


async def test_nothing_is_written_over_it(world: World, drift: Drift):
    await confirmed(world, mark("A1"))
    world.provider.readings = [CHANGED]
    await look_later(world, drift)
    await world.serve()
    assert len(world.provider.sent) == 1


async def test_a_mark_that_is_gone_is_reported_too(world: World, drift: Drift):
    writeback_id = await confirmed(world, mark("A1"))
    world.provider.readings = [ReadBack({0: SlotReadBack(None, matches=False)})]
    await look_later(world, drift)
    (record,) = await world.records(writeback_id)
    assert "holds nothing" in record["findings"][0]["message"]


async def test_a_mark_that_stands_is_read_once_and_not_spoken_of(world: World, drift: Drift):
    writeback_id = await confirmed(world, mark("A1"))
    world.provider.readings = [ReadBack({0: SlotReadBack("/", matches=True)})]
    assert await look_later(world, drift) == 1
    assert await codes(world, writeback_id) == [[]]
    assert "changed_in_mis" not in await world.events(writeback_id)
    assert await look_later(world, drift) == 0


async def test_only_the_record_that_differs_is_named(world: World, drift: Drift):
    writeback_id = await confirmed(world, mark("A1"), mark("A2"))
    world.provider.readings = [ReadBack({0: SlotReadBack("/", matches=True), 1: SlotReadBack("I", matches=False)})]
    await look_later(world, drift)
    assert await codes(world, writeback_id) == [[], ["changed_in_mis"]]


async def test_nothing_is_read_before_its_time(world: World, drift: Drift):
    await confirmed(world, mark("A1"))
    assert await look_later(world, drift, after=timedelta(minutes=30)) == 0
    assert await left_to_read(world) == 1


async def test_what_a_correction_has_replaced_is_not_reported(world: World, drift: Drift):
    first = await confirmed(world, mark("A1"))
    second = await confirmed(world, mark("A1", code="I"))
    world.provider.readings = [ReadBack({0: SlotReadBack("I", matches=True)})]
    for _ in range(3):
        await look_later(world, drift)
    assert await codes(world, first) == [[]]
    assert await codes(world, second) == [[]]


async def test_what_was_left_as_it_was_is_not_read(world: World, drift: Drift):
    world.provider.readings = [ReadBack({0: SlotReadBack("I", matches=False)})]
    writeback_id = await world.submit(mark("A1", only_if_blank=True))
    await world.serve()
    await look_later(world, drift)
    assert await codes(world, writeback_id) == [["left_as_it_was"]]


async def test_a_sample_of_none_reads_none(world: World, drift: Drift):
    world.flow.settings.confirm.drift_sample = 0.0
    await confirmed(world, mark("A1"))
    assert await look_later(world, drift) == 0


async def test_a_hundredth_is_about_a_hundredth(world: World, drift: Drift):
    world.provider.outcomes = [Applied("answer")] * 60
    world.flow.settings.confirm.drift_sample = 0.5
    for student in range(1, 59):
        await world.submit(mark(f"A{student}"))
    await world.serve()
    await drift.look()
    assert 10 < await left_to_read(world) < 48


async def test_a_provider_that_does_not_answer_is_asked_again_but_not_for_ever(world: World, drift: Drift):
    await confirmed(world, mark("A1"))
    world.provider.readings = [NotReached("timeout")] * 10
    await look_later(world, drift)
    assert await left_to_read(world) == 1
    for _ in range(4):
        assert await look_later(world, drift, after=timedelta(minutes=11)) == 1
    assert await left_to_read(world) == 0


async def test_a_reading_from_before_the_confirmation_proves_nothing(world: World, drift: Drift):
    writeback_id = await confirmed(world, mark("A1"))
    before = world.clock.now() - timedelta(minutes=1)
    world.provider.readings = [ReadBack({0: SlotReadBack(None, matches=False)}, as_of=before)]
    await look_later(world, drift)
    assert await codes(world, writeback_id) == [[]]
    assert await left_to_read(world) == 1


async def test_a_held_school_is_left_alone_until_it_goes_on(world: World, drift: Drift):
    writeback_id = await confirmed(world, mark("A1"))
    await world.holds.hold("hillside", HoldReason.BY_STAFF, "exams", SERVICE)
    world.provider.readings = [CHANGED]
    await look_later(world, drift)
    assert await codes(world, writeback_id) == [[]]
    await world.holds.resume("hillside", SERVICE)
    await look_later(world, drift, after=timedelta(minutes=11))
    assert await codes(world, writeback_id) == [["changed_in_mis"]]


async def test_what_was_confirmed_before_the_first_look_ever_is_let_be(world: World):
    world.flow.settings.confirm.drift_sample = 1.0
    await confirmed(world, mark("A1"))
    assert await look_later(world, Drift(world.flow)) == 0
