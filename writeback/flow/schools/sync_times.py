"""When a school's lists are fetched from the beginning: early each school day, so that what a list of changes never
brings is put right before registers. Pure.

Each school has its own moment, by its id, so that they do not all come at once; nor do those that were missed.
"""

from datetime import date, datetime, time, timedelta
from hashlib import blake2b
from zoneinfo import ZoneInfo

from writeback.core.settings import LookupSettings

_SATURDAY = 5
_STILL_EARLY = timedelta(hours=1)
"""So long after the last moment a school that is late is still fetched as if it were not."""
_LATER, _LATER_OVER = timedelta(hours=3), timedelta(hours=6)
"""What was missed is made up for so long after the last moment, spread over so long: after the morning's registers."""
_LONGEST_BREAK = 4
"""Days to look back for one whose full sync is over: the last Friday's, on a Monday before its own."""


def last_moment(school_id: str, zone: ZoneInfo, now: datetime, settings: LookupSettings) -> datetime | None:
    """Return when the school's lists were last to be fetched from the beginning; None where they never are.

    Before the school's moment, or before a missed one is made up for, it is that of the school day before.
    """
    if not settings.full_each_school_day:
        return None
    part = _part(school_id)
    for back in range(_LONGEST_BREAK + 1):
        day = now.astimezone(zone).date() - timedelta(days=back)
        if day.weekday() >= _SATURDAY:
            continue
        first, last = (_at(day, clock, zone) for clock in (settings.full_from, settings.full_until))
        moment = first + part * (last - first)
        is_early = moment <= now < last + _STILL_EARLY
        if is_early or now >= last + _LATER + part * _LATER_OVER:
            return moment
    return None


def _part(school_id: str) -> float:
    """Return where in a stretch of time the school's moment is, from 0 to 1."""
    return int.from_bytes(blake2b(school_id.encode(), digest_size=4).digest()) / 2**32


def _at(day: date, clock: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, clock, zone)
