"""How often each finding was made in the rows of a batch, and in which row first."""

from collections.abc import Iterable, Mapping
from typing import Any

from writeback.domain.finding import Finding

_MOST_PROBLEMS = 100
"""Different findings that are counted."""

Problems = dict[str, Any]


def counted(problems: Problems, rows: Iterable[tuple[int, list[Finding]]]) -> Problems:
    """Return the counts with what was found in these rows."""
    for number, found in rows:
        for code in dict.fromkeys(one.code for one in found):
            problems = with_finding(problems, next(one for one in found if one.code == code), number)
    return problems


def with_finding(problems: Problems, finding: Finding, row: int, *, count: int = 1) -> Problems:
    """Return the counts with one finding more; the first of its code says what it is like."""
    known = problems.get(finding.code)
    if known is None and len(problems) >= _MOST_PROBLEMS:
        return problems
    entry = known or {"count": 0, **_as_shown(finding.as_json(), row)}
    return {**problems, finding.code: {**entry, "count": entry["count"] + count}}


def without(problems: Problems, rows: Iterable[Iterable[str]]) -> Problems:
    """Return the counts without the findings of some rows, given as the codes of each."""
    left = dict(problems)
    for codes in rows:
        for code in set(codes) & left.keys():
            left[code] = {**left[code], "count": left[code]["count"] - 1}
    return {code: entry for code, entry in left.items() if entry["count"] > 0}


def shown_by(problems: Problems, code: str, row: int, finding: Mapping[str, Any]) -> Problems:
    """Return the counts with another row as the one that shows what a finding is like."""
    return {**problems, code: {**problems[code], **_as_shown(finding, row)}}


def _as_shown(finding: Mapping[str, Any], row: int) -> dict[str, Any]:
    return {"severity": finding["severity"], "row": row, "message": finding["message"], "hint": finding["hint"]}
