"""A school's words for codes: what its reasons are called elsewhere, and which code of its lists each stands for."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from writeback.domain.lookups import plain_words

EVERY_APP = ""
"""In the place of an app: words that hold for all of the school's apps."""
_SAME = str.maketrans(dict.fromkeys("‐‑‒–—―−", "-") | dict.fromkeys("‘’ʼ`´", "'"))


def normal_word(text: str) -> str:
    """Return a word as words are compared: whatever its letter case, its blanks (around a dash also none), and the
    sort of its dashes and apostrophes."""
    return _AROUND_DASH.sub("-", plain_words(unicodedata.normalize("NFKC", text).translate(_SAME)))


_AROUND_DASH = re.compile(" ?- ?")


@dataclass(frozen=True, slots=True)
class Word:
    """One word of one field, e.g. of `attendance.code`, and the code that it stands for."""

    field: str
    said: str
    """As whoever entered it wrote it."""
    code: str
    always: bool = False
    """It goes before a code of the school's own that is written like it."""

    @property
    def key(self) -> tuple[str, str]:
        """What a list of words has once."""
        return self.field, normal_word(self.said)


@dataclass(frozen=True)
class Words:
    """The words of one school: by app, field and normalised word."""

    by_app: Mapping[str, Mapping[str, Mapping[str, Word]]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.by_app)

    def find(self, app_id: str, of: str, given: str) -> Word | None:
        """Return what `given` means in a field: the app's own word, else that of the school for every app."""
        word = normal_word(given)
        for app in (app_id, EVERY_APP):
            found = self.by_app.get(app, {}).get(of, {}).get(word)
            if found is not None:
                return found
        return None

    def has(self, of: str) -> bool:
        """Whether any app has words for a field."""
        return any(of in fields for fields in self.by_app.values())


NO_WORDS = Words()


def words_of(lists: Iterable[tuple[str, Iterable[Word]]]) -> Words:
    """Return the words of lists, each with its app; those of an empty list are none."""
    by_app: dict[str, dict[str, dict[str, Word]]] = {}
    for app, words in lists:
        for word in words:
            of, said = word.key
            by_app.setdefault(app, {}).setdefault(of, {})[said] = word
    return Words(by_app) if by_app else NO_WORDS
