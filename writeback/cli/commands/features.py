"""`writeback features`: what each MIS takes through each provider."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.markup import escape

from writeback.cli import output
from writeback.cli.options import Json, Key, Url


def features(
    context: typer.Context,
    school: Annotated[str | None, typer.Argument(metavar="[SCHOOL]", help="Without it: every rule.")] = None,
    url: Url = None,
    key: Key = None,
    json_: Json = False,
) -> None:
    """Show which kinds are supported, and what each requires, forbids and ignores.

    Example: writeback features hillside
    """
    from writeback.cli.client import connect

    answer = connect(url, key).get(f"/v1/schools/{school}/features" if school else "/v1/features")
    if output.wants_json(context):
        output.print_json(answer)
        return
    rows = [_row(entry, kind, rule) for entry in _entries(answer) for kind, rule in entry["kinds"].items()]
    columns = ("provider", "MIS", "kind", "supported", "required", "forbidden", "ignored", "notes", "source")
    output.out().print(output.table(columns, rows))


def _entries(answer: Any) -> Iterator[dict[str, Any]]:
    if "kinds" in answer:
        yield answer
    else:
        yield from answer["items"]


def _row(entry: dict[str, Any], kind: str, rule: dict[str, Any]) -> tuple[str, ...]:
    def joined(name: str) -> str:
        return escape(", ".join(map(str, rule.get(name) or ())))

    notes = rule.get("notes") or rule.get("reason") or ""
    return (
        entry["provider"],
        escape(entry["mis"]),
        kind,
        "[green]yes[/green]" if rule["supported"] else "[red]no[/red]",
        joined("required"),
        joined("forbidden"),
        joined("ignored"),
        escape(notes if isinstance(notes, str) else "; ".join(notes)),
        escape(str(rule.get("source") or "")),
    )
