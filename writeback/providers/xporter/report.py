"""Reads what Xporter says about a school as a whole: Health (Xporter 5371) and the token's scopes (168). Pure."""

import re
from collections.abc import Mapping
from typing import Any

from writeback.domain.outcome import NotReached, Uncertain
from writeback.providers.base import SchoolReport
from writeback.providers.http import Answer, shorten
from writeback.providers.xporter.fields import is_false, table_of, text_of, value_of
from writeback.providers.xporter.outcomes import judge

_DOWN = re.compile(
    r"offline|error|fail|unavailable|unreachable|down|disconnected|not\s+(?:ok|connected|responding)", re.IGNORECASE
)


def read_report(health: Answer, scopes: Answer) -> SchoolReport | NotReached:
    """Return what the two answers say; either may be missing, a health that cannot be had now is no report."""
    trouble = judge(health)
    if isinstance(trouble, NotReached | Uncertain):
        return NotReached(trouble.reason, health.retry_after_s)
    table = table_of(health.body, "health") if trouble is None else None
    row: Mapping[str, Any] = table[0] if table else {}
    facts = {
        "xod_status": text_of(row, "XodStatus") or None,
        "school_data_status": text_of(row, "SchoolDataStatus") or None,
        "school_data_age_days": value_of(row, "SchoolDataAgeDays"),
        "scopes": _scopes(scopes),
    }
    kept = {
        name: shorten(value) if isinstance(value, str) else value for name, value in facts.items() if value is not None
    }
    return SchoolReport(is_online=not _is_down(row), facts=kept)


def _is_down(row: Mapping[str, Any]) -> bool:
    """`SchoolDataStatus` is no sign: it stays ok for 30 days while the cache lasts (Xporter 5380-5383)."""
    said = [str(value) for key, value in row.items() if "agent" in str(key).lower() or str(key).lower() == "xodstatus"]
    return any(_DOWN.search(text) or is_false(text) for text in said)


def _scopes(answer: Answer) -> list[str] | None:
    found = value_of(answer.body, "Scopes") if judge(answer) is None else None
    if isinstance(found, str):
        found = found.split(",")
    if not isinstance(found, list):
        return None
    names = (text_of(scope, "Name", "Scope") if isinstance(scope, Mapping) else str(scope).strip() for scope in found)
    return sorted(name for name in names if name)
