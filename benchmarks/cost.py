"""What a register costs: CPU of every process, SQL, transactions, Redis commands and WAL; and how fast a burst is done.

Simulated schools, each register a request of its own to the provider, as on a real morning. PostgreSQL, Redis, the
sandbox, API and workers are real processes; CPU is the operating system's account, the rest the servers' own.
"""

import argparse
import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import servers
from benchmarks.accounts import Accounts, Usage
from benchmarks.simulated_schools import Registers, register, seed
from benchmarks.stack import child, environment, free_port, settings_of, temporary_directory
from writeback.store.sql import migrate

_SCHOOLS, _PACES, _WORKERS, _SECONDS = 200, ("12", "50"), (1, 3), 15.0
_WARM_UP_S, _IDLE_S = 4.0, 6.0
_BURST, _SQLITE = "burst", "sqlite"
_BURST_EACH = 4
"""Registers of each school."""
_DATABASE, _PROVIDER = "writeback", "sandbox"


def options() -> argparse.ArgumentParser:
    """Return what can be chosen; without any of it all is measured."""
    parser = argparse.ArgumentParser(prog="make bench ARGS='cost …'", description=(__doc__ or "").partition("\n")[0])
    add = parser.add_argument
    rounds = "paces in registers a second, e.g. 12 50; burst; sqlite, which is a burst on SQLite"
    add("--only", nargs="+", default=[*_PACES, _BURST, _SQLITE], type=_round, metavar="ROUND", help=rounds)
    add("--workers", nargs="+", type=int, default=list(_WORKERS), help="how many workers, e.g. 1 3")
    add("--seconds", type=float, default=_SECONDS, help="how long each pace is kept up")
    add("--schools", type=int, default=_SCHOOLS)
    add("--pooler", action="store_true", help="PostgreSQL by way of PgBouncer in its transaction mode")
    add("--json", action="store_true", help="one JSON object a line")
    return parser


def _round(given: str) -> str:
    if given not in (_BURST, _SQLITE) and not given.isdigit():
        raise argparse.ArgumentTypeError(f"{given!r} is no round: give a pace such as 12, {_BURST} or {_SQLITE}")
    return given


@dataclass(frozen=True)
class Cost:
    """What a register costs at a pace."""

    pace: int
    workers: int
    registers: int
    each: Usage
    """What was used while registers came, by the register."""
    idle: Usage
    """What of that would have been used without any."""

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of all processes but the provider."""
        return 1_000 * sum(cpu_s for name, cpu_s in self.each.cpu_s.items() if name != _PROVIDER)

    def text(self) -> str:
        ms = "  ".join(f"{name} {1_000 * cpu_s:.1f}" for name, cpu_s in self.each.cpu_s.items())
        idle_ms = 1_000 * sum(cpu_s for name, cpu_s in self.idle.cpu_s.items() if name != _PROVIDER)
        sql = "no pg_stat_statements here, " if self.each.statements is None else f"{self.each.statements:.1f} SQL, "
        return (
            f"Cost of a register, PostgreSQL, {self.pace}/s, {_workers(self.workers)}, {self.registers} registers\n"
            f"  CPU {self.cpu_ms:.1f} ms without the provider, {idle_ms:.1f} of it idle:  {ms}\n"
            f"  {sql}{self.each.transactions:.1f} transactions, {self.each.redis_commands:.1f} Redis commands, "
            f"{self.each.wal_bytes / 1_000:.1f} KB of WAL\n"
        )


@dataclass(frozen=True)
class Burst:
    """How fast many registers were accepted, and confirmed."""

    database: str
    workers: int
    registers: int
    accepted_s: float
    confirmed_s: float

    @property
    def per_s(self) -> float:
        return self.registers / self.confirmed_s

    def text(self) -> str:
        return (
            f"Burst of {self.registers} registers, {self.database}, {_workers(self.workers)}: accepted in "
            f"{self.accepted_s:.1f} s, confirmed after {self.confirmed_s:.1f} s: "
            f"{self.per_s:.0f}/s\n"
        )


@dataclass(frozen=True)
class Ratio:
    """What a register costs with several workers, where it costs 1 with the fewest."""

    pace: int
    workers: int
    of: int
    ratio: float

    def text(self) -> str:
        return f"At {self.pace}/s {_workers(self.workers)} cost {self.ratio:.2f} times the CPU of {self.of}\n"


def _workers(count: int) -> str:
    return f"{count} worker" if count == 1 else f"{count} workers"


async def run(arguments: Sequence[str] = ()) -> AsyncIterator[str]:
    """Yield the figures as text, or as lines of JSON."""
    chosen = options().parse_args(arguments)
    costs: list[Cost] = []
    async for found in _measured(chosen):
        yield _said(found, as_json=chosen.json)
        if isinstance(found, Cost):
            costs.append(found)
            least = min((one for one in costs if one.pace == found.pace), key=lambda one: one.workers)
            if least is not found:
                ratio = Ratio(found.pace, found.workers, least.workers, found.cpu_ms / least.cpu_ms)
                yield _said(ratio, as_json=chosen.json)


def _said(found: Cost | Burst | Ratio, *, as_json: bool) -> str:
    if not as_json:
        return found.text()
    derived = {name: getattr(found, name) for name in ("cpu_ms", "per_s") if hasattr(found, name)}
    return json.dumps({"what": type(found).__name__.lower(), **asdict(found), **derived})


async def _measured(chosen: argparse.Namespace) -> AsyncIterator[Cost | Burst]:
    with temporary_directory() as folder, ExitStack() as stack:
        sandbox_port = free_port()
        variables = environment(folder, free_port(), WRITEBACK_SANDBOX__PORT=str(sandbox_port))
        sandbox = f"http://127.0.0.1:{sandbox_port}"
        ready_url = f"{sandbox}/_sandbox/health"
        provider = stack.enter_context(child("-m", "writeback", "sandbox", environment=variables, ready_url=ready_url))
        schools = await seed(sandbox, chosen.schools)
        round_ = _Rounds(variables, sandbox, schools, provider.pid, chosen.seconds)
        of_postgresql = [one for one in chosen.only if one != _SQLITE]
        if of_postgresql:
            async for found in round_.on_postgresql(folder, of_postgresql, chosen.workers, by_pooler=chosen.pooler):
                yield found
        if _SQLITE in chosen.only:
            async for burst in round_.on_sqlite(chosen.workers):
                yield burst


@dataclass
class _Rounds:
    """Starts what each round needs, and measures it."""

    variables: Mapping[str, str]
    sandbox: str
    schools: Sequence[Mapping[str, Any]]
    provider: int
    seconds: float

    async def on_postgresql(
        self, folder: Path, rounds: Sequence[str], workers: Sequence[int], *, by_pooler: bool
    ) -> AsyncIterator[Cost | Burst]:
        with ExitStack() as stack:
            postgresql = stack.enter_context(servers.postgresql_server())
            redis = stack.enter_context(servers.redis_server(folder))
            url = await servers.create_database(postgresql, _DATABASE)
            variables = {**self.variables, "WRITEBACK_DATABASE_URL": url, "WRITEBACK_REDIS_URL": redis.url}
            of_servers = {"PostgreSQL": [postgresql.pid], "Redis": [redis.pid], _PROVIDER: [self.provider]}
            if by_pooler:
                pooler = stack.enter_context(servers.pooler(url))
                variables |= {"WRITEBACK_DATABASE_URL": pooler.url, "WRITEBACK_DATABASE_POOLER": "transaction"}
                of_servers["PgBouncer"] = [pooler.pid]
            await migrate.upgrade(url)  # past the pooler, whose mode does not suit it
            registers = await self._registers(variables)
            for count in workers:
                with _service(variables, count) as pids:
                    accounts = Accounts({**pids, **of_servers}, postgresql, _DATABASE, redis)
                    idle = await self._idle(registers, accounts)
                    for one in rounds:
                        yield (
                            await _burst("PostgreSQL", count, registers)
                            if one == _BURST
                            else await self._cost(int(one), count, registers, accounts, idle)
                        )

    async def on_sqlite(self, workers: Sequence[int]) -> AsyncIterator[Burst]:
        await migrate.upgrade(settings_of(dict(self.variables)).effective_database_url)
        registers = await self._registers(self.variables)
        for count in workers:
            with _service(self.variables, count):
                await self._warm_up(registers)
                yield await _burst("SQLite", count, registers)

    async def _registers(self, variables: Mapping[str, str]) -> Registers:
        key = await register(settings_of(dict(variables)), self.schools, self.sandbox)
        return Registers(f"http://127.0.0.1:{variables['WRITEBACK_API__PORT']}", key, self.schools)

    async def _warm_up(self, registers: Registers) -> None:
        await registers.at_pace(len(self.schools) / _WARM_UP_S, _WARM_UP_S)
        await registers.settled()

    async def _idle(self, registers: Registers, accounts: Accounts) -> Usage:
        """Return what a second costs in which nothing is asked."""
        await self._warm_up(registers)
        await asyncio.sleep(_WARM_UP_S)
        before = await accounts.read()
        await asyncio.sleep(_IDLE_S)
        idle = await accounts.read() - before
        await self._warm_up(registers)  # the lists may have been synced: each process has read each school
        return idle.times(1 / idle.seconds)

    async def _cost(self, pace: int, workers: int, registers: Registers, accounts: Accounts, idle: Usage) -> Cost:
        before = await accounts.read()
        count = await registers.at_pace(pace, self.seconds)
        await registers.settled()
        used = await accounts.read() - before
        while_they_came = used - idle.times(used.seconds - self.seconds)
        return Cost(pace, workers, count, while_they_came.times(1 / count), idle.times(self.seconds / count))


async def _burst(database: str, workers: int, registers: Registers) -> Burst:
    count, started = _BURST_EACH * len(registers.schools), time.perf_counter()
    await registers.at_once(count)
    accepted_s = time.perf_counter() - started
    await registers.settled()
    return Burst(database, workers, count, accepted_s, time.perf_counter() - started)


@contextmanager
def _service(variables: Mapping[str, str], workers: int) -> Iterator[Mapping[str, Sequence[int]]]:
    """Run an API and so many workers; give the ids of their processes."""
    given = dict(variables)
    url = f"http://127.0.0.1:{given['WRITEBACK_API__PORT']}"
    with ExitStack() as stack:
        api = stack.enter_context(
            child("-m", "writeback", "api", environment=given, ready_url=f"{url}/healthz"),
        )
        started = [
            stack.enter_context(child("-m", "writeback", "worker", environment=given, ready_url=None))
            for _ in range(workers)
        ]
        yield {"API": [api.pid], "worker": [one.pid for one in started]}
