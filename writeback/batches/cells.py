"""What a cell means: dates as schools write them, numbers that Excel mangled, apostrophes that protect a text.

The other way as well: `safe` makes a cell that no spreadsheet takes for a formula, and reading takes that off again.
"""

import re
from datetime import date as Date
from datetime import datetime, timedelta
from typing import Any

from writeback.batches.columns import Column

_DANGEROUS = "=+-@\t\r\n＝＋－＠"
"""What makes a spreadsheet work a cell out (OWASP, CSV injection), full-width forms among it."""
_PROTECTED = re.compile(f"'+[{re.escape(_DANGEROUS)}]")
_WHOLE = re.compile(r"([+-]?\d+)\.0+")
_SHORTENED = re.compile(r"\d(\.\d+)?[eE]\+\d+")
_SERIAL = re.compile(r"(\d{5})(\.\d+)?")
_BRITISH = re.compile(r"(\d{1,2})([/.\-])(\d{1,2})\2(\d{4}|\d{2})")
_WORDS = ("%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%d %b %y")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ].+)?")
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - the first day of Excel's count, on the school's own calendar
_YES, _NO = frozenset({"yes", "y", "true", "1"}), frozenset({"no", "n", "false", "0"})

_DAY = ("send a real calendar date", "Write the day as YYYY-MM-DD, or as day/month/year, for example 12/01/2026.")
_INSTANT = (
    "send a date and a time of day",
    "Write it like 2026-01-12 08:30, or 12/01/2026 08:30, on the school's clock.",
)
_WHOLE_NUMBER = ("send a whole number", "Write it in digits alone, for example 5.")
_NUMBER = ("send a number", "Write it like 1.5, with at most three decimal places.")
_SWITCH = ("send yes or no", "Leave it empty where neither is meant.")
_LOST = (
    "a spreadsheet has shortened it and its last digits are lost",
    "Format the column as text in the spreadsheet, and type or import the ids again.",
)


class BadCell(Exception):
    """The cell does not say what its column is for; `advice` in short, `hint` in full."""

    def __init__(self, advice: str, hint: str) -> None:
        super().__init__(advice)
        self.advice, self.hint = advice, hint


def safe(cell: str) -> str:
    """Return the cell as it may stand in a file: with an apostrophe before what a spreadsheet would work out."""
    return f"'{cell}" if cell[:1] and cell[0] in _DANGEROUS else cell


def without_apostrophe(cell: str) -> str:
    """Return the cell without the apostrophe that `safe`, or a spreadsheet, has put before it."""
    return cell[1:] if _PROTECTED.match(cell) else cell


def meaning(cell: str, column: Column) -> Any:
    """Return the JSON value that a cell stands for, None for an empty one; raise BadCell."""
    text = without_apostrophe(cell)
    if not text.strip():
        return None
    if column.type == "text":
        return text
    text = text.strip().removeprefix("'").strip()
    if not text:
        return None
    match column.type:
        case "date":
            return _day(text).date().isoformat()
        case "date-time":
            return _choice(text, column) or _instant(text)
        case "integer":
            return _integer(text)
        case "number":
            return _decimal(text)
        case "boolean":
            return _switch(text)
        case "choice":
            return _choice(text, column) or text
        case _:
            return _identifier(text)


def _identifier(text: str) -> str:
    """Return an id or a code: 1234.0 is what Excel makes of 1234."""
    if _SHORTENED.fullmatch(text):
        raise BadCell(*_LOST)
    whole = _WHOLE.fullmatch(text)
    return whole[1] if whole else text


def _choice(text: str, column: Column) -> str | None:
    """Return the one of the column's fixed values that is meant: `am` is AM, `Sign in` is sign_in."""
    plain = "".join(letter for letter in text.casefold() if letter.isalnum())
    return next((one for one in column.choices if one.casefold().replace("_", "") == plain), None)


def _integer(text: str) -> int:
    whole = _WHOLE.fullmatch(text)
    digits = whole[1] if whole else text
    if not re.fullmatch(r"[+-]?\d{1,9}", digits, re.ASCII):
        raise BadCell(*_WHOLE_NUMBER)
    return int(digits)


def _decimal(text: str) -> str:
    """Return the number as text: Pydantic takes decimals so, exactly."""
    if not re.fullmatch(r"[+-]?(\d{1,9}(\.\d*)?|\.\d+)", text, re.ASCII):
        raise BadCell(*_NUMBER)
    return text


def _switch(text: str) -> bool:
    word = text.casefold().removesuffix(".0")
    if word not in _YES | _NO:
        raise BadCell(*_SWITCH)
    return word in _YES


def _day(text: str) -> datetime:
    found = _calendar(text, _DAY)
    if found.time() != datetime.min.time():
        raise BadCell("send a date without a time of day", _DAY[1])
    return found


def _instant(text: str) -> str:
    return _calendar(text, _INSTANT).isoformat()


def _calendar(text: str, advice: tuple[str, str]) -> datetime:
    """Return the day, and the time where there is one; on the school's own clock."""
    serial = _SERIAL.fullmatch(text)
    if serial:
        return _of_serial(float(text))
    if _ISO.fullmatch(text):
        return _of_iso(text, advice)
    day, _, time = text.partition(" ") if _BRITISH.match(text) else (text, "", "")
    found = _of_british(day, advice) if _BRITISH.fullmatch(day) else _of_words(text, advice)
    return _at(found, time.strip(), advice) if time.strip() else found


def _of_serial(number: float) -> datetime:
    """Return the day that Excel counts so, to the second: days since the end of 1899."""
    moment = _EPOCH + timedelta(days=number)
    return (moment + timedelta(milliseconds=500)).replace(microsecond=0)


def _of_iso(text: str, advice: tuple[str, str]) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise BadCell(*advice) from None
    if found.tzinfo is not None:
        raise BadCell("send the school's own clock, without an offset", advice[1])
    return found


def _of_british(text: str, advice: tuple[str, str]) -> datetime:
    parts = _BRITISH.fullmatch(text)
    assert parts is not None
    day, month, year = int(parts[1]), int(parts[3]), int(parts[4])
    try:
        found = Date(year + 2000 if year < 100 else year, month, day)
    except ValueError:
        raise BadCell(*advice) from None
    return datetime.combine(found, datetime.min.time())


def _of_words(text: str, advice: tuple[str, str]) -> datetime:
    for form in _WORDS:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007 - the school's own calendar
        except ValueError:
            continue
    raise BadCell(*advice)


def _at(day: datetime, time: str, advice: tuple[str, str]) -> datetime:
    for form in ("%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M%p"):
        try:
            clock = datetime.strptime(time, form).time()  # noqa: DTZ007 - the school's own clock
        except ValueError:
            continue
        return datetime.combine(day.date(), clock)
    raise BadCell(*advice)
