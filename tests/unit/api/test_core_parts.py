"""Parts of `core` that the API leans on: values remembered for a moment, and ids."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from writeback.core.clock import FakeClock
from writeback.core.ids import new_id
from writeback.core.ttl import TtlCache


class Source:
    """Loads values and counts how often; waits for `gate` where there is one."""

    def __init__(self) -> None:
        self.loads = 0
        self.gate: asyncio.Event | None = None

    async def load(self, key: str) -> str:
        self.loads += 1
        number = self.loads
        if self.gate is not None:
            await self.gate.wait()
        if key == "bad":
            raise LookupError(key)
        return f"{key}{number}"


@pytest.fixture
def cache(fake_clock: FakeClock) -> TtlCache[str, str]:
    return TtlCache(fake_clock, 2.0, max_entries=2)


async def test_a_value_is_kept_for_its_time_and_no_longer(cache: TtlCache[str, str], fake_clock: FakeClock) -> None:
    source = Source()
    assert await cache.get("a", source.load) == "a1"
    fake_clock.advance(timedelta(seconds=1.9))
    assert await cache.get("a", source.load) == "a1"
    fake_clock.advance(timedelta(seconds=0.1))
    assert cache.peek("a") is None
    assert await cache.get("a", source.load) == "a2"


async def test_those_who_ask_at_once_share_one_load(cache: TtlCache[str, str]) -> None:
    source = Source()
    source.gate = asyncio.Event()
    asking = [asyncio.create_task(cache.get("a", source.load)) for _ in range(5)]
    await asyncio.sleep(0)
    source.gate.set()

    assert set(await asyncio.gather(*asking)) == {"a1"}


async def test_one_who_goes_away_does_not_take_the_others_with_it(cache: TtlCache[str, str]) -> None:
    source = Source()
    source.gate = asyncio.Event()
    first, second = (asyncio.create_task(cache.get("a", source.load)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    source.gate.set()

    assert await second == "a1"
    assert first.cancelled()


async def test_what_was_being_loaded_when_it_was_forgotten_is_not_kept(cache: TtlCache[str, str]) -> None:
    source = Source()
    source.gate = asyncio.Event()
    asking = asyncio.create_task(cache.get("a", source.load))
    await asyncio.sleep(0)
    cache.forget("a")
    source.gate.set()

    assert await asking == "a1"
    assert cache.peek("a") is None


async def test_errors_are_raised_and_not_kept(cache: TtlCache[str, str]) -> None:
    source = Source()
    for _ in range(2):
        with pytest.raises(LookupError):
            await cache.get("bad", source.load)

    assert source.loads == 2


async def test_the_oldest_value_makes_room(cache: TtlCache[str, str]) -> None:
    source = Source()
    for key in ("a", "b", "c"):
        await cache.get(key, source.load)

    assert cache.peek("a") is None
    assert (cache.peek("b"), cache.peek("c")) == ("b2", "c3")


def test_ids_sort_by_the_millisecond_and_hold_no_ambiguous_letters() -> None:
    start = datetime(2026, 1, 12, 9, 0, tzinfo=UTC)
    ids = [new_id("wb", start + timedelta(milliseconds=number)) for number in range(200)]

    assert ids == sorted(ids)
    assert len(set(ids)) == 200
    for one in ids:
        prefix, _, rest = one.partition("_")
        assert (prefix, len(rest)) == ("wb", 26)
        assert set(rest) <= set("0123456789abcdefghjkmnpqrstvwxyz")


def test_the_time_in_an_id_is_that_of_its_instant() -> None:
    alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
    instant = datetime(2026, 1, 12, 9, 0, tzinfo=UTC)
    value = 0
    for letter in new_id("wb", instant)[3:13]:
        value = value * 32 + alphabet.index(letter)

    assert value == int(instant.timestamp() * 1000)
