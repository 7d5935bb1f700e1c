"""Which pages a list of Wonde is on, and what is kept of its rows: ids and codes; who people are is read in
`people.py`. Pure."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from writeback.core.network.addresses import ExactURL, HostList, host_of
from writeback.domain.lookups import ListName, Row, plain_words
from writeback.domain.school_settings.year import DayKind
from writeback.providers.closures import closure
from writeback.providers.texts import shorten
from writeback.providers.times import LONDON
from writeback.providers.wonde.fields import day_of, id_of, instant_of, mapping_of

PATHS: Mapping[ListName, str] = {
    ListName.STUDENTS: "students",
    ListName.EMPLOYEES: "employees",
    ListName.ATTENDANCE_CODES: "attendance-codes",
    ListName.LESSONS: "lessons",
    ListName.CLOSURES: "events",
}

DELETION_TYPES: Mapping[ListName, str] = {ListName.STUDENTS: "student", ListName.EMPLOYEES: "employee"}
"""Lists that can be followed by `updated_after` and `deletions`. Lessons cannot: those of a removed class go without
an entry (Wonde 169). Codes are few."""

_ABSOLUTE = re.compile(r"(?:https?:)?//[^/?#]*(?P<target>.*)", re.IGNORECASE | re.DOTALL)
_LESSONS_WITHIN = (time(5), time(22))
"""No lesson begins earlier or later, on the school's own clock."""
OVERLAP = timedelta(minutes=5)
"""How far a cursor reaches back, for clocks that differ and rows that were being written."""


def cursor_at(now: datetime) -> str:
    """Return the `updated_after` of the next sync, in the form of Wonde 97, in UTC."""
    return (now.astimezone(UTC) - OVERLAP).strftime("%Y-%m-%d %H:%M:%S")


def weeks(window: tuple[date, date], zone: ZoneInfo = LONDON) -> Iterator[dict[str, str]]:
    """Yield the parameters of each week in `window`, both days included: one call returns one week (Wonde 6232).

    The school's days are asked for as UTC has them, in which lessons are given (6250): its first lesson on a Monday in
    Sydney is on a Sunday there.
    """
    begins, ends = (datetime.combine(day, hour, zone) for day, hour in zip(window, _LESSONS_WITHIN, strict=True))
    first, last = begins.astimezone(UTC).date(), ends.astimezone(UTC).date()
    while first <= last:
        following = min(first + timedelta(days=7 - first.weekday()), last + timedelta(days=1))
        yield {"lessons_start_after": first.isoformat(), "lessons_start_before": following.isoformat()}
        first = following


def next_page(body: Any) -> str | None:
    """Return where the next page is, as Wonde says it (Wonde 51-66); None where there is none."""
    pagination = mapping_of(mapping_of(mapping_of(body).get("meta")).get("pagination"))
    following = pagination.get("next")
    if not isinstance(following, str) or not following or pagination.get("more") is False:
        return None
    return following


def page_address(following: str, base_url: str, named: HostList) -> ExactURL:
    """Return the address of a next page: its path and query byte for byte, for they may be signed, on our own origin.

    Behind a proxy, or from another region, Wonde may name another host than the one that was asked. The token goes to
    none but that: one that the settings name is taken for it. Raise ValueError for any other, and for no address.
    """
    read = _ABSOLUTE.fullmatch(following)
    if read is not None and host_of(following) != host_of(base_url) and following not in named:
        raise ValueError(
            f"the next page is said to be at {shorten(host_of(following))}: "
            "that is neither where the school is nor named in WRITEBACK_WONDE__HOSTS"
        )
    try:
        return ExactURL(base_url, following if read is None else "/" + read["target"].removeprefix("/"))
    except httpx.InvalidURL as error:
        raise ValueError("the address of the next page cannot be used") from error


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
    if name is ListName.CLOSURES:
        return _closure_row(row_id, row)
    return {"id": row_id}


_CLOSURE_WORDS = (
    (DayKind.INSET, ("inset", "staff training", "teacher training", "training day")),
    (DayKind.CLOSURE, ("school closure", "school closed")),
    (DayKind.HOLIDAY, ("school holiday", "public holiday", "bank holiday", "half term", "half-term")),
)
"""By which words an event's type, or description, says that there are no pupils. Of descriptions the document prints
one, "Planned whole or partial school closure" (Wonde 5576), and no type: the others are a guess, used for a warning."""


def _closure_row(row_id: str, row: Mapping[str, Any]) -> Row | None:
    """Fields: Wonde 5685-5693. An event that ends at midnight ends with the day before."""
    said = plain_words(f"{row.get('type') or ''} {row.get('description') or ''}")
    kind = next((kind for kind, words in _CLOSURE_WORDS if any(word in said for word in words)), None)
    first, last = day_of(row.get("start_at")), day_of(row.get("end_at"))
    if first is not None and last is not None and last > first and _is_midnight(row.get("end_at")):
        last -= timedelta(days=1)
    return closure(row_id, kind, first, last, row.get("description"))


def _is_midnight(value: Any) -> bool:
    text = str(value.get("date") if isinstance(value, Mapping) else value)
    return text[10:].strip(" T").startswith("00:00:00")


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


def removed(rows: list[Mapping[str, Any]], subject: str, since: datetime) -> list[str]:
    """Return the ids of what was removed since then, of one subject of ours. Wonde does not list its names of types."""
    types = {_bare(subject), _bare(subject).removeprefix("student")}
    recent = (row for row in rows if (at := instant_of(row.get("deleted_at"))) is None or at >= since - OVERLAP)
    return gone([row for row in recent if _bare(row.get("type")) in types])


def _bare(type_: Any) -> str:
    return re.sub(r"[^a-z]", "", str(type_).lower()).removesuffix("s")


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
