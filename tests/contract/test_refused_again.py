"""A mark that was written without an answer, and is refused when it goes again: with each provider, over real HTTP."""

import json
from datetime import timedelta

import pytest

from tests.contract.service import Service
from tests.contract.service import service as service  # the fixture
from tests.contract.test_misbehaviour import WRITES

REFUSAL = {"errors": [{"detail": "The register is closed.", "source": {"pointer": "/data/attendance/0/code"}}]}

pytestmark = pytest.mark.parametrize("kind", ["attendance.session"])


async def lost_and_refused(service: Service, *, takes_effect: bool) -> str:
    """Lose the answer to a mark, and have the provider refuse it each time after that."""
    world, path = service.world, WRITES[service.world.name]
    fault = "reset_after" if takes_effect else "reset_before"
    await world.order("faults", kind=fault, method="POST", path=path, times=1)
    marks = [json.loads(one.model_dump_json(exclude_none=True)) for one in world.register(pupils=world.pupils[:1])]
    writeback_id = await service.post(marks)
    await service.serve()
    await world.advance()
    await world.order("faults", kind="status", status=422, body=REFUSAL, method="POST", path=path, times=5)
    world.clock.advance(timedelta(minutes=10))
    await service.serve()
    return writeback_id


async def test_what_is_in_the_mis_is_confirmed(service: Service) -> None:
    writeback_id = await lost_and_refused(service, takes_effect=True)
    await service.settle()
    shown = await service.show(writeback_id)
    assert (shown.status, [one.code for one in shown.records[0].findings]) == ("confirmed", ["written_before"])
    assert list((await service.world.marks()).values()) == ["/"]


async def test_what_is_not_in_the_mis_fails(service: Service) -> None:
    writeback_id = await lost_and_refused(service, takes_effect=False)
    await service.settle()
    shown = await service.show(writeback_id)
    assert shown.status == "failed", shown.records[0].findings
    assert await service.world.marks() == {}
