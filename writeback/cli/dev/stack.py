"""The whole service on this machine: Redis, database, sandboxes, API, worker, schools. For `dev` and `demo`."""

import asyncio
import fcntl
import json
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from writeback.cli.dev import ports
from writeback.cli.dev.bootstrap import CONSOLE_NAME, Schools, ensure_account, ensure_key
from writeback.cli.dev.simulated import TEST_SCHOOLS, SandboxControl
from writeback.cli.dev.supervisor import Service, Supervisor, own_command, own_environment
from writeback.cli.dev.waiting import Waiting
from writeback.cli.dev_handover import DevHandover
from writeback.cli.exit_codes import CommandFailed, Exit
from writeback.core.private_files import make_private_dir, open_private
from writeback.core.settings import Settings
from writeback.domain.mode import Mode
from writeback.queue.embedded import EmbeddedRedis
from writeback.store.sql import migrate


@dataclass(frozen=True)
class Stack:
    """What runs: where it is, and the key to it."""

    url: str
    sandbox_url: str
    key: str
    test_sandbox_url: str
    """Where the test school is, and nobody else."""
    test_key: str
    data_dir: Path
    logs: Path
    schools: list[dict[str, Any]]
    """As the API shows them."""
    test_schools: list[dict[str, Any]]
    pids: dict[str, int]
    console_password: str
    """Of the account `console_name`."""
    patience_s: float
    """How long an answer may take: longer than on any machine that moves."""
    console_name: str = CONSOLE_NAME

    @property
    def console_url(self) -> str:
        return f"{self.url}/console"

    def api(self) -> httpx.AsyncClient:
        """Return a client with the key."""
        return _api(self.url, self.key, self.patience_s)

    def control(self) -> SandboxControl:
        return SandboxControl(self.sandbox_url, self.patience_s)


@asynccontextmanager
async def running_stack(data_dir: Path, port: int, waiting: Waiting) -> AsyncIterator[Stack]:
    """Start everything, give it once it can be used, and end all of it; raise CommandFailed that says what to mend."""
    data_dir = _made(data_dir)
    with _only_one(data_dir):
        chosen = ports.choose(port)
        url, sandbox_url, test_url = (f"http://{ports.HOST}:{one}" for one in chosen)
        redis = EmbeddedRedis(data_dir)
        environment, logs = _environment(data_dir, *chosen), data_dir / "logs"
        supervisor = Supervisor(environment, logs, waiting.say, waiting.clock)
        try:
            waiting.say("starting Redis and the database")
            async with waiting.on("Redis"):
                await redis.start()
            async with waiting.on("the database: its schema, a key, an account"):
                key, test_key, password = await _prepare(data_dir)
            patience_s = waiting.patience_s
            control, test_control = (SandboxControl(one, patience_s) for one in (sandbox_url, test_url))
            async with _api(url, key, patience_s) as api, _api(url, test_key, patience_s) as test_api:
                schools = Schools(api, control, sandbox_url, waiting)
                test_schools = Schools(test_api, test_control, test_url, waiting, TEST_SCHOOLS)
                waiting.say("starting sandboxes, API and worker")
                sandboxes = [
                    Service("sandbox", own_command("sandbox"), control.health, when_up=schools.seed),
                    Service(
                        "test-sandbox",
                        own_command("sandbox", "--port", str(chosen[2])),
                        test_control.health,
                        when_up=test_schools.seed,
                    ),
                ]
                await _start(supervisor, sandboxes, url, waiting)
                waiting.say("registering two schools and a test school, and fetching their pupils, staff and codes")
                shown, shown_tests = list(await schools.register()), list(await test_schools.register())
            DevHandover(url, sandbox_url, key, os.getpid(), password, test_key).write(data_dir)
            yield Stack(
                url=url,
                sandbox_url=sandbox_url,
                key=key,
                test_sandbox_url=test_url,
                test_key=test_key,
                data_dir=data_dir,
                logs=logs,
                schools=shown,
                test_schools=shown_tests,
                pids=supervisor.pids(),
                console_password=password,
                patience_s=patience_s,
            )
        finally:
            await supervisor.stop()
            await redis.stop()
            _leave(data_dir)


def _made(data_dir: Path) -> Path:
    """Return the absolute path of the data directory, made where it was not there."""
    try:
        make_private_dir(data_dir)
    except OSError as error:
        raise CommandFailed(
            Exit.CONFIGURATION, f"{data_dir} cannot be made: {error.strerror}", hint="give another --data-dir"
        ) from None
    return data_dir.absolute()


async def _prepare(data_dir: Path) -> tuple[str, str, str]:
    """Migrate the database; return a key that works, a test key, and the password of an account for the console."""
    settings = Settings(data_dir=data_dir, database_url="", redis_url="", secret_key="", public_url="")
    await migrate.upgrade(settings.effective_database_url)
    before = DevHandover.read(data_dir)
    key = await ensure_key(settings, before.key if before else None)
    test_key = await ensure_key(settings, before.test_key if before else None, Mode.TEST)
    return key, test_key, await ensure_account(settings, before.console_password if before else "")


def _api(url: str, key: str, patience_s: float) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=patience_s)


async def _start(supervisor: Supervisor, sandboxes: Sequence[Service], url: str, waiting: Waiting) -> None:

    async def start(what: str, service: Service) -> None:
        async with waiting.on(what, is_bounded=False):
            await supervisor.start(service, patience_s=waiting.patience_s)

    try:
        async with asyncio.TaskGroup() as starting:
            for sandbox in sandboxes:
                starting.create_task(start(f"the {sandbox.name} and its pupils", sandbox))
            starting.create_task(start("the worker", Service("worker", own_command("worker"))))
            starting.create_task(start("the API", Service("api", own_command("api"), f"{url}/readyz")))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None


def _environment(data_dir: Path, api_port: int, sandbox_port: int, test_port: int) -> dict[str, str]:
    return own_environment(
        WRITEBACK_DATA_DIR=str(data_dir),
        WRITEBACK_API__HOST=ports.HOST,
        WRITEBACK_API__PORT=str(api_port),
        WRITEBACK_SANDBOX__HOST=ports.HOST,
        WRITEBACK_SANDBOX__PORT=str(sandbox_port),
        WRITEBACK_SANDBOX__URLS=json.dumps([f"http://{ports.HOST}:{test_port}"]),
        # An app that is tried out here listens here, too.
        WRITEBACK_WEBHOOKS__ALLOW_HTTP="true",
        WRITEBACK_WEBHOOKS__ALLOWED_NETWORKS='["127.0.0.0/8", "::1/128"]',
    )


def _leave(data_dir: Path) -> None:
    """Note that nothing runs any more; the key stays, for the next start."""
    before = DevHandover.read(data_dir)
    if before is not None:
        replace(before, pid=None).write(data_dir)


@contextmanager
def _only_one(data_dir: Path) -> Iterator[None]:
    """Hold the data directory's lock; raise CommandFailed where another `dev` does."""
    with open(data_dir / "dev.lock", "a", opener=open_private) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = DevHandover.read(data_dir)
            place = f" at {other.url} (process {other.pid})" if other and other.pid else ""
            raise CommandFailed(
                Exit.CONFIGURATION,
                f"`writeback dev` already runs{place} with {data_dir}",
                hint="use that one, stop it, or give another --data-dir",
            ) from None
        yield
