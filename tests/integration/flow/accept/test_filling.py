"""What a school's settings add to a record before it is validated and kept."""

import json

import pytest

from tests.integration.flow.conftest import CALLER, World, mark, submission
from writeback.core.errors import InvalidSubmission
from writeback.domain.lookups import ListName


def by_nobody(student: str = "A1") -> dict[str, str]:
    """A mark of a register of which nobody says who took it."""
    return {name: value for name, value in mark(student).items() if name != "employee_id"}


async def test_a_supply_teachers_register_goes_under_the_schools_default_and_the_record_says_so(world: World) -> None:
    defaults = {"attendance.session": {"employee_id": "E1"}}
    await world.flow.registry.patch("hillside", {"defaults": defaults})

    writeback_id = await world.submit(by_nobody("A1"), mark("A2"))
    await world.serve()

    assert [one["employee_id"] for one in world.provider.sent[0]] == ["E1", "E1"]
    kept = json.loads((await world.writeback(writeback_id)).records)
    assert kept[0]["employee_id"] == "E1"
    first, second = await world.records(writeback_id)
    assert [one["code"] for one in first["findings"]] == ["default_used"]
    assert not second.get("findings")


async def test_a_default_who_has_left_has_the_register_refused_with_both_said(world: World) -> None:
    await world.flow.registry.patch("hillside", {"defaults": {"attendance.session": {"employee_id": "E1"}}})
    del world.provider.rows[ListName.EMPLOYEES]["E1"]
    world.provider.rows[ListName.EMPLOYEES]["E2"] = {"id": "E2"}
    await world.syncer.sync_school("hillside", full=True)

    with pytest.raises(InvalidSubmission) as refused:
        await world.acceptor.submit(CALLER, "hillside", submission(by_nobody()))

    assert {"default_used", "employee_unknown"} <= {one["code"] for one in refused.value.extra["findings"]}


async def test_a_default_who_is_on_no_list_of_the_school_cannot_be_set(world: World) -> None:
    with pytest.raises(InvalidSubmission) as refused:
        await world.flow.registry.patch("hillside", {"defaults": {"attendance.session": {"employee_id": "E9"}}})

    (finding,) = refused.value.extra["findings"]
    assert (finding["code"], finding["pointer"]) == ("default_not_on_list", "/defaults/attendance.session/employee_id")
    assert "'E9'" in finding["message"]
