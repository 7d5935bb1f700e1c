"""What the database knows of itself: its schema, restores from backups and what must not come back with one, and what
has been deleted for its age."""

from datetime import datetime

from sqlalchemy import JSON, BigInteger, Column, Text
from sqlmodel import Field

from writeback.store.tables.columns import BIG_PK, SEALED, Stored, instant


class EpochRow(Stored, table=True):
    """An epoch: the state of the database since a restore; the newest row counts."""

    __tablename__ = "epoch"

    id: int = Field(primary_key=True)
    lineage: str
    """The name by which the database is remembered beside it: another one in each epoch."""
    began_at: datetime = instant()
    taken_at: datetime | None = instant(nullable=True)
    """When the backup was made, or one restored shortly before; null: nothing was sent that it does not know."""
    last_seq: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    """The last writeback that came with the backup."""
    compare_until: datetime | None = instant(nullable=True)
    """Creates that are accepted before are looked for in the MIS first."""
    suspected_at: datetime | None = instant(nullable=True)
    """Since then the database is known to be older than what is remembered of it; nothing is sent."""
    remembered: int | None = Field(default=None, sa_column=Column(BigInteger))
    """Up to which event it was known then."""


class SchemaRow(Stored, table=True):
    """What the schema says to versions of the service that are older than it; one row, written by `migrate.upgrade`."""

    __tablename__ = "schema_compatibility"

    id: int = Field(primary_key=True)
    works_from: str
    """The oldest revision whose version of the service works with it."""


class RetentionRunRow(Stored, table=True):
    """One time that what is too old was deleted, and how much it was; of those under way, one."""

    __tablename__ = "retention_run"

    id: int | None = Field(default=None, sa_column=Column(BIG_PK, primary_key=True, autoincrement=True))
    began_at: datetime = instant()
    ended_at: datetime | None = instant(nullable=True, index=True)
    """Null: it is under way, or waits to be resumed."""
    deleted: dict[str, int] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    """How many of what: by the names in `flow/upkeep/retention_rules.py`."""
    pieces: int = 0
    """Transactions that it took."""
    longest_s: float = 0.0
    """What the longest of them took, with its wait for the database."""
    fence: int = 0
    """Counts those who have worked on it: whoever has an older number commits nothing."""
    lease_owner: str | None = None
    lease_until: datetime | None = instant(nullable=True)


class ErasureRow(Stored, table=True):
    """Who was erased, or has left, as a keyed hash: kept outside the database too (`flow/data_subjects/list.py`)."""

    __tablename__ = "erasure"

    hash: str = Field(primary_key=True)
    school_id: str | None = Field(default=None, index=True)
    """The school that the person was of; null: an app that has left."""
    at: datetime = instant()
    """What was there by then was erased; what came later was not."""


class ErasureKeyRow(Stored, table=True):
    """The key of those hashes: one row."""

    __tablename__ = "erasure_key"

    id: str = Field(primary_key=True)
    sealed: str = Field(repr=False, sa_column=Column(Text, nullable=False, **SEALED))
    """Sealed JSON, so that the hashes stay what they are when the secret key turns."""
