"""What a kind is: its record's shape, its lane's family, its slots."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints

NO_CONTROLS = r"^[^\x00-\x1f\x7f-\x9f]*$"
"""Nothing that is not seen: PostgreSQL's text cannot hold NUL, and ids and names with a line break are never found."""
_ONLY_LINE_BREAKS = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"

Id = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64, pattern=NO_CONTROLS)]
"""A provider's own id for that school, as text."""
Code = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=NO_CONTROLS)]
"""A code as the school's list has it, or the provider's id for it."""
Comment = Annotated[str, StringConstraints(pattern=_ONLY_LINE_BREAKS)]
"""Free text: line breaks (CR, LF) and tabs are its only control characters."""
Ref = Annotated[str, StringConstraints(max_length=128, pattern=NO_CONTROLS)]
"""An app's own name for something."""


class Family(StrEnum):
    """Kinds that share a lane."""

    SESSION_MARKS = "session-marks"
    LESSON_MARKS = "lesson-marks"
    CONDUCT = "conduct"
    DETENTION = "detention"
    ABSENCE = "absence"


class Record(BaseModel):
    """Base of every kind's record. `ref` is the app's own name for it, echoed back."""

    # The text of an error would quote what was given, and that may be a pupil's comment.
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, hide_input_in_errors=True)

    ref: Ref | None = None


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
