"""What a column of a grid is about, by its name: a day, a session, or both; days may lack their year, month or date.

A partial day is written as in ISO 8601 and XML Schema: `--11-23` has no year, `---23` no month either; `mon` is a
weekday alone. It is settled by the day on which the grid begins.
"""

import re
from dataclasses import dataclass
from datetime import date as Date
from datetime import time, timedelta

from writeback.batches.days import DayOrder, DayStyle, NoDay, moment_of, month_named, plain_day, weekday_named

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
AM, PM, BOTH_SESSIONS = "AM", "PM", "AM PM"
"""The sessions of a column; of the last each cell has the marks of both, such as `/\\`."""
_NOUN = r"(?:reg|registration|session|register|mark|code|attendance)s?\b\.?"
_AM = re.compile(rf"(?<![a-z])(?:{_NOUN} )?(?:am|a\.m\.?|morning)(?: ?{_NOUN})?(?![a-z])")
_PM = re.compile(rf"(?<![a-z])(?:{_NOUN} )?(?:pm|p\.m\.?|afternoon)(?: ?{_NOUN})?(?![a-z])")
_AROUND = " -:,()[]|_/.;&+\u2013"
_DAY_MONTH = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[ /.\-]+([a-z]{3,9}|\d{1,2})\.?", re.ASCII)
_MONTH_DAY = re.compile(r"([a-z]{3,9})\.?[ \-]+(\d{1,2})(?:st|nd|rd|th)?", re.ASCII)
_NUMBER = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?", re.ASCII)
_PARTIAL = re.compile(rf"--(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])|---(?:0[1-9]|[12]\d|3[01])|{'|'.join(WEEKDAYS)}")
_LOOKED_AHEAD = 8 * 366 + 1
"""Days: in eight years each day of a calendar comes round."""


@dataclass(frozen=True, slots=True)
class MarkHeader:
    """What a column's name says of the marks beneath it: `day` whole, partial or empty; `session` may be empty."""

    day: str = ""
    session: str = ""
    weekday: int | None = None
    """Which weekday its name says that the day is: 0 for Monday."""
    is_number: bool = False
    """Whether the day is a bare number, which may mean anything."""

    @property
    def weekday_alone(self) -> bool:
        """Whether it says no more of the day than which weekday it is."""
        return self.day in WEEKDAYS

    @property
    def is_month_missing(self) -> bool:
        """Whether it says only the number of the day."""
        return self.day.startswith("---")


def mark_header(name: str, order: DayOrder) -> MarkHeader | None:
    """Return what the name says, where it says nothing but a day, a session or both; raise NoDay for no real day."""
    text = plain_day(name)
    rest, session = _without_session(text)
    rest = rest.strip(_AROUND)
    if not rest:
        return MarkHeader(session=session) if session else None
    if not any(letter.isdigit() for letter in rest) and weekday_named(rest) is None:
        return None
    day, weekday = _day_of(rest, order)
    if not day:
        return None
    is_number = day.startswith("---") and weekday is None
    return MarkHeader(day, session, weekday, is_number)


def is_partial_day(day: str) -> bool:
    return _PARTIAL.fullmatch(day) is not None


def whole_day(day: str, first_day: Date) -> Date | None:
    """Return the first such day from `first_day` on; a whole day is itself. None: there is no such day."""
    if not is_partial_day(day):
        return Date.fromisoformat(day)
    if day in WEEKDAYS:
        return first_day + timedelta(days=(WEEKDAYS.index(day) - first_day.weekday()) % 7)
    if day.startswith("---"):
        return next((one for one in _days_from(first_day) if one.day == int(day[3:])), None)
    month, number = int(day[2:4]), int(day[5:7])
    for year in range(first_day.year, first_day.year + 9):
        try:
            found = Date(year, month, number)
        except ValueError:
            continue
        if found >= first_day:
            return found
    return None


def marks_in(cell: str) -> list[str]:
    """Return the marks in a cell: `/\\` and `/ \\` are two, `C1` is one, `C1C1` two."""
    return re.findall(r"[^\W\d_]\d*|[^\w\s]", cell)


def _days_from(first_day: Date) -> list[Date]:
    return [first_day + timedelta(days=passed) for passed in range(63)]


def _without_session(text: str) -> tuple[str, str]:
    found = [name for form, name in ((_AM, AM), (_PM, PM)) if form.search(text)]
    return _PM.sub(" ", _AM.sub(" ", text)), " ".join(found)


def _day_of(text: str, order: DayOrder) -> tuple[str, int | None]:
    """Return the day that the text is, whole or partial, and its weekday; an empty day where it is something else."""
    weekday, rest = _without_weekday(text)
    if not rest:
        return ("", None) if weekday is None else (WEEKDAYS[weekday], weekday)
    if found := _NUMBER.fullmatch(rest):
        return (f"---{int(found[1]):02}" if 1 <= int(found[1]) <= 31 else ""), weekday
    if partial := _day_and_month(rest, order):
        return partial, weekday
    if not re.search(r"\d{2,4}", rest):
        return "", None
    try:
        found_day = moment_of(rest, DayStyle(order))
    except NoDay:
        if re.fullmatch(r"[\d/.\-]{8,10}", rest) and not re.fullmatch(r"\d+", rest):
            raise
        return "", None
    if found_day.time() != time.min or re.fullmatch(r"\d{5}(\.\d+)?", rest):
        return "", None
    if weekday not in (None, found_day.weekday()):
        raise NoDay(f"{found_day:%Y-%m-%d} is a {found_day:%A}")
    return found_day.date().isoformat(), weekday


def _without_weekday(text: str) -> tuple[int | None, str]:
    """Return which weekday the text names, before the day or after it, and the rest."""
    words = re.split(r"[ ,:\-]+", text)
    for place in (0, -1):
        weekday = weekday_named(words[place].strip(_AROUND))
        if weekday is not None:
            cut = text.removeprefix(words[0]) if place == 0 else text.removesuffix(words[-1])
            return weekday, cut.strip(_AROUND)
    return None, text


def _day_and_month(text: str, order: DayOrder) -> str:
    found, swapped = _DAY_MONTH.fullmatch(text), False
    if found is None:
        found, swapped = _MONTH_DAY.fullmatch(text), True
    if found is None:
        return ""
    number, month_text = (found[2], found[1]) if swapped else (found[1], found[2])
    if month_text.isdigit():
        day, month = int(number), int(month_text)
        if order is DayOrder.MONTH_FIRST:
            day, month = month, day
    else:
        named = month_named(month_text)
        day, month = int(number), (named if named is not None else 0)
    if not 1 <= month <= 12:
        if month_text.isdigit():
            raise NoDay
        return ""
    try:
        Date(2024, month, day)  # a leap year: 29 February is a day of some years
    except ValueError:
        raise NoDay from None
    return f"--{month:02}-{day:02}"
