"""Lookups as validators and payload builders see them: plain rows by id, and how to find one.

Rows are JSON objects that keep only what the work needs; never a name:
students           {"id"}                                          those on roll
employees          {"id"}
attendance_codes   {"id", "code", "description", "type", "active"} Wonde types: PRESENT AUTHORISED UNAUTHORISED VOID
lessons            {"id", "date", "start_at", "end_at", "period_instance_id"}   date: the school's own calendar day
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

Row = Mapping[str, Any]


def is_active(row: Row) -> bool:
    """Return whether a code may be used; one of which the provider does not say (null, Xporter 1986) may."""
    active = row.get("active")
    return active is None or bool(active)


class ListName(StrEnum):
    """The lists that a school has."""

    STUDENTS = "students"
    EMPLOYEES = "employees"
    ATTENDANCE_CODES = "attendance_codes"
    LESSONS = "lessons"


@dataclass(frozen=True)
class Lookup:
    """One list of one school as it was fetched. `cursor` is the provider's own, for the next sync."""

    list: ListName
    version: int
    fetched_at: datetime
    rows: Mapping[str, Row]
    cursor: str | None = None

    @cached_property
    def by_code(self) -> Mapping[str, Row]:
        """Rows by their `code`; the active one where several share it."""
        ordered = sorted(self.rows.values(), key=is_active)
        return {str(row["code"]): row for row in ordered if row.get("code") is not None}

    def resolve(self, given: str) -> Row | None:
        """Return the row whose id, or else whose code, is `given`."""
        return self.rows.get(given) or self.by_code.get(given)


@dataclass(frozen=True)
class LookupView:
    """All lists of one school; None where one has never been fetched."""

    students: Lookup | None = None
    employees: Lookup | None = None
    attendance_codes: Lookup | None = None
    lessons: Lookup | None = None

    def get(self, name: ListName) -> Lookup | None:
        lookup: Lookup | None = getattr(self, name.value)
        return lookup
