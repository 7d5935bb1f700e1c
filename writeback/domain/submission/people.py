"""People in a record as the school knows them: `student: {"upn": …}` in the place of `student_id`. Acceptance and
batches read them here, before the record itself is read, and put the ids that were found in their place.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints, ValidationError, create_model
from pydantic_core import to_json

from writeback.domain.directory import PersonReference
from writeback.domain.finding import Finding
from writeback.domain.kinds import Kind
from writeback.domain.kinds.base import NO_CONTROLS, Part
from writeback.domain.lookups import ListName
from writeback.domain.submission.fields import Path, in_words, parts_of
from writeback.domain.submission.shape_findings import findings_from, pointer_to

Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=NO_CONTROLS)]


class Pupil(Part):
    """A pupil as the school knows them: by UPN or admission number, or by name and a day of birth or a class."""

    upn: Word | None = None
    """The unique pupil number."""
    admission_number: Word | None = None
    """Zeros in front may be missing."""
    surname: Word | None = None
    forename: Word | None = None
    date_of_birth: date | None = None
    class_name: Annotated[Word | None, Field(alias="class")] = None
    """The registration group, or a class."""

    @property
    def reference(self) -> PersonReference:
        return PersonReference(**{field: value for field, value in self if value is not None})


class StaffMember(Part):
    """A member of staff as the school knows them: by code or e-mail, or by a name that nobody else has."""

    code: Word | None = None
    """The initials on a timetable."""
    email: Word | None = None
    surname: Word | None = None
    forename: Word | None = None

    @property
    def reference(self) -> PersonReference:
        return PersonReference(**{field: value for field, value in self if value is not None})


@dataclass(frozen=True, slots=True)
class _Named:
    list: ListName
    model: type[Pupil] | type[StaffMember]


_NAMED: Mapping[str, _Named] = {
    "student": _Named(ListName.STUDENTS, Pupil),
    "employee": _Named(ListName.EMPLOYEES, StaffMember),
    "supervisor": _Named(ListName.EMPLOYEES, StaffMember),
    "recorded_by": _Named(ListName.EMPLOYEES, StaffMember),
    "authorised_by": _Named(ListName.EMPLOYEES, StaffMember),
}
"""What may stand in the place of the field of the same name with `_id`."""
SAID_TWICE = (
    "{field} names somebody, and so does {field}_id",
    "Send one of the two: the provider's id, or what the school knows the person by.",
)
"""Message and hint of the finding about that."""
_QUOTED = tuple(f'"{name}"'.encode() for name in _NAMED)


@dataclass(frozen=True, slots=True)
class Mention:
    """One person who is named in a record: where, and how."""

    path: Path
    """Within the record, e.g. `("students", 2, "student")`."""
    list: ListName
    reference: PersonReference

    @property
    def field(self) -> str:
        """The place in words: `students[2].student`."""
        return in_words(self.path)

    def pointer(self, record: int | None) -> str:
        """The place as a JSON Pointer into the submission."""
        return pointer_to(record, self.path)


def may_name_people(body: bytes) -> bool:
    """Whether a body may name people as the school knows them: five searches, 6 µs for a register of 30 marks."""
    return any(name in body for name in _QUOTED)


@cache
def named_fields(model: type[BaseModel]) -> Mapping[str, type[Pupil] | type[StaffMember]]:
    """Return the fields of an object that may name somebody, with the model of what they take."""
    return {name: one.model for name, one in _NAMED.items() if f"{name}_id" in model.model_fields}


def names_people(kind: Kind, content: Any) -> bool:
    """Whether a record's content names anybody."""
    return any(name in holder for _, holder, model in _holders(kind, content) for name in named_fields(model))


def mentions_in(kind: Kind, content: Any, record: int | None = None) -> tuple[Sequence[Mention], Sequence[Finding]]:
    """Return whom a record's content names, as it came as JSON, and what is wrong with how it does.

    `record`: its place in its submission, for the findings.
    """
    mentions, findings = list[Mention](), list[Finding]()
    for path, holder, model in _holders(kind, content):
        for name in named_fields(model):
            if name not in holder:
                continue
            place = (*path, name)
            if holder.get(f"{name}_id") is not None:
                findings.append(_said_twice(place, record))
                continue
            reference, said = _read(name, holder[name], path, record)
            findings += said
            if reference is not None:
                mentions.append(Mention(place, _NAMED[name].list, reference))
    return mentions, findings


def with_ids(content: Mapping[str, Any], ids: Mapping[Path, str]) -> dict[str, Any]:
    """Return a record's content with ids in the place of those whom it names at these paths."""
    changed = dict(content)
    for path, person_id in ids.items():
        match path:
            case (str(field), int(place), str(name)):
                parts = list(changed[field])
                parts[place] = _with_id(parts[place], name, person_id)
                changed[field] = parts
            case _:
                changed = _with_id(changed, str(path[0]), person_id)
    return changed


def _with_id(holder: Mapping[str, Any], name: str, person_id: str) -> dict[str, Any]:
    return {**{key: value for key, value in holder.items() if key != name}, f"{name}_id": person_id}


def _holders(kind: Kind, content: Any) -> Iterator[tuple[tuple[int | str, ...], Mapping[str, Any], type[BaseModel]]]:
    """Yield the record and the objects in its lists, with where each is and its model."""
    if not isinstance(content, dict):
        return
    yield (), content, kind.record
    for name, part in parts_of(kind.record).items():
        inner = content.get(name)
        for place, one in enumerate(inner if isinstance(inner, list) else ()):
            if isinstance(one, dict):
                yield (name, place), one, part


def _said_twice(place: Path, record: int | None) -> Finding:
    message, hint = SAID_TWICE
    return Finding(
        "person_said_twice",
        message.format(field=in_words(place)),
        hint,
        pointer=pointer_to(record, place),
        record=record,
    )


def _read(name: str, given: Any, outer: Path, record: int | None) -> tuple[PersonReference | None, Sequence[Finding]]:
    """Return what stands in a field of an object that is at `outer` in its record."""
    model = _holder_of(name)
    try:
        read = model.model_validate_json(to_json({name: given}), strict=True)
    except ValidationError as error:
        said = findings_from(error.errors(include_url=False), kind=name, model=model)
        start = pointer_to(record, outer)
        return None, [replace(one, pointer=start + one.pointer, record=record) for one in said]
    person: Pupil | StaffMember = getattr(read, name)
    return person.reference, ()


@cache
def _holder_of(name: str) -> type[Part]:
    """Return the model of an object with that field alone, so that what is wrong is said with the field's name."""
    field: Any = (_NAMED[name].model, ...)
    return create_model(f"Holder_{name}", __base__=Part, **{name: field})


def describe_people(of_list: dict[str, Any], resolve: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Add to the JSON schema of a list of objects what may name somebody in the place of an id, at all depths.

    The models themselves have ids alone: names are gone before a record is read. `resolve` follows a reference.
    """
    if "items" not in of_list:
        return
    shape = resolve(of_list["items"])
    properties, needed = shape.get("properties", {}), shape.get("required", [])
    for inner in list(properties.values()):
        for form in (inner, *inner.get("anyOf", ())):
            describe_people(form, resolve)
    for name, one in _NAMED.items():
        if f"{name}_id" not in properties or name in properties:
            continue
        said = one.model.model_json_schema()
        properties[name] = {**said, "description": f"In the place of `{name}_id`: {said['description']}"}
        if f"{name}_id" in needed:
            needed.remove(f"{name}_id")
            shape.setdefault("allOf", []).append({"anyOf": [{"required": [f"{name}_id"]}, {"required": [name]}]})
    if not needed:
        shape.pop("required", None)
