"""What a kind is: its record's shape, its lane's family, its slots; and the fields that kinds share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    NaiveDatetime,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from writeback.domain.lookups import ListName
from writeback.domain.submission.instants import to_utc
from writeback_client.models.described import Described

NO_CONTROLS = r"^[^\x00-\x1f\x7f-\x9f]*$"
"""Nothing that is not seen: PostgreSQL's text cannot hold NUL, and ids and names with a line break are never found."""
_ONLY_LINE_BREAKS = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"

Id = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64, pattern=NO_CONTROLS)]
"""A provider's own id for that school, as text."""
Code = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=NO_CONTROLS)]
"""A code as the school's list has it, or the provider's id for it."""
NO_MARK = "-"
"""How SIMS writes that no mark has been received (Xporter 2074): it is none, and no record may send it."""
Comment = Annotated[str, StringConstraints(pattern=_ONLY_LINE_BREAKS)]
"""Free text: line breaks (CR, LF) and tabs are its only control characters."""
Ref = Annotated[str, StringConstraints(max_length=128, pattern=NO_CONTROLS)]
"""An app's own name for something."""
Points = Annotated[int, Field(ge=-10_000, le=10_000)]
"""What an achievement or an incident counts for."""


def _instant(given: Any, info: ValidationInfo) -> Any:
    """Read a local time; one with an offset is put on the school's clock, where that is known (`CLOCK`)."""
    if not isinstance(given, str):
        return given
    try:
        at = datetime.fromisoformat(given)
        clock = info.context[CLOCK] if info.context else None
        return at.astimezone(clock).replace(tzinfo=None) if at.tzinfo is not None and clock is not None else at
    except (ValueError, OverflowError):
        raise PydanticCustomError("datetime_parsing", "It must be a date and a time of day") from None


def _local(format_: str, pattern: str) -> WithJsonSchema:
    """Return how a local time is described: `date-time` and `time` would be one with an offset (RFC 3339)."""
    return WithJsonSchema({"type": "string", "format": format_, "pattern": pattern})


TYPE_OF_FORMAT = {"date-time-local": "date-time", "time-local": "time"}
"""What a field of such a format is called in tables and forms."""
CLOCK = "clock"
"""What a record is read with, as Pydantic's context: the school's time zone."""
_OFFSET = r"([Zz]|[+-]\d{2}:\d{2})?"
_DAY, _CLOCK = r"\d{4}-\d{2}-\d{2}", r"\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?"
LocalInstant = Annotated[
    NaiveDatetime,
    BeforeValidator(_instant),  # strict JSON alone takes no date without a time
    _local("date-time-local", f"^{_DAY}([Tt ]{_CLOCK}{_OFFSET})?$"),
]
"""Date and time on the school's own clock, on which what has an offset is put; a date alone is its first minute."""


def _seen_at(given: Any) -> Any:
    if isinstance(given, datetime):
        return given
    try:
        if not isinstance(given, str) or len(given) <= len("2026-01-12"):  # a day alone, or a count of seconds
            raise ValueError
        read = datetime.fromisoformat(given)
    except ValueError:
        raise PydanticCustomError("seen_at_parsing", "It must be a date and a time of day") from None
    return read if read.tzinfo is None else to_utc(read)


SeenAt = Annotated[datetime, BeforeValidator(_seen_at)]
"""When something was seen: an instant with its offset, put into UTC; without one, it is the school's own clock."""


def _on_the_wall(value: time) -> time:
    if value.tzinfo is not None:
        raise PydanticCustomError("time_with_offset", "It must be a time of day without an offset")
    return value


ClockTime = Annotated[time, AfterValidator(_on_the_wall), _local("time-local", f"^{_CLOCK}$")]
"""A time of day on the school's own clock, e.g. 15:20."""


class Family(StrEnum):
    """Kinds that share a lane."""

    SESSION_MARKS = "session-marks"
    LESSON_MARKS = "lesson-marks"
    CONDUCT = "conduct"
    DETENTION = "detention"
    ABSENCE = "absence"
    RAW = "raw"
    """What goes through as it is."""


class Action(StrEnum):
    """What a kind does to the MIS."""

    SET = "set"
    """Puts a value into a slot, whatever was there: sending it twice is as sending it once."""
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    RAW = "raw"
    """Nobody here knows."""


class Part(Described):
    """Base of what a record holds besides plain fields: a pupil of an incident, a file, …"""

    # The text of an error would quote what was given, and that may be a pupil's comment.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)


class Record(Part):
    """Base of every kind's record. `ref` is the app's own name for it, echoed back."""

    ref: Ref | None = None


def field_of(record: Record, field: str, default: Any = None) -> Any:
    """Return what a record has in a field that not every kind has; `default` where its kind has none.

    `getattr` takes 20 times as long for a field that is not there: Pydantic makes an exception first.
    """
    return record.__dict__.get(field, default)


@dataclass(frozen=True)
class Kind:
    """One kind of writeback, for the registry."""

    name: str
    family: Family
    record: type[Record]
    action: Action
    slot: Callable[[Any], str | None]
    """What a record is about, within the school, so that records of one slot keep their order; None: something new."""
    lists: Sequence[ListName]
    """The lookups that its validation and payloads need."""
    noun: str = "record"
    """What a record is in words, e.g. `mark`."""

    @property
    def is_repeatable(self) -> bool:
        """Whether sending the same record twice leaves the MIS as sending it once."""
        return self.action is Action.SET

    @property
    def overwrites(self) -> bool:
        """Whether a later record of a slot makes an earlier one, not yet sent, needless."""
        return self.action is Action.SET


def nothing(record: Any) -> None:
    """Return that a record is about no slot: it creates something new."""
    return
