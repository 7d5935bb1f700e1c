"""The processes under test: started, killed, stopped for a while, and started again when they have ended."""

import asyncio
import os
import signal
import socket
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.forked import Command

ROOT = Path(__file__).parents[2]
_RESTART_S = 0.3
_GRACE_S = 15.0
_PATIENCE_S = 60.0
_HEAD = 100_000
"""Bytes of a log in which the mark must be."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Child:
    """One process that is kept running."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    health_url: str | None = None
    ready_mark: bytes = b""
    """What it logs once it is at work."""
    process: Command | None = None
    starts: int = 0
    is_stopped: bool = False
    _ends: bool = False
    _log_begins: int = 0
    _keeper: "asyncio.Task[None] | None" = None

    async def start(self) -> None:
        """Start it and return once it answers."""
        self._keeper = asyncio.create_task(self._keep(), name=f"keep {self.name}")
        if self.health_url:
            await answers(self.health_url)
        async with asyncio.timeout(_PATIENCE_S):
            while not self.is_at_work:  # noqa: ASYNC110 - what is waited for is in another process
                await asyncio.sleep(0.05)

    @property
    def is_at_work(self) -> bool:
        """Whether it runs, is not stopped, and has come so far as to do something."""
        if self.process is None or self.process.returncode is not None or self.is_stopped:
            return False
        with self.log.open("rb") as log:
            log.seek(self._log_begins)
            return self.ready_mark in log.read(_HEAD)

    def kill(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()

    def pause(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.is_stopped = True
            self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.is_stopped = False
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(signal.SIGCONT)

    async def end(self) -> None:
        """End it gracefully, and by force what does not heed."""
        self._ends = True
        self.resume()
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            try:
                await asyncio.wait_for(self.process.wait(), _GRACE_S)
            except TimeoutError:
                self.kill()
        if self._keeper is not None:
            await self._keeper

    async def _keep(self) -> None:
        while not self._ends:
            self.starts += 1
            self._log_begins = self.log.stat().st_size if self.log.exists() else 0
            self.is_stopped = False
            self.process = Command([*self.command, "--supervised"], self.environment, self.log, ROOT)
            await self.process.wait()
            if not self._ends:
                await asyncio.sleep(_RESTART_S)


@dataclass
class Stack:
    """All processes of one run."""

    folder: Path
    children: dict[str, Child] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)
    """What was done to them, and how often."""

    async def add(
        self,
        name: str,
        *command: str,
        variables: Mapping[str, str],
        health_url: str | None = None,
        ready_mark: bytes = b"",
    ) -> Child:
        """Start `writeback COMMAND` and keep it running."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("WRITEBACK_")}
        child = Child(name, command, kept | dict(variables), self.folder / f"{name}.log", health_url, ready_mark)
        self.children[name] = child
        await child.start()
        return child

    def named(self, *prefixes: str) -> list[Child]:
        return [child for name, child in self.children.items() if name.startswith(prefixes)]

    async def end(self) -> None:
        for child in reversed(list(self.children.values())):
            await child.end()


async def answers(url: str, *, within_s: float = 60.0) -> None:
    """Return once the URL answers 200."""
    async with asyncio.timeout(within_s), httpx.AsyncClient(timeout=2.0, trust_env=False) as http:
        while True:
            with suppress(httpx.TransportError):
                if (await http.get(url)).status_code == 200:
                    return
            await asyncio.sleep(0.05)
