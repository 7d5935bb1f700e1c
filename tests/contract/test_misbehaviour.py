"""What each adapter does with a provider that answers too much, redirects, or leads astray: over real HTTP."""

from typing import Any

import httpx
import pytest

from tests.contract.conftest import World, listening
from writeback.domain.lookups import ListName
from writeback.domain.outcome import NotReached, ReadBack, Uncertain
from writeback.providers.base import LookupFailed

TOO_MUCH = [{"kind": "oversized", "size": 2_000_000}, {"kind": "gzip_bomb", "size": 50_000_000}]
WRITES = {"wonde": "/attendance/session", "xporter": "AttendanceAsync"}
LISTS = {"wonde": "/students", "xporter": "/Students"}


@pytest.fixture
def limited(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The world with answers of at most a megabyte."""
    monkeypatch.setattr(world.client, "max_answer_bytes", 1_000_000)
    return world


@pytest.mark.parametrize("fault", TOO_MUCH, ids=lambda fault: fault["kind"])
async def test_an_answer_too_large_to_a_write_leaves_doubt_and_it_is_found_when_read_back(
    limited: World, fault: dict[str, Any]
) -> None:
    lookups = await limited.lookups()
    await limited.order("faults", **fault, path=WRITES[limited.name], times=1)

    outcome = await limited.send(limited.register(), lookups)

    assert isinstance(outcome, Uncertain)
    assert "larger than 1000000 bytes" in outcome.reason
    await limited.advance()
    assert set((await limited.marks()).values()) == {"/"}


@pytest.mark.parametrize("fault", TOO_MUCH, ids=lambda fault: fault["kind"])
async def test_an_answer_too_large_to_a_question_is_no_answer(limited: World, fault: dict[str, Any]) -> None:
    await limited.order("faults", **fault, path=LISTS[limited.name], method="GET")

    with pytest.raises(LookupFailed, match="larger than 1000000 bytes") as failed:
        await limited.provider.fetch(limited.account, ListName.STUDENTS, None, limited.window)

    assert isinstance(failed.value.outcome, NotReached)


async def test_after_an_answer_too_large_the_next_ones_are_read(limited: World) -> None:
    await limited.order("faults", kind="gzip_bomb", path=LISTS[limited.name], times=1)
    with pytest.raises(LookupFailed):
        await limited.provider.fetch(limited.account, ListName.STUDENTS, None, limited.window)

    change = await limited.provider.fetch(limited.account, ListName.STUDENTS, None, limited.window)

    assert len(change.rows) == 60


async def test_a_redirect_to_another_host_is_followed_by_neither_token_nor_query_and_both_hosts_are_named(
    world: World,
) -> None:
    async with listening() as elsewhere:
        await world.order("faults", kind="redirect", location=f"{elsewhere.url}?x=1", path=LISTS[world.name])

        with pytest.raises(LookupFailed) as failed:
            await world.provider.fetch(world.account, ListName.STUDENTS, None, world.window)

        assert not elsewhere.heard
    there, here = httpx.URL(elsewhere.url), httpx.URL(world.account.base_url)
    assert f"http://127.0.0.1:{here.port} redirects to http://127.0.0.1:{there.port}" in failed.value.detail
    assert isinstance(failed.value.outcome, NotReached)


async def test_a_write_that_is_redirected_elsewhere_was_not_reached(world: World) -> None:
    lookups = await world.lookups()
    async with listening() as elsewhere:
        await world.order("faults", kind="redirect", status=307, location=elsewhere.url, path=WRITES[world.name])

        outcome = await world.send(world.register(), lookups)

        assert not elsewhere.heard
    assert isinstance(outcome, NotReached)
    assert "redirects to" in outcome.reason


@pytest.mark.parametrize("world", ["wonde"], indirect=True)  # Xporter counts its pages
async def test_a_list_with_signed_pages_is_read_to_its_end(world: World) -> None:
    await world.order("faults", kind="next_signed")

    change = await world.provider.fetch(world.account, ListName.STUDENTS, None, world.window)

    assert len(change.rows) == 60


@pytest.mark.parametrize("world", ["wonde"], indirect=True)  # Xporter counts its pages
async def test_a_list_that_goes_on_elsewhere_fails_and_the_host_is_named(world: World) -> None:
    await world.order("faults", kind="next_elsewhere", location="https://wonde.evil.example")

    with pytest.raises(LookupFailed, match=r"wonde\.evil\.example") as failed:
        await world.provider.fetch(world.account, ListName.STUDENTS, None, world.window)

    assert isinstance(failed.value.outcome, NotReached)


async def test_what_is_read_back_too_large_says_nothing(limited: World) -> None:
    lookups = await limited.lookups()
    sent = await limited.take(limited.register(), lookups)
    await limited.advance()
    await limited.order("faults", kind="oversized", size=2_000_000, method="GET", times=1)

    assert isinstance(await limited.provider.read_back(limited.account, sent, lookups), NotReached)
    assert isinstance(await limited.provider.read_back(limited.account, sent, lookups), ReadBack)
