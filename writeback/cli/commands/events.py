"""`writeback events`: what has happened to writebacks, and what happens now."""

from datetime import timedelta
from typing import Annotated, Any

import typer
from rich.markup import escape

from writeback.cli import output
from writeback.cli.exit_codes import Exit
from writeback.cli.options import Json, Key, OnlyKinds, OnlySchool, OnlyStatuses, Since, Url

_USUAL_SPAN = timedelta(hours=1)


def events(
    context: typer.Context,
    writeback: Annotated[str | None, typer.Argument(metavar="[ID]", help="Only this writeback's.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    school: OnlySchool = None,
    kind: OnlyKinds = None,
    status: OnlyStatuses = None,
    since: Since = None,
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Show what happened to writebacks, one line an event; with --follow what happens, as it happens.

    Without --since: the last hour; with --follow: from now on.

    Example: writeback events --follow --school hillside --status failed,needs_attention
    """
    from writeback.cli.client import connect
    from writeback.core.clock import SystemClock

    if since is None and not follow and writeback is None:
        since = (SystemClock().now() - _USUAL_SPAN).isoformat()
    filters = {} if writeback else {"school": school, "kind": _joined(kind), "status": _joined(status)}
    try:
        for event in connect(url, key).events(writeback, follow=follow, since=since, **filters):
            _print(event, as_json=output.wants_json(context))
    except KeyboardInterrupt:
        raise typer.Exit(Exit.OK) from None


def _joined(words: list[str] | None) -> str | None:
    return ",".join(words) if words else None


def _print(event: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        output.print_json(event)
        return
    detail = f"  {escape(event['detail'])}" if event["detail"] else ""
    output.out().print(
        f"{event['at']}  {event['writeback_id']}  {output.coloured(event['status'])}  {escape(event['school'])}  "
        f"{event['kind']}  {event['event']} by {escape(event['actor'])}{detail}"
    )
