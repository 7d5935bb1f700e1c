"""A provider's own words in findings, and the key by which those are one that differ in ids, numbers and quotes alone.

Causes are told apart by it where codes are the same. Indexes have the key and never the words: these may name somebody.
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

_QUOTED = re.compile(r"“[^”]*”|\"[^\"]*\"|‘[^’]*’|(?<!\w)'[^']*'(?!\w)|\{[^}]*\}")
_TOKEN = re.compile(r"[\w./-]+")
_BETWEEN = re.compile(r"\W+")
_LENGTH = 12


def words_in(finding: Mapping[str, Any]) -> str:
    """Return what the provider answered, of a finding as it is stored; empty where it gave no words."""
    return str(finding.get("provider_message") or "") if finding.get("provider_answered") else ""


def key_of(words: str) -> str:
    """Return the key of words, in hexadecimal; the same for `Invalid StudentId: 12` and `invalid studentid 9919`."""
    alike = _TOKEN.sub(_without_digits, _QUOTED.sub("#", words.casefold()))
    return sha256(_BETWEEN.sub(" ", alike).strip().encode()).hexdigest()[:_LENGTH]


def _without_digits(token: re.Match[str]) -> str:
    return "#" if any(map(str.isdigit, token[0])) else token[0]
