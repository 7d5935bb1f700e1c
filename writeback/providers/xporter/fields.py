"""How Xporter writes fields: keys in several cases, tables in singular or plural, flags as 1, "1" or null. Pure."""

from collections.abc import Mapping
from typing import Any

from writeback.providers.texts import clean


def value_of(row: Any, *names: str) -> Any:
    """Return the first of the named values, their case ignored; None where there is none."""
    if not isinstance(row, Mapping):
        return None
    by_name = {str(key).lower(): value for key, value in row.items()}
    return next((by_name[name.lower()] for name in names if by_name.get(name.lower()) is not None), None)


def text_of(row: Any, *names: str) -> str:
    """Return the first of the named values as text that can be kept, without blanks around it; empty for none."""
    value = value_of(row, *names)
    return "" if value is None or isinstance(value, Mapping | list) else clean(value).strip()


def table_of(body: Any, *names: str) -> list[Mapping[str, Any]] | None:
    """Return the rows of the first table of that name, singular or plural; None where the answer has none."""
    if not isinstance(body, Mapping):
        return None
    wanted = [_singular(name) for name in names]
    for key, value in body.items():
        if _singular(str(key)) in wanted and isinstance(value, list):
            return [row for row in value if isinstance(row, Mapping)]
    return None


def find(body: Any, *names: str) -> Any:
    """Return the first of the named values in the answer itself, or in a table about it (`meta`, `__pagination__`)."""
    if not isinstance(body, Mapping):
        return None
    about = [value for key, value in body.items() if str(key).lower() == "meta" or str(key).startswith("__")]
    for place in [body, *about]:
        for row in place if isinstance(place, list) else [place]:
            found = value_of(row, *names)
            if found is not None:
                return found
    return None


def is_true(value: Any) -> bool:
    return str(value).strip().lower() in {"true", "1", "yes"}


def is_false(value: Any) -> bool:
    return str(value).strip().lower() in {"false", "0", "no"}


def _singular(name: str) -> str:
    table, _, suffix = name.lower().partition("_")
    return table.removesuffix("s") + ("_" + suffix if suffix else "")
