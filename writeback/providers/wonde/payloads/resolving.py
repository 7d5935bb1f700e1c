"""Finds the ids that a record's codes stand for, and notes what cannot be found. Pure; used by the families."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from writeback.domain.finding import Finding
from writeback.domain.lookups import ListName, LookupView, Row
from writeback.providers.base import ListsMissing
from writeback.providers.texts import shorten

# Finding codes that are not `<field>_unknown`: those that validation has for the same.
_CODES: Mapping[tuple[ListName, str], str] = {
    (ListName.ACHIEVEMENT_ATTRIBUTES, "outcome"): "achievement_outcome_unknown",
    (ListName.BEHAVIOUR_ATTRIBUTES, "outcome"): "behaviour_outcome_unknown",
    (ListName.BEHAVIOUR_ATTRIBUTES, "role"): "student_role_unknown",
    (ListName.DETENTION_ATTRIBUTES, "attendance"): "detention_attendance_unknown",
}


class Resolver:
    """Resolves the codes of one record. `findings` are about what it does not find; pointers start at the record."""

    def __init__(self, lookups: LookupView) -> None:
        self._lookups = lookups
        self.findings: list[Finding] = []

    def attendance_code(self, given: str) -> str | None:
        """Return Wonde's id for an attendance code: it takes ids only (Wonde 2172)."""
        codes = self._lookups.attendance_codes
        if codes is None:
            raise ListsMissing(frozenset({ListName.ATTENDANCE_CODES}))
        row = codes.resolve(given)
        if row is None:
            message = shorten(f"code {given!r} is not among the school's attendance codes")
            self.findings.append(
                Finding("code_unknown", message, "Choose a code that the school has.", pointer="/code")
            )
        return str(row["id"]) if row else None

    def code_or_id(self, name: ListName, type_: str, given: str | None, pointer: str) -> str | None:
        """Return the id of an attribute that Wonde takes by code or id (Wonde 1525).

        A list that was never fetched, e.g. one that we may not read, checks nothing: then Wonde judges what is given.
        """
        return given if self._lookups.get(name) is None else self._resolved(name, type_, given, pointer)

    def id_only(self, name: ListName, type_: str, given: str | None, pointer: str) -> str | None:
        """Return the id of what Wonde takes by id only; raise ListsMissing where its list was never fetched."""
        if given is not None and self._lookups.get(name) is None:
            raise ListsMissing(frozenset({name}))
        return self._resolved(name, type_, given, pointer)

    def require(self, value: Any, pointer: str) -> None:
        """Note that a field is missing without which Wonde takes nothing."""
        if value is None:
            field = pointer.rpartition("/")[2]
            message = f"{field} is missing: Wonde needs it"
            self.findings.append(Finding("field_required", message, f"Send {field}.", pointer=pointer))

    def _resolved(self, name: ListName, type_: str, given: str | None, pointer: str) -> str | None:
        row = attribute_row(self._lookups, name, type_, given)
        if given is not None and row is None:
            field = pointer.rpartition("/")[2]
            message = shorten(f"{field} {given!r} is not in the school's list")
            code = _CODES.get((name, field), f"{field}_unknown")
            self.findings.append(Finding(code, message, "Choose one from the school's list.", pointer=pointer))
        return str(row["id"]) if row else None


def attribute_row(lookups: LookupView, name: ListName, type_: str, given: str | None) -> Row | None:
    """Return the attribute that is given by code or id; None where no list has it."""
    lookup = lookups.get(name)
    return lookup.attribute(type_, given) if lookup is not None and given is not None else None


def given(**fields: Any) -> Mapping[str, Any]:
    """Return the fields that have a value."""
    return {name: value for name, value in fields.items() if value is not None}


def wall_clock(at: datetime) -> str:
    """Return a time of the school's own clock as Wonde writes it, e.g. 2023-05-30 12:30:00 (Wonde 3874)."""
    return at.isoformat(" ", "seconds")
