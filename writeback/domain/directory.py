"""A school's people as the school knows them: what leads from a UPN, a number or a name to a provider's id."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class PersonReference:
    """One pupil or member of staff as a file or an app names them; what is not said is empty.

    A number leads to a person by itself; a name only with a day of birth or a class.
    """

    upn: str = ""
    admission_number: str = ""
    surname: str = ""
    forename: str = ""
    date_of_birth: date | None = None
    class_name: str = ""
    code: str = ""
    """Of staff: the initials by which a timetable names them."""
    email: str = ""


class Match(StrEnum):
    """What looking for a person came to."""

    FOUND = "found"
    UNKNOWN = "unknown"
    """Nobody on the list is so named."""
    AMBIGUOUS = "ambiguous"
    """Several are, or what was given leads to different people."""
    TOO_LITTLE = "too_little"
    """What was given can lead to nobody: a name alone."""
    NOT_KEPT = "not_kept"
    """The school's directory is off, or has not been fetched yet."""


@dataclass(frozen=True, slots=True)
class Found:
    """What came of one reference."""

    match: Match
    person_id: str = ""
    """The provider's id; only where one was found."""
    candidates: Sequence[str] = ()
    """Ids of those who come nearest, the nearest first; only where none was found."""
