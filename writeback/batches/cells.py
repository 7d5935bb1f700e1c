"""What a cell means: dates as schools write them, numbers that Excel mangled, apostrophes that protect a text.

The other way as well: `safe` makes a cell that no spreadsheet takes for a formula, and reading takes that off again.
"""

import re
from datetime import datetime, time
from typing import Any

from writeback.batches.columns import Column
from writeback.batches.days import BRITISH, DayStyle, NoDay, moment_of

_DANGEROUS = "=+-@\t\r\n＝＋－＠"
"""What makes a spreadsheet work a cell out (OWASP, CSV injection), full-width forms among it."""
_PROTECTED = re.compile(f"'+[{re.escape(_DANGEROUS)}]")
_WHOLE = re.compile(r"([+-]?\d+)\.0+")
_SHORTENED = re.compile(r"\d(\.\d+)?[eE]\+\d+")
_AS_TEXT = re.compile(r'="([^"]*(?:""[^"]*)*)"')
"""What exports write so that a spreadsheet keeps an id as text."""
_INVISIBLE = re.compile("[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]+")
"""Soft hyphens, what joins or separates letters, marks of direction and of byte order: no id has them."""
_NOTHING = frozenset({"null", "(null)", "<null>", "\\n", "nan", "nat", "<na>", "undefined"})
"""How programs write that there is nothing."""
_NO_COMMENT = _NOTHING | {"none", "nil", "n/a", "n.a.", "na", "-", "--", "\u2013", "\u2014"}
"""How people write it where a sentence may stand; as a code, some of these are one."""
_LONGEST_NOTHING = max(map(len, _NO_COMMENT))
_SESSION_WORD = re.compile(
    r"(?:reg|registration|session)?(?:(?P<am>am|morning|forenoon)|pm|afternoon)(?:reg|registration|session|register|mark)?"
)
"""How schools name the sessions of a day, without blanks and stops."""
_MIDNIGHT = re.compile(r"\b0?0:00(:00(\.0+)?)?( *am)?\s*$|\b12:00(:00)? *am\s*$", re.IGNORECASE)
_HOURS_OF_SCHOOL = range(6, 21)
"""Times beside a day that may be left out; 23:00 is a midnight of another clock, and the day the one before."""
ERRORS = frozenset(
    {
        *("#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#FIELD!"),
        *("#BLOCKED!", "#CONNECT!", "#UNKNOWN!", "#GETTING_DATA", "#BUSY!", "#EXTERNAL!", "#PYTHON!"),
    }
)
"""What a spreadsheet shows where a formula has no result."""
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
    return cell[1:] if cell[:1] == "'" and _PROTECTED.match(cell) else cell


def plain_text(cell: str) -> str:
    """Return what an id, a code or the like says: without apostrophe, ="…", what nobody sees, and blanks around it."""
    text = _unwrapped(without_apostrophe(cell))
    if not text.isascii():
        text = _INVISIBLE.sub("", text).replace("\u00a0", " ")
    return text.strip().removeprefix("'").strip()


def says_nothing(cell: str, column: Column) -> bool:
    """Whether a cell that is not empty has a word for nothing, such as NULL."""
    # Most cells are recognised by their length, or their first letter.
    if not 0 < len(cell) <= _LONGEST_NOTHING + 4 or (cell[0].isalnum() and cell[0] not in "nNuU"):
        return False
    return _is_nothing(plain_text(cell), column)


def meaning(cell: str, column: Column, style: DayStyle = BRITISH) -> Any:
    """Return the JSON value that a cell stands for, None for an empty one; raise BadCell.

    `style` is how the file writes its days.
    """
    text = plain_text(cell)
    if not text or _is_nothing(text, column):
        return None
    match column.type:
        case "text":
            return _unwrapped(without_apostrophe(cell))
        case "date":
            return _day(text, style)
        case "date-time":
            return _choice(text, column) or _moment(text, style, _INSTANT).isoformat()
        case "integer":
            return _integer(text)
        case "number":
            return _decimal(text)
        case "boolean":
            return _switch(text)
        case "name":
            return " ".join(text.split())
        case "choice":
            return _choice(text, column) or text
        case _:
            return _identifier(text)


def is_text_formula(cell: str) -> bool:
    """Whether a formula says nothing but a text: ="A1234"."""
    return _AS_TEXT.fullmatch(cell.strip()) is not None


def _unwrapped(text: str) -> str:
    """Return what stands between the quotation marks of ="…", else the text."""
    found = _AS_TEXT.fullmatch(text.strip()) if '="' in text else None
    return found[1].replace('""', '"') if found else text


def _is_nothing(text: str, column: Column) -> bool:
    if len(text) > _LONGEST_NOTHING or column.type == "name":  # there are people called Null
        return False
    return text.casefold() in (_NO_COMMENT if column.type == "text" else _NOTHING)


def _identifier(text: str) -> str:
    """Return an id or a code: 1234.0 is what Excel makes of 1234."""
    if _SHORTENED.fullmatch(text):
        raise BadCell(*_LOST)
    whole = _WHOLE.fullmatch(text)
    return whole[1] if whole else text


def _choice(text: str, column: Column) -> str | None:
    """Return the one of the column's fixed values that is meant: `am` and `Morning` are AM, `Sign in` is sign_in."""
    plain = "".join(letter for letter in text.casefold() if letter.isalnum())
    if session := _SESSION_WORD.fullmatch(plain):
        plain = "am" if session["am"] else "pm"
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


def has_time(cell: str) -> bool:
    """Whether a cell that is a day also has a time of day that is not midnight."""
    return ":" in cell and not _MIDNIGHT.search(cell)


def _day(text: str, style: DayStyle) -> str:
    found = _moment(text, style, _DAY)
    if found.time() != time.min and found.hour not in _HOURS_OF_SCHOOL:
        raise BadCell("send a date without a time of day", _DAY[1])
    return found.date().isoformat()


def _moment(text: str, style: DayStyle, advice: tuple[str, str]) -> datetime:
    try:
        return moment_of(text, style)
    except NoDay as error:
        raise BadCell(error.advice or advice[0], advice[1]) from None
