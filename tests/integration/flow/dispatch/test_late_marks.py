"""A mark that was sent without an answer may arrive late, after a newer one: the newer one wins in the end."""

from datetime import timedelta

import pytest
from sqlmodel import select

from tests.integration.flow.conftest import World, mark
from writeback.domain.outcome import Applied, Evidenced, Pending, ReadBack, SlotReadBack, Taken, Uncertain, Unclear
from writeback.store.tables import MarkInDoubtRow

pytestmark = pytest.mark.sqlite_first


async def older_in_doubt_newer_sent(world: World) -> str:
    """Lose the answer to a mark, correct it, have the provider confirm the correction; return the correction."""
    world.provider.outcomes = [Uncertain("timeout")]
    await world.submit(mark("A1", code="N"))
    await world.serve()
    newer = await world.submit(mark("A1", code="/"))
    await world.serve()
    world.provider.verdicts = [Evidenced("poll")]
    await world.confirm()
    return newer


def late(world: World) -> float:
    return world.flow.settings.confirm.late_after_s + 1


async def test_the_correction_is_not_confirmed_while_the_older_mark_may_still_arrive(world: World):
    newer = await older_in_doubt_newer_sent(world)
    assert await world.status(newer) == "sent"


async def test_it_is_confirmed_when_the_mis_shows_it_after_that(world: World):
    newer = await older_in_doubt_newer_sent(world)
    world.provider.verdicts = [Evidenced("poll")]
    world.provider.readings = [ReadBack({0: SlotReadBack("/", matches=True)})]
    await world.confirm(late(world))
    assert await world.status(newer) == "confirmed"


async def test_it_is_written_once_more_when_the_older_one_did_arrive_late(world: World):
    newer = await older_in_doubt_newer_sent(world)
    world.provider.verdicts = [Evidenced("poll")]
    world.provider.readings = [ReadBack({0: SlotReadBack("N", matches=False)})]
    await world.confirm(late(world))
    assert await world.status(newer) == "queued"
    await world.serve()
    assert [marks[0]["code"] for marks in world.provider.sent] == ["N", "/", "/"]
    world.provider.verdicts = [Evidenced("poll")]
    await world.confirm()
    world.provider.verdicts = [Evidenced("poll")]
    world.provider.readings = [ReadBack({0: SlotReadBack("/", matches=True)})]
    await world.confirm(late(world))
    assert await world.status(newer) == "confirmed"


async def test_what_the_office_has_entered_since_is_not_overwritten(world: World):
    newer = await older_in_doubt_newer_sent(world)
    world.provider.verdicts = [Evidenced("poll")]
    world.provider.readings = [ReadBack({0: SlotReadBack("I", matches=False)})]
    await world.confirm(late(world))
    assert await world.status(newer) == "confirmed"
    assert (await world.records(newer))[0]["findings"][0]["code"] == "changed_in_mis"
    assert len(world.provider.sent) == 2


async def test_a_mark_that_goes_again_itself_need_not_wait(world: World):
    world.provider.outcomes = [Uncertain("timeout")]
    writeback_id = await world.submit(mark("A1"))
    await world.serve()
    world.clock.advance(timedelta(seconds=10))
    await world.serve()
    world.provider.verdicts = [Evidenced("poll")]
    await world.confirm()
    assert await world.status(writeback_id) == "confirmed"


async def test_a_worker_that_died_while_sending_leaves_the_same_in_doubt(world: World):
    world.provider.before_answer = _die
    try:
        await world.submit(mark("A1", code="N"))
        await world.serve()
    except KeyboardInterrupt:
        pass
    world.provider.before_answer = None
    world.clock.advance(timedelta(seconds=world.flow.settings.dispatch.lease_s + 1))
    newer = await world.submit(mark("A1", code="/"))
    await world.serve()
    world.provider.verdicts = [Evidenced("poll")]
    await world.confirm()
    assert await world.status(newer) == "sent"


async def test_a_mark_in_doubt_is_forgotten_when_no_request_asks_about_it_any_more(world: World):
    await lost(world)
    await world.forget()
    assert await in_doubt(world) == ["N"]
    confirm = world.flow.settings.confirm
    world.clock.advance(timedelta(seconds=confirm.late_after_s + confirm.give_up_s + 1))
    await world.forget()
    assert await in_doubt(world) == []


async def in_doubt(world: World) -> list[str]:
    async with world.flow.db.read() as session:
        return list((await session.exec(select(MarkInDoubtRow.code))).all())


async def _die() -> None:
    raise KeyboardInterrupt


async def lost(world: World, code: str = "N") -> None:
    """Lose the answer to a mark."""
    world.provider.outcomes = [Uncertain("timeout")]
    await world.submit(mark("A1", code=code))
    await world.serve()


async def test_an_answer_that_it_is_written_does_not_confirm_while_the_older_mark_may_still_arrive(world: World):
    await lost(world)
    world.provider.outcomes = [Applied("answer")]
    newer = await world.submit(mark("A1", code="/"))
    await world.serve()
    assert await world.status(newer) == "sent"
    world.provider.verdicts = [Pending()]
    world.provider.readings = [ReadBack({0: SlotReadBack("N", matches=False)})]
    await world.confirm(late(world))
    assert await world.status(newer) == "queued"
    world.provider.outcomes = [Applied("answer")]
    await world.serve()
    world.provider.verdicts = [Pending()]
    world.provider.readings = [ReadBack({0: SlotReadBack("/", matches=True)})]
    await world.confirm(late(world))
    assert await world.status(newer) == "confirmed"


async def test_a_reading_from_before_the_older_mark_could_arrive_confirms_nothing(world: World):
    await lost(world)
    newer = await world.submit(mark("A1", code="/"))
    await world.serve()
    world.provider.verdicts = [Unclear("it knows of nothing")]
    world.provider.readings = [ReadBack({0: SlotReadBack("/", matches=True)})]
    await world.confirm()
    assert await world.status(newer) == "sent"
    early = world.clock.now()
    world.provider.verdicts = [Unclear("it knows of nothing")]
    world.provider.readings = [ReadBack({0: SlotReadBack("/", matches=True)}, as_of=early)]
    await world.confirm(late(world))
    assert await world.status(newer) == "sent"
    world.provider.verdicts = [Unclear("it knows of nothing")]
    world.provider.readings = [ReadBack({0: SlotReadBack("/", matches=True)}, as_of=world.clock.now())]
    await world.confirm(late(world))
    assert await world.status(newer) == "confirmed"


async def test_a_mark_that_is_read_back_and_not_there_may_arrive_late_too(world: World):
    older = await world.submit(mark("A1", code="N"))
    await world.serve()
    world.provider.verdicts = [Unclear("it knows of nothing")]
    world.provider.readings = [ReadBack({0: SlotReadBack(None, matches=False)})]
    await world.confirm()
    newer = await world.submit(mark("A1", code="/"))
    await world.serve()
    assert await world.status(older) == "superseded"
    world.provider.verdicts = [Evidenced("poll")]
    await world.confirm()
    assert await world.status(newer) == "sent"


async def test_the_last_try_may_arrive_late_as_well(world: World):
    world.flow.settings.dispatch.max_attempts = 1
    await lost(world)
    world.provider.readings = [ReadBack({0: SlotReadBack("I", matches=False)})]
    await world.confirm()
    world.provider.outcomes = [Taken("A2")]
    newer = await world.submit(mark("A1", code="/"))
    await world.serve()
    world.provider.verdicts = [Evidenced("poll")]
    await world.confirm()
    assert await world.status(newer) == "sent"
