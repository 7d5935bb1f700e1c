"""A school's settings as a form, and its year as a table."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from writeback.console.presenters.records import label_of
from writeback.console.presenters.words import kind_words
from writeback.domain.school import Country, LateRegisters, OfficeMarks
from writeback.domain.school_settings.defaults import DEFAULT_FIELDS
from writeback.domain.school_settings.year import DayKind
from writeback_client.models.schools import SchoolYear

_POLICIES = {
    OfficeMarks.OVERWRITE: "Write over it, as if nothing were there",
    OfficeMarks.WARN: "Write over it, and say in the record what was there",
    OfficeMarks.LEAVE: "Leave it as it is, and say so in the record",
}
_LATE = {
    LateRegisters.LEAVE: "Leave what was entered since, and say so in the record",
    LateRegisters.SEND: "Go over what was entered since, and say so in the record",
}
_COUNTRIES = {
    Country.ENGLAND: "England",
    Country.WALES: "Wales",
    Country.SCOTLAND: "Scotland",
    Country.NORTHERN_IRELAND: "Northern Ireland",
    Country.INDEPENDENT: "England, independent",
    Country.ABROAD: "Another country",
}
_DAY_KINDS = {
    DayKind.TERM: "Term",
    DayKind.HOLIDAY: "Holidays",
    DayKind.INSET: "INSET day",
    DayKind.CLOSURE: "Closed",
    DayKind.OPEN: "Open",
}


@dataclass(frozen=True)
class DefaultField:
    """A field of the form. `choices` are pairs of value and words; none: the value is typed."""

    name: str
    label: str
    value: str
    choices: Sequence[tuple[str, str]] = ()
    error: str = ""


def policies() -> Sequence[tuple[str, str]]:
    return [(policy.value, words) for policy, words in _POLICIES.items()]


def late_registers() -> Sequence[tuple[str, str]]:
    return [(choice.value, words) for choice, words in _LATE.items()]


def countries() -> Sequence[tuple[str, str]]:
    """Return whose codes a school may use; the empty choice is that nobody has said."""
    return [("", "As its provider says, else England"), *((one.value, words) for one, words in _COUNTRIES.items())]


def default_fields(
    defaults: Mapping[str, Mapping[str, str]],
    kinds: Mapping[str, Mapping[str, Any]],
    errors: Mapping[str, str],
) -> Sequence[tuple[str, Sequence[DefaultField]]]:
    """Return the fields that may have a default, by kind in words, of the kinds that the school takes or has one for.

    `kinds` is what the school takes (`flow/registry/features.py`); `errors` by kind and field.
    """
    return [
        (kind_words(kind), list(_fields(kind, defaults.get(kind, {}), kinds[kind], errors)))
        for kind in DEFAULT_FIELDS
        if kinds[kind]["supported"] or defaults.get(kind)
    ]


def given_defaults(field: Callable[[str], str]) -> dict[str, dict[str, str]]:
    """Return what a posted form says; `field` gives a field's value."""
    return {
        kind: given
        for kind, names in DEFAULT_FIELDS.items()
        if (given := {name: value for name in names if (value := field(f"{kind}.{name}"))})
    }


def stretch_rows(year: SchoolYear) -> Sequence[tuple[str, str, str, str]]:
    """Return days, what they are, their name and who says so, in the order of the days."""
    told = [
        (one, source)
        for source, stretches in (("The school", year.stretches), ("Its provider", year.from_provider))
        for one in stretches
    ]
    return [
        (_days(one.first, one.last), _DAY_KINDS[DayKind(one.kind)], one.name or "–", source)
        for one, source in sorted(told, key=lambda pair: (pair[0].first, pair[0].last))
    ]


def _fields(
    kind: str, given: Mapping[str, str], features: Mapping[str, Any], errors: Mapping[str, str]
) -> Iterator[DefaultField]:
    shapes = {shape["name"]: shape for shape in features["fields"]}
    for name in DEFAULT_FIELDS[kind]:
        path, value = f"{kind}.{name}", given.get(name, "")
        choices = _choices(shapes[name].get("choices") or (), value)
        yield DefaultField(path, label_of(name), value, choices, errors.get(path, ""))


def _choices(rows: Sequence[Mapping[str, Any]], value: str) -> Sequence[tuple[str, str]]:
    """Return what to choose from; what is set stays among it, also where the list has it no longer."""
    if not rows:
        return ()
    known = [(str(row["code"] or row["id"]), str(row["description"] or row["code"] or row["id"])) for row in rows]
    others = [] if not value or value in dict(known) else [(value, f"{value} (as it is set)")]
    return [("", "None"), *others, *known]


def _days(first: date, last: date) -> str:
    begins = f"{first:%a} {first.day} {first:%b %Y}"
    return begins if first == last else f"{begins} – {last:%a} {last.day} {last:%b %Y}"
