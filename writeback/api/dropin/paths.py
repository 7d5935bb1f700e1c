"""Paths as clients spell them: doubled slashes, one at the end, and for Xporter any letter case."""

import re

WONDE, XPORTER = "wonde", "xporter"
_SLASHES = re.compile("/{2,}")


def one_spelling(path: str) -> str:
    """Return the path without doubled slashes or one at the end: clients write `/x`, `/x/` and `/x//id`."""
    return _SLASHES.sub("/", path).rstrip("/") or "/"


def is_drop_in(path: str) -> bool:
    """Whether the path, in whatever spelling, is one of a drop-in endpoint."""
    return one_spelling(path).partition("/")[2].partition("/")[0].lower() in (WONDE, XPORTER)


def endpoint_of(path: str) -> tuple[str, list[str]]:
    """Return the drop-in endpoint, and what follows it in the path."""
    _, endpoint, *rest = one_spelling(path).split("/")
    return endpoint.lower(), rest
