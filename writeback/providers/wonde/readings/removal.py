"""Looks whether what was to be removed is gone: its own GET then answers 404."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from writeback.domain.kinds import Record
from writeback.domain.lookups import LookupView, Row
from writeback.domain.outcome import SlotReadBack
from writeback.providers.wonde.fields import id_of
from writeback.providers.wonde.operations import OPERATIONS, Operation
from writeback.providers.wonde.readings.reader import Question, Reader, Scene, SlotReadBacks


def _questions(records: Sequence[Record], lookups: LookupView, *, operation: Operation) -> Iterator[Question]:
    return (Question(operation.path_for(record), is_one=True) for record in records)


def _read(records: Sequence[Record], rows: Sequence[Row], scene: Scene, *, operation: Operation) -> SlotReadBacks:
    there = {id_of(row.get("id")) for row in rows}
    readings: SlotReadBacks = {}
    for position, record in enumerate(records):
        is_there = getattr(record, operation.target or "") in there
        readings[position] = SlotReadBack(f"the {operation.noun}" if is_there else None, not is_there)
    return readings


_KINDS = ("achievement.delete", "behaviour.delete", "detention.delete", "employee_absence.delete")

READERS: Mapping[str, Reader] = {
    kind: Reader(
        partial(_questions, operation=OPERATIONS[kind]),
        partial(_read, operation=OPERATIONS[kind]),
    )
    for kind in _KINDS
}
