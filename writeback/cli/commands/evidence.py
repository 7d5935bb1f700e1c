"""`writeback check` and `answer`: look for evidence at once; what a provider answered to a request that failed."""

from typing import Annotated, Any

import typer
from rich.markup import escape

from writeback.cli import output
from writeback.cli.commands.corrections import Reason, each
from writeback.cli.exit_codes import CommandFailed, Exit
from writeback.cli.options import Json, Key, Url


def check(
    context: typer.Context,
    ids: Annotated[list[str], typer.Argument(metavar="ID…", help="Writebacks that are sent or unknown.")],
    reason: Reason = "",
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Look at once for the evidence of what is sent or unknown, instead of at its next check.

    Example: writeback check wb_01kbn5…
    """
    from writeback.cli.client import connect

    each(context, connect(url, key), ids, "check", {"reason": reason}, show=_show_check)


def _show_check(answer: dict[str, Any]) -> None:
    from writeback.cli.views import instant
    from writeback.core.clock import SystemClock

    console, at = output.out(), instant(answer["check_at"], SystemClock().now())
    said = "is being looked at already" if answer["asked_before"] else "is looked at"
    console.print(f"[bold]{escape(answer['id'])}[/bold] {output.coloured(answer['status'])} {said}: {at}")
    if answer["hold_reason"]:
        console.print(f"  its school is held ({escape(answer['hold_reason'])}): there may be no answer", style="yellow")
    if answer["left_alone"]:
        console.print(f"  its school is left alone: {escape(answer['left_alone'])}", style="yellow")


def answer(
    context: typer.Context,
    writeback: Annotated[str, typer.Argument(metavar="ID")],
    request: Annotated[
        str | None, typer.Option("--request", help="Of this request; else of the last that has an answer.")
    ] = None,
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Show what the provider last answered to a request that failed. It may name anybody; each look is audited.

    Example: writeback answer wb_01kbn5… --request req_01kbn5…
    """
    from writeback.cli.client import connect

    api = connect(url, key)
    if request is None:
        kept = [one["id"] for one in api.get(f"/v1/writebacks/{writeback}")["requests"] if one.get("answer_kept")]
        if not kept:
            raise CommandFailed(
                Exit.REFUSED,
                f"nothing is kept of what the provider answered about {writeback}",
                hint="only the last answer to a request that failed is kept, and for a while only",
            )
        request = kept[-1]
    found = api.get(f"/v1/writebacks/{writeback}/requests/{request}/answer")
    if output.wants_json(context):
        output.print_json(found)
        return
    console = output.out()
    size = f"{found['size']} bytes" + (", of which the beginning is kept" if found["is_cut"] else "")
    found_answer = f"HTTP {found['http_status']}, {found['content_type'] or 'no type'}, {size}, {found['kept_at']}"
    console.print(f"[bold]{escape(found['request'])}[/bold] {escape(found_answer)}")
    console.print(found["body"] or "The body is empty.", markup=False)
