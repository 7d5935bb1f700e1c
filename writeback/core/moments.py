"""Moments as people type them: `yesterday`, `08:30`, `Monday 9:15`, `2 hours ago`, `-2h`, `24 Nov`, or ISO 8601."""

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo

EXAMPLES = "yesterday, 08:30, monday 09:15, 2 hours ago, -2h, 24 Nov or 2026-01-12 09:00"
EXAMPLES_AHEAD = "11:00, tomorrow 08:00, friday 16:00, in 2 hours, 24 Nov 09:00 or 2026-01-12 09:00"

_UNITS = {"m": "minutes", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN = r"(\d{1,5}) ?(minutes?|mins?|m|hours?|h|days?|d|weeks?|w)"
_AGO = re.compile(rf"(?:- ?)?{_SPAN}(?: ago)?")
_IN = re.compile(rf"(?:in |\+ ?)?{_SPAN}")
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


def read_moment_ahead(text: str, now: datetime, zone: tzinfo | None = None) -> datetime:
    """Return the moment to come that a text means, in UTC; `zone` as above.

    A time of day alone is today's; a weekday is the next one, today included. Raise ValueError for what can be read as
    no moment, for a day without a time of day, for it may mean its beginning or its end, and for what has passed.
    """
    said = " ".join(text.casefold().split())
    span, at = _IN.fullmatch(said), None
    try:
        if span is not None:
            at = now.astimezone(UTC) + _span(span)
        else:
            at = _iso(text.strip(), zone, is_end=False) or _spoken(said, now, zone, is_end=False, is_ahead=True)
    except OverflowError:
        pass
    if at is None or not 2000 <= at.year <= 2100:
        raise ValueError(f"{text.strip()!r} is no moment")
    if span is None and ":" not in said and _CLOCK.fullmatch(said) is None:
        raise ValueError(f"{text.strip()!r} has no time of day")
    if at <= now:
        raise ValueError(f"{text.strip()!r} has passed")
    return at


def _ago(said: str, now: datetime) -> datetime | None:
    if said == "now":
        return now.astimezone(UTC)
    read = _AGO.fullmatch(said)
    return now.astimezone(UTC) - _span(read) if read is not None else None


def _span(read: re.Match[str]) -> timedelta:
    unit = read[2].removesuffix("s") if len(read[2]) > 1 else read[2]
    return timedelta(**{_UNITS.get(unit, f"{unit}s"): int(read[1])})


def _iso(text: str, zone: tzinfo | None, *, is_end: bool) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    if at.tzinfo is not None:
        return at.astimezone(UTC)
    is_day = len(text) == len("2026-01-12") or ("T" not in text.upper() and " " not in text)
    return _on_clock(at.date(), None if is_day else at.time(), zone, is_end=is_end)


def _spoken(said: str, now: datetime, zone: tzinfo | None, *, is_end: bool, is_ahead: bool = False) -> datetime | None:
    today = (now.astimezone(zone) if zone is not None else now.astimezone()).date()
    read = _CLOCK.fullmatch(said)
    if read is None:
        day = _day(said, today, is_ahead=is_ahead)
        return _on_clock(day, None, zone, is_end=is_end) if day is not None else None
    day = _day(read["day"], today, is_ahead=is_ahead) if read["day"] else today
    hour, minute = int(read["hour"]), int(read["minute"])
    return _on_clock(day, time(hour, minute), zone) if day is not None and hour < 24 and minute < 60 else None


def _day(said: str, today: date, *, is_ahead: bool) -> date | None:
    """Return the day that a word, a weekday or a day and month mean: the latest of that name, or the next."""
    if said == "today":
        return today
    if said == ("tomorrow" if is_ahead else "yesterday"):
        return today + timedelta(days=1 if is_ahead else -1)
    for number, name in enumerate(_WEEKDAYS):
        if len(said) >= 3 and name.startswith(said):
            back = (today.weekday() - number) % 7
            return today + timedelta(days=-back % 7 if is_ahead else -back)
    read = _NAMED.fullmatch(said)
    if read is None or read[2][:3] not in _MONTHS:
        return None
    month = _MONTHS.index(read[2][:3]) + 1
    try:
        day = date(int(read[3] or today.year), month, int(read[1]))
        if is_ahead:
            return day if read[3] or day >= today else day.replace(year=today.year + 1)
        return day if read[3] or day <= today else day.replace(year=today.year - 1)
    except ValueError:
        return None


def _on_clock(day: date, at: time | None, zone: tzinfo | None, *, is_end: bool = False) -> datetime:
    """Return the moment at which that clock shows this; without a time of day, when the day begins or has ended."""
    wall = datetime.combine(day, at) if at is not None else datetime.combine(day + timedelta(days=is_end), time())
    return (wall.replace(tzinfo=zone) if zone is not None else wall).astimezone(UTC)
