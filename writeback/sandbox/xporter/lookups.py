"""Xporter's names for the MIS's own lists: how lookup types and ids of a payload are found in them."""

from collections.abc import Mapping
from typing import Final

from writeback.sandbox.mis.lists import Attribute
from writeback.sandbox.mis.school import SandboxSchool
from writeback.sandbox.xporter.tables import Row, hashed, stamp

LOOKUP_TYPES: Final[Mapping[str, tuple[str, str]]] = {
    "AchActivity": ("achievement", "activity"),
    "AchOutcome": ("achievement", "outcome"),
    "BehActivity": ("behaviour", "activity"),
    "BehBullMode": ("behaviour", "bullying_type"),
    "BehLocation": ("behaviour", "location"),
    "BehStatus": ("behaviour", "status"),
    "BehStuRole": ("behaviour", "role"),
    "BehOutcome": ("behaviour", "outcome"),
    "BehTime": ("behaviour", "time"),
    "StfRole": ("behaviour", "staff_role"),
    "DetentionAttended": ("detention", "attendance"),
    "DetentionReason": ("detention", "reason"),
    "DetentionActivity": ("detention", "activity"),
}
"""Lookup type → list and select box (7435-7443). `AchOutcome` is named elsewhere (14205); `BehOutcome` and `BehTime`
are a guess, formed after it: the document's table has no row for OutcomeId and EntryTimeId. Those of a detention are
tables of their own (9333-9386), and these names for them ours."""
OF_CONDUCT: Final = tuple(name for name, (list_, _) in LOOKUP_TYPES.items() if list_ != "detention")
TYPES: Final[Mapping[str, tuple[str, str]]] = {"Ach": ("achievement", "type"), "Beh": ("behaviour", "type")}
WITNESS: Final = "witness"
"""The only role of staff that Bromcom knows (14420)."""


def rows(school: SandboxSchool, lookup_type: str) -> list[Attribute]:
    """Return all rows of a lookup, withdrawn ones too; of Bromcom's staff roles only the witness."""
    found = list(school.mis.lists.of(*LOOKUP_TYPES[lookup_type]))
    if lookup_type == "StfRole" and school.mis_name.upper() == "BROMCOM":
        return [row for row in found if row.description.lower() == WITNESS]
    return found


def find(school: SandboxSchool, lookup_type: str, local_id: str) -> Attribute | None:
    """Return the row that a payload names by its LocalId, None when there is none that may be used."""
    return next((row for row in rows(school, lookup_type) if row.id == local_id and row.is_active), None)


def find_type(school: SandboxSchool, kind: str, local_id: str) -> Attribute | None:
    """Return the ConductType that a payload names by its LocalId; `kind`: Ach or Beh."""
    row = school.mis.lists.by_id(*TYPES[kind], local_id)
    return row if row is not None and row.is_active else None


def row_of(lookup_type: str, row: Attribute) -> Row:
    """Return a row of `ConductLookups` (7466)."""
    return hashed(
        {
            "Id": f"{lookup_type}.{row.id}",
            "LookupType": lookup_type,
            "LocalId": int(row.id),
            "Code": row.code,
            "Description": row.description,
            "DisplayOrder": row.order,
            "LastUpdated": stamp(row.updated_at),
        }
    )
