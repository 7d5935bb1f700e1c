"""What the MIS holds for marks that were sent. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from writeback.domain.kinds import Record
from writeback.domain.kinds.attendance_session import SessionMark
from writeback.domain.lookups import LookupView
from writeback.domain.outcome import SlotReadBack


def read(records: Sequence[Record], rows: Iterable[Mapping[str, Any]], lookups: LookupView) -> dict[int, SlotReadBack]:
    """Return what each mark's slot holds, by position."""
    held = {(row["pupil"], row["day"], row["half"]): row["code"] for row in rows}
    readings = {}
    for place, mark in enumerate(records):
        assert isinstance(mark, SessionMark)
        code = held.get((mark.student_id, mark.date.isoformat(), mark.session))
        row = lookups.attendance_codes.resolve(mark.code) if lookups.attendance_codes else None
        readings[place] = SlotReadBack(code, matches=row is not None and code == row["code"])
    return readings
