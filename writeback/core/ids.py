"""Opaque ids with a prefix that sort by the millisecond in which they were made: `wb_…`, `req_…`, `bat_…`."""

import os
from datetime import UTC, datetime

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]
_TIME_BITS, _RANDOM_BITS = 50, 80  # a multiple of ten: the bits of a pair


def _base32(value: int, bits: int) -> str:
    return "".join([_PAIRS[(value >> shift) & 1023] for shift in range(bits - 10, -10, -10)])


def new_id(prefix: str, at: datetime) -> str:
    """Return `{prefix}_` and 26 characters: 48 bits of `at` in milliseconds, then 80 random bits."""
    millis = int(at.timestamp() * 1000)
    random = int.from_bytes(os.urandom(_RANDOM_BITS // 8))
    return f"{prefix}_{_base32(millis, _TIME_BITS)}{_base32(random, _RANDOM_BITS)}"


def id_floor(prefix: str, at: datetime) -> str:
    """Return the smallest id of an instant: ids made since then sort after it, those made before, before it."""
    millis = int(at.timestamp() * 1000)
    return f"{prefix}_{_base32(millis, _TIME_BITS)}{_base32(0, _RANDOM_BITS)}"


def made_at(some_id: str) -> datetime:
    """Return when an id was made, to the millisecond; raise ValueError for what is none of ours."""
    millis = 0
    for letter in some_id.partition("_")[2][: _TIME_BITS // 5]:
        millis = millis * 32 + _ALPHABET.index(letter)
    return datetime.fromtimestamp(millis / 1000, UTC)
