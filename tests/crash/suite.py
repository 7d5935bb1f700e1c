"""Runs crash tests side by side: most of their time is waiting for leases and patience to run out."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import redis.asyncio
from sqlalchemy.engine import make_url

from tests import long_run
from tests.crash import processes
from tests.crash.cases import Case, run
from tests.crash.rig import Rig, Sandbox, make_rig, quick_settings
from writeback.core.clock import SystemClock
from writeback.core.loggable_errors import class_of, place_of
from writeback.queue.embedded import EmbeddedRedis
from writeback.sandbox.testing import until
from writeback.store.sql import migrate
from writeback.wiring import open_services

_AT_ONCE = 6
_QUEUES = 16
"""A Redis server has so many databases; each case has a queue of its own."""


@dataclass
class Suite:
    """What the cases share: the sandbox, a Redis server, and a migrated database to copy."""

    folder: Path
    sandbox: Sandbox
    redis_url: str
    template: Path
    day: str
    postgres: Callable[[], tuple[str, str]]
    queues: "asyncio.Queue[int]" = field(default_factory=asyncio.Queue)
    _numbers: "count[int]" = field(default_factory=count)
    _copying: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run_all(self, cases: Iterable[Case]) -> dict[Case, list[str]]:
        """Return what went wrong in each case; of those that a long run had no time for, LEFT_OUT."""
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(case: Case) -> tuple[Case, list[str]]:
            async with gate:
                if long_run.is_over():
                    return case, [long_run.LEFT_OUT]
                try:
                    return case, await self.run(case)
                except Exception as error:
                    return case, [f"{class_of(error)} at {place_of(error)}: {error}"]

        return dict(await asyncio.gather(*(one(case) for case in cases)))

    async def run(self, case: Case) -> list[str]:
        """Return what went wrong in one case."""
        async with self.rig(case.provider, case.database, **case.scene.settings) as rig:
            found = await run(case, rig)
            return found and [*found, *(f"see {one.log}" for one in rig.running)]

    @asynccontextmanager
    async def rig(self, provider: str, database: str = "sqlite", **more: Any) -> AsyncIterator[Rig]:
        """Give a world of its own, and end its processes."""
        number = next(self._numbers)
        folder = self.folder / f"case-{number}"
        folder.mkdir()
        queue = await self.queues.get()
        url = f"{self.redis_url}?db={queue}" if self.redis_url.startswith("unix:") else f"{self.redis_url}/{queue}"
        async with redis.asyncio.Redis.from_url(url) as client:
            await client.flushdb()
        settings = quick_settings(
            **{
                "data_dir": folder,
                "database_url": await self._database(database, folder, number),
                "redis_url": url,
                "api": {"port": free_port(), "key_cache_s": 0.0},
                **more,
            }
        )
        try:
            async with open_services(settings) as services:
                rig = await make_rig(folder, self.sandbox, settings, services, provider=provider, day=self.day)
                try:
                    yield rig
                finally:
                    processes.end_all(rig.running)
        finally:
            self.queues.put_nowait(queue)

    async def _database(self, database: str, folder: Path, number: int) -> str:
        """Return the URL of a migrated database of the case's own."""
        if database == "sqlite":
            shutil.copy(self.template, folder / "writeback.db")
            return f"sqlite+aiosqlite:///{folder / 'writeback.db'}"
        server, template = self.postgres()
        async with self._copying:  # a template can be copied by one at a time
            connection = await asyncpg.connect(server)
            await connection.execute(f"CREATE DATABASE crash_{number} TEMPLATE {template} STRATEGY FILE_COPY")
            await connection.close()
        return make_url(server).set(database=f"crash_{number}").render_as_string(hide_password=False)


@asynccontextmanager
async def suite(folder: Path, postgres: Callable[[], tuple[str, str]]) -> AsyncIterator[Suite]:
    """Start what the cases share. `postgres` gives the URL of a server and the name of a migrated database there."""
    template = folder / "template.db"
    await migrate.upgrade(f"sqlite:///{template}")
    port = free_port()
    server = processes.start("sandbox", quick_settings(sandbox={"port": port}), folder / "sandbox.log")
    embedded = EmbeddedRedis(folder / "redis")
    redis_url = await embedded.start()
    try:
        async with httpx.AsyncClient(timeout=10.0, trust_env=False) as http:
            made = Suite(
                folder, Sandbox(f"http://127.0.0.1:{port}", http), redis_url, template, _last_weekday(), postgres
            )
            for queue in range(_QUEUES):
                made.queues.put_nowait(queue)
            await until(lambda: _listens(port), within_s=30.0)
            yield made
    finally:
        server.kill()
        await embedded.stop()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _last_weekday() -> str:
    day = SystemClock().now().date() - timedelta(days=1)
    while day.weekday() > 4:
        day -= timedelta(days=1)
    return day.isoformat()
