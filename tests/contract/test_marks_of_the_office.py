"""A school that has the office's marks left, or spoken of: the whole flow with each provider's adapter, over real HTTP,
against the sandbox; time moves by hand.
"""

from typing import Any

import pytest

from tests.contract.service import Service
from tests.contract.service import service as service  # the fixture
from tests.contract.test_no_mark_is_a_dash import records_of
from writeback_client.models.writebacks import Writeback

MARKS = ["attendance.session", "attendance.lesson"]


async def written(service: Service, records: list[dict[str, Any]]) -> Writeback:
    """Submit marks, let everything pass, and return what became of them."""
    writeback_id = await service.post(records)
    await service.serve()
    await service.world.advance()
    await service.settle()
    return await service.show(writeback_id)


async def after_the_office(service: Service, policy: str) -> tuple[list[str], list[list[str]], Writeback]:
    """Mark three pupils, have the office change the second's mark, and mark all three again.

    Return what the MIS has in the end, the codes of each record's findings, and the second writeback.
    """
    world = service.world
    await service.flow.registry.patch("hillside", {"office_marks": policy})
    records = [{name: one[name] for name in one if name != "only_if_blank"} for one in await records_of(service)]
    absent = [{**{name: one[name] for name in one if name != "minutes_late"}, "code": "N"} for one in records]
    assert (await written(service, absent)).status == "confirmed"
    await world.order("schools/{school}/marks", marks=[{**absent[1], "code": "I"}])

    found = await written(service, records)

    held = await world.marks(service.kind.removeprefix("attendance."))
    said = [[one.code for one in record.findings] for record in found.records]
    return [held[one["student_id"]] for one in records], said, found


@pytest.mark.parametrize("kind", MARKS)
async def test_the_offices_mark_stays_and_our_own_is_corrected(service: Service) -> None:
    held, said, found = await after_the_office(service, "leave")

    assert held == ["L", "I", "L"]
    assert ["left_as_it_was" in codes for codes in said] == [False, True, False]
    assert found.status == "confirmed"


@pytest.mark.parametrize("kind", MARKS)
async def test_the_offices_mark_is_written_over_and_the_record_says_what_it_was(service: Service) -> None:
    held, said, found = await after_the_office(service, "warn")

    assert held == ["L", "L", "L"]
    assert ["office_mark_overwritten" in codes for codes in said] == [False, True, False]
    assert found.status == "confirmed"
