"""What the good records of a batch in review are about: how many have each day, session and code."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

Counts = dict[str, dict[str, int]]
"""By what is counted (`days`, `sessions`, `codes`) and what it says."""

_COUNTED = {"days": ("date", "start_at"), "sessions": ("session",), "codes": ("code", "type")}
_DAY = slice(0, 10)
_MOST = 500
"""Different values that are counted of each."""


def with_records(counts: Mapping[str, Mapping[str, int]], records: Iterable[str], sign: int = 1) -> Counts:
    """Return the counts with these records, given as JSON, or without them where `sign` is -1."""
    changed: Counts = {name: dict(counts.get(name, {})) for name in _COUNTED}
    for text in records:
        record = json.loads(text) if text else {}
        for name, fields in _COUNTED.items():
            value = next((record[one] for one in fields if record.get(one)), None)
            _add(changed[name], _said(name, value), sign)
    return {name: {value: number for value, number in of.items() if number > 0} for name, of in changed.items()}


def _said(name: str, value: Any) -> str | None:
    if value is None:
        return None
    return str(value)[_DAY] if name == "days" else str(value)


def _add(of: dict[str, int], value: str | None, sign: int) -> None:
    if value is not None and (value in of or len(of) < _MOST):
        of[value] = of.get(value, 0) + sign
