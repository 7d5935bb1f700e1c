"""Brings a database to the newest schema, and says whether this version of the service works with the one it has.

The whole upgrade is one transaction under a lock, so processes that start together wait for the first, and a failed
upgrade leaves the schema as it was.

A version of the service may meet a schema that is newer than itself: during an upgrade, and after going back to it. So
each migration may say `works_from`: the oldest revision whose version of the service works with the schema that the
migration leaves behind. One that says nothing needs its own. The highest of all is kept in the database, for older
versions to read.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from sqlalchemy import Connection, column, delete, insert, inspect, select, table, text

from writeback.core.errors import ConfigurationError
from writeback.store.sql.database import Database
from writeback.store.sql.pool import DEFAULT_POOL, PoolOptions
from writeback.store.tables import SchemaRow, table_of

_MIGRATIONS = Path(__file__).parents[1] / "migrations"
_ADVISORY_LOCK = 0x77726974  # "writ"
_SCHEMA = table_of(SchemaRow)
_ALEMBICS = table("alembic_version", column("version_num"))
"""Where Alembic keeps the revision of a database."""


class Fit(StrEnum):
    """How the schema of a database and this version of the service go together."""

    CURRENT = "current"
    """It is the one that this version was made for."""
    NEWER = "newer"
    """It is newer, and says that this version works with it."""
    OLDER = "older"
    """It lacks something: it is to be upgraded."""
    TOO_NEW = "too_new"
    """It is newer, and this version does not work with it any more."""


@dataclass(frozen=True)
class Schema:
    """The schema that a database has; None where it has none of our tables."""

    revision: str | None
    works_from: str | None
    """The oldest revision whose version of the service works with it."""
    known: str
    """The revision that this version of the service was made for."""

    @property
    def fit(self) -> Fit:
        """Revisions are numbers of four digits: a later one is the higher one."""
        if self.revision == self.known:
            return Fit.CURRENT
        if self.revision is None or self.revision < self.known:
            return Fit.OLDER
        return Fit.NEWER if self.works_from is not None and self.works_from <= self.known else Fit.TOO_NEW

    @property
    def serves(self) -> bool:
        """Whether this version works with it."""
        return self.fit in (Fit.CURRENT, Fit.NEWER)

    @property
    def says(self) -> str:
        """How it is, as the end of a sentence that begins with "the schema"."""
        match self.fit:
            case Fit.CURRENT:
                return f"is the newest ({self.revision})"
            case Fit.NEWER:
                return f"is {self.revision}, newer than this version's {self.known}, and works with it"
            case Fit.OLDER:
                return f"is {self.revision or 'empty'}, not the newest ({self.known})"
            case Fit.TOO_NEW:
                needed = self.works_from or self.revision
                return f"is {self.revision}, which works with versions made for {needed} or later, not for {self.known}"

    @property
    def mend(self) -> str:
        """What to do where this version does not work with it; else nothing."""
        return {Fit.OLDER: "run `writeback db upgrade`", Fit.TOO_NEW: "install a newer writeback"}.get(self.fit, "")

    @property
    def trouble(self) -> str:
        """Both, as one message."""
        return f"the database's schema {self.says}: {self.mend}"


async def upgrade(url: str, pool: PoolOptions = DEFAULT_POOL) -> Schema:
    """Bring the database to the newest revision that this version knows; leave one that is newer as it is.

    Raises ConfigurationError when it is so new that this version does not work with it.
    """
    # A large table takes its time.
    db = Database.open(url, pool=replace(pool, size=1), command_timeout_s=None)
    try:
        schema = await db.write_core(_upgrade)
    finally:
        await db.dispose()
    if not schema.serves:
        raise ConfigurationError(schema.trouble)
    return schema


async def inspected(url: str, pool: PoolOptions = DEFAULT_POOL) -> Schema:
    """Return the schema of a database that nobody has opened yet."""
    db = Database.open(url, pool=replace(pool, size=1))
    try:
        return await schema_of(db)
    finally:
        await db.dispose()


async def schema_of(db: Database) -> Schema:
    """Return the schema that the database has."""
    async with db.read() as session:
        return await (await session.connection()).run_sync(_schema)


def known_revision() -> str:
    """Return the revision that this version of the service was made for: the number of its last migration's file."""
    return max(path.name.partition("_")[0] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))


def _upgrade(connection: Connection) -> Schema:
    if connection.dialect.name == "postgresql":  # on SQLite BEGIN IMMEDIATE is the lock
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK})
    schema = _schema(connection)
    if schema.fit is not Fit.OLDER:
        return schema
    works_from = _run_migrations(connection)
    connection.execute(delete(_SCHEMA))
    connection.execute(insert(_SCHEMA), {"id": 1, "works_from": works_from})
    return _schema(connection)


def _run_migrations(connection: Connection) -> str:
    """Run those that are missing; return the oldest revision whose version works with what they leave behind."""
    # Alembic is loaded when there is something to upgrade: every process would wait for it at its start.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    revisions = ScriptDirectory.from_config(config).walk_revisions()
    return max(getattr(one.module, "works_from", one.revision) for one in revisions)


def _schema(connection: Connection) -> Schema:
    tables = inspect(connection)
    revision = connection.scalar(select(_ALEMBICS.c.version_num)) if tables.has_table(_ALEMBICS.name) else None
    schema = Schema(revision, None, known_revision())
    if schema.fit is not Fit.TOO_NEW or not tables.has_table(_SCHEMA.name):
        return schema
    return replace(schema, works_from=connection.scalar(select(_SCHEMA.c.works_from)))
