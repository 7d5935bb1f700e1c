"""Moments as people type them: `yesterday`, `08:30`, `Monday 9:15`, `2 hours ago`, `24 Nov`, or ISO 8601."""

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo

EXAMPLES = "yesterday, 08:30, monday 09:15, 2 hours ago, 24 Nov or 2026-01-12 09:00"

_UNITS = {"m": "minutes", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGO = re.compile(r"(\d{1,5}) ?(minutes?|mins?|m|hours?|h|days?|d|weeks?|w)(?: ago)?")
_CLOCK = re.compile(r"(?P<day>.*?) ?(?:at )?(?P<hour>\d{1,2})[:.](?P<minute>\d\d)")
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMED = re.compile(r"(\d{1,2}) ([a-z]{3,9})(?: (\d{4}))?")


def read_moment(text: str, now: datetime, zone: tzinfo | None = None, *, is_end: bool = False) -> datetime:
    """Return the moment that a text means, in UTC; `zone` is whose clock it is on (None: this machine's).

    A time of day alone is today's; a weekday is the latest one, today included; a day alone is its beginning or, with
    `is_end`, its end. Raise ValueError for what can be read as no moment between 2000 and 2100.
    """
    said = " ".join(text.casefold().split())
    try:
        at = _ago(said, now) or _iso(text.strip(), zone, is_end=is_end) or _spoken(said, now, zone, is_end=is_end)
    except OverflowError:
        at = None
    if at is None or not 2000 <= at.year <= 2100:
        raise ValueError(f"{text.strip()!r} is no moment")
    return at


def _ago(said: str, now: datetime) -> datetime | None:
    if said == "now":
        return now.astimezone(UTC)
    read = _AGO.fullmatch(said)
    if read is None:
        return None
    unit = read[2].removesuffix("s") if len(read[2]) > 1 else read[2]
    return now.astimezone(UTC) - timedelta(**{_UNITS.get(unit, f"{unit}s"): int(read[1])})


def _iso(text: str, zone: tzinfo | None, *, is_end: bool) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    if at.tzinfo is not None:
        return at.astimezone(UTC)
    is_day = len(text) == len("2026-01-12") or ("T" not in text.upper() and " " not in text)
    return _on_clock(at.date(), None if is_day else at.time(), zone, is_end=is_end)


def _spoken(said: str, now: datetime, zone: tzinfo | None, *, is_end: bool) -> datetime | None:
    today = (now.astimezone(zone) if zone is not None else now.astimezone()).date()
    read = _CLOCK.fullmatch(said)
    if read is None:
        day = _day(said, today)
        return _on_clock(day, None, zone, is_end=is_end) if day is not None else None
    day, (hour, minute) = _day(read["day"], today) if read["day"] else today, (int(read["hour"]), int(read["minute"]))
    return _on_clock(day, time(hour, minute), zone) if day is not None and hour < 24 and minute < 60 else None


def _day(said: str, today: date) -> date | None:
    """Return the day that a word, a weekday or a day and month mean; the latest of that name."""
    if said in ("today", "yesterday"):
        return today - timedelta(days=said == "yesterday")
    for number, name in enumerate(_WEEKDAYS):
        if len(said) >= 3 and name.startswith(said):
            return today - timedelta(days=(today.weekday() - number) % 7)
    read = _NAMED.fullmatch(said)
    if read is None or read[2][:3] not in _MONTHS:
        return None
    month = _MONTHS.index(read[2][:3]) + 1
    try:
        day = date(int(read[3] or today.year), month, int(read[1]))
        return day if read[3] or day <= today else day.replace(year=today.year - 1)
    except ValueError:
        return None


def _on_clock(day: date, at: time | None, zone: tzinfo | None, *, is_end: bool = False) -> datetime:
    """Return the moment at which that clock shows this; without a time of day, when the day begins or has ended."""
    wall = datetime.combine(day, at) if at is not None else datetime.combine(day + timedelta(days=is_end), time())
    return (wall.replace(tzinfo=zone) if zone is not None else wall).astimezone(UTC)
