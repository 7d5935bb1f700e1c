"""Marks that give way before they are sent: what the app is told whose mark it was."""

from dataclasses import replace

import pytest

from tests.integration.flow.conftest import CALLER, World, mark
from writeback.domain.access import Caller

pytestmark = pytest.mark.sqlite_first

ANOTHER = replace(CALLER, key_id="key_2", app_id="another")


async def superseded_by(world: World, caller: Caller) -> list[str]:
    """Submit a mark and then one of `caller` for its slot; return the texts of what is said of the first."""
    mine = await world.submit(mark("A1", code="/"))
    await world.submit(mark("A1", code="I"), caller=caller)
    await world.serve()
    assert [one["code"] for marks in world.provider.sent for one in marks] == ["I"]
    assert await world.status(mine) == "superseded"
    findings = (await world.records(mine))[0].get("findings", [])
    assert [one["code"] for one in findings] in ([], ["another_apps_mark_stands"])
    return [one["message"] for one in findings]


async def test_an_app_is_told_that_another_apps_mark_took_the_place_of_its_own(world: World):
    (message,) = await superseded_by(world, ANOTHER)
    assert message.startswith("Another app of Hillside")


async def test_it_is_not_told_whose_mark_that_is_or_what_it_says(world: World):
    (message,) = await superseded_by(world, ANOTHER)
    assert not any(told in message for told in (" I", "A1", "key_2"))


async def test_nothing_is_said_of_a_later_mark_of_its_own(world: World):
    assert await superseded_by(world, CALLER) == []


async def test_a_late_mark_is_not_told_the_code_that_another_app_has_sent(world: World):
    await world.submit(mark("A1", code="I", observed_at="2026-01-12T08:55:00Z"), caller=ANOTHER)
    late = await world.submit(mark("A1", code="/", observed_at="2026-01-12T08:50:00Z"))
    await world.serve()

    (finding,) = (await world.records(late))[0]["findings"]
    assert finding["code"] == "later_mark_stands"
    assert "; another app's mark, seen at " in finding["message"]
