"""Following a batch: bars on standard error for the file's bytes, rows and writebacks, each until its part ends."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from writeback.cli import output
from writeback.cli.following import Source
from writeback.core.clock import Clock, SystemClock

CHECKED = frozenset({"queueing", "delivering", "done", "refused", "cancelled"})
"""All rows are checked: what is bad is known."""
LOOKED_AT = CHECKED | {"reviewing"}
"""The same, or somebody is to look at it first."""
QUEUED = frozenset({"delivering", "done", "refused", "cancelled"})
"""Nothing is left to do with the file."""
ENDED = frozenset({"done", "refused", "cancelled"})
"""Nothing is left to do with its writebacks either, unless a person does something."""
_READ = "rows read"
_EVERY_S = 0.3


def is_terminal() -> bool:
    """Whether somebody is there who can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()


class Bars:
    """What a person sees; a pipe, and whoever wants JSON, sees nothing of it."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def sent(self, done: int, size: int) -> None:
        self._show("uploaded (kB)", -(-done // 1000), -(-size // 1000))

    def show(self, batch: dict[str, Any]) -> None:
        """Show how far a batch is."""
        rows, writebacks = batch["rows"], batch["writebacks"]
        if batch["status"] == "reading":
            self._show(_READ, rows["read"], None)
            return
        if _READ in self._tasks:
            self._show(_READ, rows["read"], rows["read"])
        bad = f", [red]{rows['bad']} bad[/red]" if rows["bad"] else ""
        self._show("rows checked", rows["good"] + rows["bad"] + rows["left_out"], rows["read"], bad)
        if writebacks["total"]:
            final = writebacks["total"] - writebacks["waiting"] - writebacks["needs_attention"]
            failed = f", [red]{writebacks['failed']} failed[/red]" if writebacks["failed"] else ""
            self._show("writebacks delivered", final, writebacks["total"], failed)

    def _show(self, name: str, done: int, total: int | None, more: str = "") -> None:
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, total=total, more=more)
        self._progress.update(self._tasks[name], completed=done, total=total, more=more)
        if total is not None and done >= total:
            self._progress.stop_task(self._tasks[name])


@contextmanager
def bars(*, is_shown: bool) -> Iterator[Bars]:
    """Give bars that are shown while the context lasts, where anybody watches."""
    console = output.err()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(
        *columns, TextColumn("{task.fields[more]}"), console=console, disable=not (is_shown and console.is_terminal)
    ) as progress:
        yield Bars(progress)


def follow_batch(
    api: Source,
    batch_id: str,
    until: frozenset[str],
    deadline: float,
    show: Callable[[dict[str, Any]], None],
    clock: Clock | None = None,
) -> dict[str, Any]:
    """Return the batch when its status is one of `until`, or as it is at the deadline (of the monotonic clock)."""
    clock = clock or SystemClock()
    while True:
        batch: dict[str, Any] = api.get(f"/v1/batches/{batch_id}")
        show(batch)
        if batch["status"] in until or clock.monotonic() >= deadline:
            return batch
        time.sleep(_EVERY_S)
