"""`writeback audit`: who did what, and why."""

from typing import Annotated, Any

import typer
from rich.markup import escape

from writeback.cli import output
from writeback.cli.options import Json, Key, Limit, Url


def audit(
    context: typer.Context,
    school: Annotated[str | None, typer.Option("--school", help="Only what was done at this school.")] = None,
    app: Annotated[str | None, typer.Option("--app", help="Only what is about this app.")] = None,
    actor: Annotated[str | None, typer.Option("--actor", help="Who, or how the name begins.")] = None,
    action: Annotated[
        str | None, typer.Option("--action", help="What, or how it begins: writeback., school.hold")
    ] = None,
    subject: Annotated[str | None, typer.Option("--subject", help="Id of a writeback, school, key or webhook.")] = None,
    since: Annotated[str | None, typer.Option("--since", help="At or after, ISO 8601.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="Before, ISO 8601.")] = None,
    limit: Limit = 50,
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Show who did what, to which writeback or school, and why; the latest first.

    Example: writeback audit --school hillside --action writeback. --since 2026-01-12T00:00:00Z
    """
    from writeback.cli.client import connect

    filters = {"school": school, "app": app, "actor": actor, "action": action, "subject": subject}
    found = list(connect(url, key).pages("/v1/audit", limit=limit, since=since, until=until, **filters))
    if output.wants_json(context):
        output.print_json({"items": found})
        return
    if not found:
        output.out().print("Nothing was done that matches.")
        return
    columns = ("at", "who", "did", "to", "school", "why", "what changed")
    output.out().print(output.table(columns, [_audit_row(entry) for entry in found]))


def _audit_row(entry: dict[str, Any]) -> tuple[str, ...]:
    changed = ", ".join(f"{name}: {value}" for name, value in entry["changed"].items())
    texts = (entry["at"], entry["actor"], entry["action"], entry["subject"], entry["school"], entry["reason"], changed)
    return tuple(escape(str(text or "")) for text in texts)
