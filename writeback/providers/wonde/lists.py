"""Which pages a list of Wonde is on, and what is kept of its rows: ids and codes, never a name. Pure."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from writeback.domain.lookups import ListName, Row
from writeback.providers.http import shorten
from writeback.providers.times import LONDON
from writeback.providers.wonde.fields import id_of, instant_of, mapping_of

PATHS: Mapping[ListName, str] = {
    ListName.STUDENTS: "students",
    ListName.EMPLOYEES: "employees",
    ListName.ATTENDANCE_CODES: "attendance-codes",
    ListName.LESSONS: "lessons",
}

DELETION_TYPES: Mapping[ListName, str] = {ListName.STUDENTS: "student", ListName.EMPLOYEES: "employee"}
"""Lists that can be followed by `updated_after` and `deletions`. Lessons cannot: those of a removed class go without
an entry (Wonde 169). Codes are few."""

_OVERLAP = timedelta(minutes=5)
"""How far a cursor reaches back, for clocks that differ and rows that were being written."""


def cursor_at(now: datetime) -> str:
    """Return the `updated_after` of the next sync, in the form of Wonde 97, in UTC."""
    return (now.astimezone(UTC) - _OVERLAP).strftime("%Y-%m-%d %H:%M:%S")


def weeks(window: tuple[date, date]) -> Iterator[dict[str, str]]:
    """Yield the parameters of each week in `window`, both days included: one call returns one week (Wonde 6232)."""
    first, last = window
    monday = first - timedelta(days=first.weekday())
    while monday <= last:
        following = monday + timedelta(days=7)
        yield {"lessons_start_after": monday.isoformat(), "lessons_start_before": following.isoformat()}
        monday = following


def next_page(body: Any, base_url: str) -> str | None:
    """Return where the next page is (Wonde 51-66), on our own host; None where there is none.

    Wonde's `next` is followed verbatim, path and query. Its scheme and host are ours: behind a proxy or another
    region's domain it may name another host, and the token must never be sent to one that nobody configured.
    """
    pagination = mapping_of(mapping_of(mapping_of(body).get("meta")).get("pagination"))
    following = pagination.get("next")
    if not isinstance(following, str) or not following or pagination.get("more") is False:
        return None
    base = httpx.URL(base_url)
    return str(httpx.URL(following).copy_with(scheme=base.scheme, host=base.host, port=base.port, userinfo=b""))


def rows_of(body: Any) -> list[Mapping[str, Any]] | None:
    """Return the rows of a page; None when it is no list."""
    data = mapping_of(body).get("data") if isinstance(body, Mapping) else body
    return [mapping_of(row) for row in data] if isinstance(data, list) else None


def reduce_row(name: ListName, row: Mapping[str, Any], zone: ZoneInfo = LONDON) -> Row | None:
    """Return what is kept of a row; None where it has no id."""
    row_id = id_of(row.get("id"))
    if row_id is None:
        return None
    if name is ListName.ATTENDANCE_CODES:
        return _code_row(row_id, row)
    if name is ListName.LESSONS:
        return _lesson_row(row_id, row, zone)
    return {"id": row_id}


def _code_row(row_id: str, row: Mapping[str, Any]) -> Row:
    """The document shows no `active` (Wonde 2469): a code that is listed may be used."""
    return {
        "id": row_id,
        "code": shorten(row.get("code") or ""),
        "description": shorten(row.get("description") or ""),
        "type": shorten(row.get("type") or "").upper() or None,
        "active": row.get("active") not in (False, 0),
    }


def _lesson_row(row_id: str, row: Mapping[str, Any], zone: ZoneInfo) -> Row:
    start, end = instant_of(row.get("start_at"), zone), instant_of(row.get("end_at"), zone)
    return {
        "id": row_id,
        "date": start.astimezone(zone).date().isoformat() if start else None,
        "start_at": start.isoformat() if start else None,
        "end_at": end.isoformat() if end else None,
        "period_instance_id": id_of(row.get("period_instance_id")),
    }


def gone(rows: list[Mapping[str, Any]]) -> list[str]:
    """Return the ids that the deletions endpoint says are gone and not restored since (Wonde 117-171)."""
    ids = []
    for row in rows:
        deleted, restored = instant_of(row.get("deleted_at")), instant_of(row.get("restored_at"))
        is_back = restored is not None and (deleted is None or restored >= deleted)
        row_id = id_of(row.get("id"))
        if row_id is not None and not is_back:
            ids.append(row_id)
    return ids
