"""What each column of a file is, as it was decided: by its names where these leave no doubt, else by a person.

Whoever keeps it keeps it for the header's fingerprint: it is of use for no other header.
"""

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date as Date
from hashlib import blake2b
from typing import Any

from writeback.batches.cells import BadCell, meaning
from writeback.batches.columns import CLASS, INCIDENT, KIND, OURS, column_map, columns_of, is_grouped, letters
from writeback.batches.findings import make
from writeback.batches.mapping.days_of_grids import BOTH_SESSIONS, is_partial_day
from writeback.batches.mapping.people import can_be_found, people_of, person_columns
from writeback.domain.finding import Finding
from writeback.domain.submission.shape_findings import show

CODE, DATE, SESSION, LESSON = "code", "date", "session", "lesson_id"
_HASH = 16
"""Bytes of a fingerprint."""


@dataclass(frozen=True, slots=True)
class ColumnUse:
    """What one column is; of a grid also what its marks are about."""

    field: str | None = None
    """A field of the record, a part of a person such as `student.upn`, `class` or `incident`; None: it is not sent."""
    day: str = ""
    """Of a grid's column: `2026-11-23`; without its year `--11-23`; the 23rd `---23`; or a weekday, `mon` to `sun`."""
    session: str = ""
    """Of a grid's column: AM, PM, or `AM PM` where each cell has both marks."""
    lesson_id: str = ""

    @property
    def is_of_grid(self) -> bool:
        """Whether the column has a mark of its own in every row."""
        return bool(self.day or self.session or self.lesson_id)


@dataclass(frozen=True, slots=True)
class Mapping:
    """How one header is read. `columns` has an entry for each column of it, in its order."""

    kind: str
    fingerprint: str
    columns: Sequence[ColumnUse]
    constants: MappingOf[str, str] = field(default_factory=dict)
    """What every record has that no column says, by field: `{"session": "AM"}`."""
    first_day: str = ""
    """YYYY-MM-DD: days of the header without year, month or date are the first such day from here on."""

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    @classmethod
    def of_json(cls, stored: MappingOf[str, Any]) -> "Mapping":
        """Return the mapping that `as_json` has made; raise TypeError or KeyError where it is none."""
        columns = tuple(ColumnUse(**one) for one in stored["columns"])
        return cls(**{**stored, "columns": columns, "constants": dict(stored.get("constants") or {})})

    def to_remember(self) -> "Mapping":
        """Return what holds for the next file with this header: what each column is, not what is said of this file."""
        return replace(self, constants={}, first_day="")

    @property
    def fields(self) -> set[str]:
        """The fields that a record gets, from columns and otherwise."""
        said = {use.field for use in self.columns if use.field} | set(self.constants)
        marks = [use for use in self.columns if use.is_of_grid]
        for name, value in ((DATE, "day"), (SESSION, "session"), (LESSON, "lesson_id")):
            if marks and all(getattr(use, value) for use in marks):
                said.add(name)
        return said

    @property
    def is_grid(self) -> bool:
        return any(use.is_of_grid for use in self.columns)


def fingerprint_of(header: Sequence[str]) -> str:
    """Return what is the same for the same column names in the same order, whatever their case and blanks."""
    names = [" ".join(cell.casefold().split()) for cell in header]
    while names and not names[-1]:
        names.pop()
    return blake2b("\x1f".join(names).encode("utf-8", "surrogatepass"), digest_size=_HASH).hexdigest()


def fields_for(kind: str) -> Sequence[str]:
    """Return every field that a column of this kind may be."""
    extra = (INCIDENT,) if is_grouped(kind) else ()
    return (KIND, *extra, *(column.name for column in columns_of(kind)), *person_columns(kind), CLASS)


def check_mapping(mapping: Mapping, width: int) -> list[Finding]:
    """Return what is wrong with a mapping of `width` columns; each finding's pointer leads to the part of it."""
    if len(mapping.columns) != width:
        return [make("mapping_width", pointer="/columns", count=len(mapping.columns), width=width)]
    return [*_about_columns(mapping), *_about_constants(mapping), *_about_missing(mapping)]


def _about_columns(mapping: Mapping) -> list[Finding]:
    known, seen = fields_for(mapping.kind), dict[Any, int]()
    found = []
    for place, use in enumerate(mapping.columns):
        where = {"pointer": f"/columns/{place}", "column": letters(place)}
        if use.field is None or use.field in OURS:
            continue
        if use.field not in known:
            found.append(make("mapping_field_unknown", **where, field=show(use.field), known=", ".join(known)))
        if use.day and not is_partial_day(use.day) and not _is_day(use.day):
            found.append(make("mapping_value_bad", **where, field="day", value=show(use.day)))
        if use.session not in ("", "AM", "PM", BOTH_SESSIONS):
            found.append(make("mapping_value_bad", **where, field=SESSION, value=show(use.session)))
        first = seen.setdefault((use.field, use.day, use.session, use.lesson_id), place)
        if first != place:
            found.append(make("column_twice", first=letters(first), second=letters(place), field=_said_by(use)))
    return found


def _said_by(use: ColumnUse) -> str:
    about = " ".join(filter(None, (use.day, use.session, use.lesson_id)))
    return f"{use.field} of {about}" if about else str(use.field)


def _about_constants(mapping: Mapping) -> list[Finding]:
    columns, found = column_map(mapping.kind), []
    partial = next((place for place, use in enumerate(mapping.columns) if is_partial_day(use.day)), None)
    if partial is not None and not mapping.first_day:
        where = {"column": letters(partial), "value": mapping.columns[partial].day}
        found.append(make("mapping_first_day_missing", pointer="/first_day", **where))
    if mapping.first_day and not _is_day(mapping.first_day):
        found.append(make("mapping_value_bad", pointer="/first_day", field="first_day", value=show(mapping.first_day)))
    for name, value in mapping.constants.items():
        column, pointer = columns.get(name), f"/constants/{name}"
        if column is None and name != CLASS:
            known = ", ".join([*columns, CLASS])
            found.append(make("mapping_field_unknown", pointer=pointer, column="-", field=show(name), known=known))
        elif any(use.field == name for use in mapping.columns):
            found.append(make("mapping_constant_twice", pointer=pointer, field=name))
        elif column is not None and not _fits(value, column):
            found.append(make("mapping_value_bad", pointer=pointer, field=name, value=show(value)))
    return found


def missing_fields(mapping: Mapping) -> list[str]:
    """Return what every record of the kind needs and nothing says."""
    said, who = mapping.fields, _persons(mapping)
    return [
        column.name
        for column in columns_of(mapping.kind)
        if column.is_needed
        and column.name not in said
        and not (column.name in who and can_be_found(who[column.name], said))
    ]


def _persons(mapping: Mapping) -> dict[str, str]:
    """Return by the field of each person's id the word that stands before their parts."""
    return {column.name: who for who, column in people_of(mapping.kind).items()}


def _about_missing(mapping: Mapping) -> list[Finding]:
    said, persons = mapping.fields, _persons(mapping)
    known, found = ", ".join(fields_for(mapping.kind)), []
    for name in missing_fields(mapping):
        who = persons.get(name, "")
        if who and any(field.startswith(f"{who}.") for field in said):
            found.append(make("person_too_little", pointer="/columns", who=who))
        else:
            about = {"field": name, "kind": mapping.kind, "known": known}
            found.append(make("column_missing", pointer=f"/constants/{name}", **about))
    return found


def _is_day(text: str) -> bool:
    try:
        return Date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _fits(value: str, column: Any) -> bool:
    try:
        found = meaning(value, column)
    except BadCell:
        return False
    return found is not None and (not column.choices or found in column.choices)
