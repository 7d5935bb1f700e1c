"""Which column of a file is which by its name: matched kindly, never guessed. Other names are in `headers.toml`."""

import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from writeback.batches.cells import without_apostrophe
from writeback.batches.columns import CLASS, INCIDENT, KIND, NOT_SENT, OURS, columns_of, is_grouped
from writeback.batches.mapping.people import EMPLOYEE, STUDENT, people_of, person_columns
from writeback.domain.kinds import KINDS

_TABLE: Mapping[str, Any] = tomllib.loads((Path(__file__).parent / "headers.toml").read_text(encoding="utf-8"))
WHOEVER = ".*"
"""Behind a person's word: the cells of the column say by what the person is named."""
_NAMED = (STUDENT, EMPLOYEE)
"""Whose parts have names of their own; of others the field's name is all that they have."""
_NAMES = ("surname", "forename", "name", "surname_forename")
_LIKELY_SLIP, _CLOSE = 0.85, 0.6
"""How alike names are where one is the other mistyped, and where one may be."""
_MISSED = 1
"""Letters that a slip leaves out, or has too many: `Lesson` is a word of its own, not half of `lesson_id`."""


def plain(name: str) -> str:
    """Return a column's name without letter case, blanks, underscores and the like."""
    return "".join(letter for letter in without_apostrophe(name).casefold() if letter.isalnum())


@cache
def names_for(kind: str | None) -> Mapping[str, str]:
    """Return the field for each plain name that a column of this kind may have; None: of any kind.

    Names of one field come in their order: of several such columns the first is meant.
    """
    kinds = [kind] if kind is not None else list(KINDS)
    by_name = dict.fromkeys(map(plain, _TABLE["not_sent"]["names"]), NOT_SENT)
    for one in kinds:
        for field, names in _names_of_people(one):
            by_name |= {plain(name): field for name in names}
    fields = dict.fromkeys(column.name for one in kinds for column in columns_of(one))
    fields |= dict.fromkeys((KIND, CLASS, *OURS))
    if any(is_grouped(one) for one in kinds):
        fields[INCIDENT] = None
    for field in fields:
        by_name |= {plain(other): field for other in _TABLE["names"].get(field, ())}
    return by_name | {plain(field): field for field in fields}


@cache
def _ranks(kind: str) -> Mapping[str, int]:
    return {name: rank for rank, name in enumerate(names_for(kind))}


def rank_of(name: str, kind: str) -> int:
    """Return how far down the name stands among those of its field."""
    ranks = _ranks(kind)
    return ranks.get(plain(name), len(ranks))


def slips(name: str, kind: str) -> str | None:
    """Return the field whose name this is but for a slip of the hand; None where it is a name of its own."""
    return next(iter(_close(name, kind, _LIKELY_SLIP, _MISSED)), None)


def close_to(name: str, kind: str) -> list[str]:
    """Return the fields whose names are most like this one."""
    return _close(name, kind, _CLOSE)


def _close(name: str, kind: str, cutoff: float, apart: int = 99) -> list[str]:
    wanted = plain(name)
    names = {
        name: field
        for name, field in names_for(kind).items()
        if field != NOT_SENT and not field.endswith(WHOEVER) and abs(len(name) - len(wanted)) <= apart
    }
    return list(dict.fromkeys(names[one] for one in get_close_matches(wanted, names, n=3, cutoff=cutoff)))


def _names_of_people(kind: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the fields that name people in place of ids, each with its names."""
    people = people_of(kind)
    for who in people:
        yield f"{who}{WHOEVER}", _TABLE["whoever"].get(who, [])
    for field in person_columns(kind):
        who, _, part = field.partition(".")
        names = list(_TABLE["people"]["student" if who == STUDENT else "staff"].get(part, ())) if who in _NAMED else []
        if who == EMPLOYEE and STUDENT not in people and part in _NAMES:
            names += [part, *_TABLE["people"]["student"].get(part, ())]
        yield field, [*([part] if who == STUDENT else []), *names, field]
