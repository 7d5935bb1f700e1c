"""What words for codes must be like before they are kept. Pure; `word_lists` refuses those that have findings."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from validators.references import CODED, row_of
from validators.suggestions import Suggestions
from writeback.domain.finding import Finding
from writeback.domain.kinds.base import NO_CONTROLS, NO_MARK
from writeback.domain.lookups import LookupView, is_active
from writeback.domain.school_settings.words import Word, normal_word
from writeback.domain.submission.shape_findings import show
from writeback.flow.filling.words import is_code

_LONGEST = 64
"""Characters of a code in a record."""
MOST_WORDS = 2_000
"""Words of one list."""


def findings_of(
    words: Sequence[Word], known: Iterable[Word], lookups: LookupView, may_change: Callable[[str], bool]
) -> list[Finding]:
    """Return what is wrong with the words that a list is to have. Of those that it has already, `known`, nothing is
    said of the school's lists: a code that fell out of one keeps nobody from changing other words."""
    found = list(_about_all(words))
    suggestions, there = Suggestions(), frozenset(known)
    for place, word in enumerate(words):
        if word not in there:
            found += _about_one(word, f"/words/{place}", lookups, suggestions, may_change)
    return found


def _about_all(words: Sequence[Word]) -> Iterator[Finding]:
    if len(words) > MOST_WORDS:
        message = f"the list would have {len(words)} words; {MOST_WORDS} are the most"
        yield Finding("words_too_many", message, "Take out those that are no longer sent.", pointer="/words")
        return
    first: dict[tuple[str, str], int] = {}
    for place, word in enumerate(words):
        before = first.setdefault(word.key, place)
        if before != place:
            message = f"{show(word.said)} is the same word of {word.field} as words[{before}]"
            hint = "Keep one of the two: letter case, blanks and the sort of dashes make no difference."
            yield Finding("word_twice", message, hint, pointer=f"/words/{place}/word")


def _about_one(
    word: Word, pointer: str, lookups: LookupView, suggestions: Suggestions, may_change: Callable[[str], bool]
) -> Iterator[Finding]:
    if word.field not in CODED:
        message = f"{show(word.field)} takes no code"
        hint = f"Send one of {', '.join(sorted(CODED))}."
        yield Finding("word_field_unknown", message, hint, pointer=f"{pointer}/field")
        return
    if not may_change(word.field):
        message = f"this key is for no kind that has {word.field}"
        yield Finding("key_lacks_kind", message, "Use a key that is for such a kind.", pointer=f"{pointer}/field")
        return
    for name, text in (("word", word.said), ("code", word.code)):
        if problem := _problem_of(text):
            hint = "Send what apps or files say, and the code that the school has for it."
            yield Finding(f"{name}_invalid", f"the {name} {problem}", hint, pointer=f"{pointer}/{name}")
            return
    yield from _about_code(word, pointer, lookups, suggestions)
    if not word.always and is_code(word.field, word.said, lookups):
        message = f"{show(word.said)} is a code of {word.field} at the school, and so is never taken for a word"
        hint = 'Leave it out; or send "always": true, should it stand for the other code wherever it is sent.'
        yield Finding("word_is_code", message, hint, pointer=f"{pointer}/word")


def _problem_of(text: str) -> str:
    """Return why a text can be neither word nor code: no record could say it."""
    if not normal_word(text):
        return "is empty"
    if len(text) > _LONGEST:
        return f"has {len(text)} characters; {_LONGEST} are the most"
    return "" if re.match(NO_CONTROLS, text) else "holds line breaks or control characters"


def _about_code(word: Word, pointer: str, lookups: LookupView, suggestions: Suggestions) -> Iterator[Finding]:
    """Say of a code that nothing could be sent with it: it is none of the school's, or not in use."""
    reference = CODED[word.field]
    lookup = lookups.get(reference.list)
    if word.code == NO_MARK:
        message = f"code {NO_MARK} says that there is no mark: there is nothing to write"
        yield Finding("code_is_no_mark", message, "Send a code that says something.", pointer=f"{pointer}/code")
        return
    if lookup is None:
        return
    row = row_of(word.field, lookup, word.code)
    if row is None:
        message = f"code {show(word.code)} is not in the school's list for {word.field}"
        hint = f"{suggestions.of(lookup, reference.type, word.code)}Send a code that the school has."
        yield Finding("code_unknown", message, hint, pointer=f"{pointer}/code")
    elif not is_active(row):
        message = f"code {show(word.code)} is inactive in the MIS"
        yield Finding(
            "code_inactive", message, "Choose a code that is in use at the school.", pointer=f"{pointer}/code"
        )
