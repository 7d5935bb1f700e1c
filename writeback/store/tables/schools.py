"""Schools, their cached lists, and what fell out of these."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, Text, false, text
from sqlmodel import Field

from writeback.store.tables.columns import SEALED, Stored, changed_at, instant


class SchoolRow(Stored, table=True):
    """A school in the registry."""

    __tablename__ = "school"
    __table_args__ = (
        Index("ix_school_account", "provider", "provider_school_id"),
        Index("ix_school_former_ids", "id", sqlite_where=text("former_ids IS NOT NULL")),
    )

    id: str = Field(primary_key=True)
    name: str
    provider: str
    mis: str
    provider_school_id: str
    base_url: str = ""
    credentials: str = Field(default="", repr=False, sa_column_kwargs=SEALED)
    """Sealed JSON."""
    overrides: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    """This school's own feature rules, kind by kind."""
    defaults: dict[str, Any] = Field(
        default_factory=dict, sa_column=Column(JSON, nullable=False, server_default=text("'{}'"))
    )
    """What stands where its records say nothing: by kind, the values of fields."""
    office_marks: str = Field(default="overwrite", sa_column_kwargs={"server_default": "overwrite"})
    """What becomes of marks that the office has made: leave, warn or overwrite."""
    year: list[Any] = Field(default_factory=list, sa_column=Column(JSON, nullable=False, server_default=text("'[]'")))
    """Its terms, holidays and closures, as it gave them."""
    content_days: float | None = None
    """For how long what its writebacks say is kept; null: as the settings say."""
    former_ids: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True), nullable=True))
    """Until when its ids were others, the codes of its former lists, and how far its writebacks have been carried over
    (`store/schools/former_ids.py`). Null: nothing has former ids."""
    late_registers: str = Field(default="leave", sa_column_kwargs={"server_default": "leave"})
    """What becomes of a late mark where something has been entered since it was seen: leave, send."""
    directory: str = Field(default="hashed", sa_column_kwargs={"server_default": "hashed"})
    """What is kept of its people beside their ids: off, hashed, named."""
    country: str | None = None
    """Whose attendance codes it uses, as a person has said (`domain.school.Country`); null: nobody has."""
    facts: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    """What the provider last said of it."""
    hold_reason: str | None = None
    hold_detail: str | None = None
    held_at: datetime | None = instant(nullable=True)
    hold_until: datetime | None = instant(nullable=True, index=True)
    """When a hold by staff ends by itself; null: when somebody resumes it."""
    rechecks: int = 0
    """How often in a row it was checked, or resumed, without success; each time the next check comes later."""
    recheck_at: datetime | None = instant(nullable=True, index=True)
    """When its provider is asked how it stands: about a hold, or after a webhook. Null: it need not be."""
    sync_at: datetime | None = instant(nullable=True, index=True)
    """When its lookups are synced next; while that is under way, when it is taken for dead."""
    sync_first: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Whether somebody waits for that sync, so that it goes before those which are merely due."""
    full_sync_asked_at: datetime | None = instant(nullable=True)
    """When somebody last asked for all of its lists from the beginning; null: nobody has."""
    hook_number: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """How often the address of its hook was renewed."""
    hook_old_until: datetime | None = instant(nullable=True)
    """Until when the address before works."""
    created_at: datetime = instant()
    updated_at: datetime = instant()
    changed_at: datetime | None = changed_at()


class AccountHookRow(Stored, table=True):
    """The hook of our account with a provider, once its address was renewed."""

    __tablename__ = "account_hook"

    provider: str = Field(primary_key=True)
    number: int
    """How often it was renewed."""
    old_until: datetime | None = instant(nullable=True)
    """Until when the address before works."""


class LookupRow(Stored, table=True):
    """One list of one school."""

    __tablename__ = "lookup"

    school_id: str = Field(primary_key=True, foreign_key="school.id")
    list: str = Field(primary_key=True)
    version: int = 0
    fetched_at: datetime = instant()
    """When it was last known to be complete and fresh."""
    cursor: str | None = Field(default=None, sa_column=Column(Text))
    rows: str = Field(default="{}", sa_column=Column(Text, nullable=False))
    """JSON object of rows by id."""
    full_at: datetime | None = instant(nullable=True)
    """When it was last fetched from the beginning; null: it is not known."""
    begins_again: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Whether its rows are those of another MIS or account: what comes next takes the place of them all."""
    changed_at: datetime | None = changed_at()


class DirectoryRow(Stored, table=True):
    """The people of one list of one school, as the school knows them."""

    __tablename__ = "directory"

    id: str = Field(primary_key=True)
    """The school's id, a colon, and the list: students or employees."""
    school_id: str = Field(foreign_key="school.id", index=True)
    list: str
    version: int = 1
    mode: str
    """Hashed or named: what it was made for."""
    made_with: str
    """A token of the secret key that the hashes are made with."""
    begins_again: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Whether its people are those of another MIS or account: nobody is found until all have been fetched."""
    filled_at: datetime = instant()
    """When it was last known to be fresh."""
    people: str = Field(sa_column=Column(Text, nullable=False))
    """JSON: ids, and the hashes that lead to them."""
    details: str = Field(default="", repr=False, sa_column=Column(Text, nullable=False, **SEALED))
    """Sealed JSON of names, classes and numbers by id; empty where it is hashed."""


class RemovalsRow(Stored, table=True):
    """What fell out of one list of one school, and stays there until somebody says whether that is true."""

    __tablename__ = "lookup_removals"

    school_id: str = Field(primary_key=True, foreign_key="school.id")
    list: str = Field(primary_key=True)
    since: datetime = instant()
    """When it began to wait."""
    entries: int
    ids: str = Field(sa_column=Column(Text, nullable=False))
    """JSON array of the rows' ids."""


class SchoolWordsRow(Stored, table=True):
    """The words for codes of one school: those of one app, or those for all of its apps."""

    __tablename__ = "school_words"

    school_id: str = Field(primary_key=True, foreign_key="school.id")
    app_id: str = Field(primary_key=True)
    """Empty: for every app."""
    version: int
    """Counts changes: whoever changes all of it says which one they saw."""
    words: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    """Each with `field`, `word`, `code` and, where it goes before a code that is written like it, `always`."""
    updated_at: datetime = instant()


class UnknownWordRow(Stored, table=True):
    """A value that was refused as no code of the school's, and how often: what a word is missing for."""

    __tablename__ = "unknown_word"

    school_id: str = Field(primary_key=True, foreign_key="school.id")
    app_id: str = Field(primary_key=True)
    field: str = Field(primary_key=True)
    word: str = Field(primary_key=True)
    """As it was sent."""
    times: int
    last_at: datetime = instant(index=True)
