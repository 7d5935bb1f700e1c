"""What a record says in a school's new ids: people by their lasting number, codes by themselves. Pure.

What is not certain is not guessed: after a move the number that was one pupil may be another.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from pydantic_core import to_json

from validators.references import REFERENCES, Reference, reference_of
from writeback.domain.finding import Finding
from writeback.domain.kinds import Action, Kind, Record
from writeback.domain.lookups import ListName, LookupView, attribute_key
from writeback.domain.school_settings.defaults import SchoolDefaults
from writeback.flow.engine.former_ids import CODE

SEEN_WITHIN = timedelta(seconds=10)
"""After so long every process has seen that a list is new, and what it accepts was checked by it."""
_PEOPLE = (ListName.STUDENTS, ListName.EMPLOYEES)


@dataclass(frozen=True)
class NewIds:
    """A school's ids after they changed."""

    mis: str
    people: Mapping[ListName, Mapping[str, str]]
    """By list: the new ids of those who had others, where one person is known by a lasting number (UPN, e-mail)."""
    former_codes: Mapping[str, Mapping[str, str]]
    """By list: the codes of its former rows, by their keys."""
    lists: LookupView
    """The new ones."""
    keeps_ids: bool
    """Whether an id that is on the new lists is what it was: the provider's own ids never become another's."""
    is_move: bool
    """Whether all ids may be others; else only those that `people` names."""
    new_since: Mapping[ListName, datetime] = field(default_factory=dict)
    """After a move: from when on each list was the new one; those that are not in it, since the pupils' was."""
    accepted_at: datetime | None = None
    """When the record was accepted that is looked at; None: before there was any new list."""

    @property
    def has_former_pupils(self) -> bool:
        """Whether the record may have been checked by the former list of pupils."""
        return not self._is_since(ListName.STUDENTS, SEEN_WITHIN)

    def _is_since(self, name: ListName, late_by: timedelta = timedelta(0)) -> bool:
        """Whether the record was accepted when a list was new, for so long already."""
        since = self.new_since.get(name) or self.new_since.get(ListName.STUDENTS)
        return since is not None and self.accepted_at is not None and self.accepted_at >= since + late_by

    def of(self, reference: Reference, given: str) -> str | None:
        """Return what a field says now, None where that is not certain."""
        if not self.is_move:
            is_somebody = given in getattr(
                self.lists.get(reference.list), "rows", ()
            )  # who has the id that another had
            return given if is_somebody else self.people.get(reference.list, {}).get(given, given)
        if self._is_since(reference.list, SEEN_WITHIN):
            return given
        if self._is_since(reference.list):  # nobody knows by which of the two lists it was checked
            return replace(self, people={}, former_codes={}, new_since={}).of(reference, given)
        if reference.list in _PEOPLE:
            return self.people.get(reference.list, {}).get(given) or self._kept(reference.list, given)
        if reference.is_coded:
            return self._code(reference, given)
        return self._kept(reference.list, given)

    def _kept(self, name: ListName, given: str) -> str | None:
        lookup = self.lists.get(name)
        return given if self.keeps_ids and lookup is not None and given in lookup.rows else None

    def _code(self, reference: Reference, given: str) -> str | None:
        """Return a code that the new list has; one that it has not is for validation to refuse."""
        lookup, type_ = self.lists.get(reference.list), reference.type
        key = attribute_key(type_, given) if type_ else given
        code = self.former_codes.get(reference.list.value, {}).get(key, given)
        row = None if lookup is None else lookup.attribute(type_, code) if type_ else lookup.resolve(code)
        is_an_id = row is not None and row.get("id") == code and str(row.get("code")).casefold() != code.casefold()
        return code if not is_an_id or (self.keeps_ids and code == given) else None


def defaults_now(defaults: SchoolDefaults, new: NewIds) -> SchoolDefaults:
    """Return what of a school's defaults is certain, in the new ids."""
    now: dict[str, dict[str, str]] = {}
    for kind, fields in defaults.items():
        for name, value in fields.items():
            reference = reference_of(kind, name)
            becomes = value if reference is None else new.of(reference, value)
            if becomes is not None:
                now.setdefault(kind, {})[name] = becomes
    return now


def carried_over(kind: Kind, record: Record, index: int, new: NewIds) -> tuple[Record, list[str], list[Finding]]:
    """Return the record in the new ids, the fields that changed, and what cannot be told of it: then it stays."""
    content, changed, findings = record.model_dump(mode="json", exclude_none=True), list[str](), list[Finding]()

    def change(reference: Reference, given: str) -> str:
        becomes = new.of(reference, given)
        if becomes is None:
            findings.append(_not_known(reference.field, given, index, new.mis))
        elif becomes != given and reference.field not in changed:
            changed.append(reference.field)
        return given if becomes is None else becomes

    if (
        new.is_move
        and not new.keeps_ids
        and new.has_former_pupils
        and kind.action in (Action.UPDATE, Action.DELETE, Action.RAW)
    ):
        findings.append(_about_another(kind, index, new.mis))
    for reference in REFERENCES[kind.name]:
        _change_field(content, reference, change)
    if findings or not changed:
        return record, [], findings
    return kind.record.model_validate_json(to_json(content), strict=True), changed, []


def _change_field(content: dict[str, Any], reference: Reference, change: Callable[[Reference, str], str]) -> None:
    outer, _, name = reference.field.rpartition(".")
    for holder in content.get(outer, ()) if outer else (content,):
        given = holder.get(name)
        if isinstance(given, list):
            holder[name] = [change(reference, one) for one in given]
        elif isinstance(given, str):
            holder[name] = change(reference, given)


def _not_known(field: str, given: str, index: int, mis: str) -> Finding:
    return Finding(
        code=CODE,
        message=f"{field} is {given}, from before the school's ids changed: what it is in {mis} is not certain.",
        hint="Choose it again, and resubmit the record with the id that the school has now.",
        pointer=f"/records/{index}/{field.split('.')[0]}",
        record=index,
    )


def _about_another(kind: Kind, index: int, mis: str) -> Finding:
    return Finding(
        code=CODE,
        message=f"It changes or removes a {kind.noun} by an id from before the school's ids changed: what that is in "
        f"{mis} is not certain.",
        hint="Look in the MIS, and send it with the id that it has there now.",
        pointer=f"/records/{index}",
        record=index,
    )
