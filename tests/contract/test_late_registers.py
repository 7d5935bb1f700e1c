"""A tablet sends later what it saw; a school moves to another MIS: both with each provider's adapter.

The whole flow over real HTTP, against the sandbox; time moves by hand.
"""

from datetime import timedelta
from typing import Any

import pytest

from tests.contract.service import Service
from tests.contract.service import service as service  # the fixture
from tests.contract.test_no_mark_is_a_dash import records_of
from writeback.flow.directory.find import PeopleFinder
from writeback.flow.moves.carry_over import CarryOver


@pytest.fixture(params=["attendance.session", "attendance.lesson"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def plain_records(service: Service) -> list[dict[str, Any]]:
    records = await records_of(service)
    return [{name: value for name, value in one.items() if name != "only_if_blank"} for one in records]


async def test_what_the_office_has_entered_since_stays_and_the_rest_of_the_register_goes(service: Service) -> None:
    world, records = service.world, await plain_records(service)
    seen = world.clock.now() - timedelta(hours=2)
    ill, excused, blank = (one["student_id"] for one in records)
    office = [{**records[0], "code": "I"}, {**records[1], "code": "N"}]
    await world.order("schools/{school}/marks", marks=office)

    writeback_id = await service.post([{**one, "observed_at": seen.isoformat()} for one in records])
    await service.serve()
    await world.advance()
    await service.settle()

    found = await service.show(writeback_id)
    held = await world.marks(service.kind.removeprefix("attendance."))
    assert found.status == "confirmed"
    assert [one.evidence == "left as it was" for one in found.records] == [True, False, False]
    assert (held[ill], held[excused], held[blank]) == ("I", "L", "L")


async def test_what_waits_at_a_move_of_mis_reaches_the_same_pupils_or_a_person(service: Service) -> None:
    world, records = service.world, await plain_records(service)
    await service.syncer.sync_school("hillside")
    writeback_id = await service.post(records)
    world.clock.advance(timedelta(minutes=1))
    await world.change(migrate={"to": world.account.mis, "completed": True})  # another one, of the same make
    await service.flow.registry.patch("hillside", {"mis": world.account.mis.lower()})
    world.clock.advance(timedelta(minutes=1))
    await service.syncer.sync_school("hillside")

    assert await CarryOver(service.flow, PeopleFinder(service.flow)).of_school("hillside")
    await service.serve()
    await world.advance()
    await service.settle()

    found = await service.show(writeback_id)
    now = {one.record["student_id"] for one in found.records if one.record}
    was = {one["student_id"] for one in records}
    if service.kind == "attendance.lesson":  # nobody knows which lesson it is now
        assert found.status == "failed"
        assert {finding.code for one in found.records for finding in one.findings} >= {"id_of_former_mis"}
        assert now == was
    else:
        held = await world.marks("session")
        assert found.status == "confirmed"
        assert not now & was
        assert {held[student] for student in now} == {"L"}
