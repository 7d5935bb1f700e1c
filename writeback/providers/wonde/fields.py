"""How Wonde writes single fields: `data` wrappers, ids, instants. Pure; used by everything here that reads."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from writeback.providers.texts import reference_of
from writeback.providers.times import LONDON, parse_day, parse_instant, zone_named

UTC_ZONE = ZoneInfo("UTC")


def data_of(body: Any) -> Any:
    """Return what is inside `data`, or the body itself where it is not wrapped."""
    return body["data"] if isinstance(body, Mapping) and "data" in body else body


def mapping_of(value: Any) -> Mapping[str, Any]:
    """Return `value` where it is a JSON object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def id_of(value: Any) -> str | None:
    """Return the id that a field holds: plain, or inside the object that `include` puts there; None where it is none.

    The document's own example has a blank after an id (Wonde 2461), which is no part of it.
    """
    inner = data_of(value)
    if isinstance(inner, Mapping):
        inner = inner.get("id")
    return reference_of(inner)


def instant_of(value: Any, default: ZoneInfo = LONDON) -> datetime | None:
    """Return the instant of `{"date": "2016-02-22 09:15:00.000000", "timezone": "UTC"}`, or of an ISO text in UTC."""
    if isinstance(value, Mapping):
        return parse_instant(value.get("date"), zone_named(value.get("timezone"), default))
    return parse_instant(value, UTC_ZONE)


def day_of(value: Any) -> date | None:
    """Return the calendar day of a mark's `date`: it is a day at midnight, in whatever zone (Wonde 2079)."""
    return parse_day(value.get("date") if isinstance(value, Mapping) else value)
