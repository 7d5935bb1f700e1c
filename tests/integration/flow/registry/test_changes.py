"""A process reads a school again only where it has changed, and sees every change within moments."""

from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlmodel import col, update

from tests.integration.flow.conftest import World
from tests.integration.flow.dispatch.test_revalidation import relist
from writeback.domain.lookups import ListName
from writeback.store.tables import SchoolRow

pytestmark = pytest.mark.sqlite_first


@pytest.fixture
def reads(world: World, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that are run."""
    found: list[str] = []
    engine = world.flow.db._engines.reader.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *given: found.append(given[2]))
    return found


async def ask(world: World) -> None:
    world.clock.advance(timedelta(seconds=5))
    await world.flow.registry.school("hillside")
    await world.flow.lookups.view("hillside")


async def test_what_has_not_changed_is_asked_for_once_for_all(world: World, reads: list[str]):
    await ask(world)
    await ask(world)  # what was changed a moment before it was read is read once more
    reads.clear()
    await ask(world)
    assert [one for one in reads if one.startswith("SELECT")] != []
    assert not [one for one in reads if "school.credentials" in one or "lookup.version" in one]


async def test_a_change_by_another_process_is_seen(world: World):
    await ask(world)
    await ask(world)
    async with world.flow.db.write() as session:
        await session.exec(update(SchoolRow).where(col(SchoolRow.id) == "hillside").values(facts={"timezone": "x"}))
    await ask(world)
    assert (await world.flow.registry.school("hillside")).facts == {"timezone": "x"}


async def test_a_list_that_another_process_has_fetched_is_seen(world: World):
    await ask(world)
    await ask(world)
    await relist(world, ListName.STUDENTS, {"A9": {"id": "A9"}})
    await ask(world)
    students = (await world.flow.lookups.view("hillside")).students
    assert students is not None
    assert set(students.rows) == {"A9"}


async def test_after_ten_minutes_it_is_read_in_any_case(world: World, reads: list[str]):
    await ask(world)
    world.clock.advance(timedelta(minutes=11))
    reads.clear()
    await ask(world)
    assert [one for one in reads if "school.credentials" in one]
