"""Which code may have been meant: found by codes and descriptions alike, for the first few that nobody knows.

Comparing one code with all of a list takes milliseconds; a submission may name a thousand that are none.
"""

from collections.abc import Mapping
from difflib import get_close_matches

from writeback.domain.lookups import ListName, Lookup, is_active, plain_words
from writeback.domain.submission.shape_findings import show

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
        """Return what is to be said of what may have been meant by `value`; often nothing.

        Only lists of attributes have types.
        """
        key = lookup.list, type_, value
        if key not in self._made:
            if len(self._made) >= _MOST:
                return ""
            self._made[key] = self._closest(lookup, type_, value)
        return self._made[key]

    def _closest(self, lookup: Lookup, type_: str, value: str) -> str:
        code = self.code_for(lookup, type_, value)
        return f"Did you mean {show(code)}? " if code is not None else ""

    def code_for(self, lookup: Lookup, type_: str, value: str) -> str | None:
        """Return the code that `value` is most like, itself or by what it is called; often there is none."""
        words = self._words.get((lookup.list, type_))
        if words is None:
            words = self._words[lookup.list, type_] = _words_of(lookup, type_)
        word = plain_words(value)
        close = [word] if word in words else _begun_by(word, words) or get_close_matches(word, words, n=1)
        return words[close[0]] if close else None


def _words_of(lookup: Lookup, type_: str) -> Mapping[str, str]:
    """Return the code for each word that people may have written instead of it."""
    by_word: dict[str, str] = {}
    rows = lookup.choices(type_) if type_ else [row for row in lookup.rows.values() if is_active(row)]
    for key in ("description", "code", "id"):  # a code goes before another row's description
        for row in rows:
            if word := row.get(key):
                by_word[plain_words(str(word))] = str(row.get("code") or row.get("id"))
    return by_word


def _begun_by(word: str, words: Mapping[str, str]) -> list[str]:
    """Return the descriptions whose first words these are, before others those whose code is the word's first letter.

    `late` begins `late (before registers closed)`, which is L, and `late (after registers closed)`, which is U.
    """
    begun = [one for one in words if one.startswith(f"{word} ")] if word else []
    return sorted(begun, key=lambda one: words[one].casefold() != word[0])
