"""The kinds of writeback, one file for each thing that they are about; `KINDS` is the register of them all."""

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

from pydantic import ConfigDict, TypeAdapter

from writeback.domain.kinds import (
    achievement,
    attendance_lesson,
    attendance_session,
    behaviour,
    detention,
    detention_attendance,
    employee_absence,
    student_absence,
    xporter_raw,
)
from writeback.domain.kinds.base import Action, Family, Kind, Record, field_of

_MODULES = (
    attendance_session,
    attendance_lesson,
    achievement,
    behaviour,
    detention,
    detention_attendance,
    student_absence,
    employee_absence,
    xporter_raw,
)
KINDS: dict[str, Kind] = {kind.name: kind for module in _MODULES for kind in module.KINDS}


def kinds_named(names: Collection[str]) -> frozenset[str]:
    """Return the kinds that are called so, or whose family is."""
    return frozenset(kind.name for kind in KINDS.values() if kind.name in names or kind.family in names)


@cache
def _stored(kind: str) -> TypeAdapter[Any]:
    record: Any = KINDS[kind].record
    return TypeAdapter(list[record | None], config=ConfigDict(hide_input_in_errors=True))


def parse_records(kind: str, text: str) -> Sequence[Record | None]:
    """Return the records of a stored writeback; None where one could not be read when it was submitted."""
    records: Sequence[Record | None] = _stored(kind).validate_json(text)
    return records


def dump_records(kind: str, records: Sequence[Record | None]) -> str:
    """Return the text that `parse_records` takes."""
    return _stored(kind).dump_json(records, exclude_none=True).decode()


__all__ = ["KINDS", "Action", "Family", "Kind", "Record", "dump_records", "field_of", "kinds_named", "parse_records"]
