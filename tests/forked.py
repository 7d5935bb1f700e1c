"""Real processes that start in milliseconds: forked from a server that has imported everything already.

Loading the modules is most of what a start costs. What it takes from nothing is tried in `tests/journeys/`, where
`writeback demo` and `writeback dev` start every process as anybody would.
"""

import asyncio
import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    [
        "writeback.api.server",
        "writeback.worker.main",
        "writeback.sandbox.server",
        "writeback.console",
        "writeback.cli.main",
        "uvloop",
        "asyncpg",
        "tests.preloaded",
    ]
)


def write_to(log: str) -> None:
    """Have what this process prints go to the end of a file."""
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for descriptor in (1, 2):
        os.dup2(output, descriptor)


class Command:
    """`writeback COMMAND…` in a process of its own, with standard input that closes when this process is gone.

    It belongs to the event loop in which it is made.
    """

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path, folder: Path) -> None:
        log.touch()
        inner, self._lifeline = CONTEXT.Pipe(duplex=False)
        given = (arguments, dict(environment), str(log), str(folder), inner)
        self._process = CONTEXT.Process(target=_be_command, args=given, daemon=True)
        self._process.start()
        inner.close()
        self._ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._process.sentinel, self._note_end)

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def send_signal(self, signum: int) -> None:
        """Send it, unless the process is gone."""
        assert self._process.pid is not None
        with suppress(ProcessLookupError):
            os.kill(self._process.pid, signum)

    async def wait(self) -> None:
        """Return once it has ended."""
        await self._ended.wait()

    def _note_end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._process.sentinel)
        self._process.join()
        self._lifeline.close()
        self._ended.set()


def _be_command(
    arguments: Sequence[str], environment: Mapping[str, str], log: str, folder: str, lifeline: Connection
) -> None:
    """Be that process: from here on nothing is shared with any other one."""
    from writeback.cli.main import app

    os.setsid()
    os.dup2(lifeline.fileno(), 0)
    sys.stdin = open(0)  # noqa: SIM115 - multiprocessing has closed it
    write_to(log)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    app(arguments)
