"""What is kept of a provider's diary of a school: the days without pupils. Pure."""

from datetime import date

from writeback.domain.lookups import Row
from writeback.domain.school_settings.year import LONGEST_HOLIDAY, LONGEST_NAME, DayKind
from writeback.providers.texts import shorten


def closure(
    row_id: str | None, kind: DayKind | None, first: date | None, last: date | None, name: object
) -> Row | None:
    """Return a row of the list of closures; None for what closes no day, or cannot be read."""
    last = last or first
    if not row_id or kind is None or first is None or last is None or not first <= last <= first + LONGEST_HOLIDAY:
        return None
    words = shorten(name or "")[:LONGEST_NAME]
    return {"id": row_id, "kind": kind.value, "first": first.isoformat(), "last": last.isoformat(), "name": words}
