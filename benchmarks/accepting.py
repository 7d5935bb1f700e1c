"""Registers of 30 marks accepted a second through the real API, beside a bare endpoint that only parses them."""

import statistics
from collections.abc import AsyncIterator

from benchmarks.load import Result, hammer
from benchmarks.stack import (
    CLASSES,
    child,
    environment,
    free_port,
    postgresql,
    prepare,
    register,
    school_day,
    settings_of,
    temporary_directory,
)

_WARM_UP, _COUNT, _ROUNDS = 400, 3_000, 5
_CONNECTIONS = (16, 64)


async def run() -> AsyncIterator[str]:
    """Yield the figures on SQLite, for each number of connections."""
    for connections in _CONNECTIONS:
        yield await _compare("SQLite", connections)


async def run_on_postgresql() -> AsyncIterator[str]:
    """Yield the figures on PostgreSQL; each time on a new server."""
    for connections in _CONNECTIONS:
        with temporary_directory() as folder, postgresql(folder) as url:
            yield await _compare("PostgreSQL", connections, url)


async def _compare(database: str, connections: int, database_url: str | None = None) -> str:
    title = f"Accepting registers of 30 marks, {database}, {connections} connections"
    return _report(title, *await _rounds(connections, database_url))


async def _rounds(connections: int, database_url: str | None) -> tuple[list[Result], list[Result]]:
    """Return the rounds of our API and those of the bare endpoint, measured in turn over so many connections."""
    ours: list[Result] = []
    bare: list[Result] = []
    with temporary_directory() as folder:
        port, bare_port = free_port(), free_port()
        more = {"WRITEBACK_DATABASE_URL": database_url} if database_url else {}
        variables = environment(folder, port, **more)
        key = await prepare(settings_of(variables), base_url="http://127.0.0.1:9")
        url, bare_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{bare_port}"
        path, headers = "/v1/schools/bench/writebacks", f"Authorization: Bearer {key}\r\n"
        with (
            child("-m", "writeback", "api", environment=variables, ready_url=f"{url}/healthz"),
            child("-m", "benchmarks.bare", str(bare_port), environment={}, ready_url=f"{bare_url}/docs"),
        ):
            day = school_day()  # nobody takes registers of long ago, which would be remarked upon
            bodies = [register(number % CLASSES, day) for number in range(_COUNT)]
            for warm in ((url, path, headers), (bare_url, "/registers", "")):
                await hammer(warm[0], warm[1], bodies.__getitem__, headers=warm[2], count=_WARM_UP)
            for _ in range(_ROUNDS):
                size = {"count": _COUNT, "connections": connections}
                ours.append(await hammer(url, path, bodies.__getitem__, headers=headers, **size))
                bare.append(await hammer(bare_url, "/registers", bodies.__getitem__, **size))
    return ours, bare


def _report(title: str, ours: list[Result], bare: list[Result]) -> str:
    """Return the figures of one database as lines of text."""
    ratio = statistics.median(one.rate / other.rate for one, other in zip(ours, bare, strict=True))
    mine, theirs = _middle(ours), _middle(bare)
    return (
        f"{title}\n"
        f"  accepted (authenticated, validated, durable)  {mine.rate:7.0f}/s   "
        f"p50 {mine.median:5.1f} ms  p99 {mine.percentile(0.99):6.1f} ms\n"
        f"  bare endpoint (parses, keeps nothing)         {theirs.rate:7.0f}/s   "
        f"p50 {theirs.median:5.1f} ms  p99 {theirs.percentile(0.99):6.1f} ms\n"
        f"  ratio                                         {ratio:7.2f}\n"
    )


def _middle(results: list[Result]) -> Result:
    return sorted(results, key=lambda one: one.rate)[len(results) // 2]
