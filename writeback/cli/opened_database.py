"""The database itself, for commands that work without an API and without Redis."""

from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from writeback.cli.exit_codes import CommandFailed, Exit

if TYPE_CHECKING:
    from writeback.core.settings import Settings
    from writeback.store.sql.database import Database

T = TypeVar("T")


@asynccontextmanager
async def opened_database(settings: "Settings", url: str = "") -> AsyncIterator["Database"]:
    """Give the database that the settings name, or another one; raise ConfigurationError where its schema is none of
    ours."""
    from writeback.core.errors import ConfigurationError
    from writeback.store.sql import migrate
    from writeback.store.sql.database import Database
    from writeback.store.sql.pool import PoolOptions

    db = Database.open(url or settings.effective_database_url, pool=PoolOptions.of(settings))
    try:
        schema = await migrate.schema_of(db)
        if not schema.serves:
            raise ConfigurationError(schema.trouble)
        yield db
    finally:
        await db.dispose()


def reaching(work: Coroutine[Any, Any, T]) -> T:
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
