"""What is checked of every record but marks: what the rule says of its fields, whom and what they name, repetitions.

Each family's module adds what is its own in `check_record`.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date as Date
from typing import Any

from validators.check import Check
from validators.features import WatchedField
from validators.field_places import Place, given, is_nothing, places
from validators.references import REFERENCES, Reference
from validators.suggestions import Suggestions
from validators.text import first_emoji, length_of
from writeback.domain.finding import Finding
from writeback.domain.kinds import Action
from writeback.domain.lookups import ListName, Lookup, is_active
from writeback.domain.submission.shape_findings import show

_SLOT_WORDS = {"detention_attendance.set": "pupil and detention"}
_GROUPS = (
    ("student_twice", "student_id", ("students.student_id", "remove_students")),
    ("staff_twice", "employee_id", ("staff.employee_id", "staff_ids", "remove_staff")),
)
"""What is said of somebody who is named twice, and the fields that name them."""
_REQUIRED_CODES = {"status": "status_required"}


class RecordCheck(Check):
    """Checks records of one kind, in order."""

    def __init__(self, *against: Any) -> None:
        super().__init__(*against)
        self.looked_in: set[ListName] = set()
        self.suggestions = Suggestions()

    def used_lists(self) -> Iterable[ListName]:
        return (name for name in ListName if name in self.looked_in)

    def run(self, records: Sequence[Any]) -> list[Finding]:
        for index, record in enumerate(records):
            self._check_fields(index, record)
            self._check_references(index, record)
            self._check_signs(index, record)
            self._check_repetitions(index, record)
            self._check_for_change(index, record)
            self.check_record(index, record)
        self._check_duplicates(records)
        return self.sorted_findings()

    def check_rest(self, index: int, rest: Any) -> None:
        self._check_references(index, rest)

    def check_record(self, index: int, record: Any) -> None:
        """Check what is this family's own."""

    def is_carried(self, field: str) -> bool:
        """Whether the provider has a place for a field: of one that is not sent nothing else is said."""
        whole = field.partition(".")[0]
        return not {field, whole} & (self.rule.ignored | self.rule.forbidden)

    def check_day(self, index: int, record: Any, field: str, **rules: Any) -> None:
        """Say what is to be said of the day in a field (dates and instants)."""
        for place in places(record, field):
            if not isinstance(place.value, Date) or not self.is_carried(field):
                continue
            day = Date(place.value.year, place.value.month, place.value.day)
            for code, values in self.calendar.about(day, **rules):
                self.report(code, index, place.path, values)

    def _check_fields(self, index: int, record: Any) -> None:
        """Check what the rule says of fields: required, forbidden, without a place, too long, with an emoji."""
        own = record.__class__.model_fields
        for watched in self.rule.watched_fields:
            whole, dot, _ = watched.name.partition(".")
            if whole not in own or (dot and not self.is_carried(whole)):
                continue
            for place in places(record, watched.name):
                self._check_field(index, watched, place)

    def _check_field(self, index: int, watched: WatchedField, place: Place) -> None:
        name = watched.name
        if is_nothing(place.value):
            if watched.is_required:
                self.report(_REQUIRED_CODES.get(name, "field_required"), index, place.path, {})
            return
        if watched.is_forbidden:
            code = "deletion_not_supported" if name.startswith("remove_") else "field_forbidden"
            self.report(code, index, place.path, {})
        elif watched.is_ignored:
            self.report("field_not_carried", index, place.path, {})
        if not isinstance(place.value, str):
            return
        if watched.limit is not None and (length := length_of(place.value)) > watched.limit:
            self.report("comment_too_long", index, place.path, {"length": length, "limit": watched.limit})
        if watched.is_without_emoji and (emoji := first_emoji(place.value)):
            self.report("comment_emoji", index, place.path, {"emoji": emoji})

    def _check_references(self, index: int, record: Any) -> None:
        """Look up whom and what the record names."""
        for reference in REFERENCES[self.kind.name]:
            if reference.list is ListName.LESSONS or not self.is_carried(reference.field):
                continue
            for place in given(record, reference.field):
                self.looked_in.add(reference.list)
                lookup = self.lookups.get(reference.list)
                if lookup is not None and not self._has_sign(place.value):
                    self._look_up(index, reference, lookup, place)

    def _look_up(self, index: int, reference: Reference, lookup: Lookup, place: Place) -> None:
        values = _named(place)
        if not reference.is_coded:
            if place.value not in lookup.rows:
                self.report(reference.finding, index, place.path, values, reference.list)
            return
        row = lookup.attribute(reference.type, place.value)
        if row is None and not self.suggestions.has_any(lookup, reference.type):
            self.report("attribute_unchecked", index, place.path, values)
        elif row is None or not is_active(row):
            code = reference.finding if row is None else "attribute_inactive"
            values["choices"] = self.suggestions.of(lookup, reference.type, place.value)
            self.report(code, index, place.path, values, reference.list)
        elif place.value.casefold() not in (str(row["id"]).casefold(), str(row.get("code")).casefold()):
            taken_as = show(str(row.get("code") or row["id"]))
            self.report("taken_by_description", index, place.path, {**values, "taken_as": taken_as})

    def _has_sign(self, value: Any) -> bool:
        return self.rule.signed_ids_remove and isinstance(value, str) and value.startswith("-")

    def _check_signs(self, index: int, record: Any) -> None:
        """Refuse ids with a minus sign where that would remove what they name."""
        if not self.rule.signed_ids_remove:
            return
        fields = [name for name in record.__class__.model_fields if name.endswith("_id") or name.startswith("remove_")]
        for name in (*fields, *(one.field for one in REFERENCES[self.kind.name] if one.field not in fields)):
            for place in given(record, name):
                if self._has_sign(place.value) and not self._is_code(name):
                    self.report("id_negative", index, place.path, _named(place))

    def _is_code(self, name: str) -> bool:
        return any(one.field == name and one.is_coded for one in REFERENCES[self.kind.name])

    def _check_repetitions(self, index: int, record: Any) -> None:
        """Refuse a record that names one pupil, or one member of staff, twice."""
        own = record.__class__.model_fields
        for code, key, fields in _GROUPS:
            seen: dict[str, Place] = {}
            for name in fields:
                for place in given(record, name) if name.partition(".")[0] in own else ():
                    before = seen.setdefault(place.value, place)
                    if before is place:
                        continue
                    is_same = before.path[0] == place.path[0]
                    shown = show(place.value)
                    self.report(
                        code if is_same else "added_and_removed", index, place.path, {key: shown, "value": shown}
                    )

    def _check_for_change(self, index: int, record: Any) -> None:
        if self.kind.action is not Action.UPDATE:
            return
        names = [name for name in record.__class__.model_fields if name != "ref"]
        target = next(
            name for name in names if name.endswith("_id") and record.__class__.model_fields[name].is_required()
        )
        if all(is_nothing(getattr(record, name)) for name in names if name != target):
            self.report("nothing_to_change", index, (), {"target": target})

    def _check_duplicates(self, records: Sequence[Any]) -> None:
        if len(records) == 1 or self.kind.action is Action.RAW:
            return
        code = "duplicate_slot" if self.kind.action is Action.SET else "duplicate_record"
        slot = _SLOT_WORDS.get(self.kind.name, "thing")
        seen: dict[str, int] = {}
        for index, key in enumerate(self._keys(records)):
            first = seen.setdefault(key, index)
            if first != index:
                self.report(code, index, (), {"first": self.position(first), "slot": slot})

    def _keys(self, records: Sequence[Any]) -> Iterator[str]:
        """Yield what makes a record the same as another: its slot if that is all it says, else all of it."""
        for record in records:
            if self.kind.action in (Action.SET, Action.DELETE):
                yield self.kind.slot(record) or ""
            else:
                yield record.model_dump_json(exclude={"ref"})


class RawCheck(RecordCheck):
    """Warns of every call that nobody here can judge; its body is never quoted."""

    def check_record(self, index: int, record: Any) -> None:
        self.report("raw_unchecked", index, (), {"operation": record.operation})


def _named(place: Place) -> dict[str, Any]:
    """Return what a text may say of a place: its value, and whom its object is about."""
    shown = show(place.value)
    about = {name: getattr(place.holder, name, shown) for name in ("student_id", "employee_id")}
    leaf = place.path[-1] if isinstance(place.path[-1], str) else place.path[-2]
    if leaf not in ("role", "outcome"):
        about = dict.fromkeys(about, shown)
    return {"value": shown, "choices": "", **about}
