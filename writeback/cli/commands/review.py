"""`writeback review`: come back to a file that waits to be sent."""

from typing import Annotated

import typer

from writeback.cli import output
from writeback.cli.exit_codes import CommandFailed, Exit
from writeback.cli.options import Json, Key, Url


def review(
    context: typer.Context,
    batch_id: Annotated[str, typer.Argument(metavar="BATCH", help="Its id, bat_….")],
    yes: Annotated[bool, typer.Option("--yes", help="Send its good rows without asking.")] = False,
    timeout: Annotated[float, typer.Option(help="Seconds to follow it.", min=0)] = 600.0,
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Look at a file that waits to be sent: its columns, whom it names, days and codes, and what is bad. Then send it.

    On a terminal it asks what to do; else it only shows, unless --yes is given. Its rows can be mended in the console.

    Exit code 0: it is as asked for; 4: it is not in review, or cannot be sent.

    Example: writeback review bat_01kbn5…
    """
    from writeback.cli.client import connect
    from writeback.cli.files import previews
    from writeback.cli.files.reviewing import decide
    from writeback.cli.files.uploading import is_terminal
    from writeback.core.clock import SystemClock

    api = connect(url, key)
    found = api.get(f"/v1/batches/{batch_id}/review")
    batch = api.get(f"/v1/batches/{batch_id}")
    if yes:
        batch = api.post(f"/v1/batches/{batch_id}/send", {"version": found["version"]})
    if output.wants_json(context):
        output.print_json({**batch, "understood": found})
        return
    if yes or not is_terminal():
        previews.show(batch, found)
    else:
        batch = decide(api, batch, SystemClock().monotonic() + timeout)
    output.out().print(f"[bold]{batch_id}[/bold] {output.coloured(batch['status'])}")
    if batch["status"] == "refused":
        raise CommandFailed(Exit.REFUSED, "the file was refused", hint="see its findings")
