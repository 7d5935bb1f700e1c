"""People whom rows of a file name and nobody could find: as the rows name them, and who may be meant. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from writeback.domain.directory import Match
from writeback_client.models.reviews import PeopleCount, ReviewPerson

_WHY = {
    Match.UNKNOWN.value: "Nobody on the school’s list is named so.",
    Match.AMBIGUOUS.value: "Several may be meant.",
    Match.TOO_LITTLE.value: "That is too little to find anybody by.",
    Match.NOT_KEPT.value: "The school’s list of people is not kept for finding them, or not fetched yet.",
}
NOT_FOUND = tuple(_WHY)
"""What is to be asked about."""
_COUNTED = {
    "found": "found",
    "chosen": "chosen by hand",
    "unknown": "unknown",
    "ambiguous": "who may be several",
    "too_little": "named by too little",
    "not_kept": "who cannot be looked for",
}
_PARTS = ("surname", "forename", "class", "date_of_birth", "upn", "admission_number", "code", "email")


@dataclass(frozen=True)
class PersonForm:
    """One whom rows name. `options`: whom to choose from, by id, the nearest first."""

    person: ReviewPerson
    words: str
    why: str
    options: list[tuple[str, str]]


def person_form(person: ReviewPerson) -> PersonForm:
    options = [(one.id, known_as(one.model_dump()) or one.id) for one in person.candidates]
    return PersonForm(person, known_as(person.reference), _WHY.get(person.match, person.match), options)


def known_as(parts: Mapping[str, Any]) -> str:
    """Return what is known of somebody in one line: `Example, Pat, 8B`."""
    return ", ".join(str(parts[name]) for name in _PARTS if parts.get(name))


def counted_people(counts: PeopleCount) -> str:
    """Return how many were found and how many were not: `28 found, 2 unknown`."""
    numbers = counts.model_dump()
    return ", ".join(f"{numbers[name]:,} {words}" for name, words in _COUNTED.items() if numbers[name])
