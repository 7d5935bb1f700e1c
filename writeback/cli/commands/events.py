"""`writeback events`: what has happened to writebacks, and what happens now."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from writeback.cli import output
from writeback.cli.exits import CommandFailed, Exit
from writeback.cli.options import Json, Key, Url

if TYPE_CHECKING:
    from writeback.cli.client import Api

_COME_BACK_S = 2.0
_USUAL_SPAN = timedelta(hours=1)


def events(
    context: typer.Context,
    writeback: Annotated[str | None, typer.Argument(metavar="[ID]", help="Only this writeback's.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    school: Annotated[str | None, typer.Option("--school", help="Only this school's.")] = None,
    kind: Annotated[str | None, typer.Option("--kind", help="Only these; separated by commas.")] = None,
    status: Annotated[str | None, typer.Option("--status", help="Only these; separated by commas.")] = None,
    since: Annotated[
        str | None, typer.Option("--since", help="ISO 8601. Without it: the last hour; with --follow: from now on.")
    ] = None,
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Show what happened to writebacks, one line an event; with --follow what happens, as it happens.

    Example: writeback events --follow --school hillside --status failed,needs_attention
    """
    from writeback.cli.client import connect
    from writeback.core.clock import SystemClock

    if since is None and not follow and writeback is None:
        since = (SystemClock().now() - _USUAL_SPAN).isoformat()
    path = "/v1/events" if writeback is None else f"/v1/writebacks/{writeback}/events"
    filters = {"since": since, "follow": str(follow).lower()}
    if writeback is None:
        filters |= {"school": school, "kind": kind, "status": status}
    given = {name: value for name, value in filters.items() if value is not None}
    try:
        for event in _events(connect(url, key), path, given, follow=follow):
            _print(event, as_json=output.wants_json(context))
    except KeyboardInterrupt:
        raise typer.Exit(Exit.OK) from None


def _events(api: "Api", path: str, params: dict[str, str], *, follow: bool) -> Iterator[dict[str, Any]]:
    """Yield events; when the connection is lost while following, come back and go on after the last one."""
    last_id: int | None = None
    while True:
        try:
            for event in api.events(path, params, last_id=last_id):
                last_id = event["id"]
                yield event
        except CommandFailed as failure:
            if not follow or last_id is None or failure.exit_code is not Exit.UNREACHABLE:
                raise
        if not follow:
            return
        time.sleep(_COME_BACK_S)


def _print(event: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        output.print_json(event)
        return
    detail = f"  {escape(event['detail'])}" if event["detail"] else ""
    output.out().print(
        f"{event['at']}  {event['writeback_id']}  {output.coloured(event['status'])}  {escape(event['school'])}  "
        f"{event['kind']}  {event['event']} by {escape(event['actor'])}{detail}"
    )
