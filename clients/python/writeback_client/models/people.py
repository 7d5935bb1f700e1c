"""Data subjects: what is kept of one pupil or member of staff, and what became of it when they were erased."""

from datetime import datetime
from typing import Any

from writeback_client.models.base import AS_ITS_ID, AnyMode, Model


class StillWaiting(Model):
    """Something that names the person and is on its way: it is erased when the call is made again after it has
    ended."""

    table: str
    id: str
    status: str
    what_to_do: str


class HeldPlace(Model):
    """What one table has of the person."""

    table: str
    holds: str
    """What lies there, in words."""
    items: tuple[dict[str, Any], ...] = ()
    """A row each: its key, and what it says of the person; other pupils are withheld."""


class PersonExport(Model):
    """All that is kept of one person in one school."""

    school: str
    mode: AnyMode = AS_ITS_ID
    """`test`: of a test school, whose requests go to the sandbox alone; else `live`."""
    role: str
    """`student` or `employee`."""
    id: str
    """The provider's own."""
    made_at: datetime
    places: tuple[HeldPlace, ...] = ()
    waiting: tuple[StillWaiting, ...] = ()
    """Of that, what is on its way."""
    notes: tuple[str, ...] = ()
    """What is kept elsewhere, and by whom."""


class PersonErased(Model):
    """What was erased of one person in one school."""

    school: str
    erased_at: datetime
    rows: dict[str, int] = {}
    """By table: from how many rows something was taken, those that were deleted among them."""
    waiting: tuple[StillWaiting, ...] = ()
    """What is still there: it is on its way."""
    is_complete: bool
    """Whether nothing is left."""
    notes: tuple[str, ...] = ()
    """What there is beside the database, and what may bring the person back."""


class Left(Model):
    """What went with a school or an app that has left."""

    id: str
    name: str = ""
    removed_at: datetime
    rows: dict[str, int] = {}
    """By table: how many rows were deleted, or rid of it."""
