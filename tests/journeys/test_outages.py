"""An outage as whoever reads the logs sees it: database, Redis, a provider and a receiver are really taken away.

API and worker are processes of their own, and calls come all the while. What is said of the outage is said once.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.chaos.processes import Stack, free_port
from tests.chaos.servers import PostgresDatabase, RedisServer
from tests.chaos.world import Control, World, make_schools
from tests.secret_key import SECRET_KEY
from writeback.core.settings import Settings

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

_SCHOOLS, _AWAY_S, _EVERY_S = 4, 5.0, 0.05
_IMPATIENT = {
    "WRITEBACK_DISPATCH__BACKOFF_BASE_S": "0.1",
    "WRITEBACK_DISPATCH__BACKOFF_CAP_S": "0.3",
    "WRITEBACK_DISPATCH__BREAKER_COOLDOWN_S": "0.5",
    "WRITEBACK_DISPATCH__BREAKER_COOLDOWN_CAP_S": "1",
    "WRITEBACK_QUEUE__SWEEP_EVERY_S": "0.3",
    "WRITEBACK_WEBHOOKS__ALLOW_HTTP": "true",
    "WRITEBACK_WEBHOOKS__ALLOW_PRIVATE_ADDRESSES": "true",
    "WRITEBACK_WEBHOOKS__RETRY_AFTER_S": "[0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]",
}
"""So that much is tried while something is away."""


@dataclass
class House:
    """What runs, and what it has logged."""

    stack: Stack
    database: PostgresDatabase
    redis: RedisServer
    api: httpx.AsyncClient
    world: World
    _number: int = 0

    async def call(self) -> int:
        """Submit a register and ask for what there is; return the status of the first, 0 where none came."""
        answer = await self._submit()
        return answer.status_code if answer is not None else 0

    async def _submit(self) -> httpx.Response | None:
        schools = list(self.world.schools.values())
        school = schools[self._number % len(schools)]
        self._number += 1
        register = school.registers[self._number % len(school.registers)]
        pupil = register["student_ids"][self._number % len(register["student_ids"])]
        record = {"student_id": pupil, "date": f"{school.days[0]}", "session": "AM", "code": "/"}
        record |= {"employee_id": register["employee_id"]}
        try:
            answer = await self.api.post(
                f"/v1/schools/{school.id}/writebacks", json={"kind": "attendance.session", "records": [record]}
            )
            await self.api.get("/v1/writebacks")
            await self.api.get("/readyz")
        except httpx.TransportError:
            return None
        return answer

    async def calls_for(self, seconds: float) -> Counter[int]:
        """Go on calling for a while; return how often there was which answer."""
        found: Counter[int] = Counter()
        calls: set[asyncio.Task[int]] = set()
        for _ in range(round(seconds / _EVERY_S)):
            calls.add(asyncio.create_task(self.call()))
            await asyncio.sleep(_EVERY_S)
        for call in calls:
            found[await call] += 1
        return found

    async def settled(self) -> None:
        """Return once a register is accepted and has left: API and worker are well, and have said what they had to."""
        async with asyncio.timeout(60):
            while (answer := await self._submit()) is None or answer.status_code != 202:  # noqa: ASYNC110 - in another process
                await asyncio.sleep(0.2)
            path = f"/v1/writebacks/{answer.json()['id']}"
            while (await self.api.get(path)).json()["status"] in ("queued", "sending"):  # noqa: ASYNC110
                await asyncio.sleep(0.2)

    def begin(self) -> dict[str, int]:
        return {name: child.log.stat().st_size for name, child in self.stack.children.items()}

    def troubles(self, since: dict[str, int]) -> list[tuple[str, ...]]:
        """Return the kinds of what is above info in the logs since then: process, event, error, place, of."""
        found = []
        for name in ("api", "worker"):
            text = self.stack.children[name].log.read_bytes()[since[name] :].decode()
            for line in text.splitlines():
                said: dict[str, Any] = json.loads(line)  # no traceback, nothing that is not ours
                if said["level"] != "info":
                    found.append((name, *(str(said.get(part, "")) for part in ("event", "error", "place", "of"))))
        return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("outages")
    stack, database, redis = Stack(folder), PostgresDatabase(folder), RedisServer(folder)
    port, sandbox_port = free_port(), free_port()
    url, sandbox = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{sandbox_port}"
    try:
        await asyncio.gather(database.start(), redis.start())
        variables = {
            "WRITEBACK_DATABASE_URL": database.url,
            "WRITEBACK_REDIS_URL": redis.url,
            "WRITEBACK_DATA_DIR": str(folder / "data"),
            "WRITEBACK_SECRET_KEY": SECRET_KEY,
            "WRITEBACK_API__PORT": str(port),
            "WRITEBACK_SANDBOX__PORT": str(sandbox_port),
            **_IMPATIENT,
        }
        await stack.add("sandbox", "sandbox", variables=variables, health_url=f"{sandbox}/_sandbox/health")
        async with (
            httpx.AsyncClient(base_url=sandbox, timeout=30, trust_env=False) as control,
            httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as api,
        ):
            settings = Settings(
                data_dir=folder / "data",
                database_url=database.url,
                redis_url=redis.url,
                secret_key=variables["WRITEBACK_SECRET_KEY"],
                public_url=url,
            )
            world = await make_schools(Control(control), settings, _SCHOOLS)
            api.headers["authorization"] = f"Bearer {world.key}"
            await stack.add("api", "api", variables=variables, health_url=f"{url}/readyz")
            await stack.add("worker", "worker", variables=variables, ready_mark=b"worker_started")
            yield House(stack, database, redis, api, world)
    finally:
        await stack.end()
        redis.kill()
        await database.end()


Take = Callable[[House], Awaitable[None]]


async def _stop_database(house: House) -> None:
    await house.database.stop()


async def _start_database(house: House) -> None:
    await house.database.restart()


async def _stop_redis(house: House) -> None:
    house.redis.kill()


async def _start_redis(house: House) -> None:
    await house.redis.start()


async def _stop_provider(house: House) -> None:
    await house.stack.children["sandbox"].end()


async def _add_receiver_that_fails(house: House) -> None:
    url = f"http://127.0.0.1:{free_port()}/hook"
    assert (await house.api.post("/v1/webhooks", json={"url": url})).is_success


@pytest.mark.parametrize(
    ("take", "give", "answer", "events"),
    [
        (_stop_redis, _start_redis, 202, {("api", "doorbell_down"), ("worker", "redis_lost")}),
        (_stop_database, _start_database, 503, {("api", "database_unavailable"), ("worker", "sweep_failed")}),
        (_add_receiver_that_fails, None, 202, {("worker", "webhook_failing")}),
        (_stop_provider, None, 202, {("worker", "attempt_not_answered"), ("worker", "breaker_opened")}),
    ],
    ids=["Redis", "database", "receiver", "provider"],
)
async def test_what_is_away_is_said_once_of_each_kind(
    take: Take, give: Take | None, answer: int, events: set[tuple[str, str]], house: House
) -> None:
    await house.settled()
    since = house.begin()

    await take(house)
    answers = await house.calls_for(_AWAY_S)
    if give is not None:
        await give(house)
        await house.settled()

    said = house.troubles(since)
    assert answers[answer] > _AWAY_S / _EVERY_S / 2
    assert [kind for kind, times in Counter(said).items() if times > 1] == []
    # What had failed so a moment before, on a busy machine, was said then: it is not said again within the minute.
    assert events <= {kind[:2] for kind in house.troubles(dict.fromkeys(since, 0))}
    assert len(said) <= 25
