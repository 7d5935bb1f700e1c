"""A small HTTP load generator over raw sockets, so that the client takes as little of the machine as it can."""

import asyncio
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Result:
    """What a run measured: seconds a request, and the wall time of all."""

    latencies: list[float] = field(default_factory=list)
    took_s: float = 0.0

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.latencies) / self.took_s

    def percentile(self, q: float) -> float:
        """Milliseconds below which a share `q` of the requests stayed."""
        ordered = sorted(self.latencies)
        return 1_000 * ordered[min(len(ordered) - 1, int(q * len(ordered)))]

    @property
    def median(self) -> float:
        return 1_000 * statistics.median(self.latencies)


class Connection:
    """One HTTP/1.1 connection that is kept alive."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)

    async def open(self) -> "Connection":
        parts = self._parts
        self._reader, self._writer = await asyncio.open_connection(parts.hostname, parts.port)
        return self

    async def post(self, path: str, body: bytes, headers: str) -> tuple[int, bytes]:
        """Send one POST and return status and body."""
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self._parts.netloc}\r\nContent-Type: application/json\r\n"
            f"{headers}Content-Length: {len(body)}\r\n\r\n"
        )
        return await self._exchange(head.encode() + body)

    async def get(self, path: str, headers: str) -> tuple[int, bytes]:
        """Send one GET and return status and body."""
        return await self._exchange(f"GET {path} HTTP/1.1\r\nHost: {self._parts.netloc}\r\n{headers}\r\n".encode())

    async def _exchange(self, request: bytes) -> tuple[int, bytes]:
        self._writer.write(request)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        return int(answer[9:12]), await self._reader.readexactly(length)

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


async def hammer(
    url: str, path: str, make_body: Callable[[int], bytes], *, headers: str = "", count: int, connections: int = 16
) -> Result:
    """POST `count` bodies over some connections; every answer must be 2xx."""
    result, numbers = Result(), iter(range(count))
    opened = [await Connection(url).open() for _ in range(connections)]

    async def work(connection: Connection) -> None:
        for number in numbers:
            body = make_body(number)
            started = time.perf_counter()
            status, answer = await connection.post(path, body, headers)
            result.latencies.append(time.perf_counter() - started)
            if not 200 <= status < 300:
                raise RuntimeError(f"{path} answered {status}: {answer[:300]!r}")

    started = time.perf_counter()
    await asyncio.gather(*(work(connection) for connection in opened))
    result.took_s = time.perf_counter() - started
    for connection in opened:
        await connection.close()
    return result
