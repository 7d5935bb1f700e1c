"""Where Wonde's lists of attributes are, and what is kept of their rows. Pure; `adapter` asks."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from writeback.domain.lookups import ListName, Row, attribute_key
from writeback.providers.texts import shorten
from writeback.providers.wonde.fields import id_of


@dataclass(frozen=True)
class Source:
    """One of Wonde's lists, and which of our fields its rows are for."""

    path: str
    types: Mapping[str, str] | None = None
    """Wonde's `type` of a row → ours; rows of other types are kept out."""
    type: str = ""
    """Ours, where all rows are of one."""
    code: str = "code"
    """The field that serves as the code."""


_ACHIEVEMENTS = {"ACHIEVEMENT_TYPE": "type", "EVENT_SUBJECT": "activity", "ACHIEVEMENT_OUTCOME": "outcome"}
_BEHAVIOURS = {
    "BEHAVIOUR_TYPE": "type",
    "EVENT_STATUS": "status",
    "BULLYING_MODE": "bullying_type",
    "BEHAVIOUR_ACTIVITY": "activity",
    "EVENT_LOCATION": "location",
    "EVENT_TIME": "time",
    "BEHAVIOUR_ROLE": "role",
    "BEHAVIOUR_OUTCOME": "outcome",
}
_STUDENT_ABSENCES = {"ABSENCE_TYPE": "type", "ABSENCE_REASON": "reason"}
_EMPLOYEE_ABSENCES = {
    "ABSENCE_TYPE": "type",
    "ILLNESS_CATEGORY": "illness_category",
    "AUTHORISED_PAY_RATE": "pay_rate",
}

SOURCES: Mapping[ListName, tuple[Source, ...]] = {
    ListName.ACHIEVEMENT_ATTRIBUTES: (Source("achievements/attributes", _ACHIEVEMENTS),),  # Wonde 1463-1539
    ListName.BEHAVIOUR_ATTRIBUTES: (Source("behaviours/attributes", _BEHAVIOURS),),  # Wonde 2918-3015
    ListName.DETENTION_ATTRIBUTES: (
        Source("detention-types", type="type", code="name"),  # Wonde 4234: a type has no code but its name
        Source("rooms", type="location"),  # Wonde 6945
        Source("detention-attendance-codes", type="attendance"),  # Wonde 3961
    ),
    ListName.STUDENT_ABSENCE_ATTRIBUTES: (Source("attendance/absence/attributes", _STUDENT_ABSENCES),),  # Wonde 8565
    ListName.EMPLOYEE_ABSENCE_ATTRIBUTES: (
        Source("employee-absences/attributes", _EMPLOYEE_ABSENCES),  # Wonde 5491-5558
    ),
}


def reduce_rows(source: Source, rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Row]]:
    """Yield what is kept of a list's rows, by their keys."""
    for row in rows:
        row_id = id_of(row.get("id"))
        type_ = source.type or (source.types or {}).get(str(row.get("type")).strip().upper())
        if row_id is not None and type_:
            yield attribute_key(type_, row_id), _reduced(source, row, row_id, type_)


def _reduced(source: Source, row: Mapping[str, Any], row_id: str, type_: str) -> Row:
    """A row that says nothing of `active` may be used: rooms, detention types and their codes have no such flag."""
    kept = {
        "id": row_id,
        "type": type_,
        "code": shorten(row.get(source.code) or "") or None,
        "description": shorten(row.get("description") or row.get("name") or ""),
        "active": row.get("active") not in (False, 0),
    }
    if source.types is _BEHAVIOURS and type_ == "type" and isinstance(row.get("bullying_type_enabled"), bool):
        kept["allows_bullying_type"] = row["bullying_type_enabled"]
    return kept
