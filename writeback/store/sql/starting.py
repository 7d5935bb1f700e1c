"""A process that starts sees to its database: the schema, and whether the server has connections enough."""

import asyncio

import structlog

from writeback.core import outage_logs
from writeback.core.clock import Clock
from writeback.core.errors import ConfigurationError
from writeback.core.loggable_errors import class_of
from writeback.core.private_files import make_private_dir
from writeback.core.settings import Settings
from writeback.store.sql import migrate
from writeback.store.sql.capacity import capacity_of
from writeback.store.sql.database import Database
from writeback.store.sql.engines import is_unavailable
from writeback.store.sql.pool import PoolOptions

log = structlog.get_logger()

_ASK_AGAIN_S = 2.0
"""How often a database that is down is asked whether it is there again."""


async def ready_schema(settings: Settings, pool: PoolOptions, clock: Clock, patience_s: float) -> None:
    """Bring our own SQLite file up to date; for a database of somebody else's, say what to run."""
    url = settings.effective_database_url
    if settings.is_embedded:
        make_private_dir(settings.data_dir)
        schema = await migrate.upgrade(url)
    else:
        schema = await _schema(url, pool, clock, patience_s)
    if not schema.serves:
        raise ConfigurationError(schema.trouble)
    if schema.fit is migrate.Fit.NEWER:
        log.warning("schema_newer", revision=schema.revision, known=schema.known)


async def _schema(url: str, pool: PoolOptions, clock: Clock, patience_s: float) -> migrate.Schema:
    """Return the schema; raise ConfigurationError where the database is down for longer than that."""
    until = clock.monotonic() + patience_s
    while True:
        try:
            return await migrate.inspected(url, pool)
        except Exception as error:
            if not is_unavailable(error):
                raise
            if clock.monotonic() >= until:
                raise ConfigurationError(
                    f"the database does not answer ({class_of(error)}): see that it runs and that "
                    "WRITEBACK_DATABASE_URL is right; `writeback doctor` looks at everything"
                ) from error
            outage_logs.warning("database_not_reached", error)
        await asyncio.sleep(_ASK_AGAIN_S)


async def warn_of_few_connections(db: Database, pool: PoolOptions) -> None:
    """Warn where the server has too few connections for all who work on it; they wait for each other then."""
    try:
        capacity = await capacity_of(db, pool, as_one_of_them=True)
    except Exception as error:
        if not is_unavailable(error):
            raise
        return  # whoever needs the database will say so
    if capacity is not None and not capacity.is_enough:
        log.warning("database_connections_too_few", says=capacity.says, mend=capacity.mend)
