"""People who were looked for as a school knows them."""

from typing import Annotated

from writeback_client.models.base import Known, Model
from writeback_client.words import Match

AnyMatch = Annotated[Match | str, Known()]


class NearPerson(Model):
    """Somebody who comes near what was given. Only keys that look after schools (`support`) are told."""

    id: str
    """The provider's own."""
    shown: dict[str, str] = {}
    """What there is of surname, forename, class, date_of_birth, upn, admission_number, code and email; empty where the
    school's directory is not `named`."""


class FoundPerson(Model):
    """What one person who was looked for came to."""

    match: AnyMatch
    id: str | None = None
    """The provider's own; null where nobody was found."""
    near: tuple[NearPerson, ...] = ()
    """Where nobody was found: who comes near, the nearest first."""


class PeopleFound(Model):
    """What was found, in the order of what was asked for."""

    items: tuple[FoundPerson, ...]
