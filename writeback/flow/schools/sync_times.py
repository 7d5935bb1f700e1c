"""When a school's lists are fetched, and when from the beginning: early each school day, so that what a list of changes
never brings is put right before registers. Pure.

Each school has its own moments, by its id, so that they do not all come at once; nor do those that were missed.
"""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time, timedelta
from hashlib import blake2b
from zoneinfo import ZoneInfo

from writeback.core.settings import LookupSettings
from writeback.domain.school_settings.year import NO_YEAR, DayKind, Stretch

Closed = Callable[[date], Stretch | None]
_SATURDAY = 5
_STILL_EARLY = timedelta(hours=1)
"""So long after the last moment a school that is late is still fetched as if it were not."""
_LATER, _LATER_OVER = timedelta(hours=3), timedelta(hours=6)
"""What was missed is made up for so long after the last moment, spread over so long: after the morning's registers."""
_LONGEST_BREAK = 4
"""Days to look back for one whose full sync is over: the last Friday's, on a Monday before its own."""
_LONGEST_SLEEP = 7
"""Days without a sync in holidays at most: the year of a school may be wrong, or become so."""


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
        moment, last = _full_moment(part, day, zone, settings), _at(day, settings.full_until, zone)
        is_early = moment <= now < last + _STILL_EARLY
        if is_early or now >= last + _LATER + part * _LATER_OVER:
            return moment
    return None


def next_sync(
    school_id: str,
    zone: ZoneInfo,
    now: datetime,
    days: AbstractSet[str],
    settings: LookupSettings,
    closed: Closed = NO_YEAR.closed,
) -> datetime:
    """Return when the school's lists are fetched next, after now: in each round once, but not at night, nor on a day
    without lessons. Early in the morning they are on every day, so that none is old, and a new timetable is noticed; in
    the school's holidays only on the day before pupils come again, and once a week.

    `days`: those on which there are lessons, as ISO dates, as far as they are known; none: each weekday may be one.
    `closed` says what the school is closed for on a day.
    """
    if not settings.full_each_school_day:  # then nothing else would notice a new timetable
        days = frozenset()
    part, round_ = _part(school_id), timedelta(seconds=settings.sync_every_s)
    usual = _in_next_round(now, part, round_)
    day, clock = usual.astimezone(zone).date(), usual.astimezone(zone).time()
    if _is_school_day(day, days) and not _rests(day, closed) and not _is_night(clock, settings):
        return usual
    today = now.astimezone(zone).date()
    moments = list[datetime]()
    for ahead in range(_LONGEST_SLEEP + 1):
        day, is_last = today + timedelta(days=ahead), ahead == _LONGEST_SLEEP
        sleeps_on = _rests(day, closed) and _rests(day + timedelta(days=1), closed) and not is_last
        if settings.full_each_school_day and not sleeps_on:
            moments.append(_full_moment(part, day, zone, settings))
        if is_last or (_is_school_day(day, days) and not _rests(day, closed)):
            moments.append(_at(day, settings.night_until, zone) + part * round_)
    return min(moment for moment in moments if moment > now)


def _rests(day: date, closed: Closed) -> bool:
    """Whether the school has no pupils on a day. A closure may be of a part of it alone (Wonde 5576)."""
    stretch = closed(day)
    return stretch is not None and stretch.kind is not DayKind.CLOSURE


def _in_next_round(now: datetime, part: float, round_: timedelta) -> datetime:
    """Return when the school has its place in a round next, half a round from now or more."""
    since = (now.timestamp() / round_.total_seconds() - part) % 1
    return now + round_ * (1 - since if since < 0.5 else 2 - since)


def _is_school_day(day: date, days: AbstractSet[str]) -> bool:
    return day.isoformat() in days if days else day.weekday() < _SATURDAY


def _is_night(clock: time, settings: LookupSettings) -> bool:
    begins, ends = settings.night_from, settings.night_until
    return begins <= clock < ends if begins <= ends else clock >= begins or clock < ends


def _full_moment(part: float, day: date, zone: ZoneInfo, settings: LookupSettings) -> datetime:
    first, last = (_at(day, clock, zone) for clock in (settings.full_from, settings.full_until))
    return first + part * (last - first)


def _part(school_id: str) -> float:
    """Return where in a stretch of time the school's moment is, from 0 to 1."""
    return int.from_bytes(blake2b(school_id.encode(), digest_size=4).digest()) / 2**32


def _at(day: date, clock: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, clock, zone)
