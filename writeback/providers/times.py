"""Reading the providers' dates: instants with a zone, naive local times, and the school's own calendar day."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

LONDON = ZoneInfo("Europe/London")
"""Where a school is that does not say."""


def zone_named(name: object, default: ZoneInfo = LONDON) -> ZoneInfo:
    """Return the zone of that name; `default` where there is none."""
    if not isinstance(name, str) or not name:
        return default
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return default


def parse_instant(text: object, zone: ZoneInfo) -> datetime | None:
    """Return the aware UTC instant of an ISO text, read in `zone` where it names none; None when it is no instant."""
    if not isinstance(text, str):
        return None
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    try:
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError:  # .NET's empty date is 0001-01-01, which no zone can shift
        return None


def parse_day(text: object) -> date | None:
    """Return the calendar day that an ISO text begins with; None when it begins with none."""
    if not isinstance(text, str):
        return None
    try:
        return date.fromisoformat(text.strip()[:10])
    except ValueError:
        return None


def spans(days: Iterable[date], margin: timedelta) -> list[tuple[date, date]]:
    """Return the first and last days of what to ask for, so that each day has its margin; what overlaps is one."""
    found: list[tuple[date, date]] = []
    for day in sorted(set(days)):
        first, last = day - margin, day + margin
        if found and first <= found[-1][1]:
            first, _ = found.pop()
        found.append((first, last))
    return found
