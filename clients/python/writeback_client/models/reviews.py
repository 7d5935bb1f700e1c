"""Files that are looked at before they are sent: what was understood of them, their rows, and whom these name."""

from datetime import datetime
from typing import Any, ClassVar

from writeback_client.models.base import Finding, Model
from writeback_client.models.batches import Batch


class ReviewColumn(Model):
    """A column of the rows as they are shown. Of a grid these are rows of their own, one for each mark."""

    column: str
    """As spreadsheets name it: A, B, …"""
    header: str
    """What stands above it."""
    field: str | None = None
    """The field of the record; null: it is not sent."""


class ColumnUse(Model):
    """What a column of the file is."""

    field: str | None = None
    """A field of the record, a part of a person such as `student.upn`, `class` or `incident`; null: it is not sent."""
    day: str = ""
    """Of a grid's column of marks: its day, `2026-11-23`; also without year (`--11-23`) or month (`---23`), or `mon` to
    `sun`."""
    session: str = ""
    """Of a grid's column of marks: AM, PM, or `AM PM` where each cell has both."""
    lesson_id: str = ""
    """Of a grid's column of marks: its lesson."""


class FileColumn(Model):
    """A column of the file, and what it is taken for."""

    column: str
    """As spreadsheets name it: A, B, …"""
    name: str
    """What stands above it."""
    use: ColumnUse | None = None
    """What it is read as; null: nobody can tell, and it is not sent unless somebody says."""
    candidates: tuple[str, ...] = ()
    """Fields that it may be as well, the likeliest first."""
    why: str = ""
    """Why it is not certain; empty where it is."""
    samples: tuple[str, ...] = ()
    """Its first cells: they may name pupils."""


class FileConstant(Model):
    """What is said once for all rows."""

    value: str
    source: str = ""
    """Where in the file it stands; empty where somebody has said it."""


class Reading(Model):
    """How the columns of a file are read, or may be."""

    kind: str
    header_rows: tuple[int, ...]
    """The rows that name the columns, as a spreadsheet shows them."""
    columns: tuple[FileColumn, ...]
    constants: dict[str, FileConstant] = {}
    """What every row has, by field."""
    first_day: str = ""
    """From when on the days of a grid count, where its columns do not say their year, month or date."""
    fields: tuple[str, ...] = ()
    """All that a column of this kind can be."""
    missing: tuple[str, ...] = ()
    """Fields that every record needs and nothing says: a column is one, or somebody says it for all rows."""
    confirmed_by: str | None = None
    """Who has said that it is read so; null: nobody had to, or has."""
    confirmed_at: datetime | None = None
    is_remembered: bool = False
    """Whether it was confirmed for an earlier file with the same header."""


class PeopleCount(Model):
    """How many people rows name as the school knows them, by what looking for them came to."""

    found: int = 0
    chosen: int = 0
    """Somebody has said who it is."""
    unknown: int = 0
    ambiguous: int = 0
    too_little: int = 0
    not_kept: int = 0
    """The school keeps no directory of its people, or it has not been fetched yet."""


class Review(Model):
    """How a file was understood that waits to be sent."""

    batch: str
    version: int
    """It grows with each change. Send it along, so that what somebody else has changed meanwhile is not passed over."""
    until: datetime
    """It is cancelled then, unless it has been sent."""
    is_read: bool
    """Whether its rows are read; else the batch's findings say what is to be said of its columns first."""
    header_row: int | None = None
    """The last row with names of columns."""
    columns: tuple[ReviewColumn, ...] = ()
    """Those of its rows as they are shown; NDJSON has none."""
    reading: Reading | None = None
    """How the columns of the file are read; null for NDJSON."""
    students: PeopleCount = PeopleCount()
    employees: PeopleCount = PeopleCount()
    days: dict[str, int] = {}
    """How many good records each day has."""
    sessions: dict[str, int] = {}
    codes: dict[str, int] = {}


class Candidate(Model):
    """Somebody who comes near to whom rows name. What they are called is shown where the school keeps it readable."""

    says_more: ClassVar[bool] = True

    id: str
    """The provider's."""
    surname: str | None = None
    forename: str | None = None


class ReviewPerson(Model):
    """Somebody whom rows name as the school knows them."""

    key: str
    """Names them in calls about this file."""
    list: str
    """students or employees."""
    reference: dict[str, str]
    """As the rows name them."""
    match: str
    """found, unknown, ambiguous, too_little or not_kept."""
    person_id: str | None = None
    """The provider's id of whom was found, or chosen."""
    chosen_by: str | None = None
    rows: int = 0
    """How many rows name them so."""
    row: int | None = None
    """The first of them."""
    candidates: tuple[Candidate, ...] = ()
    """Those who come nearest, the nearest first; only for who may see names."""


class ReviewRow(Model):
    """One row of the file, and what was found of it."""

    number: int
    """Names it in calls about this file: as a spreadsheet shows it; of a grid it counts the marks as well."""
    shown: str
    """How people find it in their file: its number; of a grid with the column of the mark, `12 (C)`."""
    record_row: int
    """The first row of its record: its own, but for rows of one incident."""
    state: str
    """good, bad or left_out."""
    cells: tuple[str, ...] = ()
    """As they are now, in the order of the columns."""
    before: dict[str, str] = {}
    """What cells said in the file that somebody has changed, by their column."""
    mended_by: str | None = None
    record: dict[str, Any] | None = None
    """What would be sent; it stands with the first row of its record. Null for bad rows."""
    findings: tuple[Finding, ...] = ()
    people: tuple[str, ...] = ()
    """Keys of whom it names as the school knows them."""


class Mended(Model):
    """What came of a change."""

    batch: Batch
    """With its counts as they are now."""
    rows: tuple[ReviewRow, ...] = ()
    """All that were checked again: the row itself, and those that are about the same as it was or is."""


class SavedMapping(Model):
    """How an app's files with one header are read for one school, as somebody has confirmed it."""

    id: str
    app: str
    school: str
    kind: str
    header: tuple[str, ...] = ()
    """The names of the columns."""
    columns: tuple[ColumnUse, ...]
    """What each is, in their order."""
    constants: dict[str, str] = {}
    confirmed_by: str
    confirmed_at: datetime
    used_at: datetime | None = None
    """When a file was last read by it."""
