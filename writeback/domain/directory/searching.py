"""Looking for a pupil by what a person types: part of a name, a class, a UPN, an admission number. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from writeback.domain.directory.people import PersonReference
from writeback.domain.directory.ways import loose_name, plain_name, plain_number

_NAMED = ("surname", "forename", "class")
_NUMBERS = ("upn", "admission_number")


def fits(details: Mapping[str, Any], text: str) -> bool:
    """Whether somebody may be meant: each word begins a word of their name or class, or the text is a number of
    theirs. Letter case, accents, hyphens and apostrophes do not count."""
    number = plain_number(text)
    if number and number in (plain_number(str(details.get(name) or "")) for name in _NUMBERS):
        return True
    theirs = [word for name in _NAMED for word in _words(str(details.get(name) or ""))]
    wanted = _words(text)
    return bool(wanted) and all(any(own.startswith(one) for own in theirs) for one in wanted)


def references_in(text: str) -> Sequence[PersonReference]:
    """Return whom a text may name where names cannot be read: a number, `Example, Pat`, `Pat Example`, `Pat Example
    8B`."""
    found = [PersonReference(upn=text), PersonReference(admission_number=text)]
    before, comma, after = (part.strip() for part in text.partition(","))
    words = (after if comma else text).replace(",", " ").split()
    class_name = words.pop() if len(words) > 1 and any(one.isdigit() for one in words[-1]) else ""
    if comma and before and words:
        return [*found, _named(before, " ".join(words), class_name)]
    if len(words) < 2:
        return found
    first, last = words[0], words[-1]
    return [
        *found,
        _named(" ".join(words[1:]), first, class_name),
        _named(" ".join(words[:-1]), last, class_name),
    ]


def _named(surname: str, forename: str, class_name: str) -> PersonReference:
    return PersonReference(surname=surname, forename=forename, class_name=class_name)


def _words(text: str) -> list[str]:
    return [loose for word in plain_name(text.replace(",", " ")).split() if (loose := loose_name(word))]
