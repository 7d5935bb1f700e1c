"""`writeback dev`: everything on this machine, until Ctrl-C."""

from pathlib import Path
from typing import Annotated

import typer

from writeback.cli import output
from writeback.cli.options import DEFAULT_DATA_DIR, PATIENCE_S, DataDir, Json, Patience

Port = Annotated[
    int, typer.Option("--port", min=0, max=65533, help="Of the API; the sandboxes take the next two. 0: free ones.")
]


def dev(
    context: typer.Context,
    port: Port = 8400,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    patience: Patience = PATIENCE_S,
    json_: Json = False,
) -> None:
    """Run API, worker and simulated providers here, with two schools of 1,000 pupils and a test school, until Ctrl-C.

    Database and Redis are embedded in the data directory; variables that name others are not used. Prints addresses, a
    key and a request that works. `writeback list` and the other commands find it by themselves.

    Example: writeback dev --port 0 --data-dir /tmp/try
    """
    import asyncio

    from writeback.cli.dev.signals import until_stopped

    asyncio.run(until_stopped(_dev(port, data_dir, patience, as_json=output.wants_json(context))))


async def _dev(port: int, data_dir: Path, patience_s: float, *, as_json: bool) -> None:
    import asyncio

    from writeback.cli.demo.morning import latest_weekday
    from writeback.cli.dev import report
    from writeback.cli.dev.stack import running_stack
    from writeback.cli.dev.waiting import Waiting
    from writeback.core.clock import SystemClock

    waiting = Waiting(output.err(), SystemClock(), patience_s)
    async with running_stack(data_dir, port, waiting) as stack:
        async with stack.api() as api:
            school, body = await report.example(api, latest_weekday(SystemClock().now().date()))
        command = report.curl(stack, school, body)
        if as_json:
            output.print_json(report.as_json(stack, command, body))
        else:
            report.print_ready(output.out(), stack, command)
        await asyncio.Event().wait()  # until a signal cancels us
