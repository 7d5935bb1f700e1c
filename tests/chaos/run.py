"""One run from its start to its verdict."""

import asyncio
import os
import random
import signal
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import httpx
from sqlalchemy.exc import SQLAlchemyError

from tests.chaos.books import count_settled, count_unsettled, longest_wait_s, read_books, read_lists
from tests.chaos.client import Clients
from tests.chaos.options import RETRY_AFTER_CAP_S, SETTINGS, Options
from tests.chaos.processes import Stack, free_port
from tests.chaos.report import Screen
from tests.chaos.servers import Database as DatabaseServer
from tests.chaos.servers import RedisServer, create_database
from tests.chaos.trouble import Troubles
from tests.chaos.truth import look
from tests.chaos.verdict import Figure, Result, Verdict
from tests.chaos.workload import OFFICE_FIRST, Workload
from tests.chaos.world import Control, World, make_schools
from tests.secret_key import SECRET_KEY
from writeback.core.clock import SystemClock
from writeback.core.settings import Settings
from writeback.store.sql.database import Database

_APIS = 2
_SLOWER = 4
"""By how much what is sent beyond the number that was asked for goes slower."""
_LONGER_S = 180.0
"""For how long more is sent while some misbehaviour has met nothing."""
_LOOK_EVERY_S = 0.5
_IN_THE_END_S = 3.0
"""How long nothing more may happen before the books are compared."""
_CLOCKS_S = 1.0
"""By how much what is read may be older than the clock."""


async def run(options: Options, screen: Screen) -> Result:
    """Return the figures of a run."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)  # what was started is ended
    with _folder() as name:
        return await _Run(options, screen, Path(name)).run()


class _Run:
    def __init__(self, options: Options, screen: Screen, folder: Path) -> None:
        self.options, self.screen, self.folder = options, screen, folder
        self.clock = SystemClock()
        self.result = Result(options.seed)
        self.longest_wait_s = 0.0
        self.api_ports, self.sandbox_port = [free_port() for _ in range(_APIS)], free_port()

    async def run(self) -> Result:
        redis, database = RedisServer(self.folder), create_database(self.options.database, self.folder)
        stack = Stack(self.folder)
        try:
            self.screen.doing("starting")
            await database.start()
            await redis.start()
            await self._start_sandbox(stack, redis, database)
            async with httpx.AsyncClient(base_url=self._sandbox_url, timeout=60.0, trust_env=False) as http:
                settings = _settings(self._variables(redis, database, 0))
                world = await make_schools(Control(http), settings, self.options.schools)
                await _fill_by_office(world)
                await self._start_services(stack, redis, database)
                troubles = Troubles(self.options, world, stack, redis, database, self._api_urls)
                await self._put_to_the_test(world, troubles, stack, database)
        finally:
            await stack.end()
            redis.kill()
            await database.end()
        return self.result

    async def _put_to_the_test(self, world: World, troubles: Troubles, stack: Stack, database: DatabaseServer) -> None:
        clients = Clients(self._api_urls, world.key, random.Random(f"{self.options.seed} clients"))
        began = self.clock.monotonic()
        async with _opened(database) as db:
            async with db.read() as session:
                lists_before = await read_lists(session)
            await troubles.start_standing_faults()
            troubles.start()
            watch = asyncio.create_task(self._watch_waits(db), name="waits")
            try:
                await self._send_all(world, clients, troubles)
                accepted_s = self.clock.monotonic() - began
            finally:
                self.screen.doing("faults end")
                await troubles.stop()
            drained_s = await self._drain(db)
            watch.cancel()
            settled_s = self.clock.monotonic() - began
            await asyncio.sleep(_IN_THE_END_S)
            self.screen.doing("comparing")
            books, truths = await read_books(db), await look(world)
        Verdict(books, truths, clients.accepted, lists_before).judge(self.result)
        refused = [f"{ref}: {said}" for ref, said in clients.refused.items()]
        self.result.none_of("refused by the API", refused)
        self._judge_waits()
        self.result.none_of("misbehaviours that met nobody", troubles.missing)
        self.result.none_of("one key answered with two ids", clients.contradicted)
        counts = self.result.counts
        counts["clients were answered"] = clients.answers
        counts["troubles"] = troubles.done
        counts["provider faults that struck"] = troubles.struck
        counts["starts of processes"] = Counter({name: child.starts for name, child in stack.children.items()})
        counts["seconds"] = {"accepting": round(accepted_s), "draining": round(drained_s), "all": round(settled_s)}
        counts["throughput"] = {
            "writebacks a second": round(len(books.rows) / settled_s),
            "records a second": round(len(books.records) / settled_s),
        }

    async def _send_all(self, world: World, clients: Clients, troubles: Troubles) -> None:
        """Send what was asked for, and more, for a while, until every misbehaviour has met something.

        More goes slower: what is missing needs time, and not much that it could meet.
        """
        workload = Workload(list(world.schools.values()), random.Random(self.options.seed))
        plans, sent = workload.plans(), 0
        interval, next_at = 1 / self.options.per_s, self.clock.monotonic()
        limits = httpx.Limits(max_connections=2 * self.options.clients)
        self.screen.doing("sending")

        async def send_some(http: httpx.AsyncClient) -> None:
            nonlocal sent, next_at
            for plan in plans:
                if sent >= self.options.count:
                    troubles.sent_all_at = troubles.sent_all_at or self.clock.monotonic()
                    if not troubles.missing or self.clock.monotonic() - troubles.sent_all_at > _LONGER_S:
                        return
                slower = 1 if troubles.sent_all_at is None else _SLOWER
                next_at = max(next_at, self.clock.monotonic() - 1.0) + interval * slower
                await asyncio.sleep(max(0.0, next_at - self.clock.monotonic()))
                await clients.send(http, plan)
                sent += 1
                self.screen.sent(sent)

        async with httpx.AsyncClient(limits=limits, trust_env=False) as http:
            await asyncio.gather(*(send_some(http) for _ in range(self.options.clients)))

    async def _drain(self, db: Database) -> float:
        """Wait until nothing waits any more, or nothing has settled for `drain_s`; return how long that took."""
        self.screen.doing("draining")
        began = moved_at = self.clock.monotonic()
        settled = -1
        while self.clock.monotonic() - moved_at < self.options.drain_s:
            before, settled = settled, await count_settled(db)
            self.screen.settled(settled)
            if settled != before:
                moved_at = self.clock.monotonic()
            if not await count_unsettled(db):
                break
            await asyncio.sleep(_LOOK_EVERY_S)
        return self.clock.monotonic() - began

    async def _watch_waits(self, db: Database) -> None:
        """Note, as long as it runs, for how long a provider's answer makes us wait."""
        while True:
            with suppress(SQLAlchemyError, OSError):  # the database may be down
                self.longest_wait_s = max(self.longest_wait_s, await longest_wait_s(db, self.clock.now()))
            await asyncio.sleep(_LOOK_EVERY_S)

    def _judge_waits(self) -> None:
        answer, most = round(self.longest_wait_s, 1), RETRY_AFTER_CAP_S
        is_right = answer <= most + _CLOCKS_S
        self.result.figures.append(Figure("seconds a school was left alone for", answer, f"<= {most:g}", is_right))

    async def _start_sandbox(self, stack: Stack, redis: RedisServer, database: DatabaseServer) -> None:
        url = f"{self._sandbox_url}/_sandbox/health"
        await stack.add("sandbox", "sandbox", variables=self._variables(redis, database, 0), health_url=url)

    async def _start_services(self, stack: Stack, redis: RedisServer, database: DatabaseServer) -> None:
        starting = [
            stack.add(
                f"api{number}", "api", variables=self._variables(redis, database, number), health_url=f"{url}/healthz"
            )
            for number, url in enumerate(self._api_urls)
        ]
        starting += [
            stack.add(
                f"worker{number}",
                "worker",
                variables=self._variables(redis, database, number),
                ready_mark=b"worker_started",
            )
            for number in range(self.options.workers)
        ]
        await asyncio.gather(*starting)

    @property
    def _sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}"

    @property
    def _api_urls(self) -> list[str]:
        return [f"http://127.0.0.1:{port}" for port in self.api_ports]

    def _variables(self, redis: RedisServer, database: DatabaseServer, number: int) -> Mapping[str, str]:
        """Return the settings of one process; callbacks go now to one API, now to the other."""
        port = self.api_ports[number % _APIS]
        own = {
            "DATA_DIR": str(self.folder),
            "DATABASE_URL": database.url,
            "REDIS_URL": redis.url,
            "SECRET_KEY": SECRET_KEY,
            "PUBLIC_URL": f"http://127.0.0.1:{port}",
            "API__PORT": str(port),
            "SANDBOX__PORT": str(self.sandbox_port),
        }
        return {f"WRITEBACK_{name}": value for name, value in {**SETTINGS, **own}.items()}


@contextmanager
def _folder() -> Iterator[str]:
    """Give a directory that is gone afterwards; with WRITEBACK_CHAOS_KEEP set it stays, with the logs."""
    if os.environ.get("WRITEBACK_CHAOS_KEEP"):
        yield tempfile.mkdtemp(prefix="writeback-chaos-")
        return
    with tempfile.TemporaryDirectory(prefix="writeback-chaos-") as name:
        yield name


def _settings(variables: Mapping[str, str]) -> Settings:
    """Return the settings that a process with these variables has."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        return Settings()
    finally:
        os.environ.clear()
        os.environ.update(before)


async def _fill_by_office(world: World) -> None:
    """Have the office fill the slots that only `only_if_blank` marks are sent for."""
    for school in world.schools.values():
        marks = [
            {"student_id": pupil, "date": day.isoformat(), "session": session, "code": "D"}
            for register in school.registers
            for pupil in register["student_ids"][-OFFICE_FIRST:]
            for day in school.days
            for session in ("AM", "PM")
        ]
        await world.control.post(f"schools/{school.provider_school_id}/marks", marks=marks)


@asynccontextmanager
async def _opened(server: DatabaseServer) -> AsyncIterator[Database]:
    db = Database.open(server.url)
    try:
        yield db
    finally:
        await db.dispose()
