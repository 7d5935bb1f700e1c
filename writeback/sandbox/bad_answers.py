"""Answers as no provider should give them: packed to burst, with next pages that mislead. The edge sends them."""

import gzip
import hashlib
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

_NO_ROWS = frozenset({"meta", "__pagination__", "__changedRows__"})
"""What a page says of itself."""


def proxys_page(status: int) -> bytes:
    """Return the web page of a proxy that got no answer, or would not pass one on."""
    return f"<html>\r\n<head><title>{status}</title></head>\r\n<body><center>nginx</center></body>\r\n</html>".encode()


def gzip_bomb(size: int) -> bytes:
    """Return a small gzip that unpacks to `size` blanks, which are JSON's white space."""
    return gzip.compress(b" " * size, mtime=0)


def with_next(body: bytes, change: Callable[[str], str]) -> bytes:
    """Return a list's page with its next page's address changed; what has none as it is."""
    try:
        content = json.loads(body)
        pagination = content["meta"]["pagination"]
        following = pagination["next"]
    except (ValueError, KeyError, TypeError):
        return body
    if following is None:
        return body
    pagination["next"] = change(following)
    return json.dumps(content).encode()


def paged_by(query: bytes, size: int) -> bytes:
    """Return the query of a list's first page with at most `size` rows a page; any other query as it is."""
    asked = dict(parse_qsl(query.decode(), keep_blank_values=True))
    if "page" in asked or not asked.get("per_page", "").isdigit():
        return query
    return urlencode({**asked, "per_page": min(size, int(asked["per_page"]))}).encode()


def oddly_typed(body: bytes) -> bytes:
    """Return an answer with numbers for ids of digits and fields that nobody knows; what is no JSON as it is."""
    try:
        return json.dumps(_oddly(json.loads(body))).encode()
    except ValueError:
        return body


def _oddly(value: Any) -> Any:
    if isinstance(value, list):
        return [_oddly(one) for one in value]
    if not isinstance(value, dict):
        return value
    named = {
        name: int(one) if _is_id(name) and isinstance(one, str) and one.isdecimal() else _oddly(one)
        for name, one in value.items()
    }
    return named | {"sandbox_extra": {"nothing": None, "several": [1, "two"]}}


def _is_id(name: str) -> bool:
    return name.lower().endswith("id")


def without_rows(body: bytes) -> bytes:
    """Return a list's page without the rows on it: Wonde's `data`, or the tables that Xporter answers."""
    try:
        content = json.loads(body)
    except ValueError:
        return body
    if not isinstance(content, dict):
        return body
    kept = {name: rows for name, rows in content.items() if name in _NO_ROWS or name.endswith("_deleted")}
    return json.dumps({name: kept.get(name, []) for name in content}).encode()


class SignedPages:
    """Next pages under signed addresses, which are good only byte for byte as they were given out."""

    def __init__(self) -> None:
        self._meant: dict[bytes, tuple[str, bytes]] = {}

    def sign(self, url: str) -> str:
        """Return an address on the same host that stands for `url`, spelt as clients like to spell otherwise."""
        meant = urlsplit(url)
        signature = hashlib.sha256(f"{len(self._meant)} {meant.path}?{meant.query}".encode()).hexdigest()
        path = meant.path.replace("/schools/", "/%73chools/", 1)
        target = f"{path}?at=%5b%7e%2F%2f+%20[]&page={len(self._meant)}%3d&signed={signature}"
        self._meant[target.encode()] = meant.path, meant.query.encode()
        return f"{meant.scheme}://{meant.netloc}{target}"

    def meant_by(self, target: bytes) -> tuple[str, bytes] | None:
        """Return the path and query that a target stands for; raise PermissionError for one that was not given out."""
        if b"&signed=" not in target:
            return None
        if target not in self._meant:
            raise PermissionError("the signature does not fit the address")
        return self._meant[target]

    def clear(self) -> None:
        self._meant.clear()
