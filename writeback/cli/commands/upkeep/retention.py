"""`writeback retention`: for how long data is kept, what has been deleted for its age, and deleting it now."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from writeback.cli import output
from writeback.cli.config import load_settings
from writeback.cli.exit_codes import CommandFailed, Exit
from writeback.cli.options import Json

if TYPE_CHECKING:
    from writeback.core.settings import Settings
    from writeback.flow.upkeep.retention import Retention, RunView

T = TypeVar("T")

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say how much would be deleted.")]

app = typer.Typer(no_args_is_help=True, help="For how long data is kept; deleting what is too old.")


@app.command()
def show(context: typer.Context, json_: Json = False) -> None:
    """Show for how long each kind of data is kept, and what the latest runs have deleted.

    Example: writeback retention show
    """
    settings = load_settings()
    state = _with(lambda retention: retention.state())
    rules = list(_rules(settings))
    if output.wants_json(context):
        runs = [_as_json(run) for run in state.runs]
        output.print_json({"rules": rules, "runs": runs, "is_late": state.is_late})
        return
    console = output.out()
    kept = [(rule["what"], rule["kept"], rule["setting"]) for rule in rules]
    console.print(output.table(("what", "kept for", "variable"), kept))
    for run in state.runs[:5]:
        console.print(_says(run))
    if not state.runs:
        console.print("No run yet: workers begin one when they start, and then every hour.")


@app.command()
def run(context: typer.Context, dry_run: DryRun = False, json_: Json = False) -> None:
    """Delete what is too old now, as workers do every hour; registers go first here, too.

    Examples: writeback retention run --dry-run
              writeback retention run --json
    """
    if dry_run:
        due = _with(lambda retention: retention.due())
        if output.wants_json(context):
            output.print_json({"due": due})
        else:
            _print_counts(due, "would be deleted")
        return
    done = _with(lambda retention: retention.run())
    if done is None:
        raise CommandFailed(
            Exit.REFUSED,
            "another process is deleting what is too old",
            hint="`writeback retention show` says how far it is",
        )
    if output.wants_json(context):
        output.print_json(_as_json(done))
    else:
        _print_counts(done.deleted, "deleted")
        output.out().print(_says(done), style="dim")


def _rules(settings: "Settings") -> Sequence[dict[str, str]]:
    from writeback.flow.upkeep.retention_rules import RULES, age_in_words, variable_of

    return [
        {
            "name": rule.name,
            "what": rule.what,
            "kept": age_in_words(rule.age(settings)),
            "setting": variable_of(rule),
        }
        for rule in RULES
    ]


def _print_counts(counts: Mapping[str, int], done: str) -> None:
    some = [(number, name) for name, number in counts.items() if number]
    if some:
        output.out().print(output.table((done, "of"), some))
    else:
        output.out().print("[green]✓[/green] nothing is too old")


def _says(run: "RunView") -> str:
    took = f"{(run.ended_at - run.began_at).total_seconds():.1f} s" if run.ended_at is not None else "under way"
    pieces = f"{run.pieces} pieces, the longest {run.longest_s * 1000:.0f} ms"
    return f"{run.began_at:%Y-%m-%d %H:%M:%S}Z  {took}  {run.total} deleted, in {pieces}"


def _as_json(run: "RunView") -> dict[str, Any]:
    return {
        "began_at": run.began_at.isoformat(),
        "ended_at": run.ended_at.isoformat() if run.ended_at is not None else None,
        "deleted": dict(run.deleted),
        "pieces": run.pieces,
        "longest_s": round(run.longest_s, 4),
    }


def _with(work: "Callable[[Retention], Awaitable[T]]") -> T:
    """Return what `work` makes of the database that the settings name."""
    import asyncio

    from sqlalchemy.exc import SQLAlchemyError

    try:
        return asyncio.run(_opened(work))
    except (OSError, SQLAlchemyError) as error:
        raise CommandFailed(
            Exit.CONFIGURATION, f"the database does not answer: {error}", hint="run `writeback doctor`"
        ) from None


async def _opened(work: "Callable[[Retention], Awaitable[T]]") -> T:
    import os

    from writeback.core.clock import SystemClock
    from writeback.core.errors import ConfigurationError
    from writeback.core.logging import configure_logging
    from writeback.flow.upkeep.retention import Retention
    from writeback.store.sql import migrate
    from writeback.store.sql.database import Database
    from writeback.store.sql.pool import PoolOptions

    configure_logging(level="WARNING")  # and to standard error: standard output is ours
    settings = load_settings()
    db = Database.open(
        settings.effective_database_url,
        pool=PoolOptions.of(settings),
        busy_timeout_s=settings.database_busy_timeout_s,
    )
    try:
        schema = await migrate.schema_of(db)
        if not schema.serves:
            raise ConfigurationError(schema.trouble)
        retention = Retention(db, SystemClock(), settings, f"command-line:{os.getpid()}")
        try:
            return await work(retention)
        finally:
            await retention.release()  # also of what Ctrl-C has ended
    finally:
        await db.dispose()
