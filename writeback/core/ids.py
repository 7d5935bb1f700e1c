"""Opaque ids with a prefix that sort by the millisecond in which they were made: `wb_…`, `req_…`, `bat_…`."""

import secrets
from datetime import datetime

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_TIME_SHIFTS, _RANDOM_SHIFTS = range(40, -1, -10), range(70, -1, -10)


def _base32(value: int, shifts: range) -> str:
    """Return two characters for every ten bits: ids are made on the hot path, and pairs halve the work."""
    return "".join([_PAIRS[(value >> shift) & 1023] for shift in shifts])


def new_id(prefix: str, at: datetime) -> str:
    """Return `{prefix}_` and 26 characters: 48 bits of `at` in milliseconds, then 80 random bits."""
    millis = int(at.timestamp() * 1000)
    return f"{prefix}_{_base32(millis, _TIME_SHIFTS)}{_base32(secrets.randbits(80), _RANDOM_SHIFTS)}"
