"""Batches: files of many rows; and bulk jobs."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index, LargeBinary, Text, UniqueConstraint
from sqlmodel import Field

from writeback.store.tables.columns import Stored, instant


class BatchRow(Stored, table=True):
    """A file of many rows, and how far it has been worked through."""

    __tablename__ = "batch"
    __table_args__ = (
        Index("ix_batch_app", "app_id", "id"),
        Index("ix_batch_work", "status", "lease_until"),
        Index("ix_batch_same", "school_id", "sha256"),
    )

    id: str = Field(primary_key=True)
    app_id: str
    school_id: str
    kind: str | None = None
    """What its rows are; null until the file says so."""
    kinds: list[str] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    """What the file may say: the kinds that the key which uploaded it may send; null: all."""
    may_find: bool = False
    """Whether the key that uploaded it may find people as the school knows them."""
    format: str
    """csv, ndjson, xlsx."""
    file_name: str = ""
    size: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    sha256: str = ""
    dry_run: bool = False
    review: bool = False
    """Whether somebody looks at it before anything of it is queued."""
    status: str
    """uploading, reading, checking, reviewing, queueing, done, refused, cancelled."""
    cursor: int = 0
    """How far the present step has come: the number of the last row, or unit, that is done."""
    rows_read: int = 0
    rows_good: int = 0
    rows_bad: int = 0
    rows_queued: int = 0
    layout: str = Field(default="", sa_column=Column(Text, nullable=False))
    """JSON: how the file is laid out; until it has been opened what was stated of it, or empty."""
    mapping: str = Field(default="", sa_column=Column(Text, nullable=False))
    """JSON: how its columns are read where a person has said so, who, and when; empty: nobody had to."""
    findings: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    """About the file as a whole."""
    problems: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    """How often each finding was made, and in which row first."""
    refreshed: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    """Lists that were fetched again for its sake."""
    failures: int = 0
    """Turns in a row that broke off."""
    fence: int = 0
    lease_owner: str | None = None
    lease_until: datetime | None = instant(nullable=True)
    """Nobody else works on it before then."""
    created_at: datetime = instant()
    updated_at: datetime = instant()
    finished_at: datetime | None = instant(nullable=True)
    forgotten_at: datetime | None = instant(nullable=True)
    """When its rows were deleted."""


class BatchChunkRow(Stored, table=True):
    """A piece of a batch's file, until all of it has been read; of one that is reviewed, until that has ended."""

    __tablename__ = "batch_chunk"

    batch_id: str = Field(primary_key=True, foreign_key="batch.id")
    number: int = Field(primary_key=True)
    data: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class BatchLine(Stored, table=True):
    """One row of a batch's file."""

    __tablename__ = "batch_row"
    __table_args__ = (
        Index("ix_batch_row_unit", "batch_id", "unit"),
        Index("ix_batch_row_part", "batch_id", "state", "part", "unit"),
    )

    batch_id: str = Field(primary_key=True, foreign_key="batch.id")
    number: int = Field(primary_key=True)
    """As a spreadsheet shows it."""
    unit: int
    """The number of the first row of its record; its own but for conduct."""
    state: str
    """new, good, bad, left_out, queued."""
    part: int = 0
    """The number of the first row of its group; a writeback has rows of one group."""
    size: int = 0
    """Characters of what it says."""
    cells: str = Field(default="", sa_column=Column(Text, nullable=False))
    """JSON array of its cells as they were; empty once it is queued."""
    record: str = Field(default="", sa_column=Column(Text, nullable=False))
    """JSON of its record, where it is good and the first of its unit."""
    findings: str = Field(default="", sa_column=Column(Text, nullable=False))
    """JSON array; empty: nothing was found."""
    same: str = ""
    """Hashes of what it is about, and of all that it says."""
    group_key: str = ""
    """Hash of the group that it belongs to."""
    mended: str = Field(default="", sa_column=Column(Text, nullable=False))
    """JSON: who changed cells of it by hand, when, and what these said before; empty: nobody."""
    people: str = Field(default="", sa_column=Column(Text, nullable=False))
    """Keys of the references by which it names people, in a review."""
    writeback_id: str | None = None


class BatchReviewRow(Stored, table=True):
    """What is known of a batch that somebody looks at before it is sent."""

    __tablename__ = "batch_review"

    batch_id: str = Field(primary_key=True, foreign_key="batch.id")
    until: datetime = instant()
    """It is cancelled then, unless it has been sent."""
    understood: str = Field(default="", sa_column=Column(Text, nullable=False))
    """JSON: how the columns of its file may be read; empty until it has been opened."""
    counts: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    """How many good records have each day, session and code."""


class BatchPersonRow(Stored, table=True):
    """One person as the rows of a batch name them, and who that is."""

    __tablename__ = "batch_person"

    batch_id: str = Field(primary_key=True, foreign_key="batch.id")
    key: str = Field(primary_key=True)
    """Hash of the list and the reference, keyed with the file."""
    list_name: str
    """students, employees."""
    reference: str = Field(default="", sa_column=Column(Text, nullable=False))
    """JSON: as the rows name them."""
    match: str
    """found, unknown, ambiguous, too_little, not_kept."""
    person_id: str = ""
    """The provider's id, where one was found or chosen."""
    chosen_by: str | None = None
    """Who said that it is this one; null: nobody had to."""
    chosen_at: datetime | None = instant(nullable=True)
    rows: int = 0
    """How many rows name them so."""
    first_row: int = 0


class BatchMappingRow(Stored, table=True):
    """How an app's files with one header are to be read for one school, as a person has confirmed it."""

    __tablename__ = "batch_mapping"
    __table_args__ = (UniqueConstraint("app_id", "school_id", "kind", "fingerprint"),)

    id: str = Field(primary_key=True)
    app_id: str
    school_id: str
    kind: str
    fingerprint: str
    """Hash of the header's cells."""
    header: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    """These cells: the names of the columns."""
    mapping: str = Field(sa_column=Column(Text, nullable=False))
    """JSON."""
    confirmed_by: str
    confirmed_at: datetime = instant()
    used_at: datetime | None = instant(nullable=True)
    """When a file was last read by it."""


class BulkRow(Stored, table=True):
    """What a person at the console has asked to be done to many writebacks, and how far it is."""

    __tablename__ = "bulk"

    id: str = Field(primary_key=True)
    """The audit log has it with each of them."""
    staff_id: str = Field(foreign_key="staff.id", index=True)
    as_staff_id: str | None = None
    """In whose name it runs, where somebody else has resumed it."""
    school_id: str | None = None
    """The only school that it is about; null: it may be about several."""
    action: str
    """resubmit, cancel, check, resolve."""
    outcome: str | None = None
    """How it is resolved: confirmed, failed, resend; null: it is not."""
    reason: str = Field(default="", sa_column=Column(Text, nullable=False))
    wanted: str = Field(sa_column=Column(Text, nullable=False))
    """JSON: the filter, and ids where some were ticked."""
    changes: str = Field(default="", sa_column=Column(Text, nullable=False, server_default=""))
    """JSON: what is changed in the records that are sent again; empty: nothing."""
    state: str = Field(index=True)
    """running, done, stopped."""
    matched: int = 0
    """How many there were when it was asked for."""
    looked_at: int = 0
    done: int = 0
    records: int = 0
    """Of those done."""
    unchanged: int = 0
    not_done: int = 0
    refusals: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    """The first of those that could not be done: id, detail, and what to do."""
    cursor: str | None = None
    trouble: str | None = None
    """Why it stopped."""
    fence: int = 0
    """Counts takings and stops: whoever has an older number commits nothing."""
    lease_owner: str | None = None
    lease_until: datetime | None = instant(nullable=True)
    created_at: datetime = instant()
    finished_at: datetime | None = instant(nullable=True)
