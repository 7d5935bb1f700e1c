"""The kinds of writeback, one file each; `KINDS` is the register of them all."""

from writeback.domain.kinds import attendance_lesson, attendance_session
from writeback.domain.kinds.base import Family, Kind, Record

KINDS: dict[str, Kind] = {module.KIND.name: module.KIND for module in (attendance_session, attendance_lesson)}

__all__ = ["KINDS", "Family", "Kind", "Record"]
