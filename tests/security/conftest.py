"""A real API process to attack, and raw sockets to do it with: what a client library would never send."""

import asyncio
import shutil
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.crash import processes
from tests.crash.processes import Running
from tests.crash.suite import free_port
from tests.secret_key import SECRET_KEY
from writeback.core.clock import SystemClock
from writeback.core.settings import Settings
from writeback.domain.access import Scope
from writeback.flow.people.keys import Keys
from writeback.store.sql.database import Database

PATIENCE_S = 15.0


@dataclass(frozen=True)
class Answer:
    """One answer, as it came; names of headers in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Wire:
    """One TCP connection."""

    def __init__(self, port: int, source: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE_S, (source, 0))
        self._read = b""
        if self.socket.getsockname() == self.socket.getpeername():
            # While nobody listens on a port that the system gives away, a connection to it may come from that port.
            self.socket.close()
            raise ConnectionRefusedError("it met itself: nobody listens there yet")

    def send(self, *pieces: bytes) -> "Wire":
        """Send what the other side still takes; a connection that it has closed is no error here."""
        with suppress(ConnectionError):
            for piece in pieces:
                self.socket.sendall(piece)
        return self

    def answer(self) -> Answer:
        """Return the next answer; raise ConnectionError where the other side closes without one."""
        while b"\r\n\r\n" not in self._read:
            self._read_more()
        head, _, self._read = self._read.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        length = int(headers.get("content-length", 0))
        while len(self._read) < length:
            self._read_more()
        body, self._read = self._read[:length], self._read[length:]
        return Answer(int(first.split()[1]), headers, body)

    def is_closed(self, within_s: float = PATIENCE_S) -> bool:
        """Whether the other side closes within that time, whatever it sends before."""
        until = time.monotonic() + within_s
        try:
            while (left_s := until - time.monotonic()) > 0:
                self.socket.settimeout(left_s)
                self._read_more()
        except TimeoutError:
            return False
        except ConnectionError:
            return True
        finally:
            self.socket.settimeout(PATIENCE_S)
        return False

    def close(self) -> None:
        self.socket.close()

    def _read_more(self) -> None:
        more = self.socket.recv(65_536)
        if not more:
            raise ConnectionError("closed")
        self._read += more


@dataclass
class Attacked:
    """An API process, and the connections that a test has made to it."""

    settings: Settings
    process: Running
    wires: list[Wire]

    def connect(self, source: str = "127.0.0.1") -> Wire:
        """Connect from an address: every one of 127.0.0.0/8 is ours."""
        wire = Wire(self.settings.api.port, source)
        self.wires.append(wire)
        return wire

    def ask(self, *pieces: bytes, source: str = "127.0.0.1") -> Answer:
        """Return the answer to one request on a connection of its own."""
        wire = Wire(self.settings.api.port, source)
        try:
            return wire.send(*pieces).answer()
        finally:
            wire.close()

    def serves(self, source: str = "127.0.0.9") -> bool:
        """Whether somebody else is served, and at once."""
        began = time.perf_counter()
        answer = self.ask(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", source=source)
        return answer.status == 200 and time.perf_counter() - began < 1.0

    def resident_mb(self) -> float:
        """Return the memory that the process holds."""
        pages = int(Path(f"/proc/{self.process.process.pid}/statm").read_text().split()[1])
        return pages * 4096 / 1e6

    def key(self, *scopes: str, app: str = "Register app") -> str:
        """Return a key of an app with these scopes."""

        async def make() -> str:
            database = Database.open(self.settings.database_url)
            keys = Keys(database, SystemClock(), cache_s=0.0)
            try:
                return (await keys.create(app, "", [Scope(scope) for scope in scopes], None)).key
            finally:
                await keys.aclose()
                await database.dispose()

        return asyncio.run(make())


StartApi = Callable[..., Attacked]


@pytest.fixture(scope="session")
def start_api(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, redis_server: str) -> Iterator[StartApi]:
    """Start an API process of its own on SQLite: `start_api(max_connections=50)` takes settings of the API.

    `events` are settings of the streams.
    """
    started: list[Running] = []

    def start(events: Mapping[str, Any] | None = None, **limits: Any) -> Attacked:
        folder = tmp_path_factory.mktemp("attacked")
        shutil.copy(sqlite_template, folder / "writeback.db")
        settings = Settings(
            data_dir=folder,
            database_url=f"sqlite+aiosqlite:///{folder / 'writeback.db'}",
            redis_url=redis_server,
            secret_key=SECRET_KEY,
            api={"port": free_port(), **limits},  # type: ignore[arg-type]
            events=dict(events or {}),  # type: ignore[arg-type]
        )
        process = processes.start("api", settings, folder / "api.log")
        started.append(process)
        attacked = Attacked(settings, process, [])
        _wait(attacked)
        return attacked

    yield start
    processes.end_all(started)


@pytest.fixture(scope="session")
def _shared_api(start_api: StartApi) -> Attacked:
    return start_api(header_timeout_s=1.0, body_grace_s=1.0, stalled_after_s=1.0, keep_alive_s=2)


@pytest.fixture
def api(_shared_api: Attacked) -> Iterator[Attacked]:
    """An API that loses its patience after a second, so that a test need not wait for long."""
    yield _shared_api
    close_all(_shared_api)


def close_all(attacked: Attacked) -> None:
    """Close the connections of a test."""
    while attacked.wires:
        attacked.wires.pop().close()


def _wait(attacked: Attacked) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        with suppress(ConnectionError):
            attacked.ask(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            return
        time.sleep(0.05)
    raise TimeoutError(attacked.process.log.read_text())
