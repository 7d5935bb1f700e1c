"""Which endpoint and table a list of Xporter is in, and what is kept of its rows: ids and codes; who people are is read
in `people.py`. Pure."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from writeback.core.settings import XporterSettings
from writeback.domain.lookups import ATTRIBUTE_LISTS, ListName, Row, attribute_key
from writeback.domain.school_settings.year import DayKind
from writeback.providers.closures import closure
from writeback.providers.times import LONDON, parse_day, parse_instant
from writeback.providers.xporter.fields import find, is_false, table_of, text_of, value_of

START = "*"
"""The `changedRows` that starts a changeset (Xporter 597-600)."""


@dataclass(frozen=True)
class Table:
    """A table of an answer, by the names that it may have, and what is kept of its rows."""

    names: tuple[str, ...]
    reduce: Callable[[Mapping[str, Any]], Row | None]


@dataclass(frozen=True)
class Source:
    """Where a list is: the path of its endpoint, and the tables there that it is made of."""

    path: Callable[[XporterSettings], str]
    tables: tuple[Table, ...]
    params: Mapping[str, str] = field(default_factory=dict)
    has_changes: bool = False
    """Whether it is followed by `changedRows`. The timetable is not: its changesets speak of lesson Ids, we of
    PeriodIds, and they move with the dates asked for. Codes and attributes are few."""


def _only_id(row: Mapping[str, Any]) -> Row | None:
    row_id = text_of(row, "Id")
    return {"id": row_id} if row_id else None


def _code(row: Mapping[str, Any]) -> Row | None:
    """Fields: Xporter 1981-1986. `Active` is null where the MIS does not tell: the code may be used."""
    mark = text_of(row, "Mark")
    if not mark:
        return None
    return {
        "id": mark,
        "code": mark,
        "description": text_of(row, "Description"),
        "type": _type_of(text_of(row, "ShortMeaningDescription") or text_of(row, "MeaningDescription")),
        "active": not is_false(value_of(row, "Active")),
    }


def _type_of(meaning: str) -> str | None:
    """Return the statistical meaning in the words of `domain.lookups`; None where it is none of them."""
    text = meaning.lower()
    if "unauthor" in text:
        return "UNAUTHORISED"
    if "author" in text:
        return "AUTHORISED"
    if any(word in text for word in ("present", "approved", "educational", "late")):
        return "PRESENT"
    return "VOID" if any(word in text for word in ("not required", "no mark", "no stat", "closed")) else None


def _lesson(row: Mapping[str, Any]) -> Row | None:
    """Fields: Xporter 12973-12982. Marks name a lesson by its PeriodId; its times are the school's own."""
    period = text_of(row, "PeriodId")
    if not period:
        return None
    day = parse_day(value_of(row, "StartDateTime"))
    start, end = (parse_instant(value_of(row, name), LONDON) for name in ("StartDateTime", "EndDateTime"))
    return {
        "id": period,
        "date": day.isoformat() if day else None,
        "start_at": start.isoformat() if start else None,
        "end_at": end.isoformat() if end else None,
        "period_instance_id": period,
    }


_DAY_KINDS = {
    "holiday": DayKind.HOLIDAY,
    "publicholiday": DayKind.HOLIDAY,
    "halfterm": DayKind.HOLIDAY,
    "stafftraining": DayKind.INSET,
}
"""Type of an event, its blanks taken out → what it says of its days (Xporter 4577-4585). Others close no day."""
_LONGEST_HALF_TERM = timedelta(days=16)
"""What is called a half term and is longer is not the holidays but the weeks of lessons: the document says neither."""


def _closure(row: Mapping[str, Any]) -> Row | None:
    """Fields: Xporter 4592-4599."""
    type_ = "".join(text_of(row, "Type").lower().split())
    first, last = parse_day(value_of(row, "StartDate")), parse_day(value_of(row, "EndDate"))
    if type_ == "halfterm" and first is not None and last is not None and last - first > _LONGEST_HALF_TERM:
        return None
    return closure(text_of(row, "Id"), _DAY_KINDS.get(type_), first, last, text_of(row, "Description"))


_LOOKUPS = {
    "behbullmode": "bullying_type",
    "behlocation": "location",
    "behstatus": "status",
    "behsturole": "role",
}
"""LookupType of behaviour alone → our type (Xporter 7438-7441)."""


def _conduct_lookup(prefix: str) -> Callable[[Mapping[str, Any]], Row | None]:
    """Return what reduces a row of ConductLookups for achievements (Ach) or behaviour (Beh).

    Not in the document's mapping (7434-7443) are outcomes, which its payload calls AchOutcome (14205), and the times of
    day, which it asks for (14316) without saying what they are called.
    """

    def type_of(name: str) -> str | None:
        if name in ("stfrole", f"{prefix}staffrole", f"{prefix}stfrole"):  # 7442; BehStaffRole at 14214
            return "staff_role"
        if not name.startswith(prefix):
            return None
        rest = name.removeprefix(prefix)
        if rest in ("activity", "outcome"):
            return rest
        return _LOOKUPS.get(name) or ("time" if prefix == "beh" and "time" in rest else None)

    def reduce(row: Mapping[str, Any]) -> Row | None:
        type_ = type_of(text_of(row, "LookupType").lower())
        return _attribute(row, type_, text_of(row, "LocalId")) if type_ else None

    return reduce


def _conduct_type(incident_type: str) -> Callable[[Mapping[str, Any]], Row | None]:
    """Return what reduces a row of ConductTypes (Xporter 7449-7458) of one IncidentType. Types have no code."""

    def reduce(row: Mapping[str, Any]) -> Row | None:
        if text_of(row, "Type").lower() != incident_type:
            return None
        kept = _attribute(row, "type", text_of(row, "LocalId"))
        if kept is None or incident_type != "beh" or not any(str(key).lower() == "subtypelookup" for key in row):
            return kept
        allows = text_of(row, "SubTypeLookup").lower() == "behbullmode"  # 7457
        return {**kept, "allows_bullying_type": allows}

    return reduce


def _detention_lookup(type_: str) -> Callable[[Mapping[str, Any]], Row | None]:
    """Return what reduces a row of one of the tables of detention lookups (Xporter 9206, 9333-9375)."""
    return lambda row: _attribute(row, type_, text_of(row, "Id"))


def _attribute(row: Mapping[str, Any], type_: str, row_id: str) -> Row | None:
    if not row_id:
        return None
    return {
        "id": row_id,
        "type": type_,
        "code": text_of(row, "Code") or None,
        "description": text_of(row, "Description"),
        "active": not is_false(value_of(row, "Active", "IsActive")),
    }


def _conduct_source(prefix: str) -> Source:
    return Source(
        lambda settings: settings.conduct_lookups_path,
        (
            Table(("ConductTypes",), _conduct_type(prefix)),
            Table(("ConductLookups",), _conduct_lookup(prefix)),
        ),
        # Inactive ones are not asked for: no column tells them from the others. `updatedSince` is required (7497).
        {"updatedSince": "1900-01-01"},
    )


SOURCES: Mapping[ListName, Source] = {
    # `select` keeps what is not needed from ever being sent to us (Xporter 602-605): names, where no directory is kept.
    # Guests and pupils who are enrolled elsewhere, too, are in registers here (7737-7738); temporary staff take them
    # (11708). Neither comes unless asked for.
    ListName.STUDENTS: Source(
        lambda settings: settings.students_path,
        (Table(("Students",), _only_id),),
        {"select": "Id", "includeSubsidiary": "true", "includeGuests": "true"},
        has_changes=True,
    ),
    ListName.EMPLOYEES: Source(
        lambda settings: settings.staff_path,
        (Table(("Staff",), _only_id),),
        {"select": "Id", "includeTemporary": "true"},
        has_changes=True,
    ),
    ListName.ATTENDANCE_CODES: Source(
        lambda settings: settings.attendance_codes_path,
        (Table(("AttendCodes", "AttendanceCodes"), _code),),
        {"includeInactive": "true"},
    ),
    ListName.LESSONS: Source(
        lambda settings: settings.timetable_path, (Table(("Lessons",), _lesson),), {"includeLessons": "true"}
    ),
    ListName.CLOSURES: Source(lambda settings: settings.calendar_path, (Table(("SchoolCalendar",), _closure),)),
    ListName.ACHIEVEMENT_ATTRIBUTES: _conduct_source("ach"),
    ListName.BEHAVIOUR_ATTRIBUTES: _conduct_source("beh"),
    ListName.DETENTION_ATTRIBUTES: Source(
        lambda settings: settings.detention_lookups_path,
        (
            Table(("DetentionTypeLookup",), _detention_lookup("type")),
            Table(("DetentionLocationLookup",), _detention_lookup("location")),
            Table(("DetentionReasonLookup",), _detention_lookup("reason")),
            Table(("DetentionAttendedLookup",), _detention_lookup("attendance")),
        ),
    ),
}
"""The lists that Xporter has; of absences it has none."""


def params_of(
    name: ListName, cursor: str | None, window: tuple[date, date], select: str | None = None
) -> dict[str, str]:
    """Return the query of the list's first page, without paging; `select`: the columns, in the place of the usual."""
    source = SOURCES[name]
    params = dict(source.params) | ({"select": select} if select else {})
    if source.has_changes:
        params["changedRows"] = cursor or START
    if name in (ListName.LESSONS, ListName.CLOSURES):
        params |= {"DateFrom": window[0].isoformat(), "DateTo": window[1].isoformat()}  # both days included
    return params


def key_of(row: Row, name: ListName) -> str:
    """Return what a row is kept by: an attribute's id is its own only within its type."""
    return attribute_key(row["type"], row["id"]) if name in ATTRIBUTE_LISTS else str(row["id"])


def is_page_of(name: ListName, body: Any) -> bool:
    """Whether the answer is a page of the list: an error page must never empty one.

    A changeset without changes may come without its table; it still brings the next `changedRows`.
    """
    has_table = any(_rows_of(table, body) is not None for table in SOURCES[name].tables)
    return has_table or (SOURCES[name].has_changes and cursor_of(body) is not None)


def reduce_rows(name: ListName, body: Any) -> Iterator[Row]:
    """Yield what is kept of the page's rows; those without an id are left out."""
    for table in SOURCES[name].tables:
        reduced = map(table.reduce, _rows_of(table, body) or ())
        yield from (row for row in reduced if row is not None)


def preferred(known: Row | None, row: Row) -> Row:
    """Return which of two rows of one id is kept: the later, but never an inactive one over an active."""
    return known if known is not None and known.get("active") and not row.get("active", True) else row


def rows_in(name: ListName, body: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the page's rows as they came."""
    for table in SOURCES[name].tables:
        yield from _rows_of(table, body) or ()


def _rows_of(table: Table, body: Any) -> list[Mapping[str, Any]] | None:
    return table_of(body, *table.names)


def deleted_of(name: ListName, body: Any) -> list[str]:
    """Return the ids in the table whose name ends in `_deleted`."""
    names = [f"{one}_deleted" for table in SOURCES[name].tables for one in table.names]
    return [row_id for row in table_of(body, *names) or [] if (row_id := text_of(row, "Id"))]


def cursor_of(body: Any) -> str | None:
    """Return the value for the next `changedRows`. The document does not say where in the answer it is."""
    text = str(find(body, "changedRows", "nextChangedRows") or "").strip()
    return text if text != START and text else None


def is_last_page(name: ListName, body: Any, page: int, page_size: int) -> bool:
    """Whether there is nothing after this page: its `__pagination__` says so, else no table of it is full."""
    pages = find(body, "PageCount", "TotalPages", "Pages")
    if re.fullmatch("[0-9]{1,9}", str(pages)):
        return page >= int(pages)
    counts = [len(_rows_of(table, body) or ()) for table in SOURCES[name].tables]
    return max(*counts, len(deleted_of(name, body))) < page_size
