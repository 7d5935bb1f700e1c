"""Reads what a request's body gives, field by field, and notes everything that is wrong with it.

The document promises "the validation errors" and shows no shape: keys like `attendance.0.student_id`, each with a
list of messages, are a guess after the framework that Wonde's other answers are written in.
"""

import re
from collections.abc import Callable, Collection
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeVar

from writeback.sandbox.mis.lists import Attribute, Lists
from writeback.sandbox.strictness import Errors

T = TypeVar("T")
REQUIRED: Final = "The {field} field is required."
INVALID: Final = "The selected {field} is invalid."
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT: Final = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}")


class Given:
    """One object of the body; each call returns a field's value, or None and notes what is wrong with it."""

    def __init__(self, given: Any, path: str, errors: Errors) -> None:
        self.given: dict[str, Any] = given if isinstance(given, dict) else {}
        self._path, self._errors = path, errors

    def wrong(self, name: str, message: str) -> None:
        field = f"{self._path}.{name}" if self._path else name
        self._errors.setdefault(field, []).append(message.format(field=field))

    def each(self, name: str, *, is_required: bool = True) -> "list[Given]":
        """Return the objects of a list."""
        value = self.given.get(name)
        if value in (None, [], {}):
            if is_required:
                self.wrong(name, REQUIRED)
            return []
        if not isinstance(value, list):
            self.wrong(name, "The {field} must be an array.")
            return []
        path = f"{self._path}.{name}" if self._path else name
        return [Given(item, f"{path}.{index}", self._errors) for index, item in enumerate(value)]

    def text(self, name: str, *, is_required: bool = True) -> str | None:
        value = self.given.get(name)
        if value is None or value == "":
            if is_required:
                self.wrong(name, REQUIRED)
            return None
        if not isinstance(value, str):
            self.wrong(name, "The {field} must be a string.")
            return None
        return value

    def known(self, name: str, is_known: Callable[[str], bool], *, is_required: bool = True) -> str | None:
        value = self.text(name, is_required=is_required)
        if value is not None and not is_known(value):
            self.wrong(name, INVALID)
            return None
        return value

    def one_of(self, name: str, ids: Collection[str], *, is_required: bool = True) -> str | None:
        return self.known(name, ids.__contains__, is_required=is_required)

    def attribute(
        self, name: str, lists: Lists, list_: str, type_: str, *, is_required: bool = False
    ) -> Attribute | None:
        """Return the choice whose code or id is given; "missing or disabled codes will not pass" (1525, 2980, 5549)."""
        value = self.text(name, is_required=is_required)
        found = lists.find(list_, type_, value) if value is not None else None
        if value is not None and (found is None or not found.is_active):
            self.wrong(name, INVALID)
            return None
        return found

    def number(self, name: str) -> float | None:
        value = self.given.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            self.wrong(name, "The {field} must be a number.")
            return None
        return value

    def integer(self, name: str, *, is_required: bool = True) -> int | None:
        value = self.given.get(name)
        if value is None or value == "":
            if is_required:
                self.wrong(name, REQUIRED)
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            self.wrong(name, "The {field} must be an integer.")
            return None
        return value

    def decimal(self, name: str) -> Decimal | None:
        """Return a number that is not negative; the examples give it as text (`"1.5"`, 5315)."""
        value = self.given.get(name)
        if value is None or value == "":
            self.wrong(name, REQUIRED)
            return None
        try:
            number = Decimal(str(value))
            if not isinstance(value, bool) and number.is_finite() and number >= 0:
                return number
        except InvalidOperation:
            pass  # no number at all; both end below
        self.wrong(name, "The {field} must be a number.")
        return None

    def texts(self, name: str) -> list[str]:
        """Return a list of texts; none when it is not given."""
        value = self.given.get(name) or []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.wrong(name, "The {field} must be an array of strings.")
            return []
        return value

    def day(self, name: str, *, is_required: bool = True) -> date | None:
        value = self.text(name, is_required=is_required)
        found = _parsed(_DATE, date.fromisoformat, value) if value is not None else None
        if value is not None and found is None:
            self.wrong(name, "The {field} is not a valid date.")
        return found

    def moment(self, name: str, *, may_be_day: bool = False) -> datetime | None:
        """Return a time of the school's own clock, `2023-05-30 12:30:00`; or a day's first minute (5325)."""
        value = self.text(name)
        found = _parsed(_MOMENT, datetime.fromisoformat, value) if value is not None else None
        if found is None and value is not None and may_be_day:
            found = _parsed(_DATE, datetime.fromisoformat, value)
        if value is not None and found is None:
            self.wrong(name, "The {field} is not a valid date.")
        return found


def _parsed(form: re.Pattern[str], read: Callable[[str], T], value: str) -> T | None:
    """Return what is read; None where the form is wrong, or right without naming a day (2031-02-30)."""
    if not form.fullmatch(value):
        return None
    try:
        return read(value)
    except ValueError:
        return None
