"""What commands print: JSON alone on standard output with `--json`, else tables; errors on standard error."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import typer
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from writeback.cli.exit_codes import CommandFailed

_JSON = "writeback.json"
_WIDEST = 10_000

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
    grid = _Fitting(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for name in columns:
        grid.add_column(name, overflow="fold")
    for row in rows:
        grid.add_row(*("–" if cell is None or cell == "" else str(cell) for cell in row))
    return grid


class _Fitting(Table):
    """A table that cuts nothing: where words, such as ids, would have to be broken, each row becomes a paragraph."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self.__rich_measure__(console, options.update(max_width=_WIDEST)).minimum <= options.max_width:
            yield from super().__rich_console__(console, options)
            return
        names = [str(column.header) for column in self.columns]
        for cells in zip(*(column.cells for column in self.columns), strict=True):
            yield Text.from_markup(f"[bold]{cells[0]}[/bold]  {cells[1]}", overflow="fold")
            named = zip(names[2:], cells[2:], strict=True)
            said = [f"[dim]{name}[/dim] {cell}" for name, cell in named if cell != "–"]
            yield Padding(Text.from_markup("  ".join(said), overflow="fold"), (0, 0, 0, 2))


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
    whose = "the provider says" if finding.get("provider_answered") else "the provider's document"
    return f"{ours} ({whose}: {theirs})" if theirs else ours


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
