"""What people change in many records at once: one code or member of staff for another, some left out. Pure.

What a change does not name stays as it is; a record that it does not touch is not sent again by it.
"""

from collections.abc import Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

_STAFF_FIELDS = ("employee_id", "recorded_by_id", "supervisor_id", "authorised_by_id")
_ABSENCES_OF_STAFF = "employee_absence."
_PUPILS, _TAKEN_OUT, _STAFF, _STAFF_IDS = "students", "remove_students", "staff", "staff_ids"


class Settable(StrEnum):
    """What can be set in many at once: never whom a record is about, nor when."""

    CODE = "code"
    """Of a mark."""
    STAFF = "staff"
    """Whoever recorded, supervises or authorised; not whose absence it is."""
    TYPE = "type"
    LOCATION = "location"
    ACTIVITY = "activity"
    STATUS = "status"
    REASON = "reason"
    ATTENDANCE = "attendance"


@dataclass(frozen=True)
class Substitution:
    """Where a field says `was`, it says `becomes` from now on."""

    field: Settable
    was: str
    becomes: str


@dataclass(frozen=True)
class Changes:
    """Several of them, made at once, so that none changes what another has set; and what is left out."""

    substitutions: tuple[Substitution, ...] = ()
    without_pupils: tuple[str, ...] = ()
    """Ids: their records stay as they are, and where a record is about several they are taken out of it."""
    without_findings: tuple[str, ...] = ()
    """Codes: records that failed for one of these stay as they are."""

    def __bool__(self) -> bool:
        return bool(self.substitutions or self.without_pupils or self.without_findings)


@dataclass(frozen=True)
class Changed:
    """A record as it would go. `record` None: it is left out."""

    record: Mapping[str, Any] | None
    is_touched: bool


def change(kind: str, record: Mapping[str, Any], findings: Collection[str], changes: Changes) -> Changed:
    """Return a record, as JSON, with the changes made; `findings`: codes of why it failed."""
    if set(findings) & set(changes.without_findings) or record.get("student_id") in changes.without_pupils:
        return Changed(None, is_touched=True)
    became = deepcopy(dict(record))
    pupils = [one for one in became.get(_PUPILS, ()) if _id_of(one) not in changes.without_pupils]
    if became.get(_PUPILS) and not pupils:
        return Changed(None, is_touched=True)
    if _PUPILS in became:
        became[_PUPILS] = pupils
    if became.get(_TAKEN_OUT):
        became[_TAKEN_OUT] = [one for one in became[_TAKEN_OUT] if one not in changes.without_pupils]
    of_staff = {one.was: one.becomes for one in changes.substitutions if one.field is Settable.STAFF}
    _replace_staff(kind, became, of_staff)
    for one in changes.substitutions:
        if one.field is not Settable.STAFF and record.get(one.field.value) == one.was:
            became[one.field.value] = one.becomes
    return Changed(became, is_touched=became != record)


def _replace_staff(kind: str, record: dict[str, Any], becomes: Mapping[str, str]) -> None:
    for name in _STAFF_FIELDS:
        is_subject = name == "employee_id" and kind.startswith(_ABSENCES_OF_STAFF)
        if record.get(name) in becomes and not is_subject:
            record[name] = becomes[record[name]]
    if record.get(_STAFF_IDS):
        record[_STAFF_IDS] = [becomes.get(staff_id, staff_id) for staff_id in record[_STAFF_IDS]]
    for member in record.get(_STAFF) or ():
        if isinstance(member, dict) and member.get("employee_id") in becomes:
            member["employee_id"] = becomes[member["employee_id"]]


def _id_of(pupil: Any) -> Any:
    return pupil.get("student_id") if isinstance(pupil, Mapping) else pupil


def said_by(kind: str, record: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the codes and the members of staff that a record names and that may be set in many at once."""
    subject = {"employee_id"} if kind.startswith(_ABSENCES_OF_STAFF) else set()
    staff = [record[name] for name in _STAFF_FIELDS if record.get(name) and name not in subject]
    staff += record.get(_STAFF_IDS) or []
    staff += [one["employee_id"] for one in record.get(_STAFF) or () if isinstance(one, dict) and "employee_id" in one]
    return {"code": [record["code"]] if "code" in record else [], "staff": staff}


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return each field that differs, as it was and as it becomes."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return {name: (before.get(name), after.get(name)) for name in names}
