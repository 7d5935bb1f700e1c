"""Callbacks that somebody forges who has a good hook's address: of another request, or of another school.

Xporter's callbacks are not signed: what they say counts as evidence. Who looks after a school's MIS may know its hook.
"""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.integration.flow.conftest import World, world  # noqa: F401 - a fixture
from writeback.core.errors import NotFound
from writeback.flow.engine.hook_urls import account_hook_token, hook_token
from writeback.flow.registry.entries import NewSchool
from writeback.providers.xporter import callbacks

pytestmark = pytest.mark.sqlite_first
_DONE = {"XodCompleted": "True"}


@pytest.fixture
async def of_two_schools(world: World) -> World:  # noqa: F811
    """A request of Hillside that waits for its callback, and a school called Brook whose hook somebody knows."""
    brook = NewSchool("Brook", "wonde", "Bromcom", "A2", {"token": "t"}, id="brook")
    await world.flow.registry.add(brook)

    async def check(account: Any, sent: Any, now: Any) -> Any:
        return callbacks.read_hints(sent)

    world.provider.parse_hook = callbacks.parse_hook  # type: ignore[method-assign]
    world.provider.check = check  # type: ignore[method-assign]
    return world


async def _sent(world: World) -> str:  # noqa: F811
    writeback_id = await world.submit()
    await world.serve()
    return writeback_id


async def _tell(world: World, school: str, said: Mapping[str, str], body: Any = None) -> None:  # noqa: F811
    token = hook_token(world.flow.secrets, "wonde", school)
    await world.hooks.receive("wonde", token, said, b"" if body is None else json.dumps(body).encode())


async def _about(world: World) -> tuple[str, str]:  # noqa: F811
    """Return id and TrackingId of the request that waits: the worst that a forger may know."""
    request = (await world.requests())[-1]
    assert request.provider_ref
    return request.id, request.provider_ref


async def test_an_honest_callback_confirms(of_two_schools: World) -> None:
    writeback_id = await _sent(of_two_schools)
    request_id, tracking_id = await _about(of_two_schools)

    await _tell(of_two_schools, "hillside", {"id": request_id, "trackingid": tracking_id, **_DONE})
    await of_two_schools.confirm()

    assert await of_two_schools.status(writeback_id) == "confirmed"


@pytest.mark.parametrize("by", ["id", "TrackingId", "both"])
@pytest.mark.parametrize("place", ["query", "body"])
async def test_at_another_schools_hook_nothing_confirms(of_two_schools: World, by: str, place: str) -> None:
    writeback_id = await _sent(of_two_schools)
    request_id, tracking_id = await _about(of_two_schools)
    said = {
        **({"id": request_id} if by != "TrackingId" else {}),
        **({"trackingid": tracking_id} if by != "id" else {}),
        **_DONE,
    }

    try:
        if place == "query":
            await _tell(of_two_schools, "brook", said)
        else:
            await _tell(of_two_schools, "brook", {}, said)
    except NotFound:
        assert by != "TrackingId"
    await of_two_schools.confirm()

    assert await of_two_schools.status(writeback_id) == "sent"
    assert not (await of_two_schools.requests())[-1].hints


async def test_at_its_own_hook_one_with_the_tracking_id_of_another_request_confirms_nothing(
    of_two_schools: World,
) -> None:
    writeback_id = await _sent(of_two_schools)
    request_id, tracking_id = await _about(of_two_schools)

    for other in ("", "20260112090000.1", f"{tracking_id}X", "%"):
        await _tell(of_two_schools, "hillside", {"id": request_id, "trackingid": other, **_DONE})
    await of_two_schools.confirm()

    assert await of_two_schools.status(writeback_id) == "sent"


async def test_the_hook_of_the_account_says_nothing_about_single_requests(of_two_schools: World) -> None:
    await _sent(of_two_schools)
    request_id, tracking_id = await _about(of_two_schools)
    token = account_hook_token(of_two_schools.flow.secrets, "wonde")

    with pytest.raises(NotFound):
        await of_two_schools.hooks.receive("wonde", token, {"id": request_id, "trackingid": tracking_id, **_DONE}, b"")
