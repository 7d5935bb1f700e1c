"""SIMS says with "-" that there is no mark: what is to be written only where there is none is written there.

The whole flow with each provider's adapter, over real HTTP, against the sandbox; time moves by hand.
"""

from typing import Any

import pytest

from tests.contract.service import Service
from tests.contract.service import service as service  # the fixture


async def records_of(service: Service) -> list[dict[str, Any]]:
    """Return a mark for each of three pupils of one register, or of one lesson."""
    world, employee = service.world, service.world.school["registers"][0]["employee_id"]
    if service.kind == "attendance.session":
        place: dict[str, Any] = {"date": world.today.isoformat(), "session": "AM", "employee_id": employee}
        pupils = world.pupils
    else:
        lesson = (await world.ask("schools/{school}/lessons", date=world.today.isoformat()))["lessons"][0]
        place, pupils = {"lesson_id": lesson["lesson_id"]}, lesson["student_ids"]
    return [
        {**place, "student_id": pupil, "code": "L", "minutes_late": 5, "only_if_blank": True} for pupil in pupils[:3]
    ]


@pytest.mark.parametrize("kind", ["attendance.session", "attendance.lesson"])
async def test_a_dash_of_the_office_is_written_over_and_another_mark_of_theirs_is_not(service: Service) -> None:
    world = service.world
    await world.change(custom_codes=[{"code": "-", "description": "No mark recorded", "type": "VOID"}])
    await service.syncer.sync_school("hillside")
    records = await records_of(service)
    dashed, ill, blank = (record["student_id"] for record in records)
    office = [{**records[0], "code": "-"}, {**records[1], "code": "I"}]
    await world.order("schools/{school}/marks", marks=office)

    writeback_id = await service.post(records)
    await service.serve()
    await world.advance()
    await service.settle()

    found = await service.show(writeback_id)
    assert found.status == "confirmed"
    was_left = [any(one.code == "left_as_it_was" for one in record.findings) for record in found.records]
    assert was_left == [False, True, False]
    held = await world.marks(service.kind.removeprefix("attendance."))
    assert (held[dashed], held[ill], held[blank]) == ("L", "I", "L")
