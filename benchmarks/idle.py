"""Idle time: from a register's POST to its request at the provider's socket, one register at a time."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

from benchmarks.load import Connection, Result
from benchmarks.stack import (
    child,
    environment,
    free_port,
    prepare,
    register,
    school_day,
    settings_of,
    temporary_directory,
)

_WARM_UP, _COUNT, _PAUSE_S = 20, 200, 0.12
_PAGE = b"\0" * 4_096


class Provider:
    """A provider's socket: notes when each POST arrives, and says that it has taken it."""

    def __init__(self) -> None:
        self.arrived: asyncio.Queue[float] = asyncio.Queue()
        self._number = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                at = time.perf_counter()
                length = head.lower().split(b"content-length:")
                if len(length) > 1:
                    await reader.readexactly(int(length[1].split(b"\r\n")[0]))
                if head.startswith(b"POST"):
                    self.arrived.put_nowait(at)
                self._number += 1
                body = b'{"writeback_id":"A%d"}' % self._number
                if not head.startswith(b"POST"):
                    body = b'{"data":{"status":"SUCCESS"}}'
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
                    % (len(body), body)
                )
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            writer.close()


def _sync_s(path: Path) -> float:
    """Return what the disk takes to make one page durable; a register waits for that at each commit on its way."""
    with path.open("ab", buffering=0) as file:
        file.write(_PAGE)
        started = time.perf_counter()
        os.fsync(file.fileno())
        return time.perf_counter() - started


async def run() -> AsyncIterator[str]:
    """Yield the figures as text."""
    provider, result, disk, day = Provider(), Result(), Result(), school_day()
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
    base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1.0"
    with temporary_directory() as folder:
        port = free_port()
        variables = environment(folder, port)
        key = await prepare(settings_of(variables), base_url=base_url)
        url = f"http://127.0.0.1:{port}"
        with (
            child("-m", "writeback", "api", environment=variables, ready_url=f"{url}/healthz"),
            child("-m", "writeback", "worker", environment=variables, ready_url=None),
        ):
            connection = await Connection(url).open()
            for number in range(_WARM_UP + _COUNT):
                started = time.perf_counter()
                path, headers = "/v1/schools/bench/writebacks", f"Authorization: Bearer {key}\r\n"
                status, answer = await connection.post(path, register(number, day), headers)
                if status != 202:
                    raise RuntimeError(f"{status}: {answer[:300]!r}")
                arrived = await asyncio.wait_for(provider.arrived.get(), 30)
                await asyncio.sleep(_PAUSE_S)
                if number >= _WARM_UP:
                    result.latencies.append(arrived - started)
                    disk.latencies.append(_sync_s(folder / "page"))
            await connection.close()
    server.close()
    yield (
        "Idle time from POST to the provider's socket, one register at a time, SQLite\n"
        f"  all of it                      {_percentiles(result)}\n"
        f"  the disk, to sync one page     {_percentiles(disk)}\n"
    )


def _percentiles(result: Result) -> str:
    return (
        f"p50 {result.median:5.1f} ms   p95 {result.percentile(0.95):5.1f} ms   p99 {result.percentile(0.99):5.1f} ms"
    )
