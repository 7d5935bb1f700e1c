"""Brings a database to the newest schema. Called by `writeback db upgrade`, by `writeback dev` and by tests.

The whole upgrade is one transaction under a lock, so processes that start together wait for the first, and a failed
upgrade leaves the schema as it was.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from writeback.store.database import Database

_MIGRATIONS = Path(__file__).parent / "migrations"
_ADVISORY_LOCK = 0x77726974  # "writ"


async def upgrade(url: str) -> None:
    """Bring the database to the newest revision; do nothing where it is there already."""
    db = Database.open(url, pool_size=1, command_timeout_s=None)  # a large table takes its time
    try:
        await db.write_core(_upgrade)
    finally:
        await db.dispose()


async def current_revision(url: str) -> str | None:
    """Return the revision that the database has; None when it has none of our tables."""
    db = Database.open(url, pool_size=1)
    try:
        async with db.read() as session:
            return await (await session.connection()).run_sync(_revision)
    finally:
        await db.dispose()


def newest_revision() -> str | None:
    """Return the revision that this version of the service needs."""
    return ScriptDirectory.from_config(_config()).get_current_head()


async def is_current(url: str) -> bool:
    """Whether the database has the newest revision."""
    return await current_revision(url) == newest_revision()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":  # on SQLite BEGIN IMMEDIATE is the lock
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK})
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
