"""Which code may have been meant: found by codes and descriptions alike, for the first few that nobody knows.

Comparing one code with all of a list takes milliseconds; a submission may name a thousand that are none.
"""

from collections.abc import Mapping
from difflib import get_close_matches

from writeback.domain.lookups import ListName, Lookup
from writeback.domain.shape import show

_MOST = 20
"""Codes of one submission that are compared."""


class Suggestions:
    """What there is to suggest within one submission."""

    def __init__(self) -> None:
        self._words: dict[tuple[ListName, str], Mapping[str, str]] = {}
        self._types: dict[ListName, set[object]] = {}
        self._made: dict[tuple[ListName, str, str], str] = {}

    def has_any(self, lookup: Lookup, type_: str) -> bool:
        """Whether the list has anything of a type, be it in use or not."""
        if lookup.list not in self._types:
            self._types[lookup.list] = {row.get("type") for row in lookup.rows.values()}
        return type_ in self._types[lookup.list]

    def of(self, lookup: Lookup, type_: str, value: str) -> str:
        """Return what is to be said of what may have been meant by `value`; often nothing."""
        key = lookup.list, type_, value
        if key not in self._made:
            if len(self._made) >= _MOST:
                return ""
            self._made[key] = self._closest(lookup, type_, value)
        return self._made[key]

    def _closest(self, lookup: Lookup, type_: str, value: str) -> str:
        words = self._words.get((lookup.list, type_))
        if words is None:
            words = self._words[lookup.list, type_] = _words_of(lookup, type_)
        close = get_close_matches(value.casefold(), words, n=1)
        return f"Did you mean {show(words[close[0]])}? " if close else ""


def _words_of(lookup: Lookup, type_: str) -> Mapping[str, str]:
    """Return the code for each word that people may have written instead of it."""
    by_word: dict[str, str] = {}
    for row in lookup.choices(type_):
        code = str(row.get("code") or row.get("id"))
        for word in (row.get("description"), row.get("code"), row.get("id")):
            if word:
                by_word[str(word).casefold()] = code
    return by_word
