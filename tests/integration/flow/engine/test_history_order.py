"""The order of a history: by number and by time it is the same, whatever clocks say."""

from datetime import timedelta

import pytest
from sqlmodel import select

from tests.integration.flow.conftest import Evidenced, World, mark
from writeback.store.reads import timeline
from writeback.store.tables import RequestRow

pytestmark = pytest.mark.sqlite_first


@pytest.mark.both_databases
async def test_a_worker_whose_clock_is_behind_writes_nothing_before_what_came_before(world: World) -> None:
    accepted = world.clock.now()
    made = await world.submit(mark())
    world.clock.advance(timedelta(seconds=-40))

    await world.serve()
    world.provider.verdicts.append(Evidenced("webhook"))
    await world.confirm()

    async with world.flow.db.read() as session:
        events = await timeline.events_of(session, made)
    assert [event.event for event in events] == ["accepted", "sending", "sent", "confirmed"]
    assert [event.at for event in events] == [accepted] * 4


async def test_a_request_keeps_the_time_of_its_sender(world: World) -> None:
    """It is compared with what the MIS says was made when: another machine's clock has no say in that."""
    await world.submit(mark())
    world.clock.advance(timedelta(seconds=-40))

    await world.serve()

    async with world.flow.db.read() as session:
        request = (await session.exec(select(RequestRow))).one()
    assert request.created_at == request.sent_at == world.clock.now()
