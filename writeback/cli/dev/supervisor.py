"""Keeps the services of `dev` running: starts them, waits until they answer, starts them again, ends them."""

import asyncio
import os
import sys
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from writeback.cli.exit_codes import CommandFailed, Exit
from writeback.cli.options import PATIENCE_S
from writeback.core.clock import Clock
from writeback.core.private_files import make_private_dir, make_private_file

_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.5, 10.0
_LIVED_WELL_S = 30.0
_TRIES_AT_START = 3
_GRACE_S = 12.0
_TAIL_LINES = 15


@dataclass(frozen=True)
class Service:
    """One process. `health_url` answers 200 once it is up; `when_up` is called each time that it came up."""

    name: str
    command: Sequence[str]
    health_url: str | None = None
    when_up: Callable[[], Awaitable[None]] | None = None


@dataclass
class _Running:
    service: Service
    log: Path
    is_up: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once it was up for the first time."""
    process: Process | None = None
    starts: int = 0
    failure: BaseException | None = None


class Supervisor:
    """Runs services until it is stopped. `say` takes a line for the person who watches."""

    def __init__(self, environment: Mapping[str, str], log_dir: Path, say: Callable[[str], None], clock: Clock) -> None:
        self._environment, self._log_dir, self._say, self._clock = dict(environment), log_dir, say, clock
        self._running: dict[str, _Running] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()

    async def start(self, service: Service, *, patience_s: float = PATIENCE_S) -> None:
        """Start a service and return once it is up; raise CommandFailed, with the end of its log, when it is not."""
        make_private_dir(self._log_dir)
        running = _Running(service, self._log_dir / f"{service.name}.log")
        self._running[service.name] = running
        self._tasks.append(asyncio.create_task(self._keep(running)))
        try:
            async with asyncio.timeout(patience_s):
                await running.is_up.wait()
        except TimeoutError:
            raise _did_not_start(running, f"did not answer within {patience_s:g} s") from None
        if running.failure is not None:
            raise running.failure

    async def stop(self) -> None:
        """End all services gracefully, the last started first, and by force what does not heed."""
        self._stopping.set()
        for running in reversed(self._running.values()):
            if running.process is not None:
                await _end(running.process)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def pids(self) -> dict[str, int]:
        """Return the process ids of what runs now."""
        found = {name: running.process for name, running in self._running.items()}
        return {name: process.pid for name, process in found.items() if process and process.returncode is None}

    async def _keep(self, running: _Running) -> None:
        delay = _FIRST_DELAY_S
        while not self._stopping.is_set():
            began = self._clock.monotonic()
            code = await self._run_once(running)
            if self._stopping.is_set():
                return
            if not running.is_up.is_set() and running.starts >= _TRIES_AT_START:
                self._fail(running, _did_not_start(running, f"ended {running.starts} times, last with code {code}"))
                return
            delay = _FIRST_DELAY_S if self._clock.monotonic() - began > _LIVED_WELL_S else delay
            self._say(f"{running.service.name} ended with code {code}; again in {delay:g} s (see {running.log})")
            await _pause(self._stopping, delay)
            delay = min(delay * 2, _LONGEST_DELAY_S)

    async def _run_once(self, running: _Running) -> int:
        """Run the process to its end and return its exit code."""
        running.starts += 1
        make_private_file(running.log)
        with running.log.open("ab") as log:
            process = running.process = await asyncio.create_subprocess_exec(
                *running.service.command,
                stdin=asyncio.subprocess.PIPE,  # closes when we die: see orphans.py
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,  # Ctrl-C goes to us alone, and we end them in order
            )
        if self._stopping.is_set():  # since before there was a process that could be ended
            await _end(process)
        greeting = asyncio.create_task(self._greet(running))
        try:
            return await process.wait()
        finally:
            greeting.cancel()

    async def _greet(self, running: _Running) -> None:
        """Wait until the process answers, do what is to be done then, and say that it is up."""
        try:
            if running.service.health_url:
                await _answers(running.service.health_url)
            if running.service.when_up:
                await running.service.when_up()
        except (CommandFailed, httpx.HTTPError) as error:
            self._fail(running, error)
            return
        running.is_up.set()

    def _fail(self, running: _Running, failure: BaseException) -> None:
        if running.is_up.is_set():
            self._say(f"{running.service.name}: {failure}")
        running.failure = failure
        running.is_up.set()


async def _answers(url: str) -> None:
    async with httpx.AsyncClient(timeout=5.0) as http:
        while True:
            try:
                if (await http.get(url)).status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)


async def _pause(stopping: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        pass


async def _end(process: Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(_GRACE_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _did_not_start(running: _Running, reason: str) -> CommandFailed:
    return CommandFailed(
        Exit.CONFIGURATION,
        f"{running.service.name} {reason}\n{_tail(running.log)}".rstrip(),
        where=str(running.log),
        hint="`writeback doctor` checks settings and machine",
    )


def _tail(log: Path) -> str:
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return "\n".join(f"  | {line}" for line in lines[-_TAIL_LINES:])


def own_command(*arguments: str) -> list[str]:
    """Return the command that runs `writeback …` with this Python, ending with its parent."""
    return [sys.executable, "-m", "writeback", *arguments, "--supervised"]


def own_environment(**variables: str) -> dict[str, str]:
    """Return this environment with `variables`, and without what might name another installation.

    A WRITEBACK_DATABASE_URL that points at the real thing must not be seeded with simulated schools.
    """
    elsewhere = {
        f"WRITEBACK_{name}" for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "PUBLIC_URL", "URL", "KEY")
    }
    kept = {name: value for name, value in os.environ.items() if name not in elsewhere}
    return kept | variables
