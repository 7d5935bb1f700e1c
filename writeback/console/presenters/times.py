"""Instants and numbers as people read them, in the console's time zone."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from writeback.core.moments import read_moment, read_moment_ahead

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


class Times:
    """Writes instants for people."""

    def __init__(self, timezone: str) -> None:
        self._zone = ZoneInfo(timezone)

    def local(self, at: datetime) -> datetime:
        return at.astimezone(self._zone)

    def clock(self, at: datetime) -> str:
        """Return the time of day, e.g. `09:20`."""
        return f"{self.local(at):%H:%M}"

    def seconds(self, at: datetime) -> str:
        return f"{self.local(at):%H:%M:%S}"

    def day(self, at: datetime) -> str:
        """Return the date, e.g. `12 January 2026`."""
        local = self.local(at)
        return f"{local.day} {local:%B %Y}"

    def midnight(self, now: datetime) -> datetime:
        """Return when today began."""
        return self.midnight_of(self.local(now).date())

    def midnight_of(self, day: date) -> datetime:
        """Return when a day begins."""
        return datetime.combine(day, time(), self._zone).astimezone(UTC)

    def read(self, text: str, now: datetime, *, is_end: bool = False) -> datetime:
        """Return the moment that somebody typed; raise ValueError (`core/moments.py`)."""
        return read_moment(text, now, self._zone, is_end=is_end)

    def read_ahead(self, text: str, now: datetime) -> datetime:
        """Return the moment to come that somebody typed; raise ValueError (`core/moments.py`)."""
        return read_moment_ahead(text, now, self._zone)

    def short(self, at: datetime, now: datetime) -> str:
        """Return the time of day and, unless it is today's, the date; the year only where it is another."""
        local, today = self.local(at), self.local(now)
        if local.date() == today.date():
            return f"{local:%H:%M}"
        year = "" if local.year == today.year else f" {local.year}"
        return f"{local.day} {local:%b}{year}, {local:%H:%M}"

    def full(self, at: datetime) -> str:
        """Return all there is to say of it, for the title of a short one."""
        return f"{self.day(at)}, {self.seconds(at)} {self.local(at):%Z}"


def day_words(day: date) -> str:
    """Return a day with its weekday: `Mon 12 January 2026`."""
    return f"{day:%a} {day.day} {day:%B %Y}"


def ago(at: datetime, now: datetime) -> str:
    """Return how long ago it was, e.g. `12 minutes ago`."""
    seconds = (now - at).total_seconds()
    return "just now" if seconds < 5 else f"{lasted(seconds)} ago"


def lasted(seconds: float) -> str:
    """Return a length of time in words: `4 seconds`, `12 minutes`, `3 hours`, `2 days`."""
    for size, unit in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        if seconds >= size * (2 if unit == "day" else 1):
            return counted(int(seconds // size), unit)
    return counted(int(seconds), "second")


def brief(seconds: float) -> str:
    """Return a length of time with its unit: `0.4 s`, `12 s`, `3 min`, `2 h`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.0f} h"


def number(value: float) -> str:
    """Return a count with commas."""
    return f"{value:,.0f}"


def counted(value: int, singular: str, plural: str | None = None) -> str:
    """Return a count and its noun: `1 register`, `1,240 registers`."""
    return f"{number(value)} {singular if value == 1 else plural or singular + 's'}"
