"""What may be read through a drop-in endpoint, said as data: which parameters and fields pass. Pure.

Everything is refused that is not named: a parameter that nobody looked at may widen a list, or tell by what it finds.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from writeback.core.errors import BadInput, Forbidden

IS_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}").fullmatch
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?)?(Z|[+-]\d{2}:?\d{2})?")
_MOMENT_FIELDS = frozenset({"date", "timezone_type", "timezone"})
"""How Wonde writes an instant or a day (Wonde 7070)."""
_MOST_PARAMETERS = 30
_MOST_ROWS = 5_000
_SHOWN = 64
Check = Callable[[str], Any]
"""Says of a parameter's value, by whether it is true, that it may pass."""


def is_date(given: str) -> bool:
    return _DATE.fullmatch(given) is not None


def is_count(given: str) -> bool:
    """Whether it is a number that pages and their lengths have."""
    return given.isascii() and given.isdigit() and len(given) <= 6 and 1 <= int(given) <= _MOST_ROWS


def is_flag(given: str) -> bool:
    return given.lower() in ("", "0", "1", "true", "false")


def one_of(*values: str) -> Check:
    """Return the check for one of these words, in any letter case."""
    known = {value.lower() for value in values}
    return lambda given: given.lower() in known


def parameters_of(query: str) -> dict[str, str]:
    """Return the parameters as they were spelt; raise BadInput where a name is there twice, in whatever letter case."""
    found: dict[str, str] = {}
    seen: set[str] = set()
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name.lower() in seen:
            raise BadInput("parameter_invalid", f"The parameter {name[:_SHOWN]} is there more than once")
        if len(seen) >= _MOST_PARAMETERS:
            raise BadInput("parameter_invalid", f"There are more than {_MOST_PARAMETERS} parameters")
        seen.add(name.lower())
        found[name] = value
    return found


def checked(given: Mapping[str, str], known: Mapping[str, Check]) -> dict[str, str]:
    """Return the parameters, each of them known and plausible; raise Forbidden or BadInput for any other."""
    for name, value in given.items():
        if name not in known:
            raise Forbidden("parameter_refused", f"The parameter {name[:_SHOWN]} is not allowed here.")
        if not known[name](value):
            raise BadInput("parameter_invalid", f"The parameter {name[:_SHOWN]} is invalid.")
    return dict(given)


def refuse_unknown(asked: Collection[str], known: Collection[str], noun: str) -> None:
    """Raise Forbidden for what nobody may have besides: an include, an option, a column."""
    for one in asked:
        if one not in known:
            raise Forbidden("parameter_refused", f"The {noun} {one[:_SHOWN]} is not allowed here.")


@dataclass(frozen=True)
class Fields:
    """What of an object passes: plain values by these names, and objects or lists `within` it."""

    names: frozenset[str]
    within: Mapping[str, "Fields"] = field(default_factory=dict)

    def of(self, given: Any) -> Any:
        """Return what passes of an object; what is none has nothing."""
        if not isinstance(given, Mapping):
            return {}
        kept: dict[str, Any] = {}
        for name, value in given.items():
            if name in self.within and isinstance(value, Mapping) and "data" in value:
                kept[name] = {"data": self.within[name].of_data(value["data"])}
            elif name in self.names and is_plain(value):
                kept[name] = value
        return kept

    def of_data(self, data: Any) -> Any:
        """Return what passes of an object or of each in a list."""
        if isinstance(data, list):
            return [self.of(row) for row in data]
        return None if data is None else self.of(data)


def is_plain(value: Any) -> bool:
    """Whether a value holds nothing further: a text, a number, or an instant as Wonde writes it."""
    if isinstance(value, Mapping):
        return value.keys() == _MOMENT_FIELDS and not any(isinstance(one, dict | list) for one in value.values())
    return not isinstance(value, list)


def fields(names: str, **within: Fields) -> Fields:
    """Return the fields of these names, written with blanks between them. What is within may be a plain id too."""
    return Fields(frozenset(names.split()) | within.keys(), within)
