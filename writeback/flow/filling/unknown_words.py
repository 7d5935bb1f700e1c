"""What was sent in the place of a code and refused, counted by word: so that a school sees for which it needs words."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from validators.references import coded_name, reference_of
from writeback.core import outage_logs
from writeback.domain.finding import Finding
from writeback.domain.kinds import Kind, Record
from writeback.flow.engine.context import FlowContext
from writeback.store.schools import words
from writeback.store.schools.words import Unknown


def unknown_in(
    kind: Kind, records: Sequence[Record], findings: Iterable[Finding], positions: Sequence[int] | None = None
) -> Mapping[Unknown, int]:
    """Return what the records say that is no code of the school's, and how often, as validation has found."""
    by_place = dict(zip(positions, records, strict=True)) if positions is not None else dict(enumerate(records))
    times: Counter[Unknown] = Counter()
    for one in findings:
        if one.is_error and one.record in by_place and (found := _unknown(kind, by_place[one.record], one)):
            times[found] += 1
    return times


def _unknown(kind: Kind, record: Record, finding: Finding) -> Unknown | None:
    """Return the value that a finding is about; None where it is about something else."""
    steps = finding.pointer.split("/")[3:]
    reference = reference_of(kind.name, ".".join(step for step in steps if not step.isdigit()))
    if reference is None or not reference.is_coded or reference.finding != finding.code:
        return None
    value: Any = record
    for step in steps:
        value = value[int(step)] if step.isdigit() else getattr(value, step)
    return Unknown(coded_name(reference), str(value))


async def note_unknown(flow: FlowContext, school_id: str, app_id: str, times: Mapping[Unknown, int]) -> None:
    """Count what was refused. Whoever sent it is told why all the same, should that fail."""
    if not times:
        return
    try:
        await flow.db.transact(
            partial(words.note_unknown, school_id=school_id, app_id=app_id, times=times, now=flow.clock.now())
        )
    except Exception as error:
        outage_logs.warning("unknown_words_not_counted", error, school=school_id)
