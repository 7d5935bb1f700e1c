"""Instants without an offset (`observed_at`) are the school's own clock: here they become instants. Pure.

Called by `fill_in`, and by corrections for what a person has edited.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from writeback.domain.kinds import Record, field_of
from writeback.domain.school import School

R = TypeVar("R", Record, Record | None)


def on_the_schools_clock(records: Sequence[R], school: School) -> Sequence[R]:
    """Return the records with each `observed_at` as an instant in UTC."""
    local = {place: seen for place, record in enumerate(records) if (seen := _local_time_of(record)) is not None}
    if not local:
        return records
    zoned: list[Any] = list(records)
    for place, seen in local.items():
        at = seen.replace(tzinfo=school.zone).astimezone(UTC)
        zoned[place] = zoned[place].model_copy(update={"observed_at": at})
    return zoned


def _local_time_of(record: Record | None) -> datetime | None:
    seen: datetime | None = None if record is None else field_of(record, "observed_at")
    return seen if seen is not None and seen.tzinfo is None else None
