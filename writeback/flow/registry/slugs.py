"""Ids that people choose or that are made from names: `hillside`, `st-marys-primary`."""

import re
import unicodedata

MAX_LENGTH = 64
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
SLUG_RULE = "1 to 64 small letters, digits and hyphens, beginning and ending with a letter or digit"


def is_slug(text: str) -> bool:
    return _SLUG.fullmatch(text) is not None


def slug_of(name: str) -> str:
    """Return the slug of a name; empty where it has no letter or digit of ASCII."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", re.sub(r"['’`]", "", plain))
    return "-".join(words)[:MAX_LENGTH].strip("-")
