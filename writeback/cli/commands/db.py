"""`writeback db`: the database's schema."""

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from writeback.cli import output
from writeback.cli.config import load_settings
from writeback.cli.exits import CommandFailed, Exit
from writeback.cli.options import Json

if TYPE_CHECKING:
    from writeback.store.migrate import Schema

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, help="The database that WRITEBACK_DATABASE_URL names, else the embedded one.")


@app.command()
def upgrade(context: typer.Context, json_: Json = False) -> None:
    """Bring the database to the newest schema; does nothing where it is there already, or beyond.

    Example: WRITEBACK_DATABASE_URL=postgresql+asyncpg://… writeback db upgrade
    """
    from writeback.core.private import make_private_dir
    from writeback.store import migrate
    from writeback.store.pool import PoolOptions

    settings = load_settings()
    make_private_dir(settings.data_dir)
    schema = _reaching(migrate.upgrade(settings.effective_database_url, PoolOptions.of(settings)))
    if output.wants_json(context):
        output.print_json(_as_json(schema))
    else:
        output.out().print(f"[green]✓[/green] the schema {schema.says}")


@app.command()
def current(context: typer.Context, json_: Json = False) -> None:
    """Say which schema the database has, and whether this version works with it (exit code 6 where it does not).

    Example: writeback db current --json
    """
    from writeback.store import migrate
    from writeback.store.pool import PoolOptions

    settings = load_settings()
    schema = _reaching(migrate.inspected(settings.effective_database_url, PoolOptions.of(settings)))
    if output.wants_json(context):
        output.print_json(_as_json(schema))
    else:
        output.out().print(f"the schema {schema.says}" + (f": {schema.mend}" if schema.mend else ""))
    if not schema.serves:
        raise typer.Exit(Exit.CONFIGURATION)


def _as_json(schema: "Schema") -> dict[str, Any]:
    return {"revision": schema.revision, "is_current": schema.revision == schema.known, "fit": schema.fit}


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
