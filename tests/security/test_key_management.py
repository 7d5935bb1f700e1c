"""Who is limited cannot make, turn or end what is not; and made-up keys fill nothing up."""

from collections.abc import AsyncIterator

import pytest

from writeback.core.clock import FakeClock
from writeback.core.errors import Unauthenticated
from writeback.domain.access import Scope
from writeback.domain.staff import Permission, Person, Role
from writeback.flow.people.keys import Keys
from writeback.store.sql.database import Database


@pytest.fixture
async def database(sqlite_url: str) -> AsyncIterator[Database]:
    db = Database.open(sqlite_url)
    yield db
    await db.dispose()


@pytest.mark.parametrize("role", list(Role))
def test_staff_of_some_schools_manage_nothing_that_all_schools_share(role: Role) -> None:
    assert not Person("stf_1", "ann", role, frozenset({"hillside"})).may(Permission.MANAGE)


async def test_made_up_keys_push_no_good_one_out_and_are_forgotten_themselves(
    database: Database, fake_clock: FakeClock
) -> None:
    keys = Keys(database, fake_clock, cache_s=60)
    good = (await keys.create("Registers", "", [Scope.READ])).key
    await keys.authenticate(good)

    for number in range(1_100):
        with pytest.raises(Unauthenticated):
            await keys.authenticate(f"wbk_{number:043}")

    assert len(keys._bad._entries) <= 1_000
    assert len(keys._good._entries) == 1
    await keys.aclose()
