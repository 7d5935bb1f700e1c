"""`writeback demo`: a morning of registers, from nothing to confirmed."""

from pathlib import Path
from typing import Annotated, Any

import typer

from writeback.cli import output
from writeback.cli.exit_codes import Exit
from writeback.cli.options import PATIENCE_S, Json, Patience

Port = Annotated[int, typer.Option("--port", min=0, max=65534, help="Of the API; the sandbox takes the next. 0: free.")]
DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", help="Keep the data here. Without it: a temporary place.", show_default=False),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        min=1,
        help="Seconds until all must be confirmed. Without it: as long as it goes on.",
        show_default=False,
    ),
]


def demo(
    context: typer.Context,
    port: Port = 0,
    data_dir: DataDir = None,
    timeout: Timeout = None,
    patience: Patience = PATIENCE_S,
    json_: Json = False,
) -> None:
    """Start everything in a temporary place, play an app on a school morning, and check what arrived.

    About 35 registers for each of two schools; a few are wrong on purpose. Ends with 0 when every accepted mark is
    confirmed and the simulated MIS holds it, else with 5.

    Example: writeback demo --json
    """
    import asyncio
    import tempfile

    from writeback.cli.demo.play import play
    from writeback.cli.dev.signals import until_stopped
    from writeback.cli.dev.waiting import Waiting
    from writeback.core.clock import SystemClock

    as_json = output.wants_json(context)
    waiting = Waiting(output.err() if as_json else output.out(), SystemClock(), patience)
    with tempfile.TemporaryDirectory(prefix="writeback-demo-", ignore_cleanup_errors=True) as temporary:
        summary: dict[str, Any] | None = asyncio.run(
            until_stopped(play(data_dir or Path(temporary), port, timeout, waiting))
        )
    if as_json and summary is not None:
        output.print_json(summary)
    if summary is None or not summary["ok"]:
        raise typer.Exit(Exit.NOT_CONFIRMED)
