"""Opaque ids with a prefix that sort by the millisecond in which they were made: `wb_…`, `req_…`, `bat_…`."""

import secrets
from datetime import datetime

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
_TIME_CHARS, _RANDOM_CHARS = 10, 16


def _base32(value: int, chars: int) -> str:
    return "".join(_ALPHABET[(value >> (5 * place)) & 31] for place in range(chars - 1, -1, -1))


def new_id(prefix: str, at: datetime) -> str:
    """Return `{prefix}_` and 26 characters: 48 bits of `at` in milliseconds, then 80 random bits."""
    millis = int(at.timestamp() * 1000)
    return f"{prefix}_{_base32(millis, _TIME_CHARS)}{_base32(secrets.randbits(80), _RANDOM_CHARS)}"
