"""The schools that a provider lists for our account, beside those that are registered."""

from dataclasses import replace

import pytest

from tests.integration.flow.conftest import World
from tests.secret_key import SECRET_KEY
from writeback.core.errors import BadInput, Conflict, NotFound, Overloaded
from writeback.core.settings import Settings, WondeSettings
from writeback.domain.outcome import Blocked, NotReached
from writeback.domain.school import HoldReason
from writeback.flow.schools.discovery import Discovery
from writeback.providers.base import SchoolListing

pytestmark = pytest.mark.sqlite_first


@pytest.fixture
def discovery(world: World) -> Discovery:
    settings = Settings(secret_key=SECRET_KEY, wonde=WondeSettings(token="account-token"))
    return Discovery(replace(world.flow, settings=settings))


async def test_schools_come_by_name_with_their_ids_here(world: World, discovery: Discovery):
    world.provider.listed = [
        SchoolListing("A2", "riverbank", "SIMS", "https://x"),
        SchoolListing("A1930499544", "Hillside", "", "https://x", allows_writeback=False),
    ]
    found = await discovery.schools("wonde", "approved")
    assert [(one.name, one.school) for one in found] == [("Hillside", "hillside"), ("riverbank", None)]
    assert world.provider.listed_with == ["account-token"]


async def test_without_a_token_of_our_account_nothing_is_asked(world: World):
    with pytest.raises(Conflict) as refused:
        await Discovery(world.flow).schools("wonde", "approved")
    assert refused.value.code == "account_token_missing"
    assert world.provider.listed_with == []


async def test_what_the_provider_says_instead_is_passed_on(world: World, discovery: Discovery):
    world.provider.listed = NotReached("down")
    with pytest.raises(Overloaded):
        await discovery.schools("wonde", "approved")
    world.provider.listed = Blocked(HoldReason.TOKEN_REFUSED, "Wonde refuses the token")
    with pytest.raises(Conflict, match="refuses the token"):
        await discovery.schools("wonde", "approved")


async def test_an_unknown_provider_and_one_that_lists_none_are_told_apart(world: World, discovery: Discovery):
    with pytest.raises(NotFound):
        await discovery.schools("wande", "approved")
    discovery.flow.providers["dumb"] = object()
    with pytest.raises(BadInput):
        await discovery.schools("dumb", "approved")
