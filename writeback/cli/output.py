"""What commands print: JSON alone on standard output with `--json`, else tables; errors on standard error."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from writeback.cli.exit_codes import CommandFailed

_JSON = "writeback.json"

STATUS_STYLES = {
    "confirmed": "green",
    "partial": "yellow",
    "failed": "red",
    "refused": "red",
    "unknown": "yellow",
    "needs_attention": "magenta",
    "held": "yellow",
    "queued": "cyan",
    "sending": "cyan",
    "sent": "blue",
}
"""A colour for each status; those not named are dim."""


def remember_json(context: typer.Context, wants_json: bool) -> bool:
    """Note for this run that only JSON may go to standard output; the callback of every `--json`."""
    context.meta[_JSON] = wants_json
    return wants_json


def wants_json(context: typer.Context) -> bool:
    return bool(context.meta.get(_JSON))


def out() -> Console:
    """Return a console on standard output; wide when nobody watches, so that nothing is cut off in a pipe."""
    return _console(stderr=False)


def err() -> Console:
    """Return a console on standard error."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    return Console(
        stderr=stderr, width=None if stream.isatty() else 200, highlight=False, soft_wrap=not stream.isatty()
    )


def print_json(value: Any) -> None:
    """Print one JSON document on a line of its own."""
    typer.echo(json.dumps(value, ensure_ascii=False, default=str))


def coloured(status: str) -> str:
    """Return the status as Rich markup."""
    style = STATUS_STYLES.get(status, "dim")
    return f"[{style}]{escape(status)}[/{style}]"


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str | None = None) -> Table:
    """Return a plain table; cells are Rich markup, None prints as a dash."""
    grid = Table(*columns, title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for row in rows:
        grid.add_row(*("–" if cell is None or cell == "" else str(cell) for cell in row))
    return grid


def findings_table(findings: Iterable[Mapping[str, Any]]) -> Table:
    """Return findings as a table: where, what is wrong, how to mend it."""
    return table(
        ("where", "severity", "what is wrong", "how to mend it"),
        (
            (
                escape(str(finding.get("pointer") or _record_name(finding))),
                "[yellow]warning[/yellow]" if finding.get("severity") == "warning" else "[red]error[/red]",
                escape(_message(finding)),
                escape(str(finding.get("hint") or "")),
            )
            for finding in findings
        ),
    )


def print_findings(console: Console, findings: Sequence[Mapping[str, Any]], more: int = 0) -> None:
    """Print findings, if there are any, and how many `more` the answer has left out."""
    if findings:
        console.print(findings_table(findings))
    if more:
        console.print(f"… and {more} more")


def _record_name(finding: Mapping[str, Any]) -> str:
    record = finding.get("record")
    return "the whole" if record is None else f"record {record}"


def _message(finding: Mapping[str, Any]) -> str:
    ours, theirs = str(finding.get("message") or ""), finding.get("provider_message")
    return f"{ours} (provider: {theirs})" if theirs else ours


def print_failure(failure: CommandFailed, *, as_json: bool) -> None:
    """Say on standard error what is wrong, where, and how to mend it; with `as_json` on standard output as JSON."""
    if as_json:
        print_json(failure.as_json())
        return
    console = err()
    console.print(f"[red]✗[/red] {escape(failure.detail)}")
    if failure.where:
        console.print(f"  where: {escape(failure.where)}", style="dim")
    if failure.findings:
        console.print(findings_table(failure.findings))
    if failure.hint:
        console.print(f"  mend:  {escape(failure.hint)}")
