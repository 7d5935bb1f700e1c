"""Turns codes into Xporter's ids, and ids into what its document's types ask for."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Protocol

from writeback.domain.finding import Finding
from writeback.domain.lookups import ListName, LookupView
from writeback.providers.base import CannotBuild, ListsMissing
from writeback.providers.texts import shorten

_LONGEST_INTEGER = 18
"""Digits that surely fit into 64 bits; what is longer stays text."""


def number(text: str) -> int | str:
    """Return an id as an integer where it is one (Xporter 14189-14221), else as text (Bromcom's B78894, 14398)."""
    is_integer = text.isascii() and text.isdigit() and len(text) <= _LONGEST_INTEGER and str(int(text)) == text
    return int(text) if is_integer else text


def number_or_none(text: str | None) -> int | str | None:
    return None if text is None else number(text)


def removal(text: str) -> int | str:
    """Return an id with a minus before it: what is to be removed (Xporter 14569)."""
    given = number(text)
    return -given if isinstance(given, int) and given else f"-{text}"


def present(**fields: Any) -> dict[str, Any]:
    """Return the fields that were given: one that is left out stays as it is in the MIS (14546)."""
    return {name: value for name, value in fields.items() if value is not None}


def filled(sections: Mapping[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Return the sections that have entries."""
    return {name: entries for name, entries in sections.items() if entries}


class Resolver(Protocol):
    """What turns something given by code or id, at `pointer` of the record at `position`, into Xporter's id."""

    def local_id(self, position: int, type_: str, given: str | None, pointer: str) -> str | None: ...


class Codes:
    """Resolves what one request gives by code or id. Ask for all of it, then call `settle`."""

    def __init__(self, lookups: LookupView, name: ListName, findings: Mapping[str, str]) -> None:
        self._name, self._lookup, self._codes = name, lookups.get(name), findings
        self._is_needed = False
        self._unknown: defaultdict[int, list[Finding]] = defaultdict(list)

    def local_id(self, position: int, type_: str, given: str | None, pointer: str) -> str | None:
        """Return the LocalId of what was given for the record at `position`; None where there is none."""
        if given is None:
            return None
        self._is_needed = True
        row = self._lookup.attribute(type_, given) if self._lookup else None
        if row is not None:
            return str(row["id"])
        what = type_.replace("_", " ")
        message = shorten(f"{what} {given!r} is not in the school's list")
        hint = f"Choose a {what} that the school has."
        self._unknown[position].append(Finding(self._codes[type_], message, hint, pointer=pointer))
        return None

    def settle(self) -> None:
        """Raise ListsMissing where the list was needed and never fetched, CannotBuild for what is not in it."""
        if self._is_needed and self._lookup is None:
            raise ListsMissing(frozenset({self._name}))
        if self._unknown:
            raise CannotBuild(dict(self._unknown))


class AsGiven:
    """Stands in for `Codes` where no list is at hand: everything is its own id."""

    def local_id(self, position: int, type_: str, given: str | None, pointer: str) -> str | None:
        return given
