"""What is derived from the log of events: counts, and what writebacks are found by."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, Index, text
from sqlmodel import Field

from writeback.store.sql.types import UtcDateTime
from writeback.store.tables.columns import Stored, instant

_IS_FINDING = text("what = 'finding'")


class RollupRow(Stored, table=True):
    """What came in within a minute, and what became of it by now: a rollup of events."""

    __tablename__ = "tally"
    __table_args__ = (Index("ix_tally_bucket_at", "bucket_at"),)

    school_id: str = Field(primary_key=True)
    """Empty: all schools of the provider."""
    bucket_at: datetime = Field(sa_column=Column(UtcDateTime(), primary_key=True))
    provider: str = Field(primary_key=True)
    is_register: bool = Field(primary_key=True)
    """Marks; else what is no register."""
    accepted: int = 0
    confirmed: int = 0
    """Of those accepted then; so are `failed` and `dropped`."""
    failed: int = 0
    dropped: int = 0
    """Superseded or cancelled."""
    went_out: int = 0
    """Confirmed then, whenever they were accepted."""
    evidence_at: datetime | None = instant(nullable=True)
    """The last confirmation."""


class RollupTimeRow(Stored, table=True):
    """How many confirmations within a minute took how long."""

    __tablename__ = "tally_time"
    __table_args__ = (Index("ix_tally_time_bucket_at", "bucket_at"),)

    school_id: str = Field(primary_key=True)
    bucket_at: datetime = Field(sa_column=Column(UtcDateTime(), primary_key=True))
    provider: str = Field(primary_key=True)
    bin: int = Field(primary_key=True)
    """From acceptance to evidence: eight times the binary logarithm of its seconds."""
    writebacks: int = 0


class RollupCursorRow(Stored, table=True):
    """How far events have been counted: one row."""

    __tablename__ = "tally_cursor"

    id: int = Field(primary_key=True)
    event_id: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))


class SearchTermRow(Stored, table=True):
    """A text by which a writeback is found: an id, a reference, the code of a finding. In small letters."""

    __tablename__ = "search_term"
    __table_args__ = (
        Index("ix_search_term_finding", "seq", sqlite_where=_IS_FINDING),  # PostgreSQL's too, as the migrations say
        Index("ix_search_term_seq", "seq"),
        {"sqlite_with_rowid": False},
    )

    what: str = Field(primary_key=True)
    """pupil, employee, record, ref, mis, finding."""
    term: str = Field(primary_key=True)
    """In PostgreSQL of the collation C, so that what begins alike lies together."""
    school_id: str = Field(primary_key=True)
    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    """Of the writeback."""


class SearchCursorRow(Stored, table=True):
    """How far events have been gone through for what to find writebacks by: one row."""

    __tablename__ = "search_cursor"

    id: int = Field(primary_key=True)
    event_id: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
