"""`writeback db`: the database's schema."""

from collections.abc import Coroutine
from typing import Any, TypeVar

import typer

from writeback.cli import output
from writeback.cli.config import load_settings
from writeback.cli.exits import CommandFailed, Exit
from writeback.cli.options import Json

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, help="The database that WRITEBACK_DATABASE_URL names, else the embedded one.")


@app.command()
def upgrade(context: typer.Context, json_: Json = False) -> None:
    """Bring the database to the newest schema; does nothing where it is there already.

    Example: WRITEBACK_DATABASE_URL=postgresql+asyncpg://… writeback db upgrade
    """
    from writeback.core.private import make_private_dir
    from writeback.store import migrate

    settings = load_settings()
    make_private_dir(settings.data_dir)
    url = settings.effective_database_url
    _reaching(migrate.upgrade(url))
    revision = _reaching(migrate.current_revision(url))
    if output.wants_json(context):
        output.print_json({"revision": revision, "is_current": True})
    else:
        output.out().print(f"[green]✓[/green] the database is at {revision}")


@app.command()
def current(context: typer.Context, json_: Json = False) -> None:
    """Say which schema the database has, and whether it is the newest (exit code 6 where it is not).

    Example: writeback db current --json
    """
    from writeback.store import migrate

    url = load_settings().effective_database_url
    revision = _reaching(migrate.current_revision(url))
    is_current = revision == migrate.newest_revision()
    if output.wants_json(context):
        output.print_json({"revision": revision, "is_current": is_current})
    else:
        note = (
            "the newest" if is_current else f"not the newest ({migrate.newest_revision()}): run `writeback db upgrade`"
        )
        output.out().print(f"{revision or 'empty'}: {note}")
    if not is_current:
        raise typer.Exit(Exit.CONFIGURATION)


def _reaching(work: Coroutine[Any, Any, T]) -> T:
    """Return what `work` returns; raise CommandFailed when the database cannot be reached."""
    import asyncio

    from sqlalchemy.exc import SQLAlchemyError

    try:
        return asyncio.run(work)
    except (OSError, SQLAlchemyError) as error:
        raise CommandFailed(
            Exit.CONFIGURATION,
            f"the database does not answer: {error}",
            hint="is WRITEBACK_DATABASE_URL right, and the server running?",
        ) from None
