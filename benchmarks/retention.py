"""What it takes to delete the content of 20,000 writebacks, and what registers feel of that, on both databases."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from datetime import timedelta

from benchmarks import trust
from benchmarks.load import Connection, Result
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
from writeback.core.clock import FakeClock, SystemClock
from writeback.wiring import open_services

_WRITEBACKS, _AGE = 20_000, timedelta(days=100)
_ROUND_S, _EVERY_S, _CONNECTIONS = 12.0, 0.05, 4
"""Twenty registers a second: a morning of a large trust."""


async def run() -> AsyncIterator[str]:
    """Yield the figures of SQLite."""
    with temporary_directory() as folder:
        yield await _measured("SQLite", environment(folder, free_port()))


async def run_on_postgresql() -> AsyncIterator[str]:
    """Yield those of PostgreSQL."""
    with temporary_directory() as folder, postgresql(folder) as url:
        yield await _measured("PostgreSQL", environment(folder, free_port(), WRITEBACK_DATABASE_URL=url))


async def _measured(database: str, variables: dict[str, str]) -> str:
    settings = settings_of(variables)
    key = await prepare(settings, base_url="http://127.0.0.1:9")
    async with open_services(settings, clock=FakeClock(SystemClock().now() - _AGE)) as services:
        await trust.fill(services, _WRITEBACKS)
    url = f"http://127.0.0.1:{variables['WRITEBACK_API__PORT']}"
    with child("-m", "writeback", "api", environment=variables, ready_url=f"{url}/healthz"):
        await _post(url, key, 3.0)
        alone = await _post(url, key, _ROUND_S)
        running = asyncio.create_task(_delete(variables))
        beside = await _post(url, key, _ROUND_S)
        done = await running
    deleted = f"{done['deleted'].get('content', 0)} of {_WRITEBACKS} in {done['took_s']:.1f} s beside registers"
    pieces = f"{done['pieces']} pieces, the longest {1_000 * done['longest_s']:.0f} ms"
    return (
        f"Retention of {_WRITEBACKS} writebacks of 30 marks, {database}\n"
        f"  content of {deleted}, {pieces}\n"
        f"  POST of a register, without  p50 {alone.median:5.1f} ms  p95 {alone.percentile(0.95):6.1f} ms\n"
        f"                      beside it p50 {beside.median:5.1f} ms  p95 {beside.percentile(0.95):6.1f} ms\n"
    )


async def _delete(variables: dict[str, str]) -> dict[str, object]:
    """Run it in a process of its own, as a worker would."""
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "writeback", "retention", "run", "--json"),
        env=variables,
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate()
    return {**json.loads(printed), "took_s": time.perf_counter() - began}


async def _post(url: str, key: str, seconds: float) -> Result:
    """Post registers at an even pace."""
    result, day = Result(), school_day()
    waiting: asyncio.Queue[float] = asyncio.Queue()

    async def serve() -> None:
        connection = await Connection(url).open()
        while True:
            due = await waiting.get()
            body = register(len(result.latencies) % CLASSES, day)
            headers = f"Authorization: Bearer {key}\r\n"
            status, _ = await connection.post("/v1/schools/bench/writebacks", body, headers)
            assert status == 202, status
            result.latencies.append(time.perf_counter() - due)
            waiting.task_done()

    servers = [asyncio.create_task(serve()) for _ in range(_CONNECTIONS)]
    begin = time.perf_counter()
    for number in range(int(seconds / _EVERY_S)):
        due = begin + number * _EVERY_S
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        waiting.put_nowait(due)
    await waiting.join()
    result.took_s = time.perf_counter() - begin
    for server in servers:
        server.cancel()
    return result
