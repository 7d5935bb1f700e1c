"""What a person sees of the demo: bars while it runs, tables at the end; plain lines where nobody watches."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from writeback.cli.demo.player import Answer, Progress
from writeback.cli.demo.result import SchoolResult
from writeback.cli.output import coloured, table

_COLUMNS = ("queued", "sending", "sent", "confirmed", "failed")
_LONGEST_BAR, _BESIDE_THE_BAR = 30, 64
"""In characters; on a narrow terminal there is a shorter one, or none."""


class Screen:
    """Shows progress: a live table on a terminal, else a line when something has changed."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None
        self._last: Table | str = ""

    def __enter__(self) -> "Screen":
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def show(self, progress: Mapping[str, Progress]) -> None:
        if self._live:
            bar = max(0, min(_LONGEST_BAR, self._console.width - _BESIDE_THE_BAR))
            self._live.update(_progress_table(progress, bar), refresh=True)
            return
        line = "; ".join(f"{school}: {_in_words(entry)}" for school, entry in progress.items())
        if line != self._last:
            self._console.print(f"  {line}")
            self._last = line


def _in_words(entry: Progress) -> str:
    shown = {status: entry.marks[status] for status in _COLUMNS if entry.marks[status]}
    return ", ".join(f"{number} {status}" for status, number in shown.items()) or "nothing yet"


def _progress_table(progress: Mapping[str, Progress], bar: int) -> Table:
    columns = ("school", "registers", *(coloured(status) for status in _COLUMNS), "")
    return table(columns, (_progress_row(school, entry, bar) for school, entry in progress.items()))


def _progress_row(school: str, entry: Progress, width: int) -> list[Any]:
    total = max(1, sum(entry.marks[status] for status in _COLUMNS))
    done = round(width * entry.marks["confirmed"] / total)
    bar = f"[green]{'━' * done}[/green][dim]{'━' * (width - done)}[/dim]"
    return [escape(school), entry.writebacks, *(entry.marks[status] or "·" for status in _COLUMNS), bar]


def print_end(
    console: Console,
    answers: Sequence[Answer],
    results: Sequence[SchoolResult],
    surprises: Sequence[str],
    total_s: float,
) -> None:
    """Print what was refused and why, what each school came to, and whether all is as it must be."""
    console.print("\n[bold]Refused at once, as they should be[/bold] (wrong on purpose)")
    console.print(
        table(
            ("school", "what was wrong on purpose", "what the app was answered", "how to mend it"), _refusals(answers)
        )
    )
    console.print("\n[bold]The morning[/bold]")
    columns = zip(_RESULT_ROWS, *(_result_column(result) for result in results), strict=True)
    console.print(table(("", *(escape(result.school) for result in results)), columns))
    for surprise in surprises:
        console.print(f"[red]✗[/red] {escape(surprise)}")
    if not surprises:
        marks = sum(result.marks_confirmed for result in results)
        console.print(
            f"\n[green]✓[/green] {marks} marks confirmed in {total_s:.1f} s; the simulated MIS holds every one of them."
        )


_RESULT_ROWS = (
    "registers accepted", "refused", "marks confirmed", "failed", "skipped", "in the MIS", "median", "95%",
)  # fmt: skip


def _result_column(result: SchoolResult) -> list[Any]:
    return [
        result.accepted,
        result.refused,
        result.marks_confirmed,
        result.marks_failed,
        result.marks_skipped,
        result.marks_confirmed - result.not_in_mis,
        _seconds(result.confirm_p50_s),
        _seconds(result.confirm_p95_s),
    ]


def _seconds(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f} s"


def _refusals(answers: Sequence[Answer]) -> list[list[Any]]:
    rows = []
    for answer in sorted(answers, key=lambda one: (one.submission.school, one.submission.mistake)):
        if answer.submission.mistake and answer.findings:
            said = answer.findings[0]
            what = said.get("message") or said.get("detail") or ""
            cells = (answer.submission.school, answer.submission.mistake, what, said.get("hint") or "")
            rows.append([escape(str(cell)) for cell in cells])
    return rows
