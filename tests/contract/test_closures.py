"""Days without pupils, as each provider's diary has them, over real HTTP, against the sandbox."""

from datetime import timedelta

from tests.contract.conftest import World
from writeback.domain.lookups import ListName

DIARY = [("StaffTraining", "INSET day"), ("PublicHoliday", "Bank holiday"), ("SchoolEvent", "School choir")]


async def test_days_without_pupils_are_read_and_what_else_happens_is_not(world: World) -> None:
    days = [world.today + timedelta(days=place) for place in range(len(DIARY))]
    diary = [
        {"first": str(day), "last": str(day), "type": type_, "description": description}
        for day, (type_, description) in zip(days, DIARY, strict=True)
    ]
    closed = world.today + timedelta(days=4)
    await world.change(diary=diary, closed_days=[str(closed)])

    change = await world.provider.fetch(world.account, ListName.CLOSURES, None, world.window)

    assert change.is_full
    found = sorted((row["first"], row["kind"]) for row in change.rows.values())
    last = "closure" if world.name == "wonde" else "holiday"
    assert found == [(str(days[0]), "inset"), (str(days[1]), "holiday"), (str(closed), last)]


async def test_only_the_days_of_the_window_are_asked_for(world: World) -> None:
    _, last = world.window
    beyond = [str(last + timedelta(days=2))]
    await world.change(closed_days=beyond)

    change = await world.provider.fetch(world.account, ListName.CLOSURES, None, world.window)

    assert change.rows == {}
