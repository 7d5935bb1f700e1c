"""`writeback db`: the database's schema, its dead rows, and what to say after a restore from a backup."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from writeback.cli import output
from writeback.cli.asking import ask_to_go_on
from writeback.cli.config import load_settings
from writeback.cli.exit_codes import CommandFailed, Exit
from writeback.cli.opened_database import opened_database, reaching
from writeback.cli.options import Json

if TYPE_CHECKING:
    from writeback.flow.data_subjects.again import ErasedAgain
    from writeback.flow.upkeep.restores import EpochView
    from writeback.store.sql.migrate import Schema

TakenAt = Annotated[
    str | None,
    typer.Option("--taken-at", help="When the backup was made: ISO 8601 with an offset.", show_default=False),
]
NothingWasSent = Annotated[
    bool,
    typer.Option("--nothing-was-sent", help="End a false alarm: nothing was sent that the database does not know."),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]

app = typer.Typer(no_args_is_help=True, help="The database that WRITEBACK_DATABASE_URL names, else the embedded one.")


@app.command()
def upgrade(context: typer.Context, json_: Json = False) -> None:
    """Bring the database to the newest schema; does nothing where it is there already, or beyond.

    Example: WRITEBACK_DATABASE_URL=postgresql+asyncpg://… writeback db upgrade
    """
    from writeback.core.private_files import make_private_dir
    from writeback.store.sql import migrate
    from writeback.store.sql.pool import PoolOptions

    settings = load_settings()
    make_private_dir(settings.data_dir)
    schema = reaching(migrate.upgrade(settings.effective_database_url, PoolOptions.of(settings)))
    if output.wants_json(context):
        output.print_json(_as_json(schema))
    else:
        output.out().print(f"[green]✓[/green] the schema {schema.says}")


@app.command()
def current(context: typer.Context, json_: Json = False) -> None:
    """Say which schema the database has, and whether this version works with it (exit code 6 where it does not).

    Example: writeback db current --json
    """
    from writeback.store.sql import migrate
    from writeback.store.sql.pool import PoolOptions

    settings = load_settings()
    schema = reaching(migrate.inspected(settings.effective_database_url, PoolOptions.of(settings)))
    if output.wants_json(context):
        output.print_json(_as_json(schema))
    else:
        output.out().print(f"the schema {schema.says}" + (f": {schema.mend}" if schema.mend else ""))
    if not schema.serves:
        raise typer.Exit(Exit.CONFIGURATION)


@app.command()
def restored(
    context: typer.Context,
    taken_at: TakenAt = None,
    nothing_was_sent: NothingWasSent = False,
    yes: Yes = False,
    json_: Json = False,
) -> None:
    """Announce that the database was restored from a backup: what may have been sent since is looked for in the MIS
    before it is sent. Stop the workers first, and start them afterwards. Whoever was erased since is erased again, as
    the erasure list has it.

    Examples: writeback db restored --taken-at 2026-01-12T08:40:00+00:00
              writeback db restored --nothing-was-sent
    """
    if (taken_at is None) != nothing_was_sent:
        raise CommandFailed(
            Exit.USAGE,
            "say one of the two: when the backup was made, or that nothing was sent since",
            hint="--taken-at 2026-01-12T08:40:00+00:00, or --nothing-was-sent",
        )
    instant = None if taken_at is None else _instant(taken_at)
    if not yes:
        _ask(context, instant)
    view, again = reaching(announce(instant))
    if output.wants_json(context):
        output.print_json({**_epoch_as_json(view), "erased_again": as_json(again)})
    elif view.taken_at is None:
        output.out().print("[green]✓[/green] sending goes on as usual")
    else:
        output.out().print(f"[green]✓[/green] {view.says}")
        until = view.compare_until.isoformat(timespec="minutes") if view.compare_until else "now"
        output.out().print(f"  what apps create is looked for first until {until}; start API and workers")
    if not output.wants_json(context):
        say_erased_again(again)


@app.command()
def compact(context: typer.Context, yes: Yes = False, json_: Json = False) -> None:
    """Rewrite the database without its dead rows, so that its files hold nothing any more of what was erased.

    Off-hours: on SQLite writers wait meanwhile, on PostgreSQL each table is locked while it is rewritten. It needs as
    much free disk as the database has.

    Example: writeback db compact --yes
    """
    from writeback.flow.data_subjects.places import PLACES
    from writeback.store.sql.compact import compact as rewrite
    from writeback.store.sql.pool import PoolOptions

    settings = load_settings()
    if not yes:
        ask_to_go_on(context, "while it runs nobody else can write")
    tables = [place.name for place in PLACES]
    pool, patience_s = PoolOptions.of(settings), settings.database_busy_timeout_s
    done = reaching(rewrite(settings.effective_database_url, pool, tables, patience_s=patience_s))
    if output.wants_json(context):
        output.print_json({"before": done.before, "after": done.after, "is_complete": not done.is_busy})
    else:
        output.out().print(f"[green]✓[/green] {done.before:,} bytes are now {done.after:,}")
    if done.is_busy:
        hint = "stop API and workers, and run it once more"
        raise CommandFailed(Exit.REFUSED, "somebody was reading: dead rows may be left in the log", hint=hint)


def as_json(again: "ErasedAgain") -> dict[str, Any]:
    return {
        "persons": again.persons,
        "schools": again.schools,
        "apps": again.apps,
        "rows": dict(again.rows),
        "waiting": [one.model_dump() for one in again.waiting],
    }


def say_erased_again(again: "ErasedAgain") -> None:
    """Say what of the erasure list had come back."""
    found = {"persons": again.persons, "schools": again.schools, "apps": again.apps}
    if said := ", ".join(f"{number} {what}" for what, number in found.items() if number):
        output.out().print(f"  erased again: {said}")
    if again.waiting:
        output.out().print(
            f"  {len(again.waiting)} entries of them are on their way again: when these have ended, run "
            "`writeback people erase-listed`"
        )


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        hint = "write a date, a time and an offset: 2026-01-12T08:40:00+00:00"
        raise CommandFailed(Exit.USAGE, f"--taken-at is {text!r}", hint=hint)
    return instant


def _ask(context: typer.Context, taken_at: datetime | None) -> None:
    """Say what it does, and ask whether that is meant."""
    does = (
        f"what was open on {taken_at.isoformat()} is looked for in the MIS before it is sent, and so is for a while "
        "what apps newly create"
        if taken_at is not None
        else "what is open is sent at once: what was sent since the backup, and is in the MIS, is sent once more"
    )
    ask_to_go_on(context, does)


async def announce(taken_at: datetime | None, url: str = "") -> "tuple[EpochView, ErasedAgain]":
    """Announce a restore to the database that the settings name, or another one, and erase again whoever is on the
    erasure list; `taken_at` None: nothing was sent since."""
    from writeback.core.clock import SystemClock
    from writeback.core.errors import Problem
    from writeback.core.secrets import SecretBox
    from writeback.domain.actor import COMMAND_LINE
    from writeback.flow.data_subjects.data_subjects import DataSubjects
    from writeback.flow.upkeep.restores import Restores

    settings = load_settings()
    secrets = SecretBox(*settings.effective_secret_keys)  # first: the erasure list is sealed with it
    try:
        async with opened_database(settings, url) as db:
            restores = Restores(db, SystemClock(), settings.restore)
            if taken_at is None:
                view = await restores.nothing_was_sent(COMMAND_LINE)
            else:
                view = await restores.announce(taken_at, COMMAND_LINE)
            return view, await DataSubjects.of(settings, db, SystemClock(), secrets).erase_again(COMMAND_LINE)
    except Problem as problem:
        raise CommandFailed(Exit.REFUSED, problem.detail, hint=problem.hint) from None


def _epoch_as_json(view: "EpochView") -> dict[str, Any]:
    return {
        "taken_at": _iso(view.taken_at),
        "announced_at": _iso(view.began_at),
        "compare_until": _iso(view.compare_until),
        "waiting": view.waiting,
        "being_looked_for": view.being_looked_for,
    }


def _iso(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant is not None else None


def _as_json(schema: "Schema") -> dict[str, Any]:
    return {"revision": schema.revision, "is_current": schema.revision == schema.known, "fit": schema.fit}
