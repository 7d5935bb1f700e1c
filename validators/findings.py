"""Makes findings from the catalogue's entries: fills in the texts, and quotes the provider's own words.

Codes are stable: apps and support staff filter by them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from validators.catalogue import CATALOGUE, Entry, RaisedBy, Wording
from validators.features import FeatureRule
from writeback.domain.finding import Finding
from writeback.domain.kinds import Family
from writeback.domain.lookups import ListName
from writeback.domain.school import School


@dataclass(frozen=True, slots=True)
class ListFinding(Finding):
    """A finding that rests on a lookup: a fresh copy of `list` may settle it."""

    list: ListName | None = None


_OUR_NAMES = {
    "StudentId": "student_id",
    "StudentID": "student_id",
    "StaffId": "employee_id",
    "StaffID": "employee_id",
    "RecordedById": "employee_id",
    "SessionCode": "session",
    "Mark": "code",
    "MIS": "mis",
    "ConductId": "record",
    **dict.fromkeys(
        ("TypeId", "ActivityId", "LocationId", "StatusId", "BullTypeId", "EntryTimeId", "OutcomeId"), "value"
    ),
}
_PLACEHOLDER = re.compile(r"\{(\w+)\}?")  # Xporter 14053 lacks its closing brace


def make(
    code: str,
    values: Mapping[str, Any],
    *,
    provider: str,
    family: Family | None = None,
    pointer: str = "",
    record: int | None = None,
    list_name: ListName | None = None,
) -> Finding:
    """Return the finding of this code.

    `values` fill in the texts; `provider`, `family` and the field in `pointer` choose the wording that is quoted.
    """
    entry = CATALOGUE[code]
    wording = entry.wording(provider, family, pointer.rpartition("/")[2])
    texts = entry.message.format_map(values), entry.hint.format_map(values)
    quoted = _quote(wording.text, values) if wording else None
    if list_name is None:
        return Finding(code, *texts, entry.severity, pointer, record, quoted)
    return ListFinding(code, *texts, entry.severity, pointer, record, quoted, list=list_name)


def texts_of(rule: FeatureRule, school: School) -> dict[str, str]:
    """Return what every text may name: the school, its MIS, the provider and the kind."""
    mis = school.mis or "the MIS"
    return {"school": school.name, "mis": mis, "provider": rule.provider_name, "kind": rule.kind}


def _quote(wording: str, values: Mapping[str, Any]) -> str:
    return _PLACEHOLDER.sub(lambda found: str(values.get(_OUR_NAMES.get(found[1], found[1]), found[0])), wording)


__all__ = ["CATALOGUE", "Entry", "ListFinding", "RaisedBy", "Wording", "make", "texts_of"]
