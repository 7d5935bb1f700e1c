"""Lookups as validators and payload builders see them: plain rows by id, and how to find one.

Rows are JSON objects that keep only what the work needs; never a name:
students            {"id"}                                          those on roll
employees           {"id"}
attendance_codes    {"id", "code", "description", "type", "active"} Wonde types: PRESENT AUTHORISED UNAUTHORISED VOID
closures            {"id", "kind", "first", "last", "name"}   kind: of `school_settings.year`; days without pupils
lessons             {"id", "date", "start_at", "end_at", "period_instance_id"}   date: the school's own calendar day
*_attributes        {"id", "type", "code", "description", "active"} type: the field of our records that it is for

An attribute's id is its own only within its type (Xporter's LocalId), so these rows are kept by `attribute_key`. The
types are: of an achievement `type activity outcome staff_role`; of a behaviour `type status bullying_type activity
location time role outcome staff_role`, its `type` rows also saying `allows_bullying_type` where the provider tells; of
a detention `type location attendance reason`; of a student absence `type reason`; of an employee absence `type
illness_category pay_rate`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from writeback.domain.lookup_rows import PackedRows, packed
from writeback.domain.lookup_rows import Row as Row
from writeback.domain.school_settings.year import SchoolYear, year_of
from writeback_client.words import ListName as ListName


def plain_words(text: str) -> str:
    """Return a description as descriptions are compared: in lower case, with one blank between words."""
    return " ".join(text.casefold().split())


def is_active(row: Row) -> bool:
    """Return whether a code may be used; one of which the provider does not say (null, Xporter 1986) may."""
    active = row.get("active")
    return active is None or bool(active)


ATTRIBUTE_LISTS = frozenset(
    {
        ListName.ACHIEVEMENT_ATTRIBUTES,
        ListName.BEHAVIOUR_ATTRIBUTES,
        ListName.DETENTION_ATTRIBUTES,
        ListName.STUDENT_ABSENCE_ATTRIBUTES,
        ListName.EMPLOYEE_ABSENCE_ATTRIBUTES,
    }
)


MAY_LACK = ATTRIBUTE_LISTS | {ListName.CLOSURES}
"""Lists that a provider may not have, or a school not share: nothing is held for that."""


DESCRIBED_LISTS = frozenset({ListName.STUDENT_ABSENCE_ATTRIBUTES, ListName.EMPLOYEE_ABSENCE_ATTRIBUTES})
"""Lists whose rows may be given by what they are called: the document's own examples do (Wonde 5210, 8469-8470)."""


def attribute_key(type_: str, row_id: str) -> str:
    """Return the key of a row in a list of attributes."""
    return f"{type_}:{row_id}"


class Decision(StrEnum):
    """What becomes of what fell out of a list."""

    ACCEPT = "accept"
    """It is true: they are taken out."""
    DISCARD = "discard"
    """It is not: they stay. The next sync that lacks so many asks again."""


class Stamp(NamedTuple):
    """Which state of a list there is, and how fresh it is."""

    version: int
    fetched_at: datetime
    full_at: datetime | None


@dataclass(frozen=True)
class Lookup:
    """One list of one school as it was fetched. `cursor` is the provider's own, for the next sync.

    `full_at` is when it was last fetched from the beginning (None: not known); `begins_again`: its rows are another
    MIS's, or account's.
    """

    list: ListName
    version: int
    fetched_at: datetime
    rows: Mapping[str, Row]
    cursor: str | None = None
    full_at: datetime | None = None
    begins_again: bool = False

    def is_settled(self, since: datetime, full_within: timedelta) -> bool:
        """Whether what it does not have can be refused: it has been asked for since then, and not long before as a
        whole, for a change may have been missed."""
        return self.fetched_at >= since and self.full_at is not None and self.full_at >= since - full_within

    def in_little_memory(self) -> "Lookup":
        """Return the same list in little memory. Codes stay as they are: they are few, and asked for with each mark."""
        return self if self.list is ListName.ATTENDANCE_CODES else replace(self, rows=packed(self.rows))

    @cached_property
    def by_code(self) -> Mapping[str, Row]:
        """Rows by their `code`; the active one where several share it."""
        ordered = sorted(self.rows.values(), key=is_active)
        return {str(row["code"]): row for row in ordered if row.get("code") is not None}

    @cached_property
    def _by_type_and_code(self) -> Mapping[tuple[str, str], str]:
        """Keys of rows; the active one's where several share a code."""
        ordered = sorted(self.rows.items(), key=lambda item: is_active(item[1]))
        return {
            (str(row.get("type")), str(row["code"]).casefold()): key
            for key, row in ordered
            if row.get("code") is not None
        }

    @cached_property
    def _by_type_and_description(self) -> Mapping[tuple[str, str], str]:
        """Keys of active rows whose description no other of their type has; none in lists that are not given by
        description."""
        found: dict[tuple[str, str], list[str]] = {}
        for key, row in self.rows.items() if self.list in DESCRIBED_LISTS else ():
            if row.get("description") and is_active(row):
                found.setdefault((str(row.get("type")), plain_words(str(row["description"]))), []).append(key)
        return {said: keys[0] for said, keys in found.items() if len(keys) == 1}

    @cached_property
    def days(self) -> frozenset[str]:
        """The days that the rows have, e.g. those of a timetable on which there are lessons."""
        rows = self.rows.contents if isinstance(self.rows, PackedRows) else self.rows.values()
        return frozenset(str(row["date"]) for row in rows if row.get("date"))

    @cached_property
    def year(self) -> SchoolYear:
        """What the rows of closures say of the school's days."""
        return year_of(self.rows.values())

    def resolve(self, given: str) -> Row | None:
        """Return the row whose id, or else whose code, is `given`."""
        return self.rows.get(given) or self.by_code.get(given)

    def attribute(self, type_: str, given: str) -> Row | None:
        """Return the attribute of a type whose id, or else whose code in any letter case, is `given`.

        In `DESCRIBED_LISTS` also the one whose description it is, if that is one alone.
        """
        by_id = self.rows.get(attribute_key(type_, given))
        if by_id is not None:
            return by_id
        key = self._by_type_and_code.get((type_, given.casefold())) or self._by_type_and_description.get(
            (type_, plain_words(given))
        )
        return self.rows[key] if key is not None else None

    def code_of(self, type_: str, shown: str) -> str | None:
        """Return the code of the attribute that is shown by id, code or description; None where none is."""
        row = self.attribute(type_, shown)
        if row is None:
            alike = (one for one in self.rows.values() if one.get("type") == type_)
            row = next((one for one in alike if str(one.get("description")).casefold() == shown.casefold()), None)
        return str(row.get("code") or row.get("id")) if row is not None else None

    def choices(self, type_: str) -> tuple[Row, ...]:
        """Return the attributes of a type that may be used."""
        return tuple(row for row in self.rows.values() if row.get("type") == type_ and is_active(row))


@dataclass(frozen=True)
class LookupView:
    """All lists of one school; None where one has never been fetched."""

    students: Lookup | None = None
    employees: Lookup | None = None
    attendance_codes: Lookup | None = None
    lessons: Lookup | None = None
    achievement_attributes: Lookup | None = None
    behaviour_attributes: Lookup | None = None
    detention_attributes: Lookup | None = None
    student_absence_attributes: Lookup | None = None
    employee_absence_attributes: Lookup | None = None
    closures: Lookup | None = None

    def get(self, name: ListName) -> Lookup | None:
        lookup: Lookup | None = getattr(self, name.value)
        return lookup
