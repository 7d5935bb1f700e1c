"""A school's people as the school knows them: what leads from a UPN, a number or a name to a provider's id."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from writeback_client.words import Directory as Directory
from writeback_client.words import Match as Match


@dataclass(frozen=True, slots=True)
class PersonReference:
    """One pupil or member of staff as a file or an app names them; what is not said is empty.

    A number leads to a person by itself; a pupil's name only with a day of birth or a class.
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


@dataclass(frozen=True, slots=True)
class Found:
    """What came of one reference."""

    match: Match
    person_id: str = ""
    """The provider's id; only where one was found."""
    candidates: Sequence[str] = ()
    """Ids of those who come nearest, the nearest first; only where none was found."""


@dataclass(frozen=True, slots=True)
class PersonDetails:
    """One person as their provider gives them; what it does not say is empty. Never logged."""

    upn: str = ""
    admission_number: str = ""
    surname: str = ""
    forename: str = ""
    other_surname: str = ""
    """The legal one, where it differs; either may stand in a file."""
    other_forename: str = ""
    date_of_birth: date | None = None
    classes: tuple[str, ...] = ()
    """The registration group first."""
    code: str = ""
    emails: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return what those are shown who may see names; what is empty is left out."""
        shown = {
            "surname": self.surname,
            "forename": self.forename,
            "class": self.classes[0] if self.classes else "",
            "date_of_birth": self.date_of_birth.isoformat() if self.date_of_birth else "",
            "upn": self.upn,
            "admission_number": self.admission_number,
            "code": self.code,
            "email": self.emails[0] if self.emails else "",
        }
        return {name: text for name, text in shown.items() if text}


People = Mapping[str, PersonDetails]
"""People by the provider's id."""
