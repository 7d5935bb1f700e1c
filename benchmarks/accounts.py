"""What processes, PostgreSQL and Redis have used so far, by the operating system's and their own accounts."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import redis.asyncio

from benchmarks.servers import Server

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PARENT, _USED = 1, slice(11, 15)
"""Fields of /proc/PID/stat after the name: the parent; user and system time, of its own and of children that ended."""
_FLUSHED_AFTER_S = 1.1
"""A PostgreSQL backend tells its statistics at most once a second."""


@dataclass(frozen=True)
class Usage:
    """What was used until an instant, or between two."""

    seconds: float
    cpu_s: Mapping[str, float]
    """CPU seconds by the name of the process; several processes may have one name."""
    statements: float | None
    """None where PostgreSQL does not count them."""
    transactions: float
    wal_bytes: float
    redis_commands: float

    def __sub__(self, other: "Usage") -> "Usage":
        return self._with(other, -1.0)

    def times(self, factor: float) -> "Usage":
        """Return so many times as much of everything."""
        nothing = Usage(0.0, dict.fromkeys(self.cpu_s, 0.0), 0.0, 0.0, 0.0, 0.0)
        return nothing._with(self, factor)

    def _with(self, other: "Usage", factor: float) -> "Usage":
        counted = self.statements is not None and other.statements is not None
        return Usage(
            self.seconds + factor * other.seconds,
            {name: cpu_s + factor * other.cpu_s[name] for name, cpu_s in self.cpu_s.items()},
            (self.statements or 0.0) + factor * (other.statements or 0.0) if counted else None,
            self.transactions + factor * other.transactions,
            self.wal_bytes + factor * other.wal_bytes,
            self.redis_commands + factor * other.redis_commands,
        )


@dataclass(frozen=True)
class Accounts:
    """The processes of a stack, and the servers that count."""

    processes: Mapping[str, Sequence[int]]
    postgresql: Server
    database: str
    redis: Server

    async def read(self) -> Usage:
        """Return what was used until now; it takes PostgreSQL a second to have told all."""
        cpu_s = {name: sum(cpu_of(pid) for pid in pids) for name, pids in self.processes.items()}
        began = time.monotonic()
        connection = await asyncpg.connect(self.postgresql.url)  # of another database: it counts for nothing there
        try:
            wal_bytes = await connection.fetchval("SELECT pg_current_wal_lsn() - '0/0'")
            await connection.execute(f"SELECT pg_sleep({_FLUSHED_AFTER_S})")
            statements = await self._statements(connection)
            transactions = await connection.fetchval(
                "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = $1", self.database
            )
        finally:
            await connection.close()
        return Usage(began, cpu_s, statements, float(transactions), float(wal_bytes), await self._redis_commands())

    async def _statements(self, connection: "asyncpg.Connection[asyncpg.Record]") -> float | None:
        """Return how many there were in the database, BEGIN and COMMIT included."""
        if not self.postgresql.counts_statements:
            return None
        query = """SELECT coalesce(sum(calls), 0) FROM pg_stat_statements
            WHERE dbid = (SELECT oid FROM pg_database WHERE datname = $1)"""
        return float(await connection.fetchval(query, self.database))

    async def _redis_commands(self) -> float:
        async with redis.asyncio.Redis.from_url(self.redis.url) as client:
            return float(sum(one["calls"] for one in (await client.info("commandstats")).values()))


def cpu_of(pid: int) -> float:
    """Return the CPU seconds of a process, of its children that live and of those that have ended."""
    families: dict[int, list[int]] = {}
    used: dict[int, float] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        one = int(path.parent.name)
        families.setdefault(int(fields[_PARENT]), []).append(one)
        used[one] = sum(map(int, fields[_USED])) / _TICKS_PER_S
    total, family = 0.0, [pid]
    while family:
        one = family.pop()
        total += used.get(one, 0.0)
        family += families.get(one, [])
    return total
