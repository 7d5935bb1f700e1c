"""Reads a payload's sections and fields, which clients send as numbers or as text, and says what is missing or wrong.

Only some of the messages are the document's own; the others are formed after them and are a guess as to the words.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from writeback.sandbox.xporter.access import XporterError

Row = Mapping[str, Any]
LONGEST_TEXT: Final = 500
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?")
_NUMBER: Final = re.compile(r"-?\d+")


def section(body: Any, name: str) -> list[Row]:
    """Return the objects of a section, none where it is left out; raise XporterError when it is no list of objects."""
    rows = body.get(name) if isinstance(body, dict) else None
    if rows is None:
        return []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise XporterError(f"Invalid {name} provided")
    return rows


def required_section(body: Any, name: str) -> list[Row]:
    rows = section(body, name)
    if not rows:
        raise missing(name)
    return rows


def text(row: Row, name: str) -> str:
    """Return a field as text; a null, and one that is left out, is empty."""
    value = row.get(name)
    return "" if value is None else str(value)


def required(row: Row, name: str) -> str:
    value = text(row, name)
    if not value:
        raise missing(name)
    return value


def missing(name: str) -> XporterError:
    """`StudentId` and `TypeId` are the fields that the tables name (14050, 14325); the others follow them."""
    return XporterError(f"Missing mandatory field {name}")


def day(row: Row, name: str) -> date | None:
    """Return a calendar date, None where it is left out; raise XporterError when it is none."""
    given = text(row, name)
    if not given:
        return None
    try:
        if _DATE.fullmatch(given):
            return date.fromisoformat(given)
    except ValueError:
        pass  # the right shape, no date of the calendar
    raise XporterError(f"Invalid {name} provided: {given}")


def query_day(given: Mapping[str, str], name: str) -> date | None:
    """Return a date of the query, whose names are in lower case; None where there is none."""
    value = given.get(name.lower())
    if not value:
        return None
    try:
        return datetime.fromisoformat(value).date()
    except ValueError as error:
        raise XporterError(f"Invalid {name} provided: {value}") from error


def time_of_day(row: Row, name: str) -> str | None:
    given = text(row, name)
    if given and not _TIME.fullmatch(given):
        raise XporterError(f"Invalid {name} provided: {given}")
    return given[:5] or None


def whole_number(row: Row, name: str) -> int | None:
    given = text(row, name)
    if given and not _NUMBER.fullmatch(given):
        raise XporterError(f"Invalid {name} provided: {given}")
    return int(given) if given else None


def split(rows: Sequence[Row], key: str) -> tuple[list[Row], list[str]]:
    """Return the rows that stay, and the ids that a minus sign asks to remove (14569): `-9919` removes 9919."""
    stay, gone = [], []
    for row in rows:
        given = required(row, key)
        if given.startswith("-"):
            gone.append(given[1:])
        else:
            stay.append(row)
    return stay, gone


def by_parent(body: Any, name: str, key: str, parent_ids: Sequence[str]) -> dict[str, list[Row]]:
    """Return a section's rows by the Id of the row that each belongs to."""
    found: dict[str, list[Row]] = {}
    for row in section(body, name):
        parent_id = required(row, key)
        if parent_id not in parent_ids:
            raise XporterError(f"Invalid {key} {parent_id}")  # a guess: no message is documented
        found.setdefault(parent_id, []).append(row)
    return found


def assert_once(ids: Sequence[str], what: str, record: str) -> None:
    """Raise XporterError when a student or member of staff is named twice (14322, 14323)."""
    if len(set(ids)) < len(ids):
        raise XporterError(f"You have assigned the same {what} to the same {record} more than once")
