"""`writeback list` and `writeback show`."""

from typing import Annotated

import typer

from writeback.cli import output
from writeback.cli.options import Json, Key, Limit, Url


def list_(
    context: typer.Context,
    school: Annotated[str | None, typer.Option("--school", help="Only this school's.")] = None,
    status: Annotated[
        list[str] | None, typer.Option("--status", help="Only these; repeat it, or separate by commas.")
    ] = None,
    kind: Annotated[str | None, typer.Option("--kind")] = None,
    ref: Annotated[str | None, typer.Option("--ref", help="Your own name for it.")] = None,
    student: Annotated[str | None, typer.Option("--student", help="The pupil's id at the provider.")] = None,
    since: Annotated[str | None, typer.Option("--since", help="Accepted at or after, ISO 8601.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="Accepted before, ISO 8601.")] = None,
    search: Annotated[str | None, typer.Option("--search", "-q", help="Free text.")] = None,
    limit: Limit = 50,
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """List writebacks, the newest first.

    Example: writeback list --school hillside --status failed,partial --since 2026-01-12T00:00:00Z
    """
    from writeback.cli.client import connect
    from writeback.cli.views import writebacks_table
    from writeback.core.clock import SystemClock

    filters = {"school": school, "kind": kind, "ref": ref, "student": student, "since": since, "until": until}
    statuses = ",".join(status) if status else None
    found = list(connect(url, key).pages("/v1/writebacks", limit=limit, status=statuses, q=search, **filters))
    if output.wants_json(context):
        output.print_json({"items": found})
    elif found:
        output.out().print(writebacks_table(found, SystemClock().now()))
    else:
        output.out().print("No writebacks match.")


def show(
    context: typer.Context,
    writeback: Annotated[str, typer.Argument(metavar="ID")],
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Show one writeback: its records, what was said of them, its timeline and what was sent.

    Example: writeback show wb_01kbn5…
    """
    from writeback.cli.client import connect
    from writeback.cli.views import writeback_page
    from writeback.core.clock import SystemClock

    found = connect(url, key).get(f"/v1/writebacks/{writeback}")
    if output.wants_json(context):
        output.print_json(found)
    else:
        output.out().print(writeback_page(found, SystemClock().now()))
