"""What a school or a provider that hangs costs the others: registers of healthy schools, with and without it.

Both are measured in turn, in the same run and on the same processes, and compared round by round. Only a quiet machine
tells: with others at work on it, two rounds without anything that hangs differ by more than the tenth that is allowed.
"""

import asyncio
import json
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from benchmarks.load import Connection, Result
from benchmarks.stack import (
    child,
    environment,
    free_port,
    register,
    school_day,
    settings_of,
    store_lists,
    temporary_directory,
)
from writeback.domain.access import Scope
from writeback.flow.registry.entries import NewSchool
from writeback.store.sql import migrate
from writeback.wiring import open_services

_HEALTHY, _HANGING = 10, 100
_ROUNDS, _REGISTERS, _EVERY_S = 5, 200, 0.02
_WARM_UP = 60
_IMPATIENT = {
    "WRITEBACK_DISPATCH__REQUEST_TIMEOUT_S": "5",
    "WRITEBACK_DISPATCH__BACKOFF_CAP_S": "2",
    "WRITEBACK_DISPATCH__BREAKER_COOLDOWN_S": "3",
    "WRITEBACK_DISPATCH__BREAKER_COOLDOWN_CAP_S": "3",
}
"""Shorter than in earnest: what hangs times out and comes again all the more often, and a round ends soon."""


@dataclass
class Provider:
    """A provider's socket: answers at once, or never; says when each POST of a school arrives."""

    hangs: frozenset[str] = frozenset()
    """Schools whose requests are accepted and never answered."""
    arrived: dict[str, "asyncio.Queue[float]"] = field(default_factory=dict)
    hung: int = 0
    _number: int = 0

    def of(self, school: str) -> "asyncio.Queue[float]":
        return self.arrived.setdefault(school, asyncio.Queue())

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                at = time.perf_counter()
                length = head.lower().split(b"content-length:")
                if len(length) > 1:
                    await reader.readexactly(int(length[1].split(b"\r\n")[0]))
                school = _school_of(head)
                if school in self.hangs:
                    self.hung += 1
                    await reader.read()  # until the client gives up
                    break
                if head.startswith(b"POST"):
                    self.of(school).put_nowait(at)
                self._number += 1
                body = b'{"writeback_id":"A%d"}' % self._number
                if not head.startswith(b"POST"):
                    body = b'{"data":{"status":"SUCCESS"}}'
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
                    % (len(body), body)
                )
        writer.close()


def _school_of(head: bytes) -> str:
    """Return the school in a path like `/v1.0/schools/A1/attendance/session`."""
    parts = head.split(b" ", 2)[1].decode().split("/")
    return parts[parts.index("schools") + 1] if "schools" in parts else ""


@dataclass
class Measured:
    """One condition: a result for each round."""

    rounds: list[Result] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return statistics.median(one.rate for one in self.rounds)

    def percentile(self, q: float) -> float:
        return statistics.median(one.percentile(q) for one in self.rounds)


async def run() -> AsyncIterator[str]:
    """Yield the figures of each comparison as text."""
    yield await _compare("One school of 11 hangs, the same provider", hanging=1, same_provider=True)
    yield await _compare(f"A whole provider hangs, {_HANGING} schools", hanging=_HANGING, same_provider=False)


async def _compare(title: str, *, hanging: int, same_provider: bool) -> str:
    well, ill = Provider(), Provider()
    servers = [await asyncio.start_server(one.serve, "127.0.0.1", 0) for one in (well, ill)]
    bases = [f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1.0" for server in servers]
    other = well if same_provider else ill
    alone, beside = Measured(), Measured()
    with temporary_directory() as folder:
        port = free_port()
        variables = environment(folder, port, **_IMPATIENT)
        key = await _prepare(variables, bases[0], bases[0] if same_provider else bases[1], hanging)
        url = f"http://127.0.0.1:{port}"
        with (
            child("-m", "writeback", "api", environment=variables, ready_url=f"{url}/healthz"),
            child("-m", "writeback", "worker", environment=variables, ready_url=None),
        ):
            load = _Load(url, key, well)
            await load.healthy(_WARM_UP)
            for _ in range(_ROUNDS):
                # The others submit in both, so that all that differs is whether they are answered.
                for hangs, measured in ((False, alone), (True, beside)):
                    other.hangs = frozenset(f"I{one}" for one in range(hanging)) if hangs else frozenset()
                    await load.submit_to_others(hanging)
                    measured.rounds.append(await load.healthy(_REGISTERS))
                    other.hangs = frozenset()
                    await load.drained()
    for server in servers:
        server.close()
    return _report(title, alone, beside, other.hung)


@dataclass
class _Load:
    url: str
    key: str
    provider: Provider
    _number: int = 0

    @property
    def _headers(self) -> str:
        return f"Authorization: Bearer {self.key}\r\n"

    async def healthy(self, count: int) -> Result:
        """Submit at a steady pace to the healthy schools in turn; measure from the POST to the provider's socket."""
        result, started = Result(), time.perf_counter()
        await asyncio.gather(*(self._school(place, count // _HEALTHY, result) for place in range(_HEALTHY)))
        result.took_s = time.perf_counter() - started
        return result

    async def _school(self, place: int, count: int, result: Result) -> None:
        """Submit one register after the other, each once the one before is at the provider."""
        arrived = self.provider.of(f"H{place}")
        for _ in range(count):
            began = time.perf_counter()
            await self._post(f"h{place}")
            at = await asyncio.wait_for(arrived.get(), 60)
            result.latencies.append(at - began)
            await asyncio.sleep(_EVERY_S)

    async def _post(self, school: str) -> None:
        self._number += 1
        body = register(self._number, school_day())
        connection = await Connection(self.url).open()  # one that waits for long is closed by the API
        status, answer = await connection.post(f"/v1/schools/{school}/writebacks", body, self._headers)
        await connection.close()
        if status != 202:
            raise RuntimeError(f"{status}: {answer[:300]!r}")

    async def submit_to_others(self, count: int) -> None:
        """Give every school that may hang some registers, so that it has something to send."""
        for place in range(count):
            for _ in range(max(1, 20 // count)):
                await self._post(f"i{place}")

    async def drained(self) -> None:
        """Return when nothing waits any more: the next round begins as the first did."""
        connection = await Connection(self.url).open()
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            query = "status=queued,held,sending,sent,unknown&limit=1"  # what was sent is asked about for a while
            _, answer = await connection.get(f"/v1/writebacks?{query}", self._headers)
            if not json.loads(answer)["items"]:
                break
            await asyncio.sleep(0.2)
        await connection.close()


async def _prepare(variables: dict[str, str], well: str, ill: str, hanging: int) -> str:
    settings = settings_of(variables)
    await migrate.upgrade(settings.effective_database_url)
    async with open_services(settings) as services:
        for name, base_url, count in (("h", well, _HEALTHY), ("i", ill, hanging)):
            for place in range(count):
                await services.registry.add(
                    NewSchool(
                        id=f"{name}{place}",
                        name=f"{name}{place}",
                        provider="wonde",
                        mis="Bromcom",
                        provider_school_id=f"{name.upper()}{place}",
                        base_url=base_url,
                        credentials={"token": f"{name}{place}"},
                    )
                )
                await store_lists(services, f"{name}{place}")
        return (await services.keys.create("bench", "bench", [Scope.SUBMIT, Scope.READ])).key


def _report(title: str, alone: Measured, beside: Measured, hung: int) -> str:
    return (
        f"{title}: {_HEALTHY} healthy schools, POST to the provider's socket, SQLite\n"
        f"  while it answers                              {alone.rate:7.0f}/s   "
        f"p50 {alone.percentile(0.5):5.1f} ms  p99 {alone.percentile(0.99):6.1f} ms\n"
        f"  while it hangs ({hung:4} requests hung)           {beside.rate:7.0f}/s   "
        f"p50 {beside.percentile(0.5):5.1f} ms  p99 {beside.percentile(0.99):6.1f} ms\n"
        f"  {_ratios('throughput', [b.rate / a.rate for a, b in _pairs(alone, beside)])}"
        f"  {_ratios('median latency', [b.median / a.median for a, b in _pairs(alone, beside)])}"
    )


def _pairs(alone: Measured, beside: Measured) -> Sequence[tuple[Result, Result]]:
    return list(zip(alone.rounds, beside.rounds, strict=True))


def _ratios(name: str, ratios: Sequence[float]) -> str:
    shown = " ".join(f"{one:.2f}" for one in ratios)
    return f"{name + ', ratio':<45} {statistics.median(ratios):7.2f}   (rounds: {shown})\n"
