"""Reads what Xporter says about schools as a whole: Health (Xporter 5371), the token's scopes (168), and which schools
there are (280). Pure.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from writeback.domain.outcome import NotReached, Uncertain
from writeback.providers.answers import Answer
from writeback.providers.base import ListingState, SchoolListing, SchoolReport
from writeback.providers.texts import shorten
from writeback.providers.xporter.fields import is_false, table_of, text_of, value_of
from writeback.providers.xporter.outcomes import judge

_DOWN = re.compile(
    r"offline|error|fail|unavailable|unreachable|down|disconnected|not\s+(?:ok|connected|responding)", re.IGNORECASE
)


def read_report(health: Answer, scopes: Answer) -> SchoolReport | NotReached:
    """Return what the two answers say; either may be missing, a health that cannot be fetched now is no report."""
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


_LISTINGS: Mapping[ListingState, str] = {
    "approved": "Authorised",
    "offline": "Authorised",
    "revoked": "Revoked",
    "pending": "PendingAuthorisation",
}
"""State → table of GetXodSchools (Xporter 295-328). It knows of none that declined."""


def read_schools(answer: Answer, state: ListingState, base_url: str) -> Sequence[SchoolListing] | NotReached:
    """Return the schools in that state; offline are those where Xporter is not installed. Its list says no MIS."""
    tables = _LISTINGS.values()
    if all(table_of(answer.body, table) is None for table in tables):
        return NotReached("Xporter's answer lists no schools")
    rows = table_of(answer.body, _LISTINGS[state]) or () if state in _LISTINGS else ()
    if state == "offline":
        rows = [row for row in rows if is_false(value_of(row, "installedStatus"))]
    return [_listing(row, base_url) for row in rows if text_of(row, "estab")]


def _listing(row: Mapping[str, Any], base_url: str) -> SchoolListing:
    estab, scopes = text_of(row, "estab"), text_of(row, "scopesAuthorised")
    is_whole = len(estab) == 7 and estab.isdigit()  # local authority and establishment number (Xporter 51)
    return SchoolListing(
        provider_school_id=estab,
        name=shorten(text_of(row, "schoolName")),
        mis="",
        base_url=base_url,
        establishment_number=estab[3:] if is_whole else None,
        la_code=estab[:3] if is_whole else None,
        allows_writeback="writeback" in scopes.lower() if scopes else None,
    )
