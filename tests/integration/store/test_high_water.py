"""What is remembered of a database beside it: in the data directory, and in a real Redis."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.chaos.processes import free_port
from writeback.store.sql.high_water import HighWater, InDataDir, InRedis, recalled


@pytest.fixture(params=["data dir", "redis"])
async def place(request: pytest.FixtureRequest, tmp_path: Path, redis_url: str) -> AsyncIterator[HighWater]:
    if request.param == "data dir":
        yield InDataDir(tmp_path / "new")
        return
    async with Redis.from_url(redis_url) as redis:
        yield InRedis(redis)


async def test_the_highest_is_kept_for_each_lineage(place: HighWater, tmp_path: Path) -> None:
    await InDataDir(tmp_path / "other host").remember("db_1", 6)
    for lineage, event in (("db_1", 5), ("db_2", 70), ("db_1", 9), ("db_1", 7)):
        await place.remember(lineage, event)

    assert await place.recall() == {"db_1": 9, "db_2": 70}
    assert await recalled([InDataDir(tmp_path / "other host"), place]) == {"db_1": 9, "db_2": 70}


async def test_a_redis_that_is_away_and_a_directory_that_cannot_be_made_tell_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    async with Redis.from_url(f"redis://127.0.0.1:{free_port()}/0", socket_connect_timeout=1.0) as redis:
        for place in (InRedis(redis), InDataDir(tmp_path / "file")):
            await place.remember("db_1", 5)
            assert await place.recall() == {}


async def test_processes_that_write_at_once_leave_a_file_that_can_be_read(tmp_path: Path) -> None:
    await asyncio.gather(*(InDataDir(tmp_path).remember("db_1", event) for event in range(50)))

    assert (await InDataDir(tmp_path).recall())["db_1"] > 0
    assert (tmp_path / "high-water.json").stat().st_mode & 0o077 == 0


async def test_a_file_keeps_the_lineages_used_last(tmp_path: Path) -> None:
    place = InDataDir(tmp_path)
    for number in range(60):
        await place.remember(f"db_{number}", 1)
        await place.remember("db_ours", 8)

    known = await place.recall()
    assert (len(known), known["db_ours"], "db_0" in known) == (50, 8, False)
