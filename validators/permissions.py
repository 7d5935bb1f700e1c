"""Whether a school has granted what a kind needs, judged by what its provider listed (`School.facts`).

Wonde prints few of its permissions' names and Xporter few of its scopes'. A name that is only a guess refuses nothing:
better a refusal by the provider than one by our spelling. Where the school's own list bears the guess out, it warns.
"""

import re
from collections.abc import Sequence
from enum import StrEnum

from validators.features import FeatureRule
from writeback.domain.school import School

_FACTS = ("permissions", "scopes")
_WRITING = re.compile(r"^Writeback(?=[A-Z])")
_HARMLESS = frozenset({"read", "delete"})


class Grant(StrEnum):
    """What the school's list says of a permission."""

    GRANTED = "granted"
    MISSING = "missing"
    DOUBTFUL = "doubtful"
    """It looks so, but the permission's name is assumed: whether it is so the provider's answer tells."""
    UNKNOWN = "unknown"
    """The provider listed nothing, or nothing that settles it."""


def grant_of(rule: FeatureRule, school: School) -> Grant | None:
    """Return whether the school has granted what the rule needs; None where it needs nothing."""
    if not rule.permission:
        return None
    listed = _listed(school) if school.facts else None
    if listed is None:
        return Grant.UNKNOWN
    resource, action = _parts(rule.permission)
    granted = [_parts(name) for name in listed]
    if (resource, action) in granted:
        return Grant.GRANTED
    if rule.permission_spelling == "printed":
        return Grant.MISSING
    actions = {other for same, other in granted if same == resource}
    if rule.permission_spelling == "worded":
        return Grant.MISSING if actions else Grant.UNKNOWN
    is_word_in_use = any(other == action for _, other in granted)
    return Grant.DOUBTFUL if actions and actions <= _HARMLESS and is_word_in_use else Grant.UNKNOWN


def _listed(school: School) -> Sequence[str] | None:
    """Return what the provider listed as granted, None where it listed nothing."""
    for fact in _FACTS:
        names = school.facts.get(fact)
        if isinstance(names, (list, tuple)):
            return [name for name in names if isinstance(name, str)]
    return None


def _parts(name: str) -> tuple[frozenset[str], str]:
    """Return the resource, as its words in any order and number, and the action of a permission or scope."""
    if _WRITING.match(name):
        return frozenset({_WRITING.sub("", name).casefold()}), "write"
    resource, dot, action = name.rpartition(".")
    words = re.split(r"[^a-z0-9]+", (resource if dot else action).casefold())
    return frozenset(word.rstrip("s") for word in words if word), action.casefold() if dot else "read"
