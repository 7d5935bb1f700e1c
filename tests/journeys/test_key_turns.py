"""The drill of docs/operating.md, "A new secret key": it takes over process by process while registers come in."""

import asyncio
import json
import os
import socket
import sqlite3
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.journeys.house import House, School, running_house, running_worker
from writeback.core.secret_key import new_key
from writeback.core.settings import Settings
from writeback.sandbox.testing import RunningSandbox, running_sandbox, until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:Call to deprecated close:DeprecationWarning"),  # arq's, of redis
]
OLD, NEW = new_key(), new_key()
DAYS = [f"2026-01-{day}" for day in (12, 13, 14, 15, 16, 19, 20, 21, 22, 23)]


class Registers:
    """Apps that post registers all the while, and try again with the same key where nobody answers."""

    def __init__(self, schools: Sequence[School]) -> None:
        self._schools, self.ids = schools, list[str]()
        self._api: httpx.AsyncClient | None = None

    def through(self, house: House | None) -> None:
        self._api = house.api if house else None

    async def post(self) -> None:
        for number in range(10_000):
            school = self._schools[number % 2]
            pupil = school.pupils[number // 2 % len(school.pupils)]
            mark = {"student_id": pupil, "date": DAYS[number // 2 // len(school.pupils) % len(DAYS)], "session": "AM"}
            body = {
                "kind": "attendance.session",
                "records": [{**mark, "code": "/", "employee_id": school.staff[0]}],
            }
            while not await self._posted(school, body, f"register {number}"):  # noqa: ASYNC110 - a client waits
                await asyncio.sleep(0.05)
            await asyncio.sleep(0.1)

    async def _posted(self, school: School, body: Any, key: str) -> bool:
        if self._api is None:
            return False
        try:
            answer = await self._api.post(
                f"/v1/schools/{school.id}/writebacks", json=body, headers={"Idempotency-Key": key}
            )
        except (httpx.TransportError, RuntimeError):  # it is being restarted
            return False
        assert answer.status_code == 202, answer.text
        self.ids.append(answer.json()["id"])
        return True

    async def come_in(self, more: int) -> None:
        """Return when so many more have been taken."""
        enough = len(self.ids) + more
        await until(lambda: len(self.ids) >= enough, within_s=60)


class Place:
    """Where the service runs, process by process, each with keys of its own."""

    def __init__(self, data_dir: Path, redis_url: str, sandbox: RunningSandbox) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self._port = listener.getsockname()[1]
        self._more: dict[str, Any] = {"data_dir": data_dir, "redis_url": redis_url}
        self._sandbox = sandbox

    @asynccontextmanager
    async def house(self, registers: Registers | None, *keys: str) -> AsyncIterator[House]:
        more = {**self._more, "secret_key": json.dumps(keys), "port": self._port}
        async with running_house(sandbox=self._sandbox, **more) as house:
            if registers:
                registers.through(house)
            yield house
            if registers:
                registers.through(None)

    @asynccontextmanager
    async def worker(self, *keys: str) -> AsyncIterator[None]:
        url = f"http://127.0.0.1:{self._port}"
        async with running_worker(Settings(secret_key=json.dumps(keys), public_url=url, **self._more)):
            yield

    async def reseal(self, *keys: str) -> dict[str, int]:
        """Return how much is sealed with the newest key, with older ones, with none."""
        given = {"WRITEBACK_DATA_DIR": str(self._more["data_dir"]), "WRITEBACK_SECRET_KEY": json.dumps(keys)}
        command = [sys.executable, "-m", "writeback", "secrets", "reseal", "--yes", "--json"]
        running = await asyncio.create_subprocess_exec(*command, env={**os.environ, **given}, stdout=PIPE)
        answer, _ = await running.communicate()
        assert running.returncode == 0, answer
        found = json.loads(answer)["sealed"]
        return {name: sum(one[name] for one in found) for name in ("newest", "older", "unreadable")}


@pytest.fixture
async def place(tmp_path: Path, redis_url: str) -> AsyncIterator[Place]:
    async with running_sandbox() as sandbox:
        yield Place(tmp_path, redis_url, sandbox)


async def takes(house: House, hook_url: str) -> bool:
    """Whether the address is one of ours still."""
    answer = await house.api.post(urlsplit(hook_url).path, json={})
    return answer.status_code != 404  # what it says is looked at only where the address is right


@pytest.mark.timeout(240)
async def test_a_new_secret_key_takes_over_while_registers_come_in(place: Place, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        async with place.house(None, OLD) as house:
            schools = [await house.open_school("wonde", "Bromcom"), await house.open_school("xporter", "SIMS")]
            hook = (await house.ask_api("GET", f"/v1/schools/{schools[0].id}"))["hook_url"]
            await house.ask_api("POST", "/v1/webhooks", {"url": "https://app.example/hook"})
        registers = Registers(schools)
        posting = asyncio.create_task(registers.post())
        stack.callback(posting.cancel)

        async with place.house(registers, OLD):  # as ever
            await registers.come_in(5)
        async with place.house(registers, OLD, NEW), place.worker(OLD):  # step 1, and a worker that comes last
            await registers.come_in(10)
        async with place.house(registers, NEW, OLD) as house, place.worker(OLD, NEW):  # step 2, likewise
            await registers.come_in(10)
            assert await takes(house, hook)
            assert (await house.ask_api("GET", f"/v1/schools/{schools[0].id}"))["hook_url"] != hook

            sealed = await place.reseal(NEW, OLD)  # step 3
            await registers.come_in(10)
            assert sealed == {"newest": 3, "older": 0, "unreadable": 0}
        async with place.house(registers, NEW) as house:  # step 5
            await registers.come_in(10)
            assert not await takes(house, hook)
            posting.cancel()

            ends = [(await house.end_of(one))["status"] for one in registers.ids]

    with closing(sqlite3.connect(tmp_path / "writeback.db")) as db:
        (unlinked,) = db.execute("SELECT count(*) FROM audit WHERE position IS NULL").fetchone()
    assert unlinked == 0, "workers chain what people do"
    assert len(ends) >= 45
    assert set(ends) == {"confirmed"}
