"""What a run shows while it goes on, and its figures in the end."""

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.chaos.options import Options
from tests.chaos.verdict import Result


class Screen:
    """A bar for what is sent and one for what is settled; nothing where it is quiet."""

    def __init__(self, options: Options, *, is_quiet: bool) -> None:
        columns = (TextColumn("{task.description:>10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        doing = TextColumn("{task.fields[doing]}")
        self._progress = Progress(*columns, doing, console=Console(stderr=True), disable=is_quiet)
        self._sent = self._progress.add_task("accepted", total=options.count, doing="")
        self._settled = self._progress.add_task("settled", total=options.count, doing="")

    def __enter__(self) -> "Screen":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def sent(self, count: int) -> None:
        self._progress.update(self._sent, completed=count)

    def settled(self, count: int) -> None:
        self._progress.update(self._settled, completed=count)

    def doing(self, what: str) -> None:
        self._progress.update(self._sent, doing=what)


def table(result: Result) -> None:
    """Print the figures."""
    console = Console(highlight=False)
    shown = Table("figure", "value", "must be", "", title=f"seed {result.seed}", title_justify="left")
    for figure in result.figures:
        shown.add_row(figure.name, str(figure.value), figure.wanted, "ok" if figure.is_right else "[red]WRONG[/red]")
    console.print(shown)
    for title, counts in result.counts.items():
        answer = ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items(), key=lambda item: -item[1]))
        console.print(f"[bold]{title}[/bold]: {answer or 'none'}")
    for problem in result.problems[:40]:
        console.print(f"  - {problem}", markup=False)
    console.print("[green]Every figure is right.[/green]" if result.is_right else "[red]Something is wrong.[/red]")
