"""Columns that name people as a school knows them, and the reference to a person that the cells of a row make.

Such a column's field is for example `student.upn`: a part of the person whose id would be `student_id`. The class of a
pupil is the column `class`, which also keeps the rows of a class together.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache

from writeback.batches.columns import CLASS, Column, column_map, columns_of
from writeback.domain.data_subject import ALL_ID_FIELDS

STUDENT, EMPLOYEE = "student", "employee"
NAME, SURNAME_FIRST = "name", "surname_forename"
"""Parts that are a whole name in one cell, the forename first unless there is a comma; and the surname first."""
WHOLE_NAMES = (NAME, SURNAME_FIRST)
_PARTS_OF_STUDENTS: Sequence[str] = ("upn", "admission_number", "surname", "forename", *WHOLE_NAMES, "date_of_birth")
_PARTS_OF_STAFF: Sequence[str] = ("code", "email", "surname", "forename", *WHOLE_NAMES)
BY_THEMSELVES = frozenset({"upn", "admission_number", "code", "email"})
"""Parts that lead to a person alone."""
_TYPES = {"surname": "name", "forename": "name", NAME: "name", SURNAME_FIRST: "name", "date_of_birth": "date"}
_ID = "_id"
_TITLE = re.compile(r"(?:mr|mrs|ms|miss|mx|dr|prof|professor|sir|dame|rev|revd|fr)\b\.? *", re.IGNORECASE)


@cache
def people_of(kind: str) -> Mapping[str, Column]:
    """Return whom a row of this kind names, by the word that stands before their parts, with the column of their id."""
    return {column.name.removesuffix(_ID): column for column in columns_of(kind) if column.name in ALL_ID_FIELDS}


@cache
def person_columns(kind: str) -> Mapping[str, Column]:
    """Return the columns that name people in place of an id, by their fields."""
    found = {}
    for who, of_id in people_of(kind).items():
        for part in _PARTS_OF_STUDENTS if who == STUDENT else _PARTS_OF_STAFF:
            name = f"{who}.{part}"
            found[name] = Column(name, _TYPES.get(part, "string"), False, (), of_id.of_pupil)
    return found


@cache
def read_columns(kind: str) -> Mapping[str, Column]:
    """Return all columns of which something is read, by their fields."""
    return {**column_map(kind), **person_columns(kind)}


def reference_of(parts: Mapping[str, str], class_name: str) -> dict[str, str]:
    """Return what is looked for, by the names of a reference to a person: all that the row says.

    `parts` and `class_name` are what its cells say. A name beside a number is looked at as well: a column that was
    sorted by itself names two people in one row.
    """
    found = {part: value for part, value in parts.items() if part not in WHOLE_NAMES}
    if not found.get("surname"):
        for part in WHOLE_NAMES:
            if part in parts:
                found |= split_name(parts[part], surname_first=part == SURNAME_FIRST)
    return {**found, CLASS: class_name} if found.get("surname") and class_name else found


def split_name(name: str, *, surname_first: bool = False) -> dict[str, str]:
    """Return surname and forename of a whole name; where nothing parts them, of several words the outer one is alone.

    “Example, Pat”; “Mr Pat Example”; where the surname is first, “Example Pat”.
    """
    plain = _TITLE.sub("", name.strip(), count=1) if _TITLE.match(name.strip()) else name.strip()
    if "," in plain:
        surname, _, forename = plain.partition(",")
        forename = _TITLE.sub("", forename.strip(), count=1) if _TITLE.match(forename.strip()) else forename
    elif surname_first:
        surname, _, forename = plain.partition(" ")
    else:
        forename, _, surname = plain.rpartition(" ")
    parts = {"surname": surname.strip(), "forename": forename.strip()}
    return {part: value for part, value in parts.items() if value}


def can_be_found(who: str, fields: set[str]) -> bool:
    """Whether columns of these fields can lead to the person: a pupil's name does not alone."""
    parts = {field.partition(".")[2] for field in fields if field.startswith(f"{who}.")}
    if parts & set(BY_THEMSELVES):
        return True
    has_name = bool(parts.intersection(WHOLE_NAMES)) or {"surname", "forename"} <= parts
    return has_name and (who != STUDENT or "date_of_birth" in parts or CLASS in fields)
