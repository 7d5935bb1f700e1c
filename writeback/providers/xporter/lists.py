"""Which endpoint and table a list of Xporter is in, and what is kept of its rows: ids and codes, never a name. Pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from writeback.core.settings import XporterSettings
from writeback.domain.lookups import ListName, Row
from writeback.providers.times import LONDON, parse_day, parse_instant
from writeback.providers.xporter.fields import find, is_false, table_of, text_of, value_of

START = "*"
"""The `changedRows` that starts a changeset (Xporter 597-600)."""


@dataclass(frozen=True)
class Source:
    """Where a list is, and how its rows are reduced."""

    path: Callable[[XporterSettings], str]
    tables: tuple[str, ...]
    reduce: Callable[[Mapping[str, Any]], Row | None]
    params: Mapping[str, str] = field(default_factory=dict)
    has_changes: bool = False
    """Whether it is followed by `changedRows`. The timetable is not: its changesets speak of lesson Ids, we of
    PeriodIds, and they move with the dates asked for. Codes are few."""


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


SOURCES: Mapping[ListName, Source] = {
    # `select` keeps names from ever being sent to us (Xporter 602-605).
    ListName.STUDENTS: Source(
        lambda settings: settings.students_path, ("Students",), _only_id, {"select": "Id"}, has_changes=True
    ),
    ListName.EMPLOYEES: Source(
        lambda settings: settings.staff_path, ("Staff",), _only_id, {"select": "Id"}, has_changes=True
    ),
    ListName.ATTENDANCE_CODES: Source(
        lambda settings: settings.attendance_codes_path,
        ("AttendCodes", "AttendanceCodes"),
        _code,
        {"includeInactive": "true"},
    ),
    ListName.LESSONS: Source(
        lambda settings: settings.timetable_path, ("Lessons",), _lesson, {"includeLessons": "true"}
    ),
}


def params_of(name: ListName, cursor: str | None, window: tuple[date, date]) -> dict[str, str]:
    """Return the query of the list's first page, without paging."""
    source = SOURCES[name]
    params = dict(source.params)
    if source.has_changes:
        params["changedRows"] = cursor or START
    if name is ListName.LESSONS:
        params |= {"DateFrom": window[0].isoformat(), "DateTo": window[1].isoformat()}  # both days included
    return params


def is_page_of(name: ListName, body: Any) -> bool:
    """Whether the answer is a page of the list: an error page must never empty one.

    A changeset without changes may come without its table; it still brings the next `changedRows`.
    """
    return _rows_of(name, body) is not None or (SOURCES[name].has_changes and cursor_of(body) is not None)


def reduce_rows(name: ListName, body: Any) -> Iterator[Row]:
    """Yield what is kept of the page's rows; those without an id are left out."""
    reduced = map(SOURCES[name].reduce, _rows_of(name, body) or ())
    return (row for row in reduced if row is not None)


def preferred(known: Row | None, row: Row) -> Row:
    """Return which of two rows of one id is kept: the later, but never an inactive one over an active."""
    return known if known is not None and known.get("active") and not row.get("active", True) else row


def _rows_of(name: ListName, body: Any) -> list[Mapping[str, Any]] | None:
    return table_of(body, *SOURCES[name].tables)


def deleted_of(name: ListName, body: Any) -> list[str]:
    """Return the ids in the table whose name ends in `_deleted`."""
    gone = table_of(body, *(f"{table}_deleted" for table in SOURCES[name].tables)) or []
    return [row_id for row in gone if (row_id := text_of(row, "Id"))]


def cursor_of(body: Any) -> str | None:
    """Return the value for the next `changedRows`. The document does not say where in the answer it is."""
    text = str(find(body, "changedRows", "nextChangedRows") or "").strip()
    return text if text != START and text else None


def is_last_page(name: ListName, body: Any, page: int, page_size: int) -> bool:
    """Whether there is nothing after this page: its `__pagination__` says so, else it is not full."""
    pages = find(body, "PageCount", "TotalPages", "Pages")
    if str(pages).isdigit():
        return page >= int(pages)
    return max(len(_rows_of(name, body) or ()), len(deleted_of(name, body))) < page_size
