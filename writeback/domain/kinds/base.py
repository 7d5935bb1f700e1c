"""What a kind is: its record's shape, its lane's family, its slots."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints

Id = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
"""A provider's own id for that school, as text."""


class Family(StrEnum):
    """Kinds that share a lane."""

    SESSION_MARKS = "session-marks"
    LESSON_MARKS = "lesson-marks"
    CONDUCT = "conduct"
    DETENTION = "detention"
    ABSENCE = "absence"


class Record(BaseModel):
    """Base of every kind's record. `ref` is the app's own name for it, echoed back."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    ref: Annotated[str, StringConstraints(max_length=128)] | None = None


@dataclass(frozen=True)
class Kind:
    """One kind of writeback, for the registry."""

    name: str
    family: Family
    record: type[Record]
    is_repeatable: bool
    """Whether sending the same record twice leaves the MIS as sending it once."""
    slot: Callable[[Any], str | None]
    """What a record overwrites, within the school; None where it creates something new."""
    lists: Sequence[str]
    """The lookups that its validation and payloads need."""
