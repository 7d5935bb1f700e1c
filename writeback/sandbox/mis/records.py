"""What the records of all families have in common: how a change of them ends. Marks have ways of their own (`mis`)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple, Protocol, TypeVar

CREATED, UPDATED, DELETED = "created", "updated", "deleted"


@dataclass(frozen=True, slots=True)
class Effect:
    """One record that was created, updated or deleted.

    `index` is the place, in the request, of what asked for it; several may share one where the MIS splits a record.
    """

    index: int
    effect: str
    family: str
    id: str
    mis_id: str
    content: str
    """A digest of what the record says then: two that were created with the same one are a duplicate."""
    says: Mapping[str, Any]
    """What the control plane shows of it then."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The MIS writes nothing of a request; `message` says why."""

    message: str


@dataclass(frozen=True, slots=True)
class Applied:
    """All of a request is in the MIS."""

    marks_set: int
    effects: Sequence[Effect]


class Subject(NamedTuple):
    """What a change is about, so that a refusal ordered by the control plane can meet it."""

    family: str
    people: frozenset[str] = frozenset()
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Deletion:
    """Something that was there and is gone."""

    type: str
    id: str
    mis_id: str
    at: datetime


@dataclass(slots=True)
class Refusal:
    """A reason to refuse, set by the control plane; None matches everything. `times` None: until removed.

    `kind` is session, lesson, achievement, behaviour, detention, student_absence or employee_absence; `student_id` a
    pupil of it, or the absent member of staff; `code` the mark's, or that of the record's type.
    """

    message: str
    student_id: str | None = None
    code: str | None = None
    times: int | None = 1
    kind: str | None = None

    def meets(self, subject: Subject) -> bool:
        return (
            self.kind in (None, subject.family)
            and (self.student_id is None or self.student_id in subject.people)
            and self.code in (None, subject.code)
        )


class Shown(Protocol):
    """A record that the control plane can show."""

    id: str
    mis_id: str

    def as_json(self) -> dict[str, Any]: ...


_NOT_SAID = frozenset({"id", "mis_id", "recorded_on", "source", "created_at", "updated_at"})
T = TypeVar("T")


def effect_on(record: Shown, family: str, index: int, effect: str) -> Effect:
    """Return what the ledger keeps of a record."""
    says = record.as_json()
    digest = sha256(json.dumps(_said(says), sort_keys=True).encode()).hexdigest()[:16]
    return Effect(index, effect, family, record.id, record.mis_id, digest, says)


def _said(value: Any) -> Any:
    """Return what a record says, without what the MIS adds to it and to its parts."""
    if isinstance(value, dict):
        return {name: _said(part) for name, part in value.items() if name not in _NOT_SAID}
    return [_said(part) for part in value] if isinstance(value, list) else value


def merged(old: T, new: T) -> T:
    """Return a frozen dataclass with what `new` says, and `old` where that says None."""
    said = {f.name: getattr(new, f.name) for f in fields(new)}  # type: ignore[arg-type]
    return replace(old, **{name: value for name, value in said.items() if value is not None})  # type: ignore[type-var]
