"""By what a person is found: the ways to one that a directory keeps, those that a reference gives, and what it comes
to when some of them lead somewhere. Pure.

Names are compared exactly, once letter case, blanks, and the ways to write an apostrophe or a hyphen are alike. What
is only near is never taken: it makes a candidate for a person to choose.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from writeback.domain.directory.people import Found, Match, PersonDetails, PersonReference

MOST_CANDIDATES = 5
_APOSTROPHES = re.compile("['`\u00b4\u02b9\u02bb\u02bc\u2018\u2019\u201b\u2032]")
_DASHES = re.compile("[-\u00ad\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")


class Way(StrEnum):
    """One way to a person. Those that are near lead to candidates alone."""

    UPN = "upn"
    ADMISSION_NUMBER = "admission_number"
    NAME_AND_BIRTH = "name+birth"
    NAME_AND_CLASS = "name+class"
    CODE = "code"
    EMAIL = "email"
    NAME = "name"
    """Of staff alone: of pupils two may well have one name."""
    NEAR_NAME = "~name"
    NEAR_BIRTH = "~birth"
    """One surname and one day of birth, whatever the forename."""


NUMBERS = (Way.UPN, Way.ADMISSION_NUMBER, Way.CODE, Way.EMAIL)
_NEAR = (Way.NEAR_BIRTH, Way.NEAR_NAME)
_NOBODY: frozenset[str] = frozenset()
LASTING = {"students": Way.UPN, "employees": Way.EMAIL}
"""By what somebody is still the same person where a school's ids are new."""


class Lead(NamedTuple):
    """A way, and where it begins."""

    way: Way
    text: str


def plain_name(text: str) -> str:
    """Return a name, or a class, as names are compared."""
    unified = unicodedata.normalize("NFKC", text)
    unified = _DASHES.sub(" ", _APOSTROPHES.sub("", unified)).casefold()
    return " ".join(unicodedata.normalize("NFKC", unified).split())


def loose_name(text: str) -> str:
    """Return a name as near ones are compared: its letters, without accents and blanks."""
    apart = unicodedata.normalize("NFKD", plain_name(text))
    return "".join(letter for letter in apart if letter.isalnum())


def plain_number(text: str) -> str:
    """Return a number as numbers are compared: without blanks and hyphens, and without the zeros that a spreadsheet
    takes away in front."""
    number = "".join(letter for letter in unicodedata.normalize("NFKC", text).casefold() if letter.isalnum())
    return number.lstrip("0") or number


def leads_of(list_name: str, person: PersonDetails) -> Iterator[Lead]:
    """Yield all ways to a person of a list."""
    yield from _numbers(person.upn, person.admission_number, person.code, person.emails)
    surnames = dict.fromkeys(filter(None, (person.surname, person.other_surname)))
    forenames = dict.fromkeys(filter(None, (person.forename, person.other_forename)))
    for surname in surnames:
        if person.date_of_birth is not None and list_name == "students":
            yield _near_birth(surname, person.date_of_birth)
        for forename in forenames:
            yield Lead(Way.NEAR_NAME, f"{loose_name(surname)}|{loose_name(forename)}")
            yield from _by_name(list_name, surname, forename, person.date_of_birth, person.classes)


def leads_in(list_name: str, given: PersonReference) -> Sequence[Lead]:
    """Return the ways that a reference gives, the near ones too."""
    leads = list(_numbers(given.upn, given.admission_number, given.code, (given.email,)))
    if given.surname and given.date_of_birth is not None and list_name == "students":
        leads.append(_near_birth(given.surname, given.date_of_birth))
    if given.surname and given.forename:
        # A file may have the middle names as well.
        first, *_ = given.forename.split() or [given.forename]
        leads += [
            Lead(Way.NEAR_NAME, f"{loose_name(given.surname)}|{loose_name(one)}")
            for one in dict.fromkeys((given.forename, first))
        ]
        leads += _by_name(list_name, given.surname, given.forename, given.date_of_birth, (given.class_name,))
    return leads


def outcome(
    leads: Sequence[Lead], led_to: Mapping[Lead, AbstractSet[str]], known: AbstractSet[str], lasting: Way
) -> Found:
    """Return what the ways that a list has come to. `led_to`: whom each leads to. `known`: those whose lasting number
    is on the list.

    All ways that lead to somebody must lead to the same one. What leads to nobody is passed over beside a number that
    does, for names and classes are written in many ways; but a number or a day of birth is not, beside a name alone.
    Every school has an admission number 4505, so beside that alone neither another UPN is, nor another name: it may
    well be the file of another school.
    """
    exact = {lead: led_to.get(lead, _NOBODY) for lead in leads if lead.way not in _NEAR}
    nearest = _nearest(leads, led_to)
    if not exact:
        return Found(Match.TOO_LITTLE, candidates=nearest)
    leading = [found for found in exact.values() if found]
    if not leading:
        return Found(Match.UNKNOWN, candidates=nearest)
    of_that_name = frozenset[str]().union(*(led_to.get(lead, _NOBODY) for lead in leads if lead.way is Way.NEAR_NAME))
    agreed = frozenset.intersection(*map(frozenset, (*leading, *([of_that_name] if of_that_name else []))))
    missing = {lead.way for lead, found in exact.items() if not found} - {Way.NAME_AND_CLASS}
    is_another = lasting in missing and bool(agreed & known)
    if not any(found for lead, found in exact.items() if lead.way in NUMBERS):
        is_another = bool(missing) and not (missing == {lasting} and not agreed & known)
    elif lasting is Way.UPN and not any(found for lead, found in exact.items() if lead.way is Way.UPN):
        near = [led_to.get(lead, _NOBODY) for lead in leads if lead.way in _NEAR]
        is_another |= bool(near and agreed) and not agreed & frozenset[str]().union(*near)
    if is_another:
        return Found(Match.UNKNOWN, candidates=nearest)
    return Found(Match.FOUND, *agreed) if len(agreed) == 1 else Found(Match.AMBIGUOUS, candidates=nearest)


def _nearest(leads: Sequence[Lead], led_to: Mapping[Lead, AbstractSet[str]]) -> tuple[str, ...]:
    """Return whom most of the ways lead to, exact ones counting first."""
    places: dict[str, list[int]] = {}
    for lead in leads:
        for person in led_to.get(lead, ()):
            counts = places.setdefault(person, [0, 0])
            counts[lead.way in _NEAR] -= 1
    return tuple(sorted(places, key=lambda person: (places[person], person))[:MOST_CANDIDATES])


def _numbers(upn: str, admission_number: str, code: str, emails: Sequence[str]) -> Iterator[Lead]:
    given = ((Way.UPN, plain_number(upn)), (Way.ADMISSION_NUMBER, plain_number(admission_number)))
    words = ((Way.CODE, plain_name(code)), *((Way.EMAIL, email.strip().casefold()) for email in emails))
    return (Lead(way, text) for way, text in (*given, *words) if text)


def _near_birth(surname: str, born: date) -> Lead:
    return Lead(Way.NEAR_BIRTH, f"{loose_name(surname)}|{born.isoformat()}")


def _by_name(list_name: str, surname: str, forename: str, born: date | None, classes: Sequence[str]) -> Iterator[Lead]:
    name = f"{plain_name(surname)}|{plain_name(forename)}"
    if list_name != "students":
        yield Lead(Way.NAME, name)
        return
    if born is not None:
        yield Lead(Way.NAME_AND_BIRTH, f"{name}|{born.isoformat()}")
    for class_name in classes:
        if plain := plain_name(class_name):
            yield Lead(Way.NAME_AND_CLASS, f"{name}|{plain}")
