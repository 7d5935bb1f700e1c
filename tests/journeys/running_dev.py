"""A running `writeback dev`, and `writeback` commands beside it, as processes of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0


def environment_for(data_dir: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WRITEBACK_")}
    return kept | {"WRITEBACK_DATA_DIR": str(data_dir)}


def run_writeback(data_dir: Path, *arguments: str, stdin: str | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "writeback", *arguments],
        capture_output=True,
        text=True,
        input=stdin,
        cwd=ROOT,
        env=environment_for(data_dir),
        timeout=PATIENCE_S * 2,
        check=False,
    )


class Dev:
    """A running `writeback dev`."""

    def __init__(self, data_dir: Path, **settings: str) -> None:
        self.data_dir, self.settings = data_dir, settings
        command = [sys.executable, "-m", "writeback", "dev", "--port", "0", "--json"]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment_for(data_dir) | settings,
            start_new_session=True,  # as in a terminal of its own
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read()
        self.said: dict[str, Any] = json.loads(line)
        self.pids: list[int] = list(self.said["pids"].values())

    def run(self, *arguments: str, stdin: str | None = None) -> "subprocess.CompletedProcess[str]":
        return run_writeback(self.data_dir, *arguments, stdin=stdin)

    def end(self, signum: int) -> int:
        self.process.send_signal(signum)
        code = self.process.wait(PATIENCE_S)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        return code
