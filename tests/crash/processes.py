"""The processes of crash tests: forked, with settings of their own and orders for their failpoints."""

import asyncio
import importlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from tests.forked import CONTEXT, write_to
from writeback.cli.commands import serve
from writeback.core.failpoints import ARMED_BY, PLAN, SWITCH
from writeback.core.settings import Settings

_MAINS = {"api": "writeback.api.server", "worker": "writeback.worker.main", "sandbox": "writeback.sandbox.server"}


@dataclass
class Running:
    """One process, and the lines that it logs."""

    process: BaseProcess
    log: Path

    @property
    def exit_code(self) -> int | None:
        return self.process.exitcode

    def lines(self, event: str) -> list[dict[str, Any]]:
        """Return what it has logged of one event."""
        texts = (text for text in self.log.read_text().splitlines() if f'"event":"{event}"' in text)
        return [json.loads(text) for text in texts]

    def terminate(self) -> None:
        self.process.terminate()

    def send_signal(self, signum: int) -> None:
        assert self.process.pid is not None
        os.kill(self.process.pid, signum)

    async def ended(self, within_s: float) -> int:
        """Return its exit code once it has ended; raise TimeoutError."""
        async with asyncio.timeout(within_s):
            while self.process.exitcode is None:  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.02)
        return self.process.exitcode

    def kill(self) -> None:
        """End it by force, whatever state it is in."""
        if self.process.is_alive():
            self.process.kill()
        self.process.join(5)


def start(command: str, settings: Settings, log: Path, orders: str = "") -> Running:
    """Start `api`, `worker` or `sandbox`; `orders` is what happens at its failpoints."""
    variables = {PLAN: orders, SWITCH: ARMED_BY} if orders else {}
    log.touch()
    process = CONTEXT.Process(target=_run, args=(command, settings, str(log), variables), daemon=True)
    process.start()
    return Running(process, log)


def _run(command: str, settings: Settings, log: str, variables: Mapping[str, str]) -> None:
    """Be that process: from here on nothing is shared with any other one."""
    write_to(log)
    os.environ.update(variables)
    main = importlib.import_module(_MAINS[command])
    main.run(settings, *([serve._beside] if command == "api" else []))  # the console too, as by `writeback api`


def end_all(processes: Sequence[Running]) -> None:
    for one in processes:
        one.kill()
