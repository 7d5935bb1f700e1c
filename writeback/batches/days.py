"""Days and moments as people and programs write them; and in which order a text has its day and its month."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date as Date
from datetime import datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple


class DayOrder(StrEnum):
    """What comes first in days such as 11/02/2026."""

    DAY_FIRST = "dmy"
    """As in Britain."""
    MONTH_FIRST = "mdy"
    """As in the United States."""


class DayStyle(NamedTuple):
    """How a file writes its days."""

    order: DayOrder = DayOrder.DAY_FIRST
    from_1904: bool = False
    """Whether its numbers count from 1904, as those of some workbooks do, and not from the end of 1899."""


BRITISH = DayStyle()


class NoDay(Exception):
    """The text is no day, or no moment; `advice` says what to send, where more is known than that."""

    def __init__(self, advice: str = "") -> None:
        super().__init__(advice)
        self.advice = advice


_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_YEAR = r"(?P<year>\d{4}|\d{2})(?!\d)"
_NUMBERS = re.compile(rf"(?P<first>\d{{1,2}})(?P<mark>[/.\-])(?P<second>\d{{1,2}})(?P=mark){_YEAR}", re.ASCII)
_YEAR_FIRST = re.compile(r"(?P<year>\d{4})(?P<mark>[/.\-])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})(?!\d)", re.ASCII)
_WORDS = (
    re.compile(rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[ \-./]*(?P<word>[a-z]{{3,9}})\.?[ \-./,]*{_YEAR}", re.ASCII),
    re.compile(r"(?P<word>[a-z]{3,9})\.?[ \-]+(?P<day>\d{1,2})(?:st|nd|rd|th)?,?[ \-]+(?P<year>\d{4})(?!\d)", re.ASCII),
)
_SERIAL = re.compile(r"(\d{5})(\.\d+)?", re.ASCII)
_COMPACT = re.compile(r"(?:19|20)\d{6}", re.ASCII)
_WEEKDAY = re.compile(r"([a-z]{3,9})\.?,? +(?=[\da-z])")
_OFFSET = re.compile(r"\d(z|[+-]\d{2}:?\d{2})$")
_CLOCKS = ("%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%I:%M %p", "%I:%M%p", "%I:%M:%S %p")
_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2212"), "-")
_LONGEST = 64
"""Characters of the longest day; what is longer is none, and not to be remembered."""
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - the first day of Excel's count, on the school's own calendar
_EPOCH_1904 = datetime(1904, 1, 1)  # noqa: DTZ001 - the same, in workbooks that count from 1904


def moment_of(text: str, style: DayStyle) -> datetime:
    """Return the day, and the time where there is one, on the school's own clock; raise NoDay.

    A number is what a spreadsheet counts: days, to the second.
    """
    if len(text) > _LONGEST:
        raise NoDay
    return _moment_of(text, style)


def readings_of(text: str) -> Mapping[DayOrder, Date]:
    """Return what day a text is, day first and month first, where it is one of the forms that leave it open.

    Both where either may be meant, one where only one can be; none where the text says it, or is no such day.
    """
    return _readings_of(text) if len(text) <= _LONGEST else {}


def plain_day(text: str) -> str:
    """Return the text in small letters, with plain hyphens, blanks and digits."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text.translate(_DASHES))
    return " ".join(plain.lower().split())


def weekday_named(word: str) -> int | None:
    """Return which weekday the word is, or begins: 0 for Monday; tues as well as tue."""
    return _named(word, _WEEKDAYS)


def month_named(word: str) -> int | None:
    """Return which month the word is, or begins: 1 for January; sept as well as sep."""
    place = _named(word, _MONTHS)
    return None if place is None else place + 1


@lru_cache(4_096)
def _moment_of(text: str, style: DayStyle) -> datetime:
    if _SERIAL.fullmatch(text):
        counted = (_EPOCH_1904 if style.from_1904 else _EPOCH) + timedelta(days=float(text), milliseconds=500)
        return counted.replace(microsecond=0)
    plain, weekday = _without_weekday(plain_day(text))
    found, rest = _calendar(plain, style.order)
    if weekday is not None and found.weekday() != weekday:
        raise NoDay(f"{found.isoformat()} is a {_WEEKDAYS[found.weekday()].title()}: send a real calendar date")
    return datetime.combine(found, _clock(rest))


@lru_cache(4_096)
def _readings_of(text: str) -> Mapping[DayOrder, Date]:
    plain, weekday = _without_weekday(plain_day(text))
    found = _NUMBERS.match(plain)
    if found is None:
        return {}
    first, second, year = int(found["first"]), int(found["second"]), _full(found["year"])
    orders = {DayOrder.DAY_FIRST: (first, second), DayOrder.MONTH_FIRST: (second, first)}
    readings = {order: _date(year, month, day) for order, (day, month) in orders.items() if month <= 12}
    return {order: day for order, day in readings.items() if day is not None and weekday in (None, day.weekday())}


def _without_weekday(text: str) -> tuple[str, int | None]:
    """Return the text without the name of a weekday before it, and which weekday that is: 0 for Monday."""
    found = _WEEKDAY.match(text)
    day = weekday_named(found[1]) if found else None
    return (text, None) if found is None or day is None else (text[found.end() :], day)


def _named(word: str, names: tuple[str, ...]) -> int | None:
    """Return the place of the name that the word is, or begins; sept and tues as well as sep and tue."""
    return next((place for place, name in enumerate(names) if len(word) >= 3 and name.startswith(word)), None)


def _calendar(text: str, order: DayOrder) -> tuple[Date, str]:
    """Return the day with which the text begins, and the rest of it."""
    if _COMPACT.fullmatch(text):
        return _real(int(text[:4]), int(text[4:6]), int(text[6:])), ""
    if found := _YEAR_FIRST.match(text):
        day = _real(int(found["year"]), int(found["month"]), int(found["day"]))
    elif found := _NUMBERS.match(text):
        first, second = int(found["first"]), int(found["second"])
        day_number, month = (first, second) if order is DayOrder.DAY_FIRST else (second, first)
        day = _real(_full(found["year"]), month, day_number)
    else:
        found, month = _worded(text)
        day = _real(_full(found["year"]), month, int(found["day"]))
    return day, text[found.end() :]


def _worded(text: str) -> tuple[re.Match[str], int]:
    """Return the match of a day whose month is a word, and which month that is."""
    for form in _WORDS:
        found = form.match(text)
        month = month_named(found["word"]) if found else None
        if found is not None and month is not None:
            return found, month
    raise NoDay


def _full(year: str) -> int:
    return int(year) + 2000 if len(year) == 2 else int(year)


def _date(year: int, month: int, day: int) -> Date | None:
    try:
        return Date(year, month, day)
    except ValueError:
        return None


def _real(year: int, month: int, day: int) -> Date:
    found = _date(year, month, day)
    if found is None:
        raise NoDay
    return found


def _clock(text: str) -> time:
    """Return the time of day that stands after a day; midnight where there is none."""
    plain = text.removeprefix("t").removeprefix(",").strip()
    if not text:
        return time.min
    if _OFFSET.search(plain):
        raise NoDay("send the school's own clock, without an offset")
    for form in _CLOCKS:
        try:
            return datetime.strptime(plain, form).time()  # noqa: DTZ007 - the school's own clock
        except ValueError:
            continue
    raise NoDay
