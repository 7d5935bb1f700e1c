"""A data subject: one pupil or member of staff of a school, how they are recognised in what is kept, and taken out.

Pure. `flow/data_subjects/` goes through the tables with it. Cached lists keep no names, so a person is known by the
provider's id, and by such names as whoever asks gives.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from writeback.domain.lookups import ListName

ERASED = "[erased]"
"""Stands where somebody was: an id, a comment, the word of a provider."""
SOMEBODY_ELSE = "[another person]"
"""Stands in an export where there is another pupil."""
_SHORTEST_IN_TEXT = 4
"""A shorter number stands in comments for a year, a room or a period as well: it is looked for where ids belong."""
_WORD = re.compile(r"\w+")
_FREE_TEXT = frozenset({"comment", "statutory_comment", "non_attendance_reason", "description", "file_name", "ref"})
_RAW_BODY = "body"


class Role(StrEnum):
    """What somebody is at the school."""

    STUDENT = "student"
    EMPLOYEE = "employee"


ID_FIELDS: Mapping[Role, frozenset[str]] = {
    Role.STUDENT: frozenset({"student_id", "remove_students"}),
    Role.EMPLOYEE: frozenset(
        {"employee_id", "supervisor_id", "recorded_by_id", "authorised_by_id", "staff_ids", "remove_staff"}
    ),
}
"""Fields of records that hold ids of such persons; every such field of a kind is here: a test looks."""
ALL_ID_FIELDS = frozenset().union(*ID_FIELDS.values())
LIST_OF: Mapping[Role, ListName] = {Role.STUDENT: ListName.STUDENTS, Role.EMPLOYEE: ListName.EMPLOYEES}
"""The cached list that has them."""
_THINGS = {
    "achievement": "achievement_id",
    "behaviour": "behaviour_id",
    "detention": "detention_id",
    "student_absence": "absence_id",
    "employee_absence": "absence_id",
}
"""How a later record names what one of a kind has made in the MIS."""
_KEPT_OF_FINDING = ("code", "severity", "pointer", "record")


@dataclass(frozen=True)
class Person:
    """One person. `things` are ids of what is in the MIS about them alone, each with the field that names it."""

    school_id: str
    role: Role
    id: str
    names: tuple[str, ...] = ()
    names_everywhere: bool = True
    """Whether names count in what is about many schools, too."""
    things: set[tuple[str, str]] = field(default_factory=set, compare=False)

    @cached_property
    def _folded(self) -> str:
        return folded(self.id)

    @cached_property
    def _stored_forms(self) -> frozenset[str]:
        """The id as it may stand in JSON text."""
        escaped = (json.dumps(self._folded, ensure_ascii=ascii)[1:-1].casefold() for ascii in (True, False))
        return frozenset({self._folded, *escaped})

    @cached_property
    def _in_text(self) -> re.Pattern[str] | None:
        if self.id.isdigit() and len(self.id) < _SHORTEST_IN_TEXT:
            return None
        return re.compile(rf"(?<!\w){re.escape(self._folded)}(?!\w)")

    @cached_property
    def _names(self) -> Sequence[frozenset[str]]:
        return [words for name in self.names if (words := frozenset(_words(name)))]

    def has_id(self, value: Any) -> bool:
        """Whether a value that belongs where ids are is this person's."""
        return isinstance(value, str | int) and not isinstance(value, bool) and folded(str(value)) == self._folded

    def is_named_in(self, text: str) -> bool:
        """Whether a text has the id, by itself or as a word, or all words of one of the names in whatever order."""
        low = text.casefold()
        if self._folded in low:
            if any(part.strip() == self._folded for part in low.split("|")):  # slots
                return True
            if self._in_text is not None and self._in_text.search(low):
                return True
        return bool(self._names) and any(words <= set(_words(low)) for words in self._names)

    def may_be_in(self, text: str) -> bool:
        """Whether stored JSON has to be read to know: in a hundredth of the time, and never wrongly False."""
        low = text.casefold()
        if any(form in low for form in self._stored_forms) or any(
            mis_id.casefold() in low for _, mis_id in self.things
        ):
            return True
        return bool(self._names) and ("\\u" in low or any(all(word in low for word in name) for name in self._names))

    def is_in(self, value: Any) -> bool:
        """Whether JSON names them anywhere, keys included."""
        return any(self.has_id(one) if isinstance(one, int) else self.is_named_in(one) for one in _plain(value))

    def scrubbed(self, value: Any) -> Any:
        """Return JSON that we or a provider made, with each text that names them replaced."""
        match value:
            case str():
                return ERASED if self.is_named_in(value) else value
            case bool() | None | float():
                return value
            case int():
                return None if len(str(value)) >= _SHORTEST_IN_TEXT and self.has_id(value) else value
            case list() | tuple():
                return [self.scrubbed(one) for one in value]
            case Mapping():
                return {
                    (ERASED if isinstance(key, str) and self.is_named_in(key) else key): self.scrubbed(one)
                    for key, one in value.items()
                }
        return value

    def is_about(self, kind: str, record: Mapping[str, Any]) -> bool:
        """Whether a record is about this person and nobody else, so that all of it goes."""
        if _RAW_BODY in record and kind == "xporter.raw":
            return self.is_in(record[_RAW_BODY])
        is_of_thing = any(record.get(name) == mis_id for name, mis_id in self.things)
        if self.role is Role.EMPLOYEE:
            return kind.startswith("employee_absence.") and (is_of_thing or self.has_id(record.get("employee_id")))
        pupils = [record["student_id"]] if "student_id" in record else []
        pupils += [one["student_id"] for one in record.get("students") or ()]
        pupils += record.get("remove_students") or ()
        if not all(self.has_id(one) or one == ERASED for one in pupils):
            return False
        return is_of_thing or any(map(self.has_id, pupils))

    def without(self, kind: str, record: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """Return the record without the person; None where nothing of it is left."""
        if record is None or self.is_about(kind, record):
            return None
        return dict(self._taken_out(record))

    def only(self, kind: str, record: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """Return what the record says of the person, other pupils withheld; None where it does not name them.

        Texts of a record that they are no pupil of are about others: only those that name them are shown.
        """
        if record is None or self.without(kind, record) == record:
            return None
        if self.is_about(kind, record):
            return dict(record)
        pupils = [*(record.get("students") or ()), *(record.get("remove_students") or ())]
        return dict(self._shown(record, has_part=any(map(self._is_pupil, pupils))))

    def _shown(self, record: Mapping[str, Any], *, has_part: bool) -> Iterator[tuple[str, Any]]:
        for name, value in record.items():
            if name in ("students", "remove_students"):
                yield name, [one if self._is_pupil(one) else SOMEBODY_ELSE for one in value]
            elif name == "student_id":
                yield name, SOMEBODY_ELSE
            elif name not in _FREE_TEXT or has_part or self.is_named_in(str(value)):
                yield name, value

    def cell_without(self, name: str | None, cell: str) -> str:
        """Return a cell of a file whose column is the field `name` of a record; None: a column that is not sent."""
        if name is None:
            return ERASED if self.is_named_in(cell) else cell
        return str(dict(self._taken_out({name: cell}))[name])

    def finding_without(self, finding: Mapping[str, Any], *, is_about: bool) -> dict[str, Any]:
        """Return a finding: its code and place, and its words where they are about somebody else."""
        if not is_about and not self.is_in([finding.get(one) for one in ("message", "hint", "provider_message")]):
            return dict(finding)
        kept = {name: finding[name] for name in _KEPT_OF_FINDING if name in finding}
        return {**kept, "message": ERASED, "hint": "", "provider_message": None, "provider_answered": False}

    def things_of(self, kind: str, mis_ids: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Yield how later records name what a record about this person alone has made."""
        thing, _, action = kind.partition(".")
        if action == "create" and thing in _THINGS:
            yield from ((_THINGS[thing], str(mis_id)) for mis_id in mis_ids)

    def _is_pupil(self, entry: Any) -> bool:
        return self.role is Role.STUDENT and self.has_id(entry["student_id"] if isinstance(entry, Mapping) else entry)

    def _taken_out(self, record: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        ids = ID_FIELDS[self.role]
        for name, value in record.items():
            if name in ids:
                yield (
                    name,
                    [ERASED if self.has_id(one) else one for one in value]
                    if isinstance(value, list)
                    else (ERASED if self.has_id(value) else value),
                )
            elif name in _FREE_TEXT and isinstance(value, str):
                yield name, ERASED if self.is_named_in(value) else value
            elif isinstance(value, list) and all(isinstance(one, Mapping) for one in value):
                yield name, [self._part(one) for one in value]
            else:
                yield name, value

    def _part(self, part: Mapping[str, Any]) -> dict[str, Any]:
        """Return a pupil's entry, a member of staff's or a file's; of this pupil's what the shape needs is left."""
        if self.role is Role.STUDENT and self.has_id(part.get("student_id")):
            return {"student_id": ERASED, **({"points": part["points"]} if "points" in part else {})}
        return dict(self._taken_out(part))


def has_gap(value: Any) -> bool:
    """Whether something was taken out of JSON because it named somebody."""
    return any(one == ERASED for one in _plain(value))


def folded(person_id: str) -> str:
    """Return an id as ids are compared, and hashed."""
    return person_id.strip().casefold()


def ids_in(value: Any) -> Iterator[str]:
    """Yield the ids of persons in JSON: of records by their fields."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            if name in ALL_ID_FIELDS:
                yield from (str(each) for each in (one if isinstance(one, list) else [one]) if each is not None)
            else:
                yield from ids_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from ids_in(one)


def read_json(text: str) -> Any:
    """Return what a stored text says; the text itself where it is no JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _plain(value: Any) -> Iterator[str | int]:
    """Yield every text and whole number in JSON."""
    match value:
        case bool() | None | float():
            return
        case str() | int():
            yield value
        case Mapping():
            for key, one in value.items():
                yield str(key)
                yield from _plain(one)
        case list() | tuple():
            for one in value:
                yield from _plain(one)
