"""Which columns a kind has in a table: a field of its record each, and for conduct also the fields of its pupils."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from writeback.domain.kinds import KINDS
from writeback.domain.kinds.base import TYPE_OF_FORMAT

KIND, INCIDENT, CLASS = "kind", "incident", "class"
PROBLEM, WHAT_TO_DO = "problem", "what to do"
OURS = (PROBLEM, WHAT_TO_DO)
"""Columns that we add to a file of bad rows; they are left out when it comes back."""

NOT_SENT = "not sent"
"""What is known of columns that people add for themselves, such as names: they do no harm and go nowhere."""

PUPILS = "students"
_OF_PUPILS = frozenset({"achievement.create", "behaviour.create"})
"""Kinds of which a row is one pupil of one incident."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `type`: string, text, name, integer, number, boolean, date, date-time or choice."""

    name: str
    type: str
    is_needed: bool
    choices: tuple[str, ...] = ()
    of_pupil: bool = False
    """Whether it is about the pupil of the row and not about the whole incident."""

    @property
    def path(self) -> str:
        """The field's dotted name in the record."""
        return f"{PUPILS}.{self.name}" if self.of_pupil else self.name


@dataclass(frozen=True)
class TemplateColumn:
    """A column of a template: its name, what it is, an example, whether it is needed, and its codes with their
    descriptions."""

    name: str
    help: str
    example: str
    is_needed: bool
    choices: Sequence[tuple[str, str]]


def is_grouped(kind: str) -> bool:
    """Whether rows with the same `incident` make one record."""
    return kind in _OF_PUPILS


def letters(place: int) -> str:
    """Return a column's place as spreadsheets name it: A, B, …, AA."""
    name, place = "", place + 1
    while place:
        place, rest = divmod(place - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


@cache
def columns_of(kind: str) -> tuple[Column, ...]:
    """Return the columns of a kind, in its record's order; empty where it does not fit into a table."""
    schema = KINDS[kind].record.model_json_schema()
    fields: dict[str, Any] = schema["properties"]
    if is_grouped(kind):
        pupil = schema["$defs"][fields[PUPILS]["items"]["$ref"].rpartition("/")[2]]
        return (*_columns(pupil, of_pupil=True), *_columns(schema))
    if any(_forms(shape)[0].get("type") in ("array", "object") for shape in fields.values()):
        return ()
    return _columns(schema)


@cache
def column_map(kind: str) -> dict[str, Column]:
    """Return the columns of a kind by name."""
    return {column.name: column for column in columns_of(kind)}


def _columns(schema: dict[str, Any], *, of_pupil: bool = False) -> tuple[Column, ...]:
    needed = schema.get("required", ())
    found = []
    for name, shape in schema["properties"].items():
        forms = _forms(shape)
        if forms[0].get("type") != "array":
            choices = tuple(str(value) for form in forms for value in form.get("enum", ()))
            found.append(Column(name, _type_of(forms[0], choices), name in needed, choices, of_pupil))
    return tuple(found)


def _forms(shape: dict[str, Any]) -> list[dict[str, Any]]:
    return [form for form in shape.get("anyOf", (shape,)) if form.get("type") != "null"]


def _type_of(form: dict[str, Any], choices: tuple[str, ...]) -> str:
    plain = str(form.get("type", "string"))
    if plain != "string":
        return plain
    if "format" in form:
        return TYPE_OF_FORMAT.get(form["format"], str(form["format"]))
    if choices:
        return "choice"
    return "string" if "maxLength" in form else "text"
